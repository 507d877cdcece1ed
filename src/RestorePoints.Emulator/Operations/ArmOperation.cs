using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// The work of one kind of asynchronous ARM operation. It may run again after a crash, so every engine call in it is idempotent:
/// bytes first, rows last. It runs inside the catalog's write transaction; the runner commits its rows together with the operation's end.
/// </summary>
public abstract class ArmOperation
{
    /// <summary>Whether the operation waits while its region is lost.</summary>
    public virtual bool IsRegional => true;

    /// <summary>
    /// What takes long: runs before <see cref="RunAsync"/> and outside of the transaction, changes no row, and may run again after a crash. It fails as
    /// <see cref="RunAsync"/> does.
    /// </summary>
    /// <param name="db">To look only; nothing is tracked.</param>
    public virtual Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Does the work. An <see cref="ArmException"/> ends the operation as Failed with that error.</summary>
    public abstract Task RunAsync(OperationContext context, CancellationToken cancellationToken);

    /// <summary>Puts the resource into the state that a failed operation leaves; nothing that <see cref="RunAsync"/> changed in the catalog is kept.</summary>
    public virtual Task FailAsync(OperationContext context) => Task.CompletedTask;
}

/// <summary>What an operation works with.</summary>
/// <param name="instant">See <see cref="Instant"/>.</param>
public sealed class OperationContext(Operation operation, EmulatorDbContext db, DateTimeOffset instant)
{
    private readonly List<Action> _afterCommit = [];

    public Operation Operation { get; } = operation;

    public EmulatorDbContext Db { get; } = db;

    /// <summary>
    /// The emulator's instant at which the operation does its work and ends: what it makes and starts has this time. The clock may be past it, when it was advanced or the process was
    /// restarted.
    /// </summary>
    public DateTimeOffset Instant { get; } = instant;

    /// <summary>Sets what the status body shows as <c>properties.output</c>.</summary>
    public void SetOutput(object output) => Operation.Output = ArmJson.Serialize(output, Operation.ApiVersion);

    /// <summary>Runs when the rows are durable: frees bytes, makes grants known.</summary>
    public void AfterCommit(Action action) => _afterCommit.Add(action);

    internal void RunAfterCommit() => _afterCommit.ForEach(action => action());
}
