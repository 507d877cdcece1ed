using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.StateArchives;

/// <summary>
/// An archive, unpacked beside the world into stores of their own and checked as a whole: members, checksums, formats, schema. Nothing of the world is touched yet.
/// </summary>
internal sealed partial class StagedState : IDisposable
{
    private const int LongestJson = 1 << 20;
    private const int MostRegions = 1000;

    private readonly WorkDirectory _directory;

    private StagedState(WorkDirectory directory) => _directory = directory;

    public string CatalogPath => _directory.Of(StateArchive.Catalog);

    /// <summary>One directory for each region.</summary>
    public string RegionsPath => _directory.Of("regions");

    /// <summary>Where the stores go that these replace.</summary>
    public string ReplacedPath => _directory.Of("replaced");

    /// <param name="archivePath">Of a file, read from its beginning to its end.</param>
    /// <exception cref="StateArchiveException">It is not an archive that this program takes.</exception>
    public static async Task<StagedState> OpenAsync(string archivePath, EmulatorOptions options, CancellationToken cancellationToken)
    {
        var staged = new StagedState(new WorkDirectory(options.DataDirectoryPath));
        try
        {
            await Task.Run(() => staged.Unpack(archivePath, cancellationToken), cancellationToken);
            await staged.PrepareCatalogAsync(cancellationToken);
            await Task.Run(() => staged.CheckStoresAsync(options), cancellationToken);
            return staged;
        }
        catch (Exception fault) when (fault is InvalidDataException or EndOfStreamException or FormatException or JsonException or SqliteException or StoreFormatException
            or InvalidOperationException or ArgumentException or IndexOutOfRangeException or OverflowException or OutOfMemoryException or NotSupportedException)
        {
            staged.Dispose();
            throw new StateArchiveException($"it is no state archive, or damaged: {fault.Message}", fault);
        }
        catch
        {
            staged.Dispose();
            throw;
        }
    }

    public void Dispose() => _directory.Dispose();

