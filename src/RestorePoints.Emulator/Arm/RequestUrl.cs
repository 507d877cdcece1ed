namespace RestorePoints.Emulator.Arm;

public static class RequestUrl
{
    /// <summary>Scheme, host and port as the client wrote them, without a slash at the end; where it named no host (HTTP/1.0), the loopback address it reached.</summary>
    public static string BaseUrl(this HttpRequest request) =>
        $"{request.Scheme}://{(request.Host.HasValue ? request.Host.Value : $"127.0.0.1:{request.HttpContext.Connection.LocalPort}")}";
}
