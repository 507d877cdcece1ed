using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>A server that may import from one folder, one path of a web server, and the SAS of another emulator.</summary>
public sealed class ImportFixture(EmulatorFixture other) : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();

    public EmulatorProcess Emulator { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    internal VhdServer Server { get; } = new();

    /// <summary>The allowed folder; what lies beside it is not allowed.</summary>
    public string Folder => _directory.File("allowed");

    /// <summary>A path outside of the allowed folder.</summary>
    public string Outside(string name) => _directory.File(name);

    public static string UrlOf(string path) => new Uri(path).AbsoluteUri;

    public RawArm NewSubscription() => new(Http, Guid.NewGuid());

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Folder);
        Emulator = await EmulatorProcess.StartAsync(_directory.File("data"),
            $"--Emulator:ImportRoots:0={Folder}", $"--Emulator:ImportRoots:1={Server.Url}/vhds", $"--Emulator:ImportRoots:2={other.Emulator.Http}");
        Http = EmulatorFixture.NewClient(Emulator);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (Emulator is not null)
            await Emulator.DisposeAsync();
        await Server.DisposeAsync();
        _directory.Dispose();
    }
}
