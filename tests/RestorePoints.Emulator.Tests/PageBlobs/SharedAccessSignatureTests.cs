using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class SharedAccessSignatureTests
{
    private static readonly BlobAddress s_address = new("md-a", "c", "abcd");
    private static readonly DateTimeOffset s_time = new(2026, 5, 16, 20, 11, 11, TimeSpan.Zero);

    [Fact]
    public void Before_2018_11_09_neither_resource_nor_snapshot_is_signed() =>
        SharedAccessSignature.StringToSign(s_address, new BlobQuery("?sv=2018-03-28&sr=b&si=id&sig=x"))
            .ShouldBe("\n\n\n/blob/md-a/c/abcd\nid\n\n\n2018-03-28\n\n\n\n\n");

    [Fact]
    public void From_2018_11_09_resource_and_decoded_snapshot_are_signed() =>
        SharedAccessSignature.StringToSign(s_address, new BlobQuery("?snapshot=2026-05-16T20%3A11%3A11.0777366Z&sv=2018-11-09&sr=bs&si=id"))
            .ShouldBe("\n\n\n/blob/md-a/c/abcd\nid\n\n\n2018-11-09\nbs\n2026-05-16T20:11:11.0777366Z\n\n\n\n\n");

    [Fact]
    public void The_snapshot_of_a_base_blob_signature_stays_empty() =>
        SharedAccessSignature.StringToSign(s_address, new BlobQuery("?snapshot=2026&sv=2018-11-09&sr=b&si=id"))
            .ShouldBe("\n\n\n/blob/md-a/c/abcd\nid\n\n\n2018-11-09\nb\n\n\n\n\n\n");

    [Fact]
    public void From_2020_12_06_the_encryption_scope_is_signed() =>
        SharedAccessSignature.StringToSign(s_address, new BlobQuery("?sv=2020-12-06&sr=b&si=id&ses=scope&rsct=type"))
            .ShouldBe("\n\n\n/blob/md-a/c/abcd\nid\n\n\n2020-12-06\nb\n\nscope\n\n\n\n\ntype");

    [Fact]
    public void A_signature_with_plus_signs_read_as_spaces_is_understood()
    {
        byte[] signature = Convert.FromBase64String("+/+" + Convert.ToBase64String(new byte[32])[3..]);

        SharedAccessSignature.IsSignature(Convert.ToBase64String(signature).Replace('+', ' '), signature).ShouldBe(true);
        SharedAccessSignature.IsSignature(Convert.ToBase64String(new byte[32]), signature).ShouldBe(false);
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("not base64!")]
    public void A_signature_of_another_size_is_none(string text) => SharedAccessSignature.IsSignature(text, new byte[32]).ShouldBeNull();

    [Fact]
    public void The_url_of_a_disk_has_the_form_of_the_service()
    {
        AccessGrant grant = NewGrant(AccessKind.Read, point: null);
        new IssuedSas(grant, new byte[32], AccessRules.Open).Url.ShouldMatch(
            @"^http://127\.0\.0\.1:11000/md-[0-9a-z]{12}/[0-9a-z]{12}/abcd\?sv=2018-03-28&sr=b&si=[0-9a-f-]{36}&sig=[A-Za-z0-9%]+%3D$");
    }

    [Fact]
    public void The_url_of_a_point_names_its_snapshot_time() =>
        new IssuedSas(NewGrant(AccessKind.Read, Guid.NewGuid()), new byte[32], AccessRules.Open).Url.ShouldMatch(
            @"/abcd\?snapshot=2026-05-16T20%3A11%3A11\.0000000Z&sv=2018-11-09&sr=bs&si=[0-9a-f]{64}&sig=[A-Za-z0-9%]+%3D$");

    [Fact]
    public void The_url_of_an_upload_names_an_import_account() =>
        NewGrant(AccessKind.Upload, null).Account.ShouldMatch("^md-impexp-[0-9a-z]{12}$");

    [Fact]
    public void All_points_of_a_disk_are_snapshots_of_one_blob()
    {
        AccessGrant first = NewGrant(AccessKind.Read, Guid.NewGuid());
        AccessGrant second = NewGrant(AccessKind.Read, Guid.NewGuid());
        (second.Account, second.Container).ShouldBe((first.Account, first.Container));
        second.SignedIdentifier.ShouldNotBe(first.SignedIdentifier);
    }

    private static AccessGrant NewGrant(AccessKind kind, Guid? point) => AccessGrants.NewGrant(
        kind, "http://127.0.0.1:11000", "westeurope", new Guid("11111111-1111-1111-1111-111111111111"),
        point is { } id ? new GrantedPoint(id, s_time, IsIncremental: true) : null, Guid.NewGuid(), Guid.NewGuid(), null, s_time);
}
