using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// All grants in memory, each with the rules of its resource, so that no request of the data plane asks the database. Who changes a grant or such a
/// rule calls <see cref="Remember"/>, <see cref="Forget"/> or <see cref="Change"/> after the commit and before the catalog takes another writer:
/// the next request of the data plane sees it, and of two changes the later one stays.
/// </summary>
public sealed class AccessGrants(UploadFooters uploadFooters, LiveBlobs liveBlobs)
{
    private const string KeySetting = "SasKey";
    private const string RelativeUrl = "/md-";

    private volatile ConcurrentDictionary<string, IssuedSas> _issued = new(StringComparer.Ordinal);

    /// <summary>Random until <see cref="LoadAsync"/> has read the one of the data directory.</summary>
    internal byte[] Key { get; private set; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>Reads the signing key (made at first start) and every grant: at start, and after the catalog was replaced.</summary>
    public async Task LoadAsync(EmulatorDbContext db)
    {
        StoreSetting? setting = await db.Settings.SingleOrDefaultAsync(setting => setting.Name == KeySetting);
        if (setting is null)
        {
            setting = new StoreSetting { Name = KeySetting, Value = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) };
            db.Settings.Add(setting);
            await db.SaveChangesAsync();
        }
        Key = Convert.FromBase64String(setting.Value);

        // Exchanged at once: a request of the data plane meets the grants of before or those of after, never a part.
        var issued = new ConcurrentDictionary<string, IssuedSas>(StringComparer.Ordinal);
        Dictionary<Guid, AccessRules> rules = await db.AccessRulesOfGrantsAsync();
        await foreach (AccessGrant grant in db.AccessGrants.AsNoTracking().AsAsyncEnumerable())
            issued[grant.SignedIdentifier] = new IssuedSas(grant, Key, rules.GetValueOrDefault(grant.ResourceRowId, AccessRules.Open));
        _issued = issued;
        uploadFooters.Clear();
    }

    /// <summary>Adds or replaces a grant that is committed. Keeps the instance: do not change it afterwards.</summary>
    /// <param name="rules">Of the resource that it was granted on.</param>
    public void Remember(AccessGrant grant, AccessRules rules) => _issued[grant.SignedIdentifier] = new IssuedSas(grant, Key, rules);

    /// <summary>Puts new rules of a disk or snapshot into force, also for the URLs that exist.</summary>
    public void Change(Guid resourceRowId, AccessRules rules)
    {
        foreach (IssuedSas sas in _issued.Values)
            if (sas.Grant.ResourceRowId == resourceRowId)
                sas.Rules = rules;
    }

    /// <summary>Ends a grant whose row is gone: the next request with its URL fails, and so does a write whose body is still on its way.</summary>
    public void Forget(string signedIdentifier)
    {
        if (FindIssued(signedIdentifier) is not { Grant: { } grant })
            return;
        if (grant.Kind == AccessKind.Read)
            _issued.TryRemove(signedIdentifier, out _);
        else
            liveBlobs.BetweenWrites(grant.VolumeId, () => _issued.TryRemove(signedIdentifier, out _));
        if (grant.Kind == AccessKind.Upload)
            uploadFooters.Forget(grant.VolumeId);
    }

    /// <summary>
    /// The URL to hand out; the same for every call, also after an extension or a restart. Of an imported world it has no scheme and authority:
    /// <see cref="OfRequest"/> gives it those.
    /// </summary>
    public string UrlOf(AccessGrant grant) => new IssuedSas(grant, Key, AccessRules.Open).Url;

    /// <summary>A URL, or JSON that has one as a value: what has no scheme and authority gets those by which the client came.</summary>
    public static string OfRequest(HttpRequest request, string text) =>
        text.StartsWith(RelativeUrl, StringComparison.Ordinal) ? BaseUrlOf(request) + text : text.Replace($"\"{RelativeUrl}", $"\"{BaseUrlOf(request)}{RelativeUrl}", StringComparison.Ordinal);

    /// <summary>Whether the grant still opens anything at this time.</summary>
    public static bool IsActive(AccessGrant grant, DateTimeOffset now) => grant.ExpiresOn is not { } end || now < end;

    /// <summary>The grants on a disk, snapshot or disk restore point, expired ones included.</summary>
    public IReadOnlyList<AccessGrant> FindByResource(Guid resourceRowId) =>
        [.. _issued.Values.Select(sas => sas.Grant).Where(grant => grant.ResourceRowId == resourceRowId)];

    internal IssuedSas? FindIssued(string signedIdentifier) => _issued.GetValueOrDefault(signedIdentifier);

    /// <summary>
    /// A new grant with the names of the disk's lineage: all disk restore points and incremental snapshots of one disk are snapshots of one
    /// base blob; a full snapshot is a blob of its own. The caller saves the row and then calls <see cref="Remember"/>.
    /// </summary>
    /// <param name="baseUrl">From <see cref="BaseUrlOf"/> of the request that creates the grant.</param>
    /// <param name="point">null: the live disk.</param>
    /// <param name="expiresOn">null: does not expire.</param>
    public static AccessGrant NewGrant(AccessKind kind, string baseUrl, string location, Guid volumeId, GrantedPoint? point,
        Guid resourceRowId, Guid subscriptionId, DateTimeOffset? expiresOn, DateTimeOffset now)
    {
        bool isBlobSnapshot = point is { IsIncremental: true };
        Guid lineage = point is { IsIncremental: false } full ? full.Id : volumeId;
        return new()
        {
            SignedIdentifier = isBlobSnapshot ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) : Guid.NewGuid().ToString(),
            BaseUrl = baseUrl,
            Account = (kind == AccessKind.Upload ? "md-impexp-" : "md-") + LineageName.Of("account", kind, lineage),
            Container = LineageName.Of("container", kind, lineage),
            SnapshotTime = isBlobSnapshot ? point!.Time : null,
            Kind = kind,
            Location = location,
            VolumeId = volumeId,
            PointId = point?.Id,
            PointTime = point?.Time,
            ResourceRowId = resourceRowId,
            SubscriptionId = subscriptionId,
            ExpiresOn = expiresOn,
            CreatedOn = now,
        };
    }

    /// <summary>Scheme and authority as the client used them. <c>localhost</c> becomes 127.0.0.1: storage clients parse the path of an IP address correctly, not that of localhost.</summary>
    public static string BaseUrlOf(HttpRequest request)
    {
        HostString host = request.Host.HasValue
            ? request.Host
            : new HostString("127.0.0.1", request.HttpContext.Connection.LocalPort);
        string name = host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? "127.0.0.1" : host.Host;
        return host.Port is { } port ? $"{request.Scheme}://{name}:{port}" : $"{request.Scheme}://{name}";
    }
}
