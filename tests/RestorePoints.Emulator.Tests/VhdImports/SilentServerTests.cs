using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.VhdImports;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>A source that goes silent, with a limit short enough to wait for.</summary>
public sealed class SilentServerTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly VhdServer _server = new();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(0.05, "", "the server did not answer within 0.05 seconds")]
    [InlineData(2, "HTTP/1.1 200 OK\r\nContent-Length: 1049088\r\n\r\nabc", "the server sent less than 1048576 bytes in 2 seconds, 3 of 1049088 bytes in all")]
    public async Task The_import_ends(double seconds, string answer, string reason)
    {
        using var store = SnapshotStore.Open(_directory.Path, new SnapshotStoreOptions());
        using VhdTransfer transfer = NewTransfer(new ServerPatience(TimeSpan.FromSeconds(seconds), 1));
        var over = new TaskCompletionSource();
        string source = _server.Serve("/silent.vhd", async stream =>
        {
            await VhdServer.SendAsync(stream, answer, default);
            await over.Task;
        });
        ArmException failure = await Should.ThrowAsync<ArmException>(() => transfer.RunAsync(source + "?sig=secret", store, Guid.NewGuid(),
            _ => throw new InvalidOperationException("There is nothing to make a volume of."), () => Task.CompletedTask, TestContext.Current.CancellationToken));
        failure.Error.Message.ShouldBe($"Cannot import source blob {source}: {reason}.");
        over.SetResult();
    }

    [Fact]
    public async Task The_import_from_a_server_that_is_never_silent_but_always_slow_ends_too()
    {
        using var store = SnapshotStore.Open(_directory.Path, new SnapshotStoreOptions());
        using VhdTransfer transfer = NewTransfer(new ServerPatience(TimeSpan.FromSeconds(2), long.MaxValue));
        Guid volume = Guid.NewGuid();
        const long diskBytes = 1L << 30;
        string source = _server.Serve("/slow.vhd", async stream =>
        {
            await VhdServer.SendAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {diskBytes + 512}\r\n\r\n", default);
            while (true)
            {
                await stream.WriteAsync(new byte[1 << 20]);
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        });
        ArmException failure = await Should.ThrowAsync<ArmException>(() => transfer.RunAsync(source, store, volume, bytes =>
        {
            store.CreateVolume(volume, bytes);
            return Task.FromResult(bytes);
        }, () => Task.CompletedTask, TestContext.Current.CancellationToken));
        failure.Error.Message.ShouldStartWith($"Cannot import source blob {source}: the server sent less than {long.MaxValue} bytes per second on average, ");
    }

    private VhdTransfer NewTransfer(ServerPatience patience) =>
        new(new ImportRoots(Options.Create(new EmulatorOptions { ImportRoots = [_server.Url] })), NullLogger<VhdTransfer>.Instance) { Patience = patience };
}
