using Xunit;

namespace RestorePoints.Emulator.Tests.StateArchives;

/// <summary>Two servers that the tests of a class have for themselves: worlds go from one to the other. Each test begins with two empty ones.</summary>
public sealed class StateFixture : IAsyncLifetime
{
    private readonly TemporaryDirectory _here = new(), _there = new();
    private HttpClient _hereHttp = null!, _thereHttp = null!;

    public EmulatorProcess Here { get; private set; } = null!;

    public EmulatorProcess There { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        EmulatorProcess[] servers = await Task.WhenAll(EmulatorProcess.StartAsync(_here.Path, "--Emulator:HttpsPort=0"), EmulatorProcess.StartAsync(_there.Path, "--Emulator:HttpsPort=0"));
        (Here, There) = (servers[0], servers[1]);
        (_hereHttp, _thereHttp) = (EmulatorFixture.NewClient(Here), EmulatorFixture.NewClient(There));
    }

    /// <summary>One new subscription in both, which are empty.</summary>
    public async Task<(RawArm Here, RawArm There)> BeginAsync()
    {
        Guid subscription = Guid.NewGuid();
        (RawArm here, RawArm there) = (new(_hereHttp, subscription), new(_thereHttp, subscription));
        await here.ResetAsync();
        await there.ResetAsync();
        return (here, there);
    }

    public async ValueTask DisposeAsync()
    {
        _hereHttp?.Dispose();
        _thereHttp?.Dispose();
        if (Here is not null)
            await Here.DisposeAsync();
        if (There is not null)
            await There.DisposeAsync();
        _here.Dispose();
        _there.Dispose();
    }
}
