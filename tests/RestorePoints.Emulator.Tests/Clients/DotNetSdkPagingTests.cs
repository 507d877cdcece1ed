using Azure;
using Azure.Core;
using Azure.ResourceManager.Resources;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The .NET SDK follows <c>nextLink</c> by itself.</summary>
public sealed class DotNetSdkPagingTests(EmulatorFixture fixture)
{
    [Fact]
    public async Task A_list_of_several_pages_is_read_whole()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        AzureClients azure = await AzureClients.CreateAsync(fixture.Emulator);
        SubscriptionResource subscription = await azure.Arm.GetDefaultSubscriptionAsync(stop);
        for (int i = 0; i < 7; i++)
            await subscription.GetResourceGroups().CreateOrUpdateAsync(WaitUntil.Completed, $"group{i}", new ResourceGroupData(AzureLocation.WestEurope), stop);

        List<Page<ResourceGroupResource>> pages = await subscription.GetResourceGroups().GetAllAsync(top: 3, cancellationToken: stop).AsPages().ToListAsync(stop);

        pages.Select(page => page.Values.Count).ShouldBe([3, 3, 1]);
        pages.SelectMany(page => page.Values).Select(group => group.Data.Name).ShouldBe(Enumerable.Range(0, 7).Select(i => $"group{i}"));
    }
}
