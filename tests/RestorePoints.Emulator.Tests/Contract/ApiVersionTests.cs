using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>
/// Every operation in every published api-version of either family. A served one answers a published status, and every body on its way has only
/// properties of that version; another gets the error that the version has.
/// </summary>
public sealed class ApiVersionTests(ApiVersionTests.SharedWorld shared, ITestOutputHelper output) : IClassFixture<ApiVersionTests.SharedWorld>
{
    /// <summary>Operations that are younger than their resource type.</summary>
    private static readonly Dictionary<string, string> FirstVersions = new()
    {
        ["DiskRestorePoint_GrantAccess"] = "2020-12-01",
        ["DiskRestorePoint_RevokeAccess"] = "2020-12-01",
        ["VirtualMachines_InstanceView"] = "2017-03-30",
        ["VirtualMachines_Update"] = "2017-12-01",
    };

    /// <summary>Older versions know no managed disks.</summary>
    private const string FirstVirtualMachineVersion = "2016-04-30-preview";

    /// <summary>The life of each resource in the order of the calls.</summary>
    private static readonly string[] Calls =
    [
        "Disks_CreateOrUpdate", "Disks_Update", "Disks_Get", "Disks_List", "Disks_ListByResourceGroup", "Disks_GrantAccess", "Disks_RevokeAccess", "Disks_Delete",
        "Snapshots_CreateOrUpdate", "Snapshots_Update", "Snapshots_Get", "Snapshots_List", "Snapshots_ListByResourceGroup", "Snapshots_GrantAccess", "Snapshots_RevokeAccess", "Snapshots_Delete",
        "VirtualMachines_CreateOrUpdate", "VirtualMachines_Update", "VirtualMachines_Get", "VirtualMachines_InstanceView", "VirtualMachines_List", "VirtualMachines_ListAll",
        "VirtualMachines_PowerOff", "VirtualMachines_Deallocate", "VirtualMachines_Start", "VirtualMachines_Delete",
        "RestorePointCollections_CreateOrUpdate", "RestorePointCollections_Update", "RestorePoints_Create", "RestorePoints_Get", "RestorePointCollections_Get", "RestorePointCollections_List",
        "RestorePointCollections_ListAll", "RestorePoints_Delete", "RestorePointCollections_Delete",
        "DiskRestorePoint_Get", "DiskRestorePoint_ListByRestorePoint", "DiskRestorePoint_GrantAccess", "DiskRestorePoint_RevokeAccess",
    ];

    public static TheoryData<string> Versions => [.. PublishedContract.AllVersions];

