using System.Diagnostics;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>The files of an engine that another process has open.</summary>
internal static class RegionFiles
{
    private const int MiB = 1 << 20;

    /// <summary>No test writes more.</summary>
    private const int LookedAtBytes = 64 * MiB;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Waits until a page is written. What its process wrote before is then recorded too.</summary>
    /// <param name="page">4 KiB that are nowhere else.</param>
    public static async Task ShouldGetAsync(string directory, ReadOnlyMemory<byte> page)
    {
        var watch = Stopwatch.StartNew();
        while (!Directory.Exists(directory) || !Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Any(file => Has(file, page.Span)))
        {
            watch.Elapsed.ShouldBeLessThan(Patience);
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private static bool Has(string path, ReadOnlySpan<byte> page)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var buffer = new byte[MiB];
            for (int read = 1, at = 0; read > 0 && at < LookedAtBytes; at += read)
            {
                read = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
                if (buffer.AsSpan(0, read).IndexOf(page) >= 0)
                    return true;
            }
        }
        catch (IOException)
        {
            // Deleted meanwhile, or locked.
        }
        return false;
    }
}
