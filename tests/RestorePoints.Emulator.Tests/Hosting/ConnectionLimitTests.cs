using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class ConnectionLimitTests
{
    [Theory]
    [InlineData("Max open files            1024                 524288               files     ", 512)]
    [InlineData("Max open files            20000                20000                files     ", 15_000)]
    [InlineData("Max open files            256                  256                  files     ", 16)]
    [InlineData("Max open files            unlimited            unlimited            files     ", int.MaxValue - (int.MaxValue / 4))]
    [InlineData("Max open files            9999999999           9999999999           files     ", int.MaxValue - (int.MaxValue / 4))]
    public void Connections_leave_files_for_the_store_and_the_runtime(string line, int connections) =>
        ConnectionLimits.MaxConnections(["Limit                     Soft Limit           Hard Limit           Units     ", "Max cpu time              unlimited            unlimited            seconds   ", line])
            .ShouldBe(connections);

    [Fact]
    public void Where_the_system_does_not_tell_there_is_a_fixed_number() => ConnectionLimits.MaxConnections([]).ShouldBe(1024);

    [Fact]
    public void This_process_has_a_limit() => ConnectionLimits.MaxConnections().ShouldBeGreaterThanOrEqualTo(16);
}
