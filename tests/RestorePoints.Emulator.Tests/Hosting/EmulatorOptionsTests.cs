using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class EmulatorOptionsTests
{
    [Fact]
    public void Without_settings_the_defaults_are_valid_and_one_subscription_exists()
    {
        EmulatorOptions options = Read();

        Faults(options).ShouldBeEmpty();
        (options.HttpPort, options.HttpsPort, options.BindAddress, options.Profile).ShouldBe(("11000", "11001", "localhost", EmulatorProfile.Fast));
        (options.RetryAfter, options.UnknownApiVersion, options.UnknownSubscription)
            .ShouldBe((RetryAfterMode.Always, UnknownApiVersionMode.Newest, UnknownSubscriptionMode.Accept));
        options.DataDirectoryPath.ShouldBe(Path.Combine(Environment.CurrentDirectory, ".restorepoints"));
        SubscriptionOptions subscription = options.Subscriptions.ShouldHaveSingleItem();
        subscription.Id.ShouldBe(new Guid("00000000-0000-0000-0000-000000000001"));
        subscription.TenantId.ShouldBe(new Guid("00000000-0000-0000-0000-00000000000a"));
    }

    [Fact]
    public void A_profile_gives_defaults_only()
    {
        EmulatorOptions options = Read(
            "Profile=azure", "OperationTime=Immediate", "Throttling=Off", "Features=Registered", "UnknownSubscription=Accept");

        Faults(options).ShouldBeEmpty();
        (options.RetryAfter, options.UnknownApiVersion, options.UnknownSubscription)
            .ShouldBe((RetryAfterMode.Recorded, UnknownApiVersionMode.Refuse, UnknownSubscriptionMode.Accept));
    }

    [Fact]
    public void The_profile_Azure_implies_six_settings()
    {
        EmulatorOptions options = Read("Profile=Azure");
        Faults(options).ShouldBeEmpty();
        (options.OperationTime, options.RetryAfter, options.UnknownApiVersion, options.UnknownSubscription, options.Throttling, options.Features).ShouldBe(
            (OperationTimeMode.Recorded, RetryAfterMode.Recorded, UnknownApiVersionMode.Refuse, UnknownSubscriptionMode.Refuse, ThrottlingMode.On, FeaturesMode.Required));
    }

    [Theory]
    [InlineData("HttpPort=70000", "Emulator:HttpPort=70000 is not allowed; allowed are 1 to 65535, 0 (off) and auto (any free port).")]
    [InlineData("HttpsPort=", "Emulator:HttpsPort= is not allowed; allowed are 1 to 65535, 0 (off) and auto (any free port).")]
    [InlineData("HttpPort=11001", "Emulator:HttpPort and Emulator:HttpsPort are both 11001; they must differ.")]
    [InlineData("BindAddress=example.org", "Emulator:BindAddress=example.org is not allowed; allowed are localhost and an IP address, such as 127.0.0.1 or 0.0.0.0.")]
    [InlineData("DataDirectory=", "Emulator:DataDirectory is empty; allowed is a path.")]
    [InlineData("Subscriptions:0:DisplayName=x", "Emulator:Subscriptions:0:Id is missing; allowed is a GUID other than zero.")]
    [InlineData("Tls:CertificatePath=/nowhere.pem", "Emulator:Tls:CertificatePath and Emulator:Tls:KeyPath belong together; one of them is missing.")]
    [InlineData("Tls:Names:0=a b", "Emulator:Tls:Names:0=a b is not allowed; allowed are DNS names, with *. in front for all below, and IP addresses.")]
    [InlineData("Seed=/absent/world.tar.gz", "Emulator:Seed=/absent/world.tar.gz is no file.")]
    [InlineData("ImportRoots:0=/nowhere", "Emulator:ImportRoots:0=/nowhere is no folder.")]
    [InlineData("ImportRoots:0=https://user:secret@host/", "Emulator:ImportRoots:0 is not allowed; allowed are a folder and an http:// or https:// URL without user, query and fragment.")]
    [InlineData("ImportRoots:0=ftp://host/", "Emulator:ImportRoots:0 is not allowed; allowed are a folder and an http:// or https:// URL without user, query and fragment.")]
    [InlineData("Limits:SasSeconds=-1", "Emulator:Limits:SasSeconds=-1 is not allowed; allowed are 0 (no limit) and more.")]
    public void A_value_out_of_range_is_refused_with_what_is_allowed(string setting, string fault) => Faults(Read(setting)).ShouldContain(fault);

    [Theory]
    [InlineData("IndexCacheBytes=1", "Emulator:IndexCacheBytes is not implemented yet; leave it out.")]
    [InlineData("Profile=Slow", "Emulator:Profile=Slow is not allowed; allowed are Fast, Azure.")]
    [InlineData("Authentication=1", "Emulator:Authentication=1 is not allowed; allowed are Optional, Required.")]
    [InlineData("Limits:SasSeconds=long", "Emulator:Limits:SasSeconds=long is not allowed; allowed is a whole number.")]
    [InlineData("Subscriptions:0:Id=mine", "Emulator:Subscriptions:0:Id=mine is not allowed; allowed is a GUID.")]
    [InlineData("Tls:Names=emulator", "Emulator:Tls:Names is a list: give Emulator:Tls:Names:0, Emulator:Tls:Names:1 and so on.")]
    [InlineData("Tls:Name=emulator", "Emulator:Tls:Name is not a setting; the settings there are Names, CertificatePath, KeyPath.")]
    [InlineData("HttpPort:Number=1", "Emulator:HttpPort takes one value, not a section.")]
    public void A_name_or_value_without_meaning_is_refused(string setting, string fault) =>
        Should.Throw<OptionsValidationException>(() => Read(setting)).Failures.ShouldBe([fault]);

    [Fact]
    public void All_faults_are_told_at_once() =>
        Should.Throw<OptionsValidationException>(() => Read("Prot=1", "Durability=None")).Failures.Count().ShouldBe(2);

    [Fact]
    public void Both_ports_off_are_refused() =>
        Faults(Read("HttpPort=0", "HttpsPort=0")).ShouldBe(["Emulator:HttpPort and Emulator:HttpsPort are both 0 (off); at least one must be on."]);

    [Fact]
    public void Private_networks_are_this_machine_until_others_or_none_are_given()
    {
        Read().PrivateNetworks.ShouldBe(["127.0.0.0/8", "::1/128"]);
        Read("Profile=Azure").PrivateNetworks.ShouldBe(["127.0.0.0/8", "::1/128"]);
        Read("PrivateNetworks=").PrivateNetworks.ShouldBeEmpty();
        Read("PrivateNetworks:0=10.1.0.0/16", "PrivateNetworks:1=fd00::/8").PrivateNetworks.ShouldBe(["10.1.0.0/16", "fd00::/8"]);
        Faults(Read("PrivateNetworks:0=10.1.0.0/16", "PrivateNetworks:1=10.1.2.3")).ShouldBe(
            ["Emulator:PrivateNetworks:1=10.1.2.3 is not allowed; allowed are networks such as 10.1.0.0/16, 192.0.2.7/32 and fd00::/8."]);
    }

    private static EmulatorOptions Read(params string[] settings)
    {
        var options = new EmulatorOptions();
        EmulatorOptionsReader.Read(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2)).Select(parts => KeyValuePair.Create($"Emulator:{parts[0]}", (string?)parts[1])))
            .Build(), options);
        return options;
    }

    private static IEnumerable<string> Faults(EmulatorOptions options) => new EmulatorOptionsValidator().Validate(null, options).Failures ?? [];
}
