using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Management locks on a subscription, a resource group, a resource or a nested resource. <see cref="ArmActionFilter"/> obeys them; the locks themselves can
/// always be changed.
/// </summary>
[ArmResourceType("locks", ApiVersionFamily.Resources)]
[Route("subscriptions/{subscriptionId}" + Locks)]
[Route(Group + Locks)]
[Route(Resource + Locks)]
[Route(Resource + "/{childType}/{childName}" + Locks)]
[Route(Resource + "/{childType}/{childName}/{grandchildType}/{grandchildName}" + Locks)]
public sealed class LocksController(EmulatorDbContext db, TimeProvider time, ResourceLocks locks) : ArmController(db, time)
{
    private const string Group = "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
    private const string Resource = Group + "/providers/{providerNamespace}/{resourceType}/{resourceName}";
    private const string Locks = "/providers/Microsoft.Authorization/locks";

    /// <summary>The locks at, above and below the scope; with <c>$filter=atScope()</c> those at and above it.</summary>
    [HttpGet]
    public async Task<ListModel<LockModel>> List([FromQuery(Name = "$filter")] string? filter)
    {
        bool atScope = "atScope()".Equals(filter?.Trim(), StringComparison.OrdinalIgnoreCase);
        if (filter is not null && !atScope)
            throw ArmErrors.InvalidLockFilter(filter).AsException();
        string scope = await RequireScopeAsync();
        List<ResourceLock> known = await Db.ResourceLocks.AsNoTracking().Where(known => known.SubscriptionId == SubscriptionId).ToListAsync();
        return Page(known.Where(known => ResourceLocks.IsAtOrAbove(known.Scope, scope) || (!atScope && ResourceLocks.IsAtOrAbove(scope, known.Scope))), known => $"{known.Scope}//{known.Name}")
            .Select(LockModel.From);
    }

    [HttpGet("{lockName}")]
    public async Task<LockModel> Get(string lockName) =>
        LockModel.From(await FindAsync(await RequireScopeAsync(), lockName) ?? throw ArmErrors.LockNotFound(lockName).AsException());

    [HttpPut("{lockName}")]
    public async Task<IActionResult> CreateOrUpdate(string lockName, LockModel request)
    {
        string scope = await RequireScopeAsync();
        LockPropertiesModel properties = request.Properties!;
        ResourceLock? known = await FindAsync(scope, lockName);
        bool isNew = known is null;
        if (known is null)
        {
            RequireValidName(lockName);
            locks.MayBeIn(SubscriptionId);
            known = new ResourceLock { SubscriptionId = SubscriptionId, Scope = scope, Name = lockName };
            Db.ResourceLocks.Add(known);
        }
        known.Level = Enum.Parse<LockLevel>(properties.Level!, ignoreCase: true);
        known.Notes = properties.Notes;
        known.Owners = properties.Owners is { Count: > 0 } owners ? JsonSerializer.Serialize(owners.Select(owner => owner.ApplicationId)) : null;
        return StatusCode(isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK, LockModel.From(known));
    }

    [HttpDelete("{lockName}")]
    public async Task<IActionResult> Delete(string lockName)
    {
        if (await FindAsync(await RequireScopeAsync(), lockName) is not { } known)
            return NoContent();
        Db.ResourceLocks.Remove(known);
        return Ok();
    }

    /// <summary>The id of the subscription, group or resource before <c>/providers/Microsoft.Authorization</c>, which must exist.</summary>
    private async Task<string> RequireScopeAsync()
    {
        if (RouteData.Values["resourceGroupName"] is not string groupName)
            return $"/subscriptions/{SubscriptionId}";
        if (RouteData.Values["resourceType"] is null)
        {
            ResourceGroup group = await Db.FindGroupAsync(SubscriptionId, groupName) ?? throw ArmErrors.ResourceGroupNotFound(groupName).AsException();
            return ArmResourceId.ResourceGroupId(SubscriptionId, group.Name);
        }
        string path = Request.Path.Value!;
        path = path[..path.LastIndexOf(Locks, StringComparison.OrdinalIgnoreCase)];
        if (await Db.FindGroupAsync(SubscriptionId, groupName) is null)
            throw ArmErrors.ResourceGroupNotFound(groupName).AsException();
        if (!ArmResourceId.TryParse(path, out ArmResourceId? id))
            throw ArmErrors.ResourceNotFound((string)RouteData.Values["providerNamespace"]!, (string)RouteData.Values["resourceType"]!, (string)RouteData.Values["resourceName"]!, groupName).AsException();
        return await Db.FindCanonicalIdAsync(id) ?? throw ArmErrors.ResourceNotFound(id).AsException();
    }

    private Task<ResourceLock?> FindAsync(string scope, string name) =>
        Db.ResourceLocks.SingleOrDefaultAsync(known => known.SubscriptionId == SubscriptionId && known.Scope == scope && known.Name == name);

    /// <summary>Rule of the published contract: at most 260 characters, none of &lt; &gt; % &amp; : \ ? / and no control characters.</summary>
    private static void RequireValidName(string? name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > 260 || name.Any(character => char.IsControl(character) || "<>%&:\\?/".Contains(character)))
            throw ArmErrors.InvalidName("lockName", @"^[^<>%&:\\?/\x00-\x1f]{1,260}$").AsException();
    }
}
