using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// What locks forbid. A lock holds at its scope and below; what would delete its scope together with something else is forbidden too. Remembers which
/// subscriptions may have a lock, so that a request in any other asks nothing of the catalog.
/// </summary>
public sealed class ResourceLocks
{
    private readonly ConcurrentDictionary<Guid, bool> _subscriptions = new();

    /// <summary>At start.</summary>
    public async Task LoadAsync(EmulatorDbContext db)
    {
        foreach (Guid subscription in await db.ResourceLocks.Select(known => known.SubscriptionId).Distinct().ToListAsync())
            MayBeIn(subscription);
    }

    /// <summary>Called before a lock is added; there is no need to take it back.</summary>
    public void MayBeIn(Guid subscriptionId) => _subscriptions[subscriptionId] = true;

    /// <summary>409 <c>ScopeLocked</c> when a lock forbids deleting the resource.</summary>
    public async Task RequireDeletableAsync(EmulatorDbContext db, Guid subscriptionId, string resourceId)
    {
        List<ResourceLock> locks = await OfAsync(db, subscriptionId);
        Refuse(resourceId, "delete", locks.Where(known => IsAtOrAbove(known.Scope, resourceId) || IsAtOrAbove(resourceId, known.Scope)));
    }

    /// <summary>409 <c>ScopeLocked</c> when a lock forbids changing the resource, or an action on it.</summary>
    public async Task RequireWritableAsync(EmulatorDbContext db, Guid subscriptionId, string resourceId)
    {
        List<ResourceLock> locks = await OfAsync(db, subscriptionId);
        Refuse(resourceId, "write", locks.Where(known => known.Level == LockLevel.ReadOnly && IsAtOrAbove(known.Scope, resourceId)));
    }

    /// <summary>Whether a scope is a resource or contains it.</summary>
    public static bool IsAtOrAbove(string scope, string resourceId) => resourceId.StartsWith(scope, StringComparison.OrdinalIgnoreCase)
        && (resourceId.Length == scope.Length || resourceId[scope.Length] == '/');

    private static void Refuse(string resourceId, string operation, IEnumerable<ResourceLock> locks)
    {
        string[] scopes = [.. locks.Select(known => known.Scope).Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase)];
        if (scopes.Length > 0)
            throw ArmErrors.ScopeLocked(resourceId, operation, scopes).AsException();
    }

    private async Task<List<ResourceLock>> OfAsync(EmulatorDbContext db, Guid subscriptionId) => _subscriptions.ContainsKey(subscriptionId)
        ? await db.ResourceLocks.AsNoTracking().Where(known => known.SubscriptionId == subscriptionId).ToListAsync()
        : [];
}
