using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.ResourceManager;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>Azure's own .NET clients, pointed at the emulator over TLS with nothing but its CA trusted.</summary>
internal sealed class AzureClients : IDisposable
{
    private const string Tenant = "00000000-0000-0000-0000-00000000000a";
    private readonly HttpClient _http;

    private AzureClients(HttpClient http, Uri endpoint, string subscription)
    {
        _http = http;
        var transport = new HttpClientTransport(http);
        var credential = new ClientSecretCredential(Tenant, Guid.NewGuid().ToString(), "any secret", new ClientSecretCredentialOptions
        {
            AuthorityHost = endpoint,
            DisableInstanceDiscovery = true,
            Transport = transport,
        });
        Arm = new ArmClient(credential, subscription, new ArmClientOptions
        {
            Environment = new ArmEnvironment(endpoint, endpoint.ToString()),
            Transport = transport,
        });
    }

    public ArmClient Arm { get; }

    public static async Task<AzureClients> CreateAsync(EmulatorFixture fixture)
    {
        string pem = await fixture.Http.GetStringAsync("/emulator/tls/ca.pem");
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { X509Certificate2.CreateFromPem(pem) },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
        return new AzureClients(new HttpClient(handler), fixture.Emulator.Https!, Guid.NewGuid().ToString());
    }

    public PageBlobClient PageBlob(string sas, Action<BlobClientOptions>? configure = null)
    {
        var options = new BlobClientOptions { Transport = new HttpClientTransport(_http) };
        configure?.Invoke(options);
        return new PageBlobClient(new Uri(sas), options);
    }

    public void Dispose() => _http.Dispose();
}
