using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Resource groups. Deleting one deletes what it holds, asynchronously.</summary>
[ArmResourceType("resourceGroups", ApiVersionFamily.Resources)]
[Route("subscriptions/{subscriptionId}/resourceGroups")]
public sealed class ResourceGroupsController(EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options) : ArmController(db, time)
{
    /// <param name="filter"><c>tagName eq 'a'</c>, also with <c>and tagValue eq 'b'</c>.</param>
    [HttpGet]
    public async Task<ListModel<ResourceGroupModel>> List([FromQuery(Name = "$filter")] string? filter)
    {
        ListPage page = ListPage.Of(Request, keyParts: 1);
        ListFilter wanted = ListFilter.Parse(filter, "tagName", "tagValue");
        IQueryable<ResourceGroup> query = Db.ResourceGroups.AsNoTracking().Where(group => group.SubscriptionId == SubscriptionId);
        if (page.After is { } after)
        {
            string name = after[0];
            query = query.Where(group => group.Name.CompareTo(name) > 0);
        }
        List<ResourceGroup> groups = [];
        await foreach (ResourceGroup group in query.OrderBy(group => group.Name).AsAsyncEnumerable())
        {
            if (groups.Count > page.Size)
                break;
            if (wanted.MatchesTags(group.Tags))
                groups.Add(group);
        }
        return page.Answer(groups, group => [group.Name]).Select(ResourceGroupModel.From);
    }

    [HttpGet("{resourceGroupName}")]
    public async Task<ResourceGroupModel> Get(string resourceGroupName) => ResourceGroupModel.From(await RequireAsync(resourceGroupName));

    [HttpHead("{resourceGroupName}")]
    public async Task<IActionResult> Exists(string resourceGroupName) => await FindAsync(resourceGroupName) is null ? NotFound() : NoContent();

    [HttpPut("{resourceGroupName}")]
    public async Task<IActionResult> CreateOrUpdate(string resourceGroupName, ResourceGroupModel request)
    {
        string location = Regions.Normalize(request.Location!);
        if (await FindAsync(resourceGroupName) is { } group)
        {
            if (group.Location != location)
                throw ArmErrors.InvalidResourceGroupLocation(group.Name, group.Location).AsException();
            if (group.ProvisioningState == ProvisioningState.Deleting)
                throw ArmErrors.ResourceGroupBeingDeleted(group.Name).AsException();
            RequireSameState(request.Properties?.ProvisioningState, group.ProvisioningState);
            group.Tags = Tags.From(request.Tags);
            return Ok(ResourceGroupModel.From(group));
        }
        RequireValidGroupName(resourceGroupName);
        RequireSameState(request.Properties?.ProvisioningState);
        group = new ResourceGroup { SubscriptionId = SubscriptionId, Name = resourceGroupName, Location = location, Tags = Tags.From(request.Tags) };
        Db.ResourceGroups.Add(group);
        return StatusCode(StatusCodes.Status201Created, ResourceGroupModel.From(group));
    }

    [HttpPatch("{resourceGroupName}")]
    public async Task<ResourceGroupModel> Update(string resourceGroupName, ResourceGroupUpdate request)
    {
        ResourceGroup group = await RequireAsync(resourceGroupName);
        if (group.ProvisioningState == ProvisioningState.Deleting)
            throw ArmErrors.ResourceGroupBeingDeleted(group.Name).AsException();
        group.Tags = Tags.From(request.Tags) ?? group.Tags;
        return ResourceGroupModel.From(group);
    }

    [HttpDelete("{resourceGroupName}")]
    public async Task<IActionResult> Delete(string resourceGroupName)
    {
        ResourceGroup group = await RequireAsync(resourceGroupName);
        group.ProvisioningState = ProvisioningState.Deleting;
        Operation operation = Accept<DeleteResourceGroup>(group.Id, group.Id, group.Location);
        Response.Headers.Location = $"{Request.BaseUrl()}/subscriptions/{SubscriptionId}/operationresults/{operation.Id:N}?api-version={HttpContext.ApiVersion()}";
        Response.Headers.RetryAfter = RetryAfterOf(options.Value);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    /// <summary>Of a deletion, seconds: ARM's own job is slower than the providers' operations.</summary>
    internal static string RetryAfterOf(EmulatorOptions options) => options.RetryAfter == RetryAfterMode.Always ? "1" : "15";

    private Task<ResourceGroup?> FindAsync(string name) =>
        Db.ResourceGroups.SingleOrDefaultAsync(group => group.SubscriptionId == SubscriptionId && group.Name == name);

    private async Task<ResourceGroup> RequireAsync(string name) => await FindAsync(name) ?? throw ArmErrors.ResourceGroupNotFound(name).AsException();

    private static void RequireValidGroupName(string? name)
    {
        // A name of blanks arrives as null.
        if (name is null || name.Length > 90 || name.EndsWith('.') || !name.All(character => char.IsLetterOrDigit(character) || character is '_' or '-' or '.' or '(' or ')'))
            throw ArmErrors.InvalidName("resourceGroupName", @"^[-\w\._\(\)]{0,89}[-\w_\(\)]$").AsException();
    }
}
