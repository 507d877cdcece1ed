using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.StateArchives;

/// <summary>
/// Takes the whole world at one instant: what a kill at that instant and the next start would bring back. Changes of the catalog wait while it is copied, writes of
/// the data plane while the indexes of the stores are; the pages are read from where they are, while everything goes on.
/// </summary>
public sealed class StateExport(EmulatorDbContext db, CatalogWriter writer, RegionStores regions, IOptions<EmulatorOptions> options)
{
    /// <summary>The instant is that of the call. <see cref="CapturedState.WriteToAsync"/> gives it as an archive.</summary>
    public async Task<CapturedState> CaptureAsync(CancellationToken cancellationToken)
    {
        var directory = new WorkDirectory(options.Value.DataDirectoryPath);
        IReadOnlyList<StoreImage> images = [];
        try
        {
            IReadOnlyList<string> existing;
            await using (await writer.BeginAsync(db, cancellationToken))
            {
                // One without volumes is as good as none.
                existing = [.. regions.Existing().Where(region => regions.Get(region).GetUsage().Volumes > 0)];
                images = StoreImage.Take([.. existing.Select(region => (regions.Get(region), directory.Of(region)))]);
                await CopyCatalogAsync(directory.Of(StateArchive.Catalog), cancellationToken);
            }
            await RemoveKeyAsync(directory.Of(StateArchive.Catalog), cancellationToken);
            return new CapturedState(directory, [.. existing.Zip(images)]);
        }
        catch
        {
            foreach (StoreImage image in images)
                image.Dispose();
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Without the traces of deleted rows.</summary>
    private async Task CopyCatalogAsync(string path, CancellationToken cancellationToken)
    {
        await using var catalog = new SqliteConnection(StoreRegistration.ConnectionString(StoreRegistration.CatalogPath(options.Value), isPooled: false));
        await catalog.OpenAsync(cancellationToken);
        await using SqliteCommand command = catalog.CreateCommand();
        command.CommandText = "VACUUM INTO $path";
        command.Parameters.AddWithValue("$path", path);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The private key of the server's tokens, which are no part of its world. VACUUM leaves no trace of the row.</summary>
    private static async Task RemoveKeyAsync(string path, CancellationToken cancellationToken)
    {
        await using var catalog = new SqliteConnection(StoreRegistration.ConnectionString(path, isPooled: false));
        await catalog.OpenAsync(cancellationToken);
        await using SqliteCommand command = catalog.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = DELETE; DELETE FROM Settings WHERE Name = $name; VACUUM;";
        command.Parameters.AddWithValue("$name", TokenSigningKey.SettingName);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>The world of one instant. Disposing gives back the space that it holds.</summary>
public sealed class CapturedState : IDisposable
{
    private static readonly DateTimeOffset s_memberTime = DateTimeOffset.UnixEpoch;

    private readonly WorkDirectory _directory;
    private readonly IReadOnlyList<(string Region, StoreImage Image)> _regions;

    internal CapturedState(WorkDirectory directory, IReadOnlyList<(string Region, StoreImage Image)> regions) => (_directory, _regions) = (directory, regions);

    /// <param name="created">Real time.</param>
    public async Task WriteToAsync(Stream output, DateTimeOffset created, CancellationToken cancellationToken)
    {
        await using var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true);
        await using var tar = new TarWriter(gzip, TarEntryFormat.Pax, leaveOpen: true);
        List<MemberChecksum> checksums = [];
        await AddJsonAsync(StateArchive.Manifest, new StateManifest(StateArchive.Format, StateArchive.ProgramVersion, created, [.. _regions.Select(region => region.Region)]));
        await AddFileAsync(StateArchive.Catalog, _directory.Of(StateArchive.Catalog));
        foreach ((string region, StoreImage image) in _regions)
        {
            await AddFileAsync(StateArchive.IndexOf(region), _directory.Of(region));
            await AddAsync(StateArchive.PagesOf(region), image.OpenPages());
        }
        await AddJsonAsync(StateArchive.Checksums, checksums.ToArray());

        Task AddJsonAsync<T>(string name, T value) => AddAsync(name, new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(value, JsonSerializerOptions.Web)));

        Task AddFileAsync(string name, string path) => AddAsync(name, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: false));

        async Task AddAsync(string name, Stream content)
        {
            await using var hashed = new HashedStream(content);
            var entry = new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = hashed, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, ModificationTime = s_memberTime };
            await tar.WriteEntryAsync(entry, cancellationToken);
            checksums.Add(hashed.Checksum(name));
        }
    }

    public void Dispose()
    {
        foreach ((_, StoreImage image) in _regions)
            image.Dispose();
        _directory.Dispose();
    }
}
