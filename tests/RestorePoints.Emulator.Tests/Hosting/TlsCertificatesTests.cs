using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class TlsCertificatesTests : IDisposable
{
    private readonly TemporaryDirectory _temp = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 5, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void The_first_start_makes_a_leaf_that_clients_accept()
    {
        using TlsCertificates certificates = Open();
        X509Certificate2 leaf = certificates.Server;

        leaf.HasPrivateKey.ShouldBeTrue();
        (leaf.NotAfter - leaf.NotBefore).ShouldBeLessThanOrEqualTo(TimeSpan.FromDays(397));
        CertificateAuthority.NamesOf(leaf).ShouldBe(["localhost", "127.0.0.1", "::1"], ignoreOrder: true);
        leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeFalse();
        leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages[0].Value.ShouldBe("1.3.6.1.5.5.7.3.1");
        CertificateAuthority.IsIssuedBy(Authority(certificates), leaf, _time.GetUtcNow()).ShouldBeTrue();
    }

    [Fact]
    public void Keys_are_for_the_owner_alone_and_the_authority_is_for_everyone()
    {
        Open().Dispose();

        if (OperatingSystem.IsWindows())
            return;
        File.GetUnixFileMode(_temp.File("tls", "ca.key.pem")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(_temp.File("tls", "server.key.pem")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(_temp.File("tls", "ca.pem")).HasFlag(UnixFileMode.OtherRead).ShouldBeTrue();
    }

    [Fact]
    public void A_later_start_keeps_the_leaf_until_it_nears_its_end_and_the_authority_beyond()
    {
        using TlsCertificates first = Open();
        _time.Advance(TimeSpan.FromDays(300));
        using TlsCertificates second = Open();
        _time.Advance(TimeSpan.FromDays(60));
        using TlsCertificates third = Open();

        second.Server.Thumbprint.ShouldBe(first.Server.Thumbprint);
        third.Server.Thumbprint.ShouldNotBe(first.Server.Thumbprint);
        third.AuthorityPem.ShouldBe(first.AuthorityPem);
        CertificateAuthority.IsIssuedBy(Authority(first), third.Server, _time.GetUtcNow()).ShouldBeTrue();
    }

    [Fact]
    public void An_authority_that_a_leaf_would_outlive_is_replaced()
    {
        using TlsCertificates first = Open();
        _time.Advance(TimeSpan.FromDays(3300));
        using TlsCertificates later = Open();

        later.AuthorityPem.ShouldNotBe(first.AuthorityPem);
        CertificateAuthority.IsIssuedBy(Authority(later), later.Server, _time.GetUtcNow()).ShouldBeTrue();
    }

    [Fact]
    public void New_names_make_a_new_leaf_under_the_same_authority()
    {
        using TlsCertificates first = Open();
        using TlsCertificates named = Open("Emulator", "10.1.2.3", "*.emulator");
        using TlsCertificates again = Open("emulator", "10.1.2.3", "*.emulator");

        CertificateAuthority.NamesOf(named.Server).ShouldBe(["localhost", "127.0.0.1", "::1", "emulator", "10.1.2.3", "*.emulator"], ignoreOrder: true);
        named.AuthorityPem.ShouldBe(first.AuthorityPem);
        again.Server.Thumbprint.ShouldBe(named.Server.Thumbprint);
    }

    [Theory]
    [InlineData("server.pem")]
    [InlineData("server.key.pem")]
    [InlineData("ca.pem")]
    [InlineData("ca.key.pem")]
    public void A_broken_file_is_replaced(string file)
    {
        Open().Dispose();
        File.WriteAllText(_temp.File("tls", file), "cut off");

        using TlsCertificates certificates = Open();

        CertificateAuthority.IsIssuedBy(Authority(certificates), certificates.Server, _time.GetUtcNow()).ShouldBeTrue();
    }

    [Fact]
    public void An_own_certificate_is_served_with_its_chain()
    {
        using TlsCertificates made = Open();
        File.AppendAllText(_temp.File("tls", "server.pem"), made.AuthorityPem);
        var options = new EmulatorOptions { Tls = { CertificatePath = _temp.File("tls", "server.pem"), KeyPath = _temp.File("tls", "server.key.pem") } };

        using TlsCertificates given = TlsCertificates.Open(_temp.File("other"), options, _time);

        given.Server.Thumbprint.ShouldBe(made.Server.Thumbprint);
        given.Intermediates.ShouldHaveSingleItem().Thumbprint.ShouldBe(Authority(made).Thumbprint);
        given.AuthorityPem.ShouldBeNull();
        Directory.Exists(_temp.File("other")).ShouldBeFalse();
    }

    [Fact]
    public void An_own_certificate_with_another_key_is_refused()
    {
        Open().Dispose();
        var options = new EmulatorOptions { Tls = { CertificatePath = _temp.File("tls", "server.pem"), KeyPath = _temp.File("tls", "ca.key.pem") } };

        Should.Throw<StartException>(() => TlsCertificates.Open(_temp.Path, options, _time)).Message.ShouldStartWith("Emulator:Tls:CertificatePath=");
    }

    private TlsCertificates Open(params string[] names) => TlsCertificates.Open(_temp.Path, new EmulatorOptions { Tls = { Names = [.. names] } }, _time);

    private static X509Certificate2 Authority(TlsCertificates certificates) => X509Certificate2.CreateFromPem(certificates.AuthorityPem!);

    public void Dispose() => _temp.Dispose();
}
