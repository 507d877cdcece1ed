using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class ReadyLineTests
{
    [Theory]
    [InlineData("localhost", 11000, 11001, "http://127.0.0.1:11000 https://localhost:11001")]
    [InlineData("localhost", 11000, 0, "http://127.0.0.1:11000")]
    [InlineData("localhost", 0, 11001, "https://localhost:11001")]
    [InlineData("0.0.0.0", 11000, 11001, "http://127.0.0.1:11000 https://localhost:11001")]
    [InlineData("192.0.2.7", 11000, 11001, "http://192.0.2.7:11000 https://192.0.2.7:11001")]
    [InlineData("fd00::2", 11000, 0, "http://[fd00::2]:11000")]
    public void Names_urls_that_lead_here(string bindAddress, int http, int https, string urls)
    {
        var options = new EmulatorOptions { BindAddress = bindAddress, DataDirectory = "data" };

        ReadyLine.Format(options, http, https).ShouldBe($"RestorePoints is ready: {urls} data={Path.GetFullPath("data")} profile=Fast");
    }
}
