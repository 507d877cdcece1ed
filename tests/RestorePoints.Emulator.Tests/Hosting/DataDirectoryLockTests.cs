using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class DataDirectoryLockTests : IDisposable
{
    private readonly TemporaryDirectory _temp = new();

    [Fact]
    public void The_directory_is_made_for_its_owner_alone()
    {
        using DataDirectoryLock held = DataDirectoryLock.Acquire(_temp.File("new", "data"));

        held.Path.ShouldBe(_temp.File("new", "data"));
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(held.Path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public void A_second_holder_is_refused_until_the_first_lets_go()
    {
        using (DataDirectoryLock.Acquire(_temp.Path))
            Should.Throw<StartException>(() => DataDirectoryLock.Acquire(_temp.Path)).Message.ShouldStartWith($"the data directory {_temp.Path} is in use by another emulator.");

        DataDirectoryLock.Acquire(_temp.Path).Dispose();
    }

    [Fact]
    public void A_file_in_the_way_is_reported()
    {
        File.WriteAllText(_temp.File("data"), "");

        Should.Throw<StartException>(() => DataDirectoryLock.Acquire(_temp.File("data"))).Message.ShouldStartWith($"the data directory {_temp.File("data")} cannot be made:");
    }

    public void Dispose() => _temp.Dispose();
}
