namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The sequence number of a page blob and the conditions of Put Page on it. No operation that a managed disk offers changes the number, so it
/// is always 0.
/// </summary>
internal static class SequenceConditions
{
    public const long Number = 0;
    public const string NumberText = "0";

    private const string AtMost = "x-ms-if-sequence-number-le";
    private const string Below = "x-ms-if-sequence-number-lt";
    private const string Equal = "x-ms-if-sequence-number-eq";

    public static readonly string[] Headers = [AtMost, Below, Equal];

    /// <exception cref="StorageException">SequenceNumberConditionNotMet, or InvalidHeaderValue.</exception>
    public static void Check(HttpRequest request)
    {
        if (Value(request, AtMost) < Number || Value(request, Below) <= Number || Value(request, Equal) is not (null or Number))
            throw StorageErrors.SequenceNumberConditionNotMet.AsException();
    }

    private static long? Value(HttpRequest request, string name)
    {
        string text = request.Headers[name].ToString();
        if (text.Length == 0)
            return null;
        return long.TryParse(text, out long number) && number >= 0 ? number : throw StorageErrors.InvalidHeaderValue(name, text).AsException();
    }
}
