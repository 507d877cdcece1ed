namespace RestorePoints.SnapshotEngine;

public sealed record SnapshotStoreOptions
{
    public Durability Durability { get; init; } = Durability.Process;

    /// <summary>Drives the background flush of <see cref="Durability.Process"/>, once per second.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>When the journal is longer than this (and than the last checkpoint), a checkpoint is written in the background.</summary>
    public long JournalLimitBytes { get; init; } = 64L << 20;

    internal Geometry Geometry { get; init; } = Geometry.Default;

    /// <summary>The identity of the running kernel; null: ask the system. Another one than the journal's means the page cache was lost.</summary>
    internal Guid? BootId { get; init; }
}

public enum Durability
{
    /// <summary>An acknowledged write survives the end of the process at any instant (kill -9). A loss of power may take the last second.</summary>
    Process,

    /// <summary>An acknowledged write survives the loss of power.</summary>
    Power,
}
