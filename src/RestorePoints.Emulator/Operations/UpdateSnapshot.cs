using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Applies a PATCH or a repeated PUT to a snapshot: tags as a whole, SKU, growth, other properties one by one. Its bytes never change; a larger one has zeros behind them.</summary>
public sealed class UpdateSnapshot(RegionStores regions, AccessGrants grants, SnapshotAccess access, TimeProvider time) : ArmOperation
{
    /// <param name="ReplaceTags">A PUT without tags removes them; a PATCH without tags keeps them.</param>
    public sealed record Arguments(SnapshotUpdate Update, bool ReplaceTags);

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        // Its creation failed after this change was accepted.
        if (!snapshot.IsCreated)
            throw ArmErrors.SnapshotNotUsable(snapshot.Name, nameof(ProvisioningState.Failed)).AsException();
        bool hasActiveGrant = await context.Db.ActiveGrantAsync(snapshot.Id, time.GetUtcNow()) is not null;
        (SnapshotUpdate update, bool replaceTags) = JsonSerializer.Deserialize<Arguments>(context.Operation.Arguments!)!;
        SnapshotPropertiesModel? properties = update.Properties;
        // Its size was not known when this change was accepted.
        if (properties?.DiskSizeGB < snapshot.SizeGB)
            throw ArmErrors.SnapshotCannotShrink(snapshot.Name, snapshot.SizeGB, properties.DiskSizeGB.Value).AsException();
        if (properties?.DiskSizeGB is { } sizeGB && sizeGB > snapshot.SizeGB)
        {
            // Granted after the request was accepted.
            if (hasActiveGrant)
                throw ArmErrors.SnapshotHasActiveAccess(snapshot.Name).AsException();
            if (snapshot.SnapshotTime is null)
                throw ArmErrors.SnapshotNotCopied(snapshot.Name, access.Of(snapshot).CompletionPercent).AsException();
            regions.Get(snapshot.Location).ResizePoint(snapshot.VolumeId, snapshot.Id, sizeGB << 30);
            snapshot.SizeBytes = sizeGB << 30;
        }
        snapshot.Tags = Tags.From(update.Tags) ?? (replaceTags ? null : snapshot.Tags);
        snapshot.SkuName = NewSnapshots.SkuName(update.Sku?.Name ?? properties?.AccountType) ?? snapshot.SkuName;
        snapshot.OsType = NewDisks.OsType(properties?.OsType) ?? snapshot.OsType;
        snapshot.NetworkAccessPolicy = NewDisks.NetworkAccessPolicy(properties?.NetworkAccessPolicy) ?? snapshot.NetworkAccessPolicy;
        snapshot.PublicNetworkAccess = NewDisks.PublicNetworkAccess(properties?.PublicNetworkAccess) ?? snapshot.PublicNetworkAccess;
        if (properties is not null)
            snapshot.Settings = NewDisks.Settings(SnapshotModel.Kept(snapshot.Settings), new SnapshotModel { Properties = properties with { CreationData = null } });
        context.AfterCommit(() => grants.Change(snapshot.Id, AccessRules.Of(snapshot)));
        if (snapshot.ProvisioningState == ProvisioningState.Updating)
            snapshot.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(SnapshotModel.From(snapshot, hasActiveGrant, access.Of(snapshot)));
    }

    /// <summary>A snapshot whose change failed is as good as before.</summary>
    public override async Task FailAsync(OperationContext context)
    {
        Snapshot? snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId);
        if (snapshot is { ProvisioningState: ProvisioningState.Updating })
            snapshot.ProvisioningState = snapshot.IsCreated ? ProvisioningState.Succeeded : ProvisioningState.Failed;
    }
}
