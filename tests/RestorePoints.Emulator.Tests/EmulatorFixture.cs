using RestorePoints.Emulator.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(EmulatorFixture))]

namespace RestorePoints.Emulator.Tests;

/// <summary>One server for all tests that do not stop it; each test works in a subscription of its own.</summary>
public sealed class EmulatorFixture : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();

    public EmulatorProcess Emulator { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Emulator = await EmulatorProcess.StartAsync(_directory.Path);
        Http = NewClient(Emulator);
    }

    public static HttpClient NewClient(EmulatorProcess emulator) =>
        new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = emulator.Http, Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Any well-formed subscription exists: a fresh one isolates a test.</summary>
    public RawArm NewSubscription() => new(Http, Guid.NewGuid());

    public RawBlob Blob(string sas) => new(Http, sas);

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (Emulator is not null)
            await Emulator.DisposeAsync();
        _directory.Dispose();
    }
}
