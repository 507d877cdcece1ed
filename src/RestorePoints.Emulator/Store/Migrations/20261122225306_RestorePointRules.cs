using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class RestorePointRules : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "FileSystemAttemptsLeft",
                table: "VirtualMachines",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "GuestAgent",
                table: "VirtualMachines",
                type: "TEXT",
                nullable: false,
                defaultValue: "Ready");

            migrationBuilder.AddColumn<string>(
                name: "GuestConsistency",
                table: "VirtualMachines",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "DueTime",
                table: "Operations",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_Operations_SerialKey_StartTime",
                table: "Operations",
                columns: new[] { "SerialKey", "StartTime" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_Operations_SerialKey_StartTime",
                table: "Operations");

            migrationBuilder.DropColumn(
                name: "FileSystemAttemptsLeft",
                table: "VirtualMachines");

            migrationBuilder.DropColumn(
                name: "GuestAgent",
                table: "VirtualMachines");

            migrationBuilder.DropColumn(
                name: "GuestConsistency",
                table: "VirtualMachines");

            migrationBuilder.DropColumn(
                name: "DueTime",
                table: "Operations");
        }
    }
}
