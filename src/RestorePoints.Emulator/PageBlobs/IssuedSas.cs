using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>A grant with the URL that was handed out for it, ready to be compared with a request.</summary>
internal sealed class IssuedSas
{
    private readonly BlobAddress _address;
    private readonly string? _snapshot;
    private readonly byte[] _signature;
    private volatile AccessRules _rules;

    public IssuedSas(AccessGrant grant, byte[] key, AccessRules rules)
    {
        Grant = grant;
        _rules = rules;
        _address = new(grant.Account, grant.Container, SharedAccessSignature.BlobName);
        _snapshot = grant.SnapshotTime is { } time ? SharedAccessSignature.FormatSnapshotTime(time) : null;
        string query = (_snapshot is null ? "" : $"snapshot={Uri.EscapeDataString(_snapshot)}&") + $"sv={Version}&sr={Resource}&si={grant.SignedIdentifier}";
        _signature = SharedAccessSignature.Sign(key, SharedAccessSignature.StringToSign(_address, new BlobQuery(query)));
        Url = $"{grant.BaseUrl}/{grant.Account}/{grant.Container}/{SharedAccessSignature.BlobName}?{query}&sig={Uri.EscapeDataString(Convert.ToBase64String(_signature))}";
    }

    public AccessGrant Grant { get; }

    public string Url { get; }

    /// <summary>Of the resource, as they are now.</summary>
    public AccessRules Rules
    {
        get => _rules;
        set => _rules = value;
    }

    private string Version => _snapshot is null ? SharedAccessSignature.DiskVersion : SharedAccessSignature.SnapshotVersion;

    private string Resource => _snapshot is null ? "b" : "bs";

    /// <summary>Whether a caller needs a token beside this SAS; a guest never does.</summary>
    public bool NeedsToken => _rules.NeedsToken && Grant.Kind != AccessKind.Guest;

    /// <summary>Whether a request carries exactly this SAS, in whatever order; the signature is compared in constant time.</summary>
    public bool Matches(BlobAddress address, BlobQuery query)
    {
        if (address != _address || query["sv"] != Version || query["sr"] != Resource || (_snapshot is not null && query["snapshot"] != _snapshot))
            return false;
        foreach (string field in SharedAccessSignature.FieldsNeverIssued)
            if (query[field] is not null)
                return false;
        return query["sig"] is { } text && SharedAccessSignature.IsSignature(text, _signature) == true;
    }
}
