using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class Snapshots : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "GalleryImageReference",
                table: "Disks",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "ImageReference",
                table: "Disks",
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
                name: "Snapshots");

            migrationBuilder.DropColumn(
                name: "GalleryImageReference",
                table: "Disks");

            migrationBuilder.DropColumn(
                name: "ImageReference",
                table: "Disks");

            migrationBuilder.DropColumn(
                name: "PointTime",
                table: "AccessGrants");
        }
    }
}
