using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class SnapshotCopies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "CopyErrorCode",
                table: "Snapshots",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "ReplicationState",
                table: "Snapshots",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "SourceLocation",
                table: "Snapshots",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "SourceSnapshotTime",
                table: "Snapshots",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "SourceVolumeId",
                table: "Snapshots",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_Snapshots_SourceVolumeId",
                table: "Snapshots",
                column: "SourceVolumeId");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_Snapshots_SourceVolumeId",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "CopyErrorCode",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "ReplicationState",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "SourceLocation",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "SourceSnapshotTime",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "SourceVolumeId",
                table: "Snapshots");
        }
    }
}
