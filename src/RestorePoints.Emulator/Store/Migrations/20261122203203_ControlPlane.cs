using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class ControlPlane : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "ErrorStatus",
                table: "Operations",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "SourceKey",
                table: "Operations",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Settings",
                table: "Disks",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "DiskSettings",
                table: "DiskRestorePoints",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "PointTime",
                table: "AccessGrants",
                type: "INTEGER",
                nullable: true);

            // Until now every point had a blob snapshot time.
            migrationBuilder.Sql("UPDATE \"AccessGrants\" SET \"PointTime\" = \"SnapshotTime\";");

            migrationBuilder.CreateTable(
                name: "FeatureRegistrations",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    ProviderNamespace = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    State = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_FeatureRegistrations", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "ResourceLocks",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    SubscriptionId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Scope = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Name = table.Column<string>(type: "TEXT", nullable: false, collation: "NOCASE"),
                    Level = table.Column<string>(type: "TEXT", nullable: false),
                    Notes = table.Column<string>(type: "TEXT", nullable: true),
                    Owners = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ResourceLocks", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "Snapshots",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    SkuName = table.Column<string>(type: "TEXT", nullable: false),
                    CreateOption = table.Column<string>(type: "TEXT", nullable: false),
                    SourceResourceId = table.Column<string>(type: "TEXT", nullable: true),
                    SourceUniqueId = table.Column<Guid>(type: "TEXT", nullable: true),
                    Incremental = table.Column<bool>(type: "INTEGER", nullable: false),
                    VolumeId = table.Column<Guid>(type: "TEXT", nullable: false),
                    SerialKey = table.Column<Guid>(type: "TEXT", nullable: false),
                    SizeBytes = table.Column<long>(type: "INTEGER", nullable: false),
                    OsType = table.Column<string>(type: "TEXT", nullable: true),
                    HyperVGeneration = table.Column<string>(type: "TEXT", nullable: true),
                    NetworkAccessPolicy = table.Column<string>(type: "TEXT", nullable: true),
                    PublicNetworkAccess = table.Column<string>(type: "TEXT", nullable: true),
                    Settings = table.Column<string>(type: "TEXT", nullable: true),
                    SnapshotTime = table.Column<long>(type: "INTEGER", nullable: true),
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
                    table.PrimaryKey("PK_Snapshots", x => x.Id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_FeatureRegistrations_SubscriptionId_ProviderNamespace_Name",
                table: "FeatureRegistrations",
                columns: new[] { "SubscriptionId", "ProviderNamespace", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ResourceLocks_SubscriptionId_Scope_Name",
                table: "ResourceLocks",
                columns: new[] { "SubscriptionId", "Scope", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Snapshots_SubscriptionId_ResourceGroupName_Name",
                table: "Snapshots",
                columns: new[] { "SubscriptionId", "ResourceGroupName", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Snapshots_VolumeId_SnapshotTime",
                table: "Snapshots",
                columns: new[] { "VolumeId", "SnapshotTime" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "FeatureRegistrations");

            migrationBuilder.DropTable(
                name: "ResourceLocks");

            migrationBuilder.DropTable(
                name: "Snapshots");

            migrationBuilder.DropColumn(
                name: "ErrorStatus",
                table: "Operations");

            migrationBuilder.DropColumn(
                name: "SourceKey",
                table: "Operations");

            migrationBuilder.DropColumn(
                name: "Settings",
                table: "Disks");

            migrationBuilder.DropColumn(
                name: "DiskSettings",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "PointTime",
                table: "AccessGrants");
        }
    }
}
