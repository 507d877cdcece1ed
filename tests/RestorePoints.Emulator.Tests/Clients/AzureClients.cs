using System.Security.Cryptography.X509Certificates;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.ResourceManager;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>Azure's own .NET clients, pointed at the emulator over TLS with nothing but its CA trusted.</summary>
internal sealed class AzureClients(ArmClient arm, TokenCredential credential, HttpPipelineTransport transport)
{
    public ArmClient Arm { get; } = arm;

    public static async Task<AzureClients> CreateAsync(EmulatorProcess emulator)
    {
        string subscription = Guid.NewGuid().ToString();
        Uri http = emulator.Http, endpoint = emulator.Https!;

        // The recipe of docs/clients.md, word for word.
        using var plain = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        X509Certificate2 ca = X509Certificate2.CreateFromPem(await plain.GetStringAsync(new Uri(http, "/emulator/tls/ca.pem")));
        var trusting = new SocketsHttpHandler { UseProxy = false };
        trusting.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { ca },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        var transport = new HttpClientTransport(new HttpClient(trusting));
        var credential = new ClientSecretCredential("00000000-0000-0000-0000-00000000000a", "any client id", "any secret",
            new ClientSecretCredentialOptions { AuthorityHost = endpoint, DisableInstanceDiscovery = true, Transport = transport });
        var arm = new ArmClient(credential, subscription,
            new ArmClientOptions { Environment = new ArmEnvironment(endpoint, endpoint.ToString()), Transport = transport });

        return new AzureClients(arm, credential, transport);
    }

    public PageBlobClient PageBlob(string sas, Action<BlobClientOptions>? configure = null)
    {
        var options = new BlobClientOptions { Transport = transport };
        configure?.Invoke(options);
        return new PageBlobClient(new Uri(sas), options);
    }

    /// <summary>With a token beside the SAS, which the client sends over TLS only.</summary>
    public PageBlobClient PageBlobWithToken(Uri sas, BlobAudience? audience = null) =>
        new(sas, credential, new BlobClientOptions { Transport = transport, Audience = audience, Retry = { MaxRetries = 0 } });
}
