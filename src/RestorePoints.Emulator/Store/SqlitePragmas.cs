using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;
using RestorePoints.SnapshotEngine;
using SQLitePCL;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Settings of each SQLite connection. In WAL mode <c>synchronous=NORMAL</c> keeps a commit through the end of the process, <c>FULL</c> through
/// the loss of power. SQLite's own handles are pooled and keep their settings, so each gets them once.
/// </summary>
public sealed class SqlitePragmas(Durability durability) : DbConnectionInterceptor
{
    private readonly ConditionalWeakTable<sqlite3, object> _configured = [];

    private readonly string _commands =
        $"PRAGMA journal_mode=WAL; PRAGMA synchronous={(durability == Durability.Power ? "FULL" : "NORMAL")}; PRAGMA busy_timeout=30000;";

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) => Configure((SqliteConnection)connection);

    /// <summary>SQLite has no asynchronous calls.</summary>
    public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        Configure((SqliteConnection)connection);
        return Task.CompletedTask;
    }

    private void Configure(SqliteConnection connection)
    {
        if (_configured.TryGetValue(connection.Handle!, out _))
            return;
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = _commands;
        command.ExecuteNonQuery();
        _configured.AddOrUpdate(connection.Handle!, this);
    }
}
