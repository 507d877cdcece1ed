using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class InstantAccess : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "CopyEndTime",
                table: "Snapshots",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "InstantAccessEndTime",
                table: "Snapshots",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "InstantAccessDurationMinutes",
                table: "RestorePoints",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "InstantAccess",
                table: "RestorePointCollections",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "CopyEndTime",
                table: "DiskRestorePoints",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "CopyFailed",
                table: "DiskRestorePoints",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<long>(
                name: "InstantAccessEndTime",
                table: "DiskRestorePoints",
                type: "INTEGER",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "CopyEndTime",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "InstantAccessEndTime",
                table: "Snapshots");

            migrationBuilder.DropColumn(
                name: "InstantAccessDurationMinutes",
                table: "RestorePoints");

            migrationBuilder.DropColumn(
                name: "InstantAccess",
                table: "RestorePointCollections");

            migrationBuilder.DropColumn(
                name: "CopyEndTime",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "CopyFailed",
                table: "DiskRestorePoints");

            migrationBuilder.DropColumn(
                name: "InstantAccessEndTime",
                table: "DiskRestorePoints");
        }
    }
}
