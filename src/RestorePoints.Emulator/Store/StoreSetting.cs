using System.ComponentModel.DataAnnotations;

namespace RestorePoints.Emulator.Store;

/// <summary>A value that belongs to the data directory: the key that signs SAS, the clock's offset.</summary>
public sealed class StoreSetting
{
    [Key]
    public required string Name { get; init; }
    public required string Value { get; set; }
}
