using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Hosting;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>GET /emulator/tls/ca.pem</c>: the certificate that clients have to trust, for those that cannot see the data directory.</summary>
public static class TlsAuthorityEndpoint
{
    private static readonly ArmError NoAuthority = new(404, "NotFound",
        "This emulator serves the certificate of Emulator:Tls:CertificatePath and has no certificate authority of its own.");

    public static void MapTlsAuthority(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/emulator/tls/ca.pem", (TlsCertificates certificates) =>
            certificates.AuthorityPem is { } pem ? Results.Text(pem, "application/x-pem-file") : throw NoAuthority.AsException());
}