    [Fact]
    public void All_operations_are_called_in_all_versions()
    {
        output.WriteLine($"{Calls.Length} operations in {PublishedContract.AllVersions.Count} versions: {Calls.Length * PublishedContract.AllVersions.Count} calls");
        Calls.Order(StringComparer.Ordinal).ShouldBe(PublishedContract.Operations.Select(operation => operation.Id));
        Calls.Length.ShouldBe(39);
        PublishedContract.AllVersions.Count.ShouldBe(45);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_operation_answers_as_its_version_says(string version)
    {
        var faults = new List<string>();
        foreach (string call in Calls)
        {
            PublishedOperation operation = PublishedContract.Operation(call);
            ArmResponse answer = await shared.Arm.SendAsync(operation.Method, shared.PathOf(operation, version), shared.BodyOf(operation, version), apiVersion: version);
            if (ErrorOf(operation, version) is { } error)
            {
                if ((answer.Status, answer.ErrorCode) != (error.Status, error.Code) || !answer["error.message"]!.Contains(error.Text))
                    faults.Add($"{call}: {answer.Status} {answer.Text}, expected {error}");
            }
            else
            {
                faults.AddRange(await FaultsAsync(operation, answer, version));
            }
        }
        faults.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(null, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")]
    [InlineData("", "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")]
    [InlineData("latest", "InvalidApiVersionParameter", "latest")]
    [InlineData("2024-13-01", "InvalidApiVersionParameter", "2024-13-01")]
    [InlineData("2023-10-05", "NoRegisteredProviderFound", "API version '2023-10-05' for type '{type}'. The supported api-versions are '{versions}'.")]
    [InlineData("2014-04-01", "NoRegisteredProviderFound", "API version '2014-04-01' for type '{type}'. The supported api-versions are '{versions}'.")]
    public async Task A_version_that_no_type_has_is_refused_by_every_operation(string? version, string code, string text)
    {
        foreach (PublishedOperation operation in PublishedContract.Operations.Where(operation => ServedOperations.Contains(operation.Id)))
        {
            string path = shared.PathOf(operation, "x");
            ArmResponse answer = await shared.Arm.SendAsync(new HttpRequestMessage(operation.Method, version is null ? path : $"{path}?api-version={version}"));
            answer.Status.ShouldBe(400, $"{operation.Id}: {answer.Text}");
            answer.ErrorCode.ShouldBe(code, operation.Id);
            answer["error.message"]!.ShouldContain(text.Replace("{type}", operation.ResourceType).Replace("{versions}", string.Join(", ", PublishedContract.Versions[operation.ResourceType])));
        }
    }

    [Fact]
    public async Task A_version_newer_than_all_is_served_as_the_newest()
    {
        foreach (PublishedOperation operation in PublishedContract.Operations.Where(operation => operation.IsList && operation.ResourceType.Split('/').Length == 1 && ServedOperations.Contains(operation.Id)))
        {
            ArmResponse answer = await shared.Arm.SendAsync(operation.Method, shared.PathOf(operation, "x"), apiVersion: "2030-01-01");
            answer.Status.ShouldBe(200, answer.Text);
            PublishedContract.Types[operation.ResourceType].Strangers(answer.Node("value.0"), PublishedContract.Versions[operation.ResourceType][^1]).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task A_version_newer_than_all_is_refused_when_the_setting_says_so()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:UnknownApiVersion=Refuse");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        var arm = new RawArm(http, Guid.NewGuid());
        ArmResponse answer = await arm.SendAsync(HttpMethod.Get, $"{arm.Subscription}/providers/Microsoft.Compute/disks", apiVersion: "2030-01-01");
        answer.Status.ShouldBe(400);
        answer.ErrorCode.ShouldBe("NoRegisteredProviderFound");
        (await arm.GetAsync($"{arm.Subscription}/providers/Microsoft.Compute/disks")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task The_instance_view_of_a_restore_point_is_refused_before_its_version()
    {
        (await shared.Arm.SendAsync(HttpMethod.Get, shared.Point, null, "$expand=instanceView", "2021-11-01")).Expect(200).Node("properties.instanceView").ShouldNotBeNull();
        ArmResponse old = await shared.Arm.SendAsync(HttpMethod.Get, shared.Point, null, "$expand=instanceView", "2021-07-01");
        old.Status.ShouldBe(400);
        old["error.message"].ShouldBe("This request can be made with api-version '2021-11-01' or newer.");
    }

    [Fact]
    public async Task A_consistency_mode_is_refused_before_its_version()
    {
        string collection = $"{shared.Compute}/restorePointCollections/shared";
        ArmResponse old = await shared.Arm.SendAsync(HttpMethod.Put, $"{collection}/restorePoints/crash", """{"properties":{"consistencyMode":"CrashConsistent"}}""", apiVersion: "2021-11-01");
        old.Status.ShouldBe(400);
        old["error.message"].ShouldBe("This request can be made with api-version '2022-03-01' or newer.");
    }

    /// <summary>What an operation gets in a version in which it is not served; null: it is served.</summary>
    private static ExpectedError? ErrorOf(PublishedOperation operation, string version)
    {
        if (!ServedOperations.Contains(operation.Id))
            return new(404, "InvalidResourceType", $"The resource type '{operation.ResourceType}");
        IReadOnlyList<string> versions = PublishedContract.Versions[operation.ResourceType];
        if (!versions.Contains(version))
            return new(400, "NoRegisteredProviderFound", $"API version '{version}' for type '{operation.ResourceType}'. The supported api-versions are '{string.Join(", ", versions)}'.");
        string first = FirstVersions.GetValueOrDefault(operation.Id) ?? (operation.ResourceType == "virtualMachines" ? FirstVirtualMachineVersion : versions[0]);
        return string.CompareOrdinal(version, first) < 0 ? new(400, "BadRequest", $"This request can be made with api-version '{first}' or newer.") : null;
    }

    private async Task<IEnumerable<string>> FaultsAsync(PublishedOperation operation, ArmResponse answer, string version)
    {
        if (!operation.Statuses.Contains(answer.Status) || answer.Status == 204)
            return [$"{operation.Id}: {answer.Status} {answer.Text}"];
        PropertyTable published = PublishedContract.Types[operation.ResourceType.Split('/')[^1]];
        var strangers = new List<string>(StrangersIn(answer));
        if (answer.Header("Azure-AsyncOperation") is { } poll)
        {
            if (!poll.Contains($"api-version={version}"))
                return [$"{operation.Id}: is polled at {poll}"];
            ArmResponse final = await shared.Arm.FinishAsync(answer);
            if (final["status"] != "Succeeded")
                return [$"{operation.Id}: {final.Text}"];
            if (final.Node("properties.output") is { } result && operation.Method != HttpMethod.Post)
                strangers.AddRange(published.Strangers(result, version));
            if (operation.Method == HttpMethod.Put)
                strangers.AddRange(StrangersIn((await shared.Arm.SendAsync(HttpMethod.Get, shared.PathOf(operation, version), apiVersion: version)).Expect(200)));
        }
        return strangers.Distinct().Select(stranger => $"{operation.Id}: {stranger}");

        IEnumerable<string> StrangersIn(ArmResponse response) => !response.HasBody ? []
            : operation.IsList ? response.Node("value")!.AsArray().SelectMany(element => published.Strangers(element, version))
            : operation.Id == "VirtualMachines_InstanceView" ? published.Strangers(new JsonObject { ["properties"] = new JsonObject { ["instanceView"] = response.Json.DeepClone() } }, version)
            : published.Strangers(response.Json, version);
    }

    private sealed record ExpectedError(int Status, string Code, string Text);

    /// <summary>One subscription with a machine, a collection and a restore point, in which each version has resources named after it.</summary>
    public sealed class SharedWorld(EmulatorFixture fixture) : IAsyncLifetime
    {
        private readonly ContractWorld _world = new(fixture.NewSubscription());
        private string _diskPoint = "";

        public RawArm Arm => _world.Arm;

        public string Compute { get; private set; } = "";

        public string Point => $"{Compute}/restorePointCollections/shared/restorePoints/shared";

        public async ValueTask InitializeAsync()
        {
            Compute = $"{await _world.GroupAsync("versions")}/providers/Microsoft.Compute";
            _diskPoint = (await _world.DiskRestorePointAsync(Point)).Split('/')[^1];
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        internal string PathOf(PublishedOperation operation, string version) => operation.PathWith(new Dictionary<string, string>
        {
            ["subscriptionId"] = Arm.Subscription.Split('/')[^1],
            ["resourceGroupName"] = "versions",
            ["diskName"] = $"disk-{version}",
            ["snapshotName"] = $"snapshot-{version}",
            ["vmName"] = $"vm-{version}",
            ["restorePointCollectionName"] = operation.ResourceType.EndsWith("/diskRestorePoints", StringComparison.Ordinal) ? "shared" : $"collection-{version}",
            ["restorePointName"] = $"point-{version}",
            ["vmRestorePointName"] = "shared",
            ["diskRestorePointName"] = _diskPoint,
        });

        internal string? BodyOf(PublishedOperation operation, string version) => operation.Id switch
        {
            "Disks_CreateOrUpdate" => DiskBody(version),
            "Snapshots_CreateOrUpdate" => SnapshotBody(version),
            "VirtualMachines_CreateOrUpdate" => VmBody,
            "RestorePointCollections_CreateOrUpdate" => $$$"""{"location":"{{{World.Location}}}","properties":{"source":{"id":"{{{Compute}}}/virtualMachines/source-of-shared"}} }""",
            "RestorePoints_Create" => string.CompareOrdinal(version, "2022-03-01") < 0 ? "{}" : """{"properties":{"consistencyMode":"CrashConsistent"}}""",
            _ when operation.Method == HttpMethod.Patch => """{"tags":{"changed":"yes"}}""",
            _ when operation.Id.EndsWith("_GrantAccess", StringComparison.Ordinal) => """{"access":"Read","durationInSeconds":300}""",
            _ => null,
        };

        /// <summary>Everything that a disk can have: a version takes what it knows.</summary>
        private static string DiskBody(string version) =>
            $$$"""
            {"location":"{{{World.Location}}}","tags":{"version":"{{{version}}}"},"zones":["1"],"sku":{"name":"Premium_LRS"},"extendedLocation":{"name":"edge","type":"EdgeZone"},
             "properties":{"accountType":"Premium_LRS","osType":"Linux","hyperVGeneration":"V2","creationData":{"createOption":"Empty","performancePlus":false,"logicalSectorSize":512},"diskSizeGB":1,
              "purchasePlan":{"name":"n","publisher":"p","product":"q","promotionCode":"c"},"supportedCapabilities":{"acceleratedNetwork":true,"architecture":"Arm64","diskControllerTypes":"SCSI, NVMe","supportedSecurityOption":"TrustedLaunchSupported"},
              "encryption":{"type":"EncryptionAtRestWithCustomerKey","diskEncryptionSetId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/e"},
              "encryptionSettings":{"enabled":true,"diskEncryptionKey":{"sourceVault":{"id":"/v"},"secretUrl":"https://v/s"} },
              "encryptionSettingsCollection":{"enabled":true,"encryptionSettingsVersion":"1.1","encryptionSettings":[{"keyEncryptionKey":{"sourceVault":{"id":"/v"},"keyUrl":"https://v/k"} }]},
              "diskIOPSReadOnly":100,"diskMBpsReadOnly":10,"maxShares":1,"networkAccessPolicy":"AllowPrivate","diskAccessId":"/a","publicNetworkAccess":"Disabled","dataAccessAuthMode":"None",
              "tier":"P10","burstingEnabled":true,"supportsHibernation":true,"securityProfile":{"securityType":"TrustedLaunch","secureVMDiskEncryptionSetId":"/e"},
              "optimizedForFrequentAttach":true,"availabilityPolicy":{"actionOnDiskDelay":"AutomaticReattach"} } }
            """;

        /// <summary>Likewise. Only a version that knows <c>incremental</c> makes an incremental one.</summary>
        private string SnapshotBody(string version) =>
            $$$"""
            {"location":"{{{World.Location}}}","tags":{"version":"{{{version}}}"},"sku":{"name":"Standard_ZRS"},"extendedLocation":{"name":"edge","type":"EdgeZone"},
             "properties":{"accountType":"Standard_ZRS","osType":"Linux","hyperVGeneration":"V2","creationData":{"createOption":"Copy","sourceResourceId":"{{{Compute}}}/disks/disk123","performancePlus":false,"logicalSectorSize":512},
              "purchasePlan":{"name":"n","publisher":"p","product":"q","promotionCode":"c"},"supportedCapabilities":{"acceleratedNetwork":true,"architecture":"Arm64","diskControllerTypes":"SCSI, NVMe","supportedSecurityOption":"TrustedLaunchSupported"},
              "encryption":{"type":"EncryptionAtRestWithCustomerKey","diskEncryptionSetId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/e"},
              "encryptionSettings":{"enabled":true,"diskEncryptionKey":{"sourceVault":{"id":"/v"},"secretUrl":"https://v/s"} },
              "encryptionSettingsCollection":{"enabled":true,"encryptionSettingsVersion":"1.1","encryptionSettings":[{"keyEncryptionKey":{"sourceVault":{"id":"/v"},"keyUrl":"https://v/k"} }]},
              "incremental":true,"networkAccessPolicy":"AllowPrivate","diskAccessId":"/a","publicNetworkAccess":"Disabled","dataAccessAuthMode":"None",
              "supportsHibernation":true,"securityProfile":{"securityType":"TrustedLaunch","secureVMDiskEncryptionSetId":"/e"} } }
            """;

        /// <summary>A machine with profiles of many ages.</summary>
        private const string VmBody =
            $$$"""
            {"location":"{{{World.Location}}}","zones":["1"],"identity":{"type":"SystemAssigned"},"plan":{"name":"n","publisher":"p","product":"q"},"properties":{
              "hardwareProfile":{"vmSize":"Standard_D2s_v3","vmSizeProperties":{"vCPUsAvailable":1}},
              "storageProfile":{
                "imageReference":{"publisher":"Canonical","offer":"ubuntu","sku":"server","version":"latest"},"diskControllerType":"SCSI",
                "osDisk":{"createOption":"FromImage","caching":"ReadWrite","deleteOption":"Delete","managedDisk":{"storageAccountType":"Premium_LRS","diskEncryptionSet":{"id":"/e"}} },
                "dataDisks":[{"lun":0,"createOption":"Empty","diskSizeGB":1,"deleteOption":"Delete","writeAcceleratorEnabled":false}]},
              "osProfile":{"computerName":"vm","adminUsername":"azureuser","adminPassword":"P@ssw0rd-1234","linuxConfiguration":{"provisionVMAgent":true,"patchSettings":{"patchMode":"AutomaticByPlatform","automaticByPlatformSettings":{"rebootSetting":"Never","bypassPlatformSafetyChecksOnUserSchedule":true} },"enableVMAgentPlatformUpdates":true} },
              "networkProfile":{"networkApiVersion":"2020-11-01","networkInterfaces":[{"id":"/nic"}]},
              "securityProfile":{"securityType":"TrustedLaunch","uefiSettings":{"secureBootEnabled":true},"encryptionAtHost":true,"proxyAgentSettings":{"enabled":true,"wireServer":{"mode":"Audit"} } },
              "diagnosticsProfile":{"bootDiagnostics":{"enabled":true} },"userData":"dXNlcg==","licenseType":"None","priority":"Regular","extensionsTimeBudget":"PT1H","additionalCapabilities":{"hibernationEnabled":false} } }
            """;
    }
}
