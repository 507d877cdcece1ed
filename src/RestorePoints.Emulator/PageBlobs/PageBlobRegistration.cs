namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Adds the data plane behind SAS URLs: page-blob REST for the bytes of disks and disk restore points.</summary>
public static class PageBlobRegistration
{
    /// <summary>Needs <c>EmulatorDbContext</c>, <c>CatalogWriter</c>, <c>RegionStores</c>, <c>RegionStates</c>, <c>TokenValidator</c>, <c>Faults</c>, <c>RequestJournal</c> and <c>TimeProvider</c>; call <see cref="AccessGrants.LoadAsync"/> before serving.</summary>
    public static IServiceCollection AddPageBlobs(this IServiceCollection services) => services
        .AddSingleton<AccessGrants>()
        .AddSingleton<UploadFooters>()
        .AddSingleton<LiveBlobs>()
        .AddSingleton<SasAuthentication>()
        .AddSingleton<DiskTokens>()
        .AddSingleton<PreviousSnapshot>()
        .AddSingleton<Blobs>()
        .AddSingleton<BlobReads>()
        .AddSingleton<PageLists>()
        .AddSingleton<PageWrites>()
        .AddSingleton<PageCopies>()
        .AddSingleton<PageBlobEndpoint>();

    /// <summary>Takes <c>/md-…</c> and hosts that start with <c>md-</c> out of the pipeline.</summary>
    public static IApplicationBuilder UsePageBlobs(this IApplicationBuilder app) =>
        app.MapWhen(context => BlobAddress.IsPageBlobRequest(context.Request),
            branch => branch.Run(branch.ApplicationServices.GetRequiredService<PageBlobEndpoint>().HandleAsync));
}
