namespace RestorePoints.Emulator.Tests.Restores;

/// <summary>Bodies of machines that bring their data disks along.</summary>
internal static class MachineBodies
{
    /// <param name="osDisk">Attached.</param>
    /// <param name="dataDisks">Entries, see <see cref="Restored"/> and <see cref="Copied"/>.</param>
    public static string With(string osDisk, string location, params string[] dataDisks) =>
        $$$"""
        {"location":"{{{location}}}","properties":{
          "hardwareProfile":{"vmSize":"Standard_D2s_v5"},
          "storageProfile":{
            "osDisk":{"osType":"Linux","createOption":"Attach","managedDisk":{"id":"{{{osDisk}}}"}},
            "dataDisks":[{{{string.Join(',', dataDisks)}}}]}} }
        """;

    public static string Restored(int lun, string diskRestorePoint, string more = "") => Entry(lun, "Restore", diskRestorePoint, more);

    public static string Copied(int lun, string source, string more = "") => Entry(lun, "Copy", source, more);

    private static string Entry(int lun, string option, string source, string more) => $$$"""{"lun":{{{lun}}},"createOption":"{{{option}}}","sourceResource":{"id":"{{{source}}}"}{{{more}}}}""";
}
