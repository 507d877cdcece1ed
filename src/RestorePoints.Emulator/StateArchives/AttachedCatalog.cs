using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.StateArchives;

/// <summary>The catalog of a <see cref="StagedState"/>, attached to the connection of a context until disposed. SQLite attaches outside of transactions only: open it before the write.</summary>
internal sealed class AttachedCatalog : IAsyncDisposable
{
    private const string Own = "main";
    private const string Attached = "staged";

    private readonly EmulatorDbContext _db;
    private readonly List<(string Name, string Columns)> _tables = [];

    private AttachedCatalog(EmulatorDbContext db) => _db = db;

    /// <exception cref="StateArchiveException">Its schema is another one.</exception>
    public static async Task<AttachedCatalog> OpenAsync(EmulatorDbContext db, StagedState state)
    {
        await db.Database.OpenConnectionAsync();
        var attached = new AttachedCatalog(db);
        try
        {
            await db.Database.ExecuteSqlRawAsync($"ATTACH DATABASE {{0}} AS {Attached}", state.CatalogPath);
            await attached.CompareAsync();
            return attached;
        }
        catch
        {
            await attached.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts its rows in the place of all rows but the server's own key of tokens. Inside a transaction, which the caller commits.</summary>
    public async Task CopyRowsAsync()
    {
        await ExecuteAsync("PRAGMA defer_foreign_keys = ON");
        foreach ((string table, _) in _tables)
            await ExecuteAsync($"DELETE FROM {Own}.[{table}]{(table == "Settings" ? $" WHERE Name <> '{TokenSigningKey.SettingName}'" : "")}");
        foreach ((string table, string columns) in _tables)
            await ExecuteAsync($"INSERT INTO {Own}.[{table}] ({columns}) SELECT {columns} FROM {Attached}.[{table}]");
        _db.ChangeTracker.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        if ((await NamesAsync("SELECT name FROM pragma_database_list")).Contains(Attached))
            await ExecuteAsync($"DETACH DATABASE {Attached}");
        await _db.Database.CloseConnectionAsync();
    }

    private async Task CompareAsync()
    {
        List<string> own = await TablesAsync(Own), attached = await TablesAsync(Attached);
        if (!own.SequenceEqual(attached))
            throw new StateArchiveException("its catalog has other tables than this program's.");
        foreach (string table in own)
        {
            List<string> columns = await ColumnsAsync(Own, table);
            if (!columns.SequenceEqual(await ColumnsAsync(Attached, table)))
                throw new StateArchiveException($"the table {table} of its catalog has other columns than this program's.");
            _tables.Add((table, string.Join(", ", columns.Select(column => $"[{column}]"))));
        }
    }

    /// <summary>All but those in which SQLite and the migrations keep their own state.</summary>
    private Task<List<string>> TablesAsync(string schema) =>
        NamesAsync($"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 4) <> '__EF' ORDER BY name");

    private Task<List<string>> ColumnsAsync(string schema, string table) => NamesAsync($"SELECT name FROM pragma_table_info('{table}', '{schema}') ORDER BY name");

    private async Task<List<string>> NamesAsync(string sql)
    {
        List<string> names = [];
        await using DbCommand command = Command(sql);
        await using DbDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            names.Add(reader.GetString(0));
        return names;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using DbCommand command = Command(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The names in it are those of the program's own schema.</summary>
    private DbCommand Command(string sql)
    {
        DbCommand command = _db.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql;
        command.Transaction = _db.Database.CurrentTransaction?.GetDbTransaction();
        return command;
    }
}
