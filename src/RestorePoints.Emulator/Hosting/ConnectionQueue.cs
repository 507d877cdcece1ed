using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// Accepts a connection only when the process has a file to spare for it; the others wait in the backlog of the socket until one ends. Kestrel's own limit
/// refuses connections after it has accepted them, so a burst of them takes the last file all the same, and the runtime ends a process that can open none.
/// </summary>
/// <param name="free">One for each connection that may be open; connections that end after the server give theirs back too, so it is never disposed.</param>
internal sealed class ConnectionQueue(SocketTransportFactory sockets, SemaphoreSlim free) : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), free);

    private sealed class Listener(IConnectionListener listener, SemaphoreSlim free) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => listener.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                await free.WaitAsync(_unbound.Token);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
            ConnectionContext? connection = null;
            try
            {
                connection = await listener.AcceptAsync(cancellationToken);
            }
            finally
            {
                if (connection is null)
                    free.Release();
            }
            connection?.ConnectionClosed.Register(static free => ((SemaphoreSlim)free!).Release(), free);
            return connection;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync();
            await listener.UnbindAsync(cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await _unbound.CancelAsync();
            await listener.DisposeAsync();
        }
    }
}
