using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Settings of each SQLite connection. In WAL mode <c>synchronous=NORMAL</c> keeps a commit through the end of the process, <c>FULL</c> through
/// the loss of power.
/// </summary>
public sealed class SqlitePragmas(Durability durability) : DbConnectionInterceptor
{
    private readonly string _commands =
        $"PRAGMA journal_mode=WAL; PRAGMA synchronous={(durability == Durability.Power ? "FULL" : "NORMAL")}; PRAGMA busy_timeout=30000;";

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = _commands;
        command.ExecuteNonQuery();
    }

    public override async Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = _commands;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
