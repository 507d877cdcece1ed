using System.Diagnostics;
using Microsoft.Net.Http.Headers;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Serves every request of the data plane: version, address, signature, permission, then the operation; every failure ends here as an
/// answer of the catalogue <see cref="StorageErrors"/>.
/// </summary>
internal sealed partial class PageBlobEndpoint(
    SasAuthentication authentication, BlobReads reads, PageLists lists, PageWrites writes, PageCopies copies, TimeProvider time, ILogger<PageBlobEndpoint> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        long start = Stopwatch.GetTimestamp();
        await ServeAsync(context);

        // Of the thousands of calls of one backup, only those that failed are told unless a debug level asks for all.
        LogLevel level = context.Response.StatusCode < StatusCodes.Status400BadRequest ? LogLevel.Debug : LogLevel.Information;
        if (logger.IsEnabled(level))
            LogRequest(logger, level, context.Request.Method, context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent(),
                context.Response.StatusCode, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private async Task ServeAsync(HttpContext context)
    {
        string version = ServiceVersion.Newest;
        StorageError error;
        try
        {
            BlobHeaders.SetCommon(context);
            RequestedUrl url = RequestedUrl.Of(context);
            BlobQuery query = url.Query;
            version = ServiceVersion.Of(context.Request, query).Text;
            context.Response.Headers[ServiceVersion.Header] = version;

            BlobOperation operation = BlobOperations.Identify(context.Request, query);
            BlobAddress address = AddressOf(context.Request, operation, url);
            AccessGrant grant = await authentication.AuthenticateAsync(context.Request, address, query, HeaderNames.Authorization);
            Permit(context.Request, query, grant);
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

        // Too late for another status, or a part of another body waits to be sent: a body that ends early tells the client.
        if (context.Response.HasStarted || context.Response.BodyWriter.UnflushedBytes > 0)
            context.Abort();
        else
            await StorageErrorResponse.WriteAsync(context, error, version, time.GetUtcNow());
    }

    private static BlobAddress AddressOf(HttpRequest request, BlobOperation operation, RequestedUrl url)
    {
        if (operation == BlobOperation.Preflight)
            throw StorageErrors.CorsPreflightFailure.AsException();
        if (url.Address is not { } address)
            throw StorageErrors.InvalidUri.AsException();
        if (!SasAuthentication.IsPresent(url.Query) && request.Headers.Authorization.Count == 0)
            throw StorageErrors.ResourceNotFound.AsException();
        return address;
    }

    private static void Permit(HttpRequest request, BlobQuery query, AccessGrant grant)
    {
        bool writes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        if (writes && grant.Kind == AccessKind.Read)
            throw StorageErrors.AuthorizationPermissionMismatch.AsException();
        if (query.Single("snapshot") is not null && grant.SnapshotTime is null)
            throw (writes ? StorageErrors.WriteToSnapshot : StorageErrors.BlobNotFound).AsException();
    }

    private Task RunAsync(BlobCall call) => call.Operation switch
    {
        BlobOperation.GetBlob => reads.GetAsync(call),
        BlobOperation.GetBlobProperties => reads.GetPropertiesAsync(call),
        BlobOperation.GetPageRanges => lists.GetPageRangesAsync(call),
        BlobOperation.GetPageRangesDiff => lists.GetPageRangesDiffAsync(call),
        BlobOperation.PutPage => writes.PutPageAsync(call),
        BlobOperation.ClearPages => writes.ClearPagesAsync(call),
        BlobOperation.PutPageFromUrl => copies.PutPageFromUrlAsync(call),
        BlobOperation.PutBlob => writes.PutBlobAsync(call),
        BlobOperation.SetBlobProperties => writes.SetPropertiesAsync(call),
        _ => throw StorageErrors.UnsupportedHttpVerb.AsException(),
    };

    [LoggerMessage("{Method} {Target} {Status} {Elapsed:0.0} ms", SkipEnabledCheck = true)]
    private static partial void LogRequest(ILogger logger, LogLevel level, string method, string target, int status, double elapsed);

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private static partial void LogUnexpected(ILogger logger, Exception exception, string method, string path);
}
