using System.Globalization;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>GET /emulator/journal?since=&amp;path=&amp;operation=</c>: the last 10,000 requests of ARM and of the data plane, oldest first.</summary>
public static class JournalEndpoint
{
    private static readonly string[] s_parameters = ["since", "path", "operation"];

    public static void MapJournal(this IEndpointRouteBuilder routes) => routes.MapGet("/emulator/journal", (HttpRequest request, RequestJournal journal) =>
    {
        if (request.Query.Keys.FirstOrDefault(name => !s_parameters.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw ArmErrors.InvalidParameter(unknown, $"The query parameter '{unknown}' is not known. Known ones are: {string.Join(", ", s_parameters)}.").AsException();
        Func<JournalEntry, bool> isSince = Since(Single(request, "since"));
        PathGlob? path = Single(request, "path") is { } pattern ? PathGlob.Parse(pattern) ?? throw Refused("path", pattern, "a pattern of paths that begins with '/' or '*'") : null;
        string? operation = Single(request, "operation") is { } name ? OperationNames.Find(name, out _) ?? throw Refused("operation", name, "an operation of this emulator") : null;
        return new JournalPage(journal.Read()
            .Where(entry => isSince(entry) && path?.IsMatch(entry.Path) != false && (operation is null || entry.Operation == operation)).Select(JournalItem.From));
    });

    /// <summary>A number: the requests behind it. A time: those that came then or later.</summary>
    private static Func<JournalEntry, bool> Since(string? text)
    {
        if (text is null)
            return _ => true;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seq))
            return entry => entry.Seq > seq;
        // The second attempt is for a plus sign that was not encoded.
        return TryParse(text, out DateTimeOffset time) || TryParse(text.Replace(' ', '+'), out time)
            ? entry => entry.Time >= time
            : throw Refused("since", text, "a seq of the journal or an ISO 8601 time");

        static bool TryParse(string text, out DateTimeOffset time) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
    }

    private static string? Single(HttpRequest request, string name) => request.Query[name] switch
    {
        [] => null,
        [{ Length: > 0 } value] => value,
        var other => throw Refused(name, other.ToString(), "one value"),
    };

    private static ArmException Refused(string name, string value, string expected) =>
        ArmErrors.InvalidParameter(name, $"The value '{RequestJournal.Shown(value)}' of the query parameter '{name}' is not {expected}.").AsException();

    private sealed record JournalPage(IEnumerable<JournalItem> Value);

    /// <summary>null: there is none.</summary>
    private sealed record JournalItem(long Seq, DateTime Time, string Method, string Path, string? ApiVersion, string? Operation, int Status, double DurationMs,
        Guid? OperationId, string? FaultId, string? RequestId)
    {
        public static JournalItem From(JournalEntry entry) => new(entry.Seq, entry.Time.UtcDateTime, RequestJournal.Shown(entry.Method), RequestJournal.Shown(entry.Path),
            entry.ApiVersion is null ? null : RequestJournal.Shown(entry.ApiVersion), entry.Operation, entry.Status, Math.Round(entry.DurationMs, 3),
            entry.OperationId == Guid.Empty ? null : entry.OperationId, entry.FaultId, entry.RequestId);
    }
}
