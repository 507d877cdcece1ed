using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>endGetAccess: the URL fails from the next request on. For an upload this ends it: what was sent must be a VHD, and the disk becomes usable.</summary>
public sealed class RevokeAccess(AccessGrants grants) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        AccessGrant? upload = await EndAsync(context);
        if (upload is null)
            return;
        Disk disk = await context.Db.Disks.SingleAsync(disk => disk.Id == upload.ResourceRowId, cancellationToken);
        if (VhdFooter.FindFault(disk.UploadFooter, disk.SizeBytes, $"{upload.BaseUrl}/{upload.Account}/{upload.Container}/abcd") is { } fault)
            throw ArmErrors.InvalidVhd(fault).AsException();
        disk.DiskState = DiskState.Unattached;
        disk.UploadFooter = null;
    }

    /// <summary>A failed check of the VHD revokes the URL all the same; the disk waits for another upload.</summary>
    public override Task FailAsync(OperationContext context) => EndAsync(context);

    /// <summary>Ends every grant on the resource but the guest's; returns the one that was an upload.</summary>
    private async Task<AccessGrant?> EndAsync(OperationContext context)
    {
        List<AccessGrant> ended = await context.Db.AccessGrants
            .Where(grant => grant.ResourceRowId == context.Operation.ResourceRowId && grant.Kind != AccessKind.Guest).ToListAsync();
        context.Db.AccessGrants.RemoveRange(ended);
        context.AfterCommit(() => ended.ForEach(grant => grants.Forget(grant.SignedIdentifier)));
        return ended.Find(grant => grant.Kind == AccessKind.Upload);
    }
}
