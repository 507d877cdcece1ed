using System.Diagnostics;
using Microsoft.Net.Http.Headers;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Serves every request of the data plane: version, address, signature, permission, then the operation; every failure ends here as an
/// answer of the catalogue <see cref="StorageErrors"/>. Faults come before, the journal behind it.
/// </summary>
internal sealed partial class PageBlobEndpoint(SasAuthentication authentication, BlobReads reads, PageLists lists, PageWrites writes, PageCopies copies,
    Faults faults, RequestJournal journal, TimeProvider time, ILogger<PageBlobEndpoint> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        DateTimeOffset began = time.GetUtcNow();
        long start = Stopwatch.GetTimestamp();
        FiredFault? fired = faults.OnBlobRequest(context);
        FaultRule? fault = fired?.Rule;
        ConnectionCut? cut = null;
        Served served;
        if (fault is { Effect: { Type: FaultType.Cut, AfterBytes: { } bytes } } && BlobOperations.Identify(context.Request) == BlobOperation.PutPage)
        {
            await ConnectionCut.EndInRequestAsync(context, bytes);
            served = new Served(BlobOperation.PutPage, Guid.Empty);
        }
        else
        {
            if (fault?.Effect.Type == FaultType.Cut)
                cut = ConnectionCut.Begin(context, fault.Effect.AfterBytes);
            served = await ServeAsync(context, fired);
        }

        bool isCut = cut is not null && await cut.EndAsync();
        string? version = context.Response.Headers[ServiceVersion.Header], requestId = context.Response.Headers["x-ms-request-id"];
        journal.Add(new JournalEntry(began, RequestJournal.Limited(context.Request.Method), RequestJournal.Limited(context.Request.Path.Value!), version, OperationNames.Of(served.Operation),
            JournalMiddleware.StatusOf(context), Stopwatch.GetElapsedTime(start).TotalMilliseconds, Guid.Empty, fault?.Id, requestId, served.SubscriptionId));
        // Of the thousands of calls of one backup, only those that failed are told unless a debug level asks for all.
        LogLevel level = context.Response.StatusCode < StatusCodes.Status400BadRequest ? LogLevel.Debug : LogLevel.Information;
        if (logger.IsEnabled(level))
            LogRequest(logger, level, context.Request.Method, context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent(),
                context.Response.StatusCode, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        if (isCut)
            throw new ConnectionCutException();
    }

    /// <param name="SubscriptionId">Of the disk; empty: not found.</param>
    private readonly record struct Served(BlobOperation Operation, Guid SubscriptionId);

    private async Task<Served> ServeAsync(HttpContext context, FiredFault? fault)
    {
        var operation = BlobOperation.Unsupported;
        Guid subscriptionId = Guid.Empty;
        string version = ServiceVersion.Newest;
        StorageError error;
        try
        {
            BlobHeaders.SetCommon(context);
            RequestedUrl url = RequestedUrl.Of(context);
            BlobQuery query = url.Query;
            version = ServiceVersion.Of(context.Request, query).Text;
            context.Response.Headers[ServiceVersion.Header] = version;

            operation = BlobOperations.Identify(context.Request, query);
            if (fault is not null && !await BeginFaultAsync(context, fault))
                return new Served(operation, subscriptionId);
            BlobAddress address = AddressOf(context.Request, operation, url);
            AccessGrant grant = await authentication.AuthenticateAsync(context.Request, address, query, HeaderNames.Authorization);
            subscriptionId = grant.SubscriptionId;
            Permit(context.Request, query, grant);
            await RunAsync(new BlobCall(context, operation, address, query, new ServiceVersion(version), grant) { HasWrongChecksum = fault?.Rule.Effect.Type == FaultType.WrongChecksum });
            return new Served(operation, subscriptionId);
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
            return new Served(operation, subscriptionId);
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
            await WriteErrorAsync(context, error, version);
        return new Served(operation, subscriptionId);
    }

    private async Task WriteErrorAsync(HttpContext context, StorageError error, string version)
    {
        try
        {
            await StorageErrorResponse.WriteAsync(context, error, version, time.GetUtcNow());
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // A fault cuts this answer.
        }
    }

    /// <summary>What a fault does before the request is served.</summary>
    /// <returns>Whether it is still to be served.</returns>
    private async Task<bool> BeginFaultAsync(HttpContext context, FiredFault fault)
    {
        if (fault.Rule.Effect.Type == FaultType.Error)
            throw StorageErrors.Injected(fault.Rule.Effect).AsException();
        if (fault.Rule.Effect.Type == FaultType.WrongChecksum)
            WrongChecksum.Apply(context);
        return fault.Rule.Effect.Type != FaultType.Delay || await faults.DelayAsync(context, fault);
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
