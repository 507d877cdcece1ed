using System.Net;
using System.Net.Sockets;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class FewFilesTests : IDisposable
{
    private const int OpenFiles = 1024;

    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task More_connections_than_the_process_may_open_files_do_not_end_it()
    {
        await using EmulatorProcess emulator = await EmulatorProcess.StartWithFewFilesAsync(OpenFiles, _directory.Path);
        List<Socket> sockets = [];
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        try
        {
            // What the backlog does not take either is still connecting.
            List<Task> connecting = [];
            for (int i = 0; i < OpenFiles + 200; i++)
            {
                sockets.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                connecting.Add(sockets[^1].ConnectAsync(IPAddress.Loopback, emulator.Http.Port, enough.Token).AsTask());
            }
            await Task.WhenAll(connecting.Take(OpenFiles / 2)).WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, Stop);
            await sockets[0].SendAsync("GET /emulator/health HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Stop);
            var answer = new byte[12];
            (await sockets[0].ReceiveAsync(answer, Stop)).ShouldBe(answer.Length);
            answer.ShouldBe("HTTP/1.1 200"u8.ToArray(), "those that are open are served");
            await enough.CancelAsync();
            await Task.WhenAll(connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        await world.EmptyDiskAsync("afterwards");
        emulator.Output.ShouldContain("ulimit -n");
    }
}