    private void Unpack(string archivePath, CancellationToken cancellationToken)
    {
        using var file = new FileStream(archivePath, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        List<MemberChecksum> members = [];

        StateManifest manifest = ReadJson<StateManifest>(StateArchive.Manifest);
        if (manifest.Format != StateArchive.Format)
            throw new StateArchiveException($"it has format {manifest.Format} and was written by RestorePoints {Shown(manifest.Program ?? "?")}; this is RestorePoints {StateArchive.ProgramVersion}, which reads format {StateArchive.Format}.");
        if (manifest.Regions is not { Count: <= MostRegions } regions || !regions.All(StateArchive.IsRegion) || regions.Distinct().Count() != regions.Count)
            throw new InvalidDataException("its list of regions is not valid");
        Extract(StateArchive.Catalog, CatalogPath);
        _directory.CreateDirectory("regions");
        foreach (string region in regions)
        {
            string directory = _directory.CreateDirectory("regions", region);
            Extract(StateArchive.IndexOf(region), Path.Combine(directory, StoreImage.IndexName));
            Read(StateArchive.PagesOf(region), pages => StoreImage.Restore(directory, pages));
        }
        MemberChecksum[] read = [.. members];
        if (!ReadJson<MemberChecksum[]>(StateArchive.Checksums).SequenceEqual(read))
            throw new InvalidDataException("a member has another length or content than was written");
        if (tar.GetNextEntry() is not null)
            throw new InvalidDataException("it goes on behind its last member");
        // The hash of the gzip is behind the padding of the tar.
        gzip.CopyTo(Stream.Null);

        void Extract(string name, string path) => Read(name, content =>
        {
            using FileStream target = File.Create(path);
            content.CopyTo(target);
            target.Flush(flushToDisk: true);
        });

        T ReadJson<T>(string name)
        {
            T? value = default;
            Read(name, content =>
            {
                if (content.Length > LongestJson)
                    throw new InvalidDataException($"{name} is too long");
                value = JsonSerializer.Deserialize<T>(content, JsonSerializerOptions.Web);
            });
            return value ?? throw new InvalidDataException($"{name} is empty");
        }

        void Read(string name, Action<HashedStream> read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (tar.GetNextEntry() is not { } entry)
                throw new EndOfStreamException($"it ends before {name}");
            if (entry.Name != name || entry.EntryType != TarEntryType.RegularFile)
                throw new InvalidDataException($"{name} is missing");
            RequireRoom(entry.Length);
            using var content = new HashedStream(entry.DataStream ?? new MemoryStream());
            read(content);
            members.Add(content.Checksum(name));
        }
    }

    /// <summary>Refused before the disk is full of it.</summary>
    private void RequireRoom(long bytes)
    {
        long free = new DriveInfo(Path.GetFullPath(_directory.Path)).AvailableFreeSpace;
        if (bytes > free)
            throw new StateArchiveException($"it unpacks to {bytes} bytes and more; {free} are free.");
    }

    /// <summary>Brings an older program's catalog to this version's schema, and takes out what is true of one server only: under which name clients reached it, and its key of tokens.</summary>
    private async Task PrepareCatalogAsync(CancellationToken cancellationToken)
    {
        await using EmulatorDbContext db = NewContext();
        await db.Database.OpenConnectionAsync(cancellationToken);
        if (await db.Database.SqlQueryRaw<string>("SELECT quick_check AS Value FROM pragma_quick_check").ToListAsync(cancellationToken) is not ["ok"])
            throw new InvalidDataException("its catalog is damaged");
        string[] known = [.. db.Database.GetMigrations()];
        if ((await db.Database.GetAppliedMigrationsAsync(cancellationToken)).Except(known).FirstOrDefault() is { } unknown)
            throw new StateArchiveException($"its catalog is of a newer version than RestorePoints {StateArchive.ProgramVersion}: it has the change {Shown(unknown)}.");
        await StoreRegistration.MigrateAsync(db, cancellationToken);
        if (await db.Database.SqlQueryRaw<string>("SELECT \"table\" AS Value FROM pragma_foreign_key_check").AnyAsync(cancellationToken))
            throw new InvalidDataException("a row of its catalog names one that is missing");
        await ClockControl.ReadAsync(db, cancellationToken);

        await db.Settings.Where(setting => setting.Name == TokenSigningKey.SettingName).ExecuteDeleteAsync(cancellationToken);
        await db.Database.ExecuteSqlRawAsync("UPDATE AccessGrants SET BaseUrl = ''", cancellationToken);
        await db.Database.ExecuteSqlRawAsync("UPDATE Operations SET Arguments = json_set(Arguments, '$.BaseUrl', '') WHERE Kind = {0}", [nameof(GrantAccess)], cancellationToken);
        foreach (Operation operation in await db.Operations.Where(operation => operation.Kind == nameof(GrantAccess) && operation.Output != null).ToListAsync(cancellationToken))
            operation.Output = Authority().Replace(operation.Output!, "\"");
        await db.SaveChangesAsync(cancellationToken);
    }

    /// <summary>Each keeps its invariants, opens, and is closed again with all of it on disk; together they have the bytes that the rows promise.</summary>
    private async Task CheckStoresAsync(EmulatorOptions options)
    {
        Dictionary<string, StoreVerification> stores = new(StringComparer.Ordinal);
        List<StoreFinding> findings = [];
        foreach (string directory in Directory.EnumerateDirectories(RegionsPath))
        {
            var store = StoreVerification.Run(directory);
            stores.Add(Path.GetFileName(directory), store);
            findings.AddRange(store.Findings);
            RequireWhole();
            SnapshotStore.Open(directory, new SnapshotStoreOptions { Durability = options.Durability }).Dispose();
        }
        await using EmulatorDbContext db = NewContext();
        await VerifyCommand.CompareAsync(db, stores, findings);
        RequireWhole();

        void RequireWhole()
        {
            if (findings.Find(finding => finding.IsDamage) is { } damage)
                throw new InvalidDataException(damage.ToString());
        }
    }

    private EmulatorDbContext NewContext() =>
        new(StoreRegistration.Configure(new DbContextOptionsBuilder<EmulatorDbContext>(), StoreRegistration.ConnectionString(CatalogPath, isPooled: false)).Options);

    private static string Shown(string text) => RequestJournal.Shown(text);

    [GeneratedRegex("\"https?://[^/\"]+(?=/md-)")]
    private static partial Regex Authority();
}
