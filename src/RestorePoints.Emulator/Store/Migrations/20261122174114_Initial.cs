using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "AccessGrants",
                columns: table => new
                {
                    SignedIdentifier = table.Column<string>(type: "TEXT", nullable: false),
                    BaseUrl = table.Column<string>(type: "TEXT", nullable: false),
                    Account = table.Column<string>(type: "TEXT", nullable: false),
                    Container = table.Column<string>(type: "TEXT", nullable: false),
                    SnapshotTime = table.Column<long>(type: "INTEGER", nullable: true),
                    Kind = table.Column<string>(type: "TEXT", nullable: false),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    VolumeId = table.Column<Guid>(type: "TEXT", nullable: false),
                    PointId = table.Column<Guid>(type: "TEXT", nullable: true),
                    ResourceRowId = table.Column<Guid>(type: "TEXT", nullable: false),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    ExpiresOn = table.Column<long>(type: "INTEGER", nullable: true),
                    CreatedOn = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_AccessGrants", x => x.SignedIdentifier);
                });

            migrationBuilder.CreateTable(
                name: "Operations",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    Kind = table.Column<string>(type: "TEXT", nullable: false),
                    SerialKey = table.Column<Guid>(type: "TEXT", nullable: false),
                    ResourceRowId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Arguments = table.Column<string>(type: "TEXT", nullable: true),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    ApiVersion = table.Column<string>(type: "TEXT", nullable: false),
                    Status = table.Column<string>(type: "TEXT", nullable: false),
                    StartTime = table.Column<long>(type: "INTEGER", nullable: false),
                    EndTime = table.Column<long>(type: "INTEGER", nullable: true),
                    ErrorCode = table.Column<string>(type: "TEXT", nullable: true),
                    ErrorMessage = table.Column<string>(type: "TEXT", nullable: true),
                    Output = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Operations", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "ResourceGroups",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    Tags = table.Column<string>(type: "TEXT", nullable: true),
                    ProvisioningState = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ResourceGroups", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "RestorePointCollections",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    SourceId = table.Column<string>(type: "TEXT", nullable: false),
                    SourceLocation = table.Column<string>(type: "TEXT", nullable: false),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    ResourceGroupName = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    Tags = table.Column<string>(type: "TEXT", nullable: true),
                    TimeCreated = table.Column<long>(type: "INTEGER", nullable: false),
                    ProvisioningState = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_RestorePointCollections", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "Settings",
                columns: table => new
                {
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    Value = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Settings", x => x.Name);
                });

            migrationBuilder.CreateTable(
                name: "VirtualMachines",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    Body = table.Column<string>(type: "TEXT", nullable: false),
                    PowerState = table.Column<string>(type: "TEXT", nullable: false),
                    PowerStateTime = table.Column<long>(type: "INTEGER", nullable: false),
                    Etag = table.Column<int>(type: "INTEGER", nullable: false),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    ResourceGroupName = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    Tags = table.Column<string>(type: "TEXT", nullable: true),
                    TimeCreated = table.Column<long>(type: "INTEGER", nullable: false),
                    ProvisioningState = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_VirtualMachines", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "RestorePoints",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    CollectionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    TimeCreated = table.Column<long>(type: "INTEGER", nullable: false),
                    ProvisioningState = table.Column<string>(type: "TEXT", nullable: false),
                    VirtualMachineId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Model = table.Column<string>(type: "TEXT", nullable: false),
                    SourceMetadata = table.Column<string>(type: "TEXT", nullable: false),
                    ExcludeDisks = table.Column<string>(type: "TEXT", nullable: true),
                    ConsistencyMode = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_RestorePoints", x => x.Id);
                    table.ForeignKey(
                        name: "FK_RestorePoints_RestorePointCollections_CollectionId",
                        column: x => x.CollectionId,
                        principalTable: "RestorePointCollections",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "Disks",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    SkuName = table.Column<string>(type: "TEXT", nullable: false),
                    CreateOption = table.Column<string>(type: "TEXT", nullable: false),
                    SourceResourceId = table.Column<string>(type: "TEXT", nullable: true),
                    SourceUniqueId = table.Column<Guid>(type: "TEXT", nullable: true),
                    UploadSizeBytes = table.Column<long>(type: "INTEGER", nullable: true),
                    SizeBytes = table.Column<long>(type: "INTEGER", nullable: false),
                    OsType = table.Column<string>(type: "TEXT", nullable: true),
                    HyperVGeneration = table.Column<string>(type: "TEXT", nullable: true),
                    NetworkAccessPolicy = table.Column<string>(type: "TEXT", nullable: true),
                    PublicNetworkAccess = table.Column<string>(type: "TEXT", nullable: true),
                    IopsReadWrite = table.Column<long>(type: "INTEGER", nullable: true),
                    MBpsReadWrite = table.Column<long>(type: "INTEGER", nullable: true),
                    Zones = table.Column<string>(type: "TEXT", nullable: true),
                    DiskState = table.Column<string>(type: "TEXT", nullable: false),
                    VirtualMachineId = table.Column<Guid>(type: "TEXT", nullable: true),
                    Lun = table.Column<int>(type: "INTEGER", nullable: true),
                    UploadFooter = table.Column<byte[]>(type: "BLOB", nullable: true),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    ResourceGroupName = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    Tags = table.Column<string>(type: "TEXT", nullable: true),
                    TimeCreated = table.Column<long>(type: "INTEGER", nullable: false),
                    ProvisioningState = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Disks", x => x.Id);
                    table.ForeignKey(
                        name: "FK_Disks_VirtualMachines_VirtualMachineId",
                        column: x => x.VirtualMachineId,
                        principalTable: "VirtualMachines",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.SetNull);
                });

            migrationBuilder.CreateTable(
                name: "DiskRestorePoints",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    RestorePointId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Location = table.Column<string>(type: "TEXT", nullable: false),
                    SourceUniqueId = table.Column<Guid>(type: "TEXT", nullable: false),
                    SourceResourceId = table.Column<string>(type: "TEXT", nullable: false),
                    SizeBytes = table.Column<long>(type: "INTEGER", nullable: false),
                    Lun = table.Column<int>(type: "INTEGER", nullable: false),
                    OsType = table.Column<string>(type: "TEXT", nullable: true),
                    HyperVGeneration = table.Column<string>(type: "TEXT", nullable: true),
                    SkuName = table.Column<string>(type: "TEXT", nullable: true),
                    NetworkAccessPolicy = table.Column<string>(type: "TEXT", nullable: true),
                    PublicNetworkAccess = table.Column<string>(type: "TEXT", nullable: true),
                    TimeCreated = table.Column<long>(type: "INTEGER", nullable: false),
                    SnapshotTime = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_DiskRestorePoints", x => x.Id);
                    table.ForeignKey(
                        name: "FK_DiskRestorePoints_RestorePoints_RestorePointId",
                        column: x => x.RestorePointId,
                        principalTable: "RestorePoints",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_AccessGrants_ResourceRowId",
                table: "AccessGrants",
                column: "ResourceRowId");

            migrationBuilder.CreateIndex(
                name: "IX_DiskRestorePoints_RestorePointId_Name",
                table: "DiskRestorePoints",
                columns: new[] { "RestorePointId", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_DiskRestorePoints_SourceUniqueId_SnapshotTime",
                table: "DiskRestorePoints",
                columns: new[] { "SourceUniqueId", "SnapshotTime" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Disks_SubscriptionId_ResourceGroupName_Name",
                table: "Disks",
                columns: new[] { "SubscriptionId", "ResourceGroupName", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Disks_VirtualMachineId",
                table: "Disks",
                column: "VirtualMachineId");

            migrationBuilder.CreateIndex(
                name: "IX_Operations_Id",
                table: "Operations",
                column: "Id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Operations_Status",
                table: "Operations",
                column: "Status");

            migrationBuilder.CreateIndex(
                name: "IX_ResourceGroups_SubscriptionId_Name",
                table: "ResourceGroups",
                columns: new[] { "SubscriptionId", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_RestorePointCollections_SubscriptionId_ResourceGroupName_Name",
                table: "RestorePointCollections",
                columns: new[] { "SubscriptionId", "ResourceGroupName", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_RestorePoints_CollectionId_Name",
                table: "RestorePoints",
                columns: new[] { "CollectionId", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_RestorePoints_VirtualMachineId_ProvisioningState",
                table: "RestorePoints",
                columns: new[] { "VirtualMachineId", "ProvisioningState" });

            migrationBuilder.CreateIndex(
                name: "IX_VirtualMachines_SubscriptionId_ResourceGroupName_Name",
                table: "VirtualMachines",
                columns: new[] { "SubscriptionId", "ResourceGroupName", "Name" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "AccessGrants");

            migrationBuilder.DropTable(
                name: "DiskRestorePoints");

            migrationBuilder.DropTable(
                name: "Disks");

            migrationBuilder.DropTable(
                name: "Operations");

            migrationBuilder.DropTable(
                name: "ResourceGroups");

            migrationBuilder.DropTable(
                name: "Settings");

            migrationBuilder.DropTable(
                name: "RestorePoints");

            migrationBuilder.DropTable(
                name: "VirtualMachines");

            migrationBuilder.DropTable(
                name: "RestorePointCollections");
        }
    }
}
