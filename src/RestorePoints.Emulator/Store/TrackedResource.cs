namespace RestorePoints.Emulator.Store;

/// <summary>What every tracked ARM resource of a resource group has.</summary>
public abstract class TrackedResource
{
    /// <summary>Identity of this incarnation: a resource that is deleted and created again under its name gets another.</summary>
    public Guid Id { get; init; } = Guid.NewGuid();

    public required Guid SubscriptionId { get; init; }

    /// <summary>As spelled when the group was created.</summary>
    public required string ResourceGroupName { get; init; }

    public required string Name { get; init; }

    /// <summary>Region name in lower case without spaces.</summary>
    public required string Location { get; init; }

    /// <summary>null when never set: ARM omits them then.</summary>
    public Tags? Tags { get; set; }

    public required DateTimeOffset TimeCreated { get; init; }

    public ProvisioningState ProvisioningState { get; set; }
}

public enum ProvisioningState
{
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
}
