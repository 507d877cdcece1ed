using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// Accepts a connection only when the process has a file to spare for it; the others wait in the backlog of the socket until one ends. Kestrel's own limit
/// refuses connections after it has accepted them, so a burst of them takes the last file all the same, and the runtime ends a process that can open none.
/// </summary>
/// <param name="free">
/// One for each connection that may be open; each listener takes one ahead, for the connection that it waits for. Connections that end after the server
/// give theirs back too, so it is never disposed.
/// </param>
internal sealed partial class ConnectionQueue(SocketTransportFactory sockets, SemaphoreSlim free, ILogger<ConnectionQueue> log) : IConnectionListenerFactory
{
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly Lock _warning = new();
    private long? _warned;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), this);

    private async Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        if (free.Wait(TimeSpan.Zero, cancellationToken))
            return;
        Warn();
        await free.WaitAsync(cancellationToken);
    }

    /// <summary>Seldom: in a burst every connection has to wait.</summary>
    private void Warn()
    {
        lock (_warning)
        {
            if (_warned is { } warned && TimeProvider.System.GetElapsedTime(warned) < BetweenWarnings)
                return;
            _warned = TimeProvider.System.GetTimestamp();
        }
        LogFull();
    }

    private void Release() => free.Release();

    [LoggerMessage(Level = LogLevel.Warning, Message = "As many connections are open as the process has files for: further ones wait until one ends. A higher limit of open files (ulimit -n) allows more")]
    private partial void LogFull();

    private sealed class Listener(IConnectionListener listener, ConnectionQueue queue) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => listener.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                await queue.WaitForRoomAsync(_unbound.Token);
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
                    queue.Release();
            }
            return connection is null ? null : new Connection(connection, queue);
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

    /// <summary>Gives its place back when its socket is closed. That is later than <see cref="ConnectionClosed"/>: a client that sends no more may still read for long.</summary>
    private sealed class Connection(ConnectionContext connection, ConnectionQueue queue) : ConnectionContext
    {
        private int _released;

        public override string ConnectionId
        {
            get => connection.ConnectionId;
            set => connection.ConnectionId = value;
        }

        public override IFeatureCollection Features => connection.Features;

        public override IDictionary<object, object?> Items
        {
            get => connection.Items;
            set => connection.Items = value;
        }

        public override IDuplexPipe Transport
        {
            get => connection.Transport;
            set => connection.Transport = value;
        }

        public override CancellationToken ConnectionClosed
        {
            get => connection.ConnectionClosed;
            set => connection.ConnectionClosed = value;
        }

        public override EndPoint? LocalEndPoint
        {
            get => connection.LocalEndPoint;
            set => connection.LocalEndPoint = value;
        }

        public override EndPoint? RemoteEndPoint
        {
            get => connection.RemoteEndPoint;
            set => connection.RemoteEndPoint = value;
        }

        public override void Abort(ConnectionAbortedException abortReason) => connection.Abort(abortReason);

        public override async ValueTask DisposeAsync()
        {
            try
            {
                await connection.DisposeAsync();
            }
            finally
            {
                if (Interlocked.Exchange(ref _released, 1) == 0)
                    queue.Release();
                await base.DisposeAsync();
            }
        }
    }
}
