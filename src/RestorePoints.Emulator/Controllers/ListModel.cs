namespace RestorePoints.Emulator.Controllers;

/// <summary>A page of a list.</summary>
/// <param name="NextLink">Where the list goes on, absolute; null on the last page, and then omitted.</param>
public sealed record ListModel<T>(IReadOnlyList<T> Value, string? NextLink = null)
{
    /// <summary>The same page with other items.</summary>
    public ListModel<TOther> Select<TOther>(Func<T, TOther> model) => new([.. Value.Select(model)], NextLink);
}
