using System.Globalization;
using Microsoft.Net.Http.Headers;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The older point of a Get Page Ranges Diff. Either <c>prevsnapshot</c> names it by its time, or the header
/// <c>x-ms-previous-snapshot-url</c> gives its full URL: the way for managed disks, where each snapshot opens only with a SAS of its own.
/// </summary>
internal sealed class PreviousSnapshot(SasAuthentication authentication, IServiceScopeFactory scopes)
{
    public const string UrlHeader = "x-ms-previous-snapshot-url";

    private const string Parameter = "prevsnapshot";
    private const string FirstVersionOfHeader = "2019-04-19";
    private const string FirstVersionOfParameter = "2015-07-08";

    /// <summary>Id and time of a point that is not newer than the target and of the same lineage.</summary>
    /// <exception cref="StorageException">What forbids this pair.</exception>
    public async Task<(Guid PointId, DateTimeOffset Time)> FindAsync(BlobCall call)
    {
        string? time = call.Query.Single(Parameter);
        string url = call.Request.Headers[UrlHeader].ToString();
        if (time is not null && url.Length > 0)
            throw StorageErrors.InvalidInput.AsException();
        if (!call.Version.IsAtLeast(time is null ? FirstVersionOfHeader : FirstVersionOfParameter))
            throw StorageErrors.FeatureVersionMismatch.AsException();

        (Guid PointId, DateTimeOffset Time) found = time is null ? await FindByUrlAsync(call) : await FindByTimeAsync(call, time);
        if (call.Grant.SnapshotTime < found.Time)
            throw StorageErrors.PreviousSnapshotCannotBeNewer.AsException();
        return found;
    }

    private async Task<(Guid, DateTimeOffset)> FindByTimeAsync(BlobCall call, string text)
    {
        if (!DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
            throw StorageErrors.InvalidQueryParameterValue(Parameter, SecretRedaction.Redact(text), "The value is not the time of a snapshot.").AsException();

        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        Guid? pointId = IsFullSnapshot(call.Grant)
            ? null
            : await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().FindPointAsync(call.Grant.Location, call.Grant.VolumeId, time, call.Aborted);
        return (pointId ?? throw StorageErrors.PreviousSnapshotNotFound.AsException(), time);
    }

    private async Task<(Guid, DateTimeOffset)> FindByUrlAsync(BlobCall call)
    {
        var url = HeaderUrl.Of(call, UrlHeader);
        if (url is not { IsHere: true, Address: { } address })
            throw StorageErrors.PreviousSnapshotNotFound.AsException();

        AccessGrant previous = await authentication.AuthenticateAsync(call.Request, address, url.Query, HeaderNames.Authorization);
        if (previous is not { PointId: { } pointId, SnapshotTime: { } time })
            throw StorageErrors.PreviousSnapshotOperationNotSupported.AsException();
        if (IsFullSnapshot(call.Grant) || previous.VolumeId != call.Grant.VolumeId || previous.Location != call.Grant.Location)
            throw StorageErrors.BlobOverwritten.AsException();
        return (pointId, time);
    }

    /// <summary>A blob of its own, without earlier snapshots.</summary>
    private static bool IsFullSnapshot(AccessGrant grant) => grant is { PointId: not null, SnapshotTime: null };
}
