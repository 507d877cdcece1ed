using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Serves every request of the data plane: version, address, signature, permission, then the operation; every failure ends here as an
/// answer of the catalogue <see cref="StorageErrors"/>.
/// </summary>
internal sealed partial class PageBlobEndpoint(
    SasAuthentication authentication, BlobReads reads, PageLists lists, PageWrites writes, TimeProvider time, ILogger<PageBlobEndpoint> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        string version = ServiceVersion.Newest;
        StorageError error;
        try
        {
            BlobHeaders.SetCommon(context);
            var query = new BlobQuery(context.Request.QueryString.Value);
            version = ServiceVersion.Of(context.Request, query).Text;
            context.Response.Headers[ServiceVersion.Header] = version;

            BlobOperation operation = BlobOperations.Identify(context.Request, query);
            (BlobAddress address, AccessGrant grant) = Admit(context.Request, operation, query);
            context.Features.Set(new ServedPageBlob(operation, grant));
            await RunAsync(new BlobCall(context, operation, address, query, new ServiceVersion(version), grant));
            return;
        }
        catch (StorageException expected)
        {
            error = expected.Error;
        }
        catch (Exception gone) when (gone is VolumeNotFoundException or PointNotFoundException)
        {
            error = StorageErrors.BlobNotFound;
        }
        catch (BadHttpRequestException broken)
        {
            error = StorageErrors.UnreadableRequest(broken.StatusCode);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception unexpected)
        {
            LogUnexpected(logger, unexpected, context.Request.Method, context.Request.Path);
            error = StorageErrors.InternalError;
        }

        // Too late for another status: a body that ends early tells the client.
        if (context.Response.HasStarted)
            context.Abort();
        else
            await StorageErrorResponse.WriteAsync(context, error, version, time.GetUtcNow());
    }

    private (BlobAddress Address, AccessGrant Grant) Admit(HttpRequest request, BlobOperation operation, BlobQuery query)
    {
        if (operation == BlobOperation.Preflight)
            throw StorageErrors.CorsPreflightFailure.AsException();
        if (BlobAddress.Find(request.Host.Host, request.Path.Value ?? "") is not { } address)
            throw StorageErrors.InvalidUri.AsException();
        if (!SasAuthentication.IsPresent(query) && request.Headers.Authorization.Count == 0)
            throw StorageErrors.ResourceNotFound.AsException();

        AccessGrant grant = authentication.Authenticate(address, query);
        bool writes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        if (writes && grant.Kind == AccessKind.Read)
            throw StorageErrors.AuthorizationPermissionMismatch.AsException();
        if (query.Single("snapshot") is not null && grant.SnapshotTime is null)
            throw (writes ? StorageErrors.WriteToSnapshot : StorageErrors.BlobNotFound).AsException();
        return (address, grant);
    }

    private Task RunAsync(BlobCall call) => call.Operation switch
    {
        BlobOperation.GetBlob => reads.GetAsync(call),
        BlobOperation.GetBlobProperties => reads.GetPropertiesAsync(call),
        BlobOperation.GetPageRanges => lists.GetPageRangesAsync(call),
        BlobOperation.GetPageRangesDiff => lists.GetPageRangesDiffAsync(call),
        BlobOperation.PutPage => writes.PutPageAsync(call),
        BlobOperation.ClearPages => writes.ClearPagesAsync(call),
        BlobOperation.PutBlob => writes.PutBlobAsync(call),
        BlobOperation.SetBlobProperties => writes.SetPropertiesAsync(call),
        _ => throw StorageErrors.UnsupportedHttpVerb.AsException(),
    };

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private static partial void LogUnexpected(ILogger logger, Exception exception, string method, string path);
}

/// <summary>A feature of the request once its SAS is accepted, for logs and the journal.</summary>
public sealed record ServedPageBlob(BlobOperation Operation, AccessGrant Grant);
