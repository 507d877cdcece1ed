using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

/// <summary>An asynchronous ARM operation. The rows that are <see cref="OperationStatus.InProgress"/> are the runner's queue.</summary>
public sealed class Operation
{
    public Guid Id { get; init; } = Guid.NewGuid();

    /// <summary>Order of acceptance; operations with one <see cref="SerialKey"/> run in this order.</summary>
    public long Sequence { get; init; }

    /// <summary>Name of the class under Operations/ that does the work.</summary>
    public required string Kind { get; init; }

    /// <summary>Operations with one key run one after the other: the id of the disk or virtual machine that they change.</summary>
    public required Guid SerialKey { get; init; }

    /// <summary>
    /// Key of what the operation copies from: it runs after the operations that were accepted before it with that key, and those accepted later after it.
    /// </summary>
    public Guid? SourceKey { get; init; }

    /// <summary>Row id of the resource that the operation works on.</summary>
    public required Guid ResourceRowId { get; init; }

    /// <summary>What the operation needs besides the resource; JSON of the class's own argument type.</summary>
    public string? Arguments { get; init; }

    public required Guid SubscriptionId { get; init; }
    public required string Location { get; init; }

    /// <summary>Of the accepting request: the output has the shape of this version.</summary>
    public required string ApiVersion { get; init; }

    public OperationStatus Status { get; set; }
    public required DateTimeOffset StartTime { get; init; }
    public DateTimeOffset? EndTime { get; set; }

    /// <summary>When it would end on Azure; kept by the setting <c>OperationTime=Recorded</c>. null: at once.</summary>
    public DateTimeOffset? DueTime { get; init; }

    /// <summary>HTTP status of the error of a failed operation.</summary>
    public int? ErrorStatus { get; set; }
    public string? ErrorCode { get; set; }
    public string? ErrorMessage { get; set; }

    /// <summary>Error of a failed operation; a Location URL answers it. What failed inside the emulator is a conflict there too: clients repeat a 5xx.</summary>
    public ArmError Error => new(ErrorStatus is >= 400 and < 500 ? ErrorStatus.Value : StatusCodes.Status409Conflict, ErrorCode!, ErrorMessage!);

    /// <summary>JSON that the status body shows as <c>properties.output</c> and the Location URL answers; null: neither.</summary>
    public string? Output { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<Operation>
    {
        public void Configure(EntityTypeBuilder<Operation> builder)
        {
            builder.Ignore(operation => operation.Error);
            builder.HasKey(operation => operation.Sequence);
            builder.Property(operation => operation.Sequence).ValueGeneratedOnAdd();
            builder.HasIndex(operation => operation.Id).IsUnique();
            builder.HasIndex(operation => operation.Status);
            builder.HasIndex(operation => new { operation.SerialKey, operation.StartTime });
        }
    }
}

public enum OperationStatus
{
    InProgress,
    Succeeded,
    Failed,
}
