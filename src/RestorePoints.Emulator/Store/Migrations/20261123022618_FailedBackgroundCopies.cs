using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace RestorePoints.Emulator.Store.Migrations
{
    /// <inheritdoc />
    public partial class FailedBackgroundCopies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "CopyFailed",
                table: "Snapshots",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "CopyFailed",
                table: "Snapshots");
        }
    }
}
