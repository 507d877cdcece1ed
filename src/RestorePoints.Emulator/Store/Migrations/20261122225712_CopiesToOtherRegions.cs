using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class CopiesToOtherRegions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_DiskRestorePoints_SourceUniqueId_SnapshotTime",
                table: "DiskRestorePoints");

            migrationBuilder.AddColumn<Guid>(
                name: "SourcePointId",
                table: "RestorePoints",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "SourceRestorePointId",
                table: "RestorePoints",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "ReplicationState",
                table: "DiskRestorePoints",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "SourceDiskRestorePointId",
                table: "DiskRestorePoints",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "SourceLocation",
                table: "DiskRestorePoints",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "VolumeId",
                table: "DiskRestorePoints",
                type: "TEXT",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            // Until now every disk restore point was in the volume of its disk.
            migrationBuilder.Sql("UPDATE DiskRestorePoints SET VolumeId = SourceUniqueId");

            migrationBuilder.CreateIndex(
                name: "IX_RestorePoints_SourcePointId",
                table: "RestorePoints",
                column: "SourcePointId");

            migrationBuilder.CreateIndex(
                name: "IX_DiskRestorePoints_VolumeId_SnapshotTime",
                table: "DiskRestorePoints",
                columns: new[] { "VolumeId", "SnapshotTime" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_RestorePoints_SourcePointId",
                table: "RestorePoints");

            migrationBuilder.DropIndex(
                name: "IX_DiskRestorePoints_VolumeId_SnapshotTime",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "SourcePointId",
                table: "RestorePoints");

            migrationBuilder.DropColumn(
                name: "SourceRestorePointId",
                table: "RestorePoints");

            migrationBuilder.DropColumn(
                name: "ReplicationState",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "SourceDiskRestorePointId",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "SourceLocation",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "VolumeId",
                table: "DiskRestorePoints");

            migrationBuilder.CreateIndex(
                name: "IX_DiskRestorePoints_SourceUniqueId_SnapshotTime",
                table: "DiskRestorePoints",
                columns: new[] { "SourceUniqueId", "SnapshotTime" },
                unique: true);
        }
    }
}
