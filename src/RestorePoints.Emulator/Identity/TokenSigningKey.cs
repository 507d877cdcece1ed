using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Identity;

/// <summary>The RSA key that signs tokens; one per data directory, made when first asked for and kept in the catalog, so that tokens outlive a restart.</summary>
public sealed class TokenSigningKey(IServiceScopeFactory scopes, CatalogWriter writer) : IDisposable
{
    /// <summary>Name of the setting that has it. Of this server alone: no state archive has it.</summary>
    public const string SettingName = "identity.signingKey";

    private const int KeySizeBits = 2048;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private RsaSecurityKey? _key;

    public async Task<RsaSecurityKey> GetAsync(CancellationToken cancellationToken)
    {
        if (_key is not null)
            return _key;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return _key ??= FromPem(await LoadOrCreateAsync(cancellationToken));
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<string> LoadOrCreateAsync(CancellationToken cancellationToken)
    {
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        await using CatalogWrite write = await writer.BeginAsync(db, cancellationToken);
        StoreSetting? setting = await db.Settings.SingleOrDefaultAsync(setting => setting.Name == SettingName, cancellationToken);
        if (setting is null)
        {
            using var rsa = RSA.Create(KeySizeBits);
            setting = new StoreSetting { Name = SettingName, Value = rsa.ExportPkcs8PrivateKeyPem() };
            db.Add(setting);
            await write.CommitAsync();
        }
        return setting.Value;
    }

    /// <summary>By parameters: the library then makes an RSA object for each thread that signs.</summary>
    private static RsaSecurityKey FromPem(string pem)
    {
        using var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        var key = new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: true));
        key.KeyId = Base64UrlEncoder.Encode(key.ComputeJwkThumbprint());
        return key;
    }

    public void Dispose() => _gate.Dispose();
}
