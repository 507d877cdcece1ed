using Microsoft.AspNetCore.Http.Metadata;

namespace RestorePoints.Emulator.TestControl;

/// <summary>Of an endpoint that takes more than Kestrel's default of 30 MB: disk images and whole worlds.</summary>
internal sealed class NoSizeLimit : IRequestSizeLimitMetadata
{
    public long? MaxRequestBodySize => null;
}
