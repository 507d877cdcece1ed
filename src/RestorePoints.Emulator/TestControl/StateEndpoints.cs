using System.Globalization;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.StateArchives;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>POST /emulator/state/export</c>: 200, the whole world as one archive. <c>POST /emulator/state/import</c>: 204, such an archive is the world; 409 unless it was empty.</summary>
public static class StateEndpoints
{
    /// <summary>Unfinished, the archive misses its last member: an import refuses it.</summary>
    private const string FileName = "'restorepoints-'yyyyMMdd'-'HHmmss'.tar.gz'";

    public static void MapState(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/emulator/state/export", ExportAsync);
        routes.MapPost("/emulator/state/import", ImportAsync).WithMetadata(new NoSizeLimit());
    }

    private static async Task ExportAsync(HttpContext context, StateExport export)
    {
        using CapturedState state = await export.CaptureAsync(context.RequestAborted);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        context.Response.ContentType = "application/gzip";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{now.ToString(FileName, CultureInfo.InvariantCulture)}\"";
        await state.WriteToAsync(context.Response.Body, now, context.RequestAborted);
    }

    private static async Task<IResult> ImportAsync(HttpContext context, EmulatorDbContext db, CatalogWriter writer, StateImport import, OperationRunner runner, ClockControl clock,
        RemainingCalls calls, IOptions<EmulatorOptions> options)
    {
        // Before it is sent for nothing.
        if (!await StateImport.IsEmptyAsync(db))
            throw ArmErrors.WorldNotEmpty.AsException();
        try
        {
            using var directory = new WorkDirectory(options.Value.DataDirectoryPath);
            string archive = directory.Of("upload");
            await using (FileStream upload = File.Create(archive))
                await context.Request.Body.CopyToAsync(upload, context.RequestAborted);
            using StagedState state = await import.StageAsync(archive, context.RequestAborted);
            await using AttachedCatalog attached = await AttachedCatalog.OpenAsync(db, state);
            await using CatalogWrite write = await writer.BeginAsync(db, context.RequestAborted);
            if (!await StateImport.IsEmptyAsync(db))
                throw ArmErrors.WorldNotEmpty.AsException();
            // What the reset of a subscription took away may still be on its way.
            await runner.EndWorldAsync();
            await import.ReplaceAsync(db, state, attached, isSeed: false);
            await clock.LoadAsync(CancellationToken.None);
            calls.Reset(null);
            await runner.ResumeAsync(db, CancellationToken.None);
        }
        catch (StateArchiveException fault)
        {
            throw ArmErrors.StateArchiveRefused(fault.Message).AsException();
        }
        return Results.NoContent();
    }
}
