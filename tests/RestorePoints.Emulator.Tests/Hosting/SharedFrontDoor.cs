using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

/// <summary>One front door for all tests of a class that do not mind each other.</summary>
public sealed class SharedFrontDoor : IAsyncLifetime
{
    private readonly TemporaryDirectory _temp = new();

    internal FrontDoor Door { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Door = await FrontDoor.StartAsync(_temp.Path);

    public async ValueTask DisposeAsync()
    {
        await Door.DisposeAsync();
        _temp.Dispose();
    }
}
