using System.Buffers;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace RestorePoints.Benchmarks;

/// <summary>What Kestrel can do when nothing but bytes is to be moved: ranges out of one flat file, bodies into it with one write each.</summary>
internal static class HttpLimitServer
{
    private const int ReadBytes = 256 * 1024;

    /// <summary>Serves the files of a directory until the process is ended; prints its URL first.</summary>
    public static async Task RunAsync(string directory)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(options => options.Limits.MaxRequestBodySize = null);
        await using WebApplication app = builder.Build();
        var files = new Dictionary<string, SafeFileHandle>();
        foreach (string path in Directory.EnumerateFiles(directory))
            files["/" + Path.GetFileName(path)] = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        app.Run(context => HttpMethods.IsPut(context.Request.Method)
            ? WriteAsync(context, files[context.Request.Path.Value!])
            : ReadAsync(context, files[context.Request.Path.Value!]));
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await app.WaitForShutdownAsync();
    }

    private static async Task ReadAsync(HttpContext context, SafeFileHandle file)
    {
        (long offset, long length) = Range(context.Request.Headers["x-ms-range"].ToString());
        context.Response.StatusCode = StatusCodes.Status206PartialContent;
        context.Response.ContentLength = length;
        while (length > 0)
        {
            int piece = (int)Math.Min(ReadBytes, length);
            int read = RandomAccess.Read(file, context.Response.BodyWriter.GetSpan(piece)[..piece], offset);
            context.Response.BodyWriter.Advance(read);
            await context.Response.BodyWriter.FlushAsync();
            offset += read;
            length -= read;
        }
    }

    private static async Task WriteAsync(HttpContext context, SafeFileHandle file)
    {
        (long offset, long length) = Range(context.Request.Headers["x-ms-range"].ToString());
        byte[] body = ArrayPool<byte>.Shared.Rent((int)length);
        await context.Request.Body.ReadExactlyAsync(body.AsMemory(0, (int)length));
        RandomAccess.Write(file, body.AsSpan(0, (int)length), offset);
        ArrayPool<byte>.Shared.Return(body);
        context.Response.StatusCode = StatusCodes.Status201Created;
    }

    private static (long Offset, long Length) Range(ReadOnlySpan<char> range)
    {
        ReadOnlySpan<char> numbers = range["bytes=".Length..];
        int dash = numbers.IndexOf('-');
        long first = long.Parse(numbers[..dash], CultureInfo.InvariantCulture);
        return (first, long.Parse(numbers[(dash + 1)..], CultureInfo.InvariantCulture) - first + 1);
    }
}
