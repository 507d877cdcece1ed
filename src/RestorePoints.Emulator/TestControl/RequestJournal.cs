using RestorePoints.Emulator.Hosting;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// The last 10,000 requests of ARM and of the data plane, in memory: a ring of slots that are overwritten. What is shown is made when somebody asks.
/// </summary>
public sealed class RequestJournal
{
    public const int Capacity = 10_000;

    /// <summary>Longest text that is kept of what a client chose.</summary>
    private const int LongestText = 2048;

    private readonly Lock _lock = new();
    private readonly JournalEntry[] _ring = new JournalEntry[Capacity];
    private long _last;

    /// <summary>Adds a request that has ended. Numbers follow the order of the ends, from 1.</summary>
    public void Add(in JournalEntry entry)
    {
        lock (_lock)
        {
            long seq = ++_last;
            _ring[seq % Capacity] = entry with { Seq = seq };
        }
    }

    /// <summary>The requests that are kept, in the order of their numbers.</summary>
    public IReadOnlyList<JournalEntry> Read()
    {
        lock (_lock)
        {
            var entries = new List<JournalEntry>((int)Math.Min(_last, Capacity));
            for (long seq = Math.Max(1, _last - Capacity + 1); seq <= _last; seq++)
                if (_ring[seq % Capacity] is { Seq: > 0 } entry)
                    entries.Add(entry);
            return entries;
        }
    }

    /// <summary>Forgets all requests, or those of a subscription; numbers go on.</summary>
    public void Clear(Guid? subscriptionId = null)
    {
        lock (_lock)
        {
            for (int slot = 0; slot < Capacity; slot++)
                if (subscriptionId is null || _ring[slot].SubscriptionId == subscriptionId)
                    _ring[slot] = default;
        }
    }

    /// <summary>Text of a client as the journal may show it: without secrets, of limited length.</summary>
    public static string Shown(string text) => SecretRedaction.Redact(Limited(text));

    /// <summary>So that hostile requests do not fill the memory.</summary>
    public static string Limited(string text) => text.Length <= LongestText ? text : text[..LongestText];
}

/// <summary>A request that has ended.</summary>
/// <param name="Time">When it came, by the emulator's clock.</param>
/// <param name="Path">Decoded, without the query.</param>
/// <param name="ApiVersion">api-version of ARM; x-ms-version of the data plane's answer.</param>
/// <param name="Status">0: the connection ended before an answer began.</param>
/// <param name="OperationId">The asynchronous operation that it began or asked for; empty: none.</param>
/// <param name="SubscriptionId">Empty: not known.</param>
public readonly record struct JournalEntry(DateTimeOffset Time, string Method, string Path, string? ApiVersion, string? Operation, int Status, double DurationMs,
    Guid OperationId, string? FaultId, string? RequestId, Guid SubscriptionId)
{
    /// <summary>From 1; 0 is an empty slot.</summary>
    public long Seq { get; init; }
}
