namespace RestorePoints.Emulator.Arm;

/// <summary>
/// The catalogue of ARM errors: every code, status and text that the control plane answers, in one place.
/// Texts are Azure's where they are public (recordings, troubleshooting pages); the others follow Azure's wording.
/// </summary>
public static class ArmErrors
{
    // Request

    public static ArmError InvalidRequestContent(string reason) => new(400, "InvalidRequestContent",
        $"The request content was invalid and could not be deserialized: '{reason}'.");

    public static ArmError UnsupportedMediaType(string? contentType) => new(415, "UnsupportedMediaType",
        $"The content media type '{contentType}' is not supported. Only 'application/json' is supported.");

    public static ArmError HttpMethodNotAllowed(string method) => new(405, "HttpMethodNotAllowed",
        $"The request method '{method}' is not supported on this resource.");

    public static ArmError RequestTooLarge(long limitBytes) => new(413, "RequestContentTooLarge",
        $"The request content size exceeds the maximum size of '{limitBytes}' bytes.");

    public static ArmError InvalidParameter(string target, string message) => new(400, "InvalidParameter", message, target);

    /// <summary>A name that breaks Compute's rule: 1 to 80 letters, digits, '_', '-', '.', beginning with a letter or digit and not ending with '.' or '-'.</summary>
    public static ArmError InvalidName(string target, string rule) => InvalidParameter(target,
        $"The entity name '{target}' is invalid according to its validation rule: {rule}.");

    public static ArmError InvalidParameters(IReadOnlyList<ArmErrorDetail> details) => details.Count == 1
        ? new(400, details[0].Code, details[0].Message, details[0].Target)
        : new(400, "InvalidParameter", "The request has invalid properties; see details.", details[0].Target, details);

    public static ArmError InvalidExpand(string value, string allowed) => InvalidParameter("$expand",
        $"The value '{value}' of the query parameter '$expand' is not allowed. Allowed values are: {allowed}.");

    public static ArmError InvalidFilter(string filter, IEnumerable<string> names) => new(400, "InvalidFilterInQueryString",
        $"Invalid $filter '{filter}' specified in the query string. Terms of the form name eq 'value' can be joined by 'and'; the names are: {string.Join(", ", names)}.", "$filter");

    public static ArmError InvalidLockFilter(string filter) => new(400, "InvalidFilterInQueryString",
        $"Invalid $filter '{filter}' specified in the query string. The locks of a scope can be filtered by atScope().", "$filter");

    public static ArmError InvalidTop(string value) => InvalidParameter("$top",
        $"The value '{value}' of the query parameter '$top' is not allowed. It must be a positive integer.");

    /// <summary>A <c>$skipToken</c> that was damaged or belongs to another list.</summary>
    public static ArmError InvalidSkipToken(string value) => new(400, "InvalidSkipToken",
        $"The value '{value}' of the query parameter '$skipToken' is invalid. Use the nextLink of the previous page of this list as it is.", "$skipToken");

    public static ArmError LocationRequired { get; } = new(400, "LocationRequired", "The location property is required for this definition.", "location");

    public static ArmError LocationNotAvailable(string location) => new(400, "LocationNotAvailableForResourceType",
        $"The provided location '{location}' is not available: a region name has only letters and digits.", "location");

    public static ArmError MissingApiVersionParameter { get; } = new(400, "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.");

    public static ArmError InvalidApiVersionParameter(string version) => new(400, "InvalidApiVersionParameter",
        $"The api-version '{version}' is invalid. The supported versions are dates in the form yyyy-MM-dd, optionally followed by '-preview'.");

    public static ArmError NoRegisteredProviderFound(string location, string version, string type, IEnumerable<string> versions) => new(400, "NoRegisteredProviderFound",
        $"No registered resource provider found for location '{location}' and API version '{version}' for type '{type}'. The supported api-versions are '{string.Join(", ", versions)}'. The supported locations are '{string.Join(", ", Regions.Known.Select(region => region.Name))}'.");

    public static ArmError NewerApiVersionNeeded(string version) => new(400, "BadRequest",
        $"This request can be made with api-version '{version}' or newer.");

    public static ArmError InvalidResourceType(string type, string provider, string version) => new(404, "InvalidResourceType",
        $"The resource type '{type}' could not be found in the namespace '{provider}' for api version '{version}'.");

    public static ArmError RouteNotFound(string path) => new(404, "NotFound", $"There is nothing at the path '{path}'.");

    public static ArmError NotImplementedByEmulator(string what) => new(501, "NotImplemented", $"{what} is not implemented by this emulator.");

    // What is absent

    public static ArmError InvalidSubscriptionId(string id) => new(400, "InvalidSubscriptionId",
        $"The provided subscription identifier '{id}' is malformed or invalid.");

    public static ArmError SubscriptionNotFound(string id) => new(404, "SubscriptionNotFound", $"The subscription '{id}' could not be found.");

    public static ArmError ResourceGroupNotFound(string name) => new(404, "ResourceGroupNotFound", $"Resource group '{name}' could not be found.");

    /// <summary>A tracked resource is absent; answered by the ARM gateway.</summary>
    /// <param name="type">Type and, when nested, names before it: <c>restorePointCollections</c>.</param>
    public static ArmError ResourceNotFound(string type, string name, string resourceGroup) => new(404, "ResourceNotFound",
        $"The Resource 'Microsoft.Compute/{type}/{name}' under resource group '{resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix")
    { FailureCause = "gateway" };

    /// <summary>As above for any provider and for nested resources, which are named by types and names in turn.</summary>
    public static ArmError ResourceNotFound(string provider, string type, string name, string resourceGroup) => new(404, "ResourceNotFound",
        $"The Resource '{provider}/{type}/{name}' under resource group '{resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix")
    { FailureCause = "gateway" };

    public static ArmError ResourceNotFound(ArmResourceId id) =>
        ResourceNotFound(ArmResourceId.Provider, id.Type, string.Join('/', id.Names), id.ResourceGroup);

    public static ArmError LockNotFound(string name) => new(404, "LockNotFound", $"The lock '{name}' could not be found.") { FailureCause = "gateway" };

    public static ArmError InvalidResourceNamespace(string name) => new(404, "InvalidResourceNamespace", $"The resource namespace '{name}' is invalid.") { FailureCause = "gateway" };

    public static ArmError FeatureNotFound(string name) => new(404, "FeatureNotFound", $"The feature '{name}' could not be found.") { FailureCause = "gateway" };

    public static ArmError ParentResourceNotFound(string parent) => new(404, "ParentResourceNotFound",
        $"Can not perform requested operation on nested resource. Parent resource '{parent}' not found.");

    /// <summary>A restore point is absent; answered by the compute provider.</summary>
    public static ArmError EntityNotFound { get; } = new(404, "NotFound", "The entity was not found in this Azure location.");

    /// <summary>A disk, a snapshot or a disk restore point is absent; answered by the disk provider.</summary>
    public static ArmError DiskResourceNotFound(string name) => new(404, "NotFound", $"Resource {name} is not found.");

    public static ArmError FaultNotFound(string id) => new(404, "NotFound", $"The fault rule '{id}' was not found.");

    public static ArmError OperationNotFound(string id) => new(404, "NotFound", $"The operation '{id}' was not found.");

    /// <summary>Of <c>/emulator/state/import</c>.</summary>
    public static ArmError StateArchiveRefused(string reason) => new(400, "InvalidStateArchive", $"The state cannot be imported: {reason}");

    /// <summary>Of <c>/emulator/reset</c>.</summary>
    public static ArmError SeedRefused(string reason) => new(400, "InvalidStateArchive", $"The archive of Emulator:Seed cannot be imported: {reason}");

    // Conflicts

    public static ArmError WorldNotEmpty { get; } = new(409, "Conflict",
        "A state can be imported into an empty world only, without resources, resource groups and operations. POST /emulator/reset empties it.");

    /// <param name="operation"><c>delete</c> or <c>write</c>.</param>
    public static ArmError ScopeLocked(string resourceId, string operation, IEnumerable<string> scopes) => new(409, "ScopeLocked",
        $"The scope '{resourceId}' cannot perform {operation} operation because following scope(s) are locked: '{string.Join(',', scopes)}'. Please remove the lock and try again.")
    { FailureCause = "gateway" };

    public static ArmError SubscriptionNotRegisteredForFeature(Guid subscriptionId, string feature) => new(409, "SubscriptionNotRegisteredForFeature",
        $"Subscription {subscriptionId} is not registered for feature {feature} required to carry out the requested operation.");

    public static ArmError PropertyChangeNotAllowed(string property) => new(409, "PropertyChangeNotAllowed", $"Changing property '{property}' is not allowed.", property);

    public static ArmError InvalidResourceGroupLocation(string group, string location) => new(409, "InvalidResourceGroupLocation",
        $"Invalid resource group location. The Resource group '{group}' already exists in location '{location}'.", "location");

    public static ArmError OperationNotAllowed(string message, string? target = null) => new(409, "OperationNotAllowed", message, target);

    public static ArmError RestorePointUpdateNotSupported { get; } = OperationNotAllowed("Update of an existing Restore Point is not supported");

    public static ArmError DiskRestorePointUsedByCustomer { get; } = new(409, "DiskRestorePointUsedByCustomer",
        "There is an active shared access signature outstanding for disk restore point. Call EndGetAccess before deleting the restore point.");

    public static ArmError ActiveSharedAccessSignature(string disk) => OperationNotAllowed(
        $"There is an active shared access signature outstanding for disk {disk}. Call EndGetAccess before attaching the disk or starting the virtual machine.");

    public static ArmError DiskIsAttached(string disk, string vm) => OperationNotAllowed($"Disk {disk} is attached to VM {vm}.");

    public static ArmError DiskHasActiveAccess(string disk) => OperationNotAllowed(
        $"There is an active shared access signature outstanding for disk {disk}. Call EndGetAccess before deleting or resizing the disk.");

    public static ArmError SnapshotHasActiveAccess(string snapshot) => OperationNotAllowed(
        $"There is an active shared access signature outstanding for snapshot {snapshot}. Call EndGetAccess before deleting or resizing the snapshot.");

    public static ArmError DiskOfRunningMachine(string disk, string vm) => OperationNotAllowed(
        $"Access to disk {disk} cannot be granted: the disk must not be attached to a running virtual machine, and it is attached to VM {vm}.");

    public static ArmError AccessNotAllowedInState(string disk, string access, string state) => OperationNotAllowed(
        $"{access} access to disk {disk} is not allowed in its state {state}. Write access is for a disk made with createOption Upload until its upload ends, read access for any other.");

    public static ArmError NetworkAccessDenied(string resource) => OperationNotAllowed(
        $"Access to {resource} cannot be granted: its networkAccessPolicy is DenyAll.");

    public static ArmError DiskCannotShrink(string disk, long sizeGB, long requestedGB) => OperationNotAllowed(
        $"Disk {disk} cannot be resized from {sizeGB} GB to {requestedGB} GB: the new size must be greater than or equal to the current one.", "diskSizeGB");

    public static ArmError SnapshotCannotShrink(string snapshot, long sizeGB, long requestedGB) => OperationNotAllowed(
        $"Snapshot {snapshot} cannot be resized from {sizeGB} GB to {requestedGB} GB: the new size must be greater than or equal to the current one.", "diskSizeGB");

    public static ArmError DiskSmallerThanSource(string disk, long sourceGB, long requestedGB) => OperationNotAllowed(
        $"Disk {disk} of {requestedGB} GB cannot be created from a source of {sourceGB} GB: it must not be smaller.", "diskSizeGB");

    public static ArmError SnapshotSmallerThanSource(string snapshot, long sourceGB, long requestedGB) => OperationNotAllowed(
        $"Snapshot {snapshot} of {requestedGB} GB cannot be created from a source of {sourceGB} GB: it must not be smaller.", "diskSizeGB");

    public static ArmError IncrementalSnapshotElsewhere(string snapshot) => OperationNotAllowed(
        $"Incremental snapshot {snapshot} cannot be created: it must be in the subscription of its disk.");

    /// <summary>An upload or import without the footer of a fixed VHD.</summary>
    public static ArmError InvalidVhd(string fault) => new(409, "InvalidVhd", fault);

    /// <summary>A source of an import that is allowed and cannot be read.</summary>
    /// <param name="url">Without query.</param>
    public static ArmError ImportSourceUnreadable(string url, string reason) => new(400, "InvalidParameter", $"Cannot import source blob {url}: {reason}.", "properties.creationData.sourceUri");

    /// <summary>An import that was interrupted found a VHD of another size when it began again.</summary>
    public static ArmError ImportSourceChanged(string resource) => OperationNotAllowed($"The source of {resource} changed its size while it was imported. Create it anew.");

    public static ArmError DiskBeingImported(string disk) => OperationNotAllowed($"Disk {disk} is being imported. Please retry when its creation has ended.");

    public static ArmError DiskUploadNotEnded(string disk) => OperationNotAllowed(
        $"Disk {disk} is waiting for its upload. Call EndGetAccess when the upload is complete.");

    public static ArmError DiskNotUsable(string disk, string state) => OperationNotAllowed($"The operation is not allowed on disk {disk} in its provisioning state {state}.");

    public static ArmError SnapshotNotUsable(string snapshot, string state) => OperationNotAllowed($"The operation is not allowed on snapshot {snapshot} in its provisioning state {state}.");

    public static ArmError BeingDeleted(string resource) => OperationNotAllowed($"{resource} is being deleted. Please retry when the deletion has ended.");

    public static ArmError ResourceGroupBeingDeleted(string group) => new(409, "ResourceGroupBeingDeleted",
        $"The resource group '{group}' is in deprovisioning state and cannot perform this operation.");

    /// <summary>Text seen in public issues of the Azure CLI, like the next one.</summary>
    public static ArmError DiskAccessMissing { get; } = new(409, "ConflictingUserInput", "AllowPrivate NetworkAccessPolicy can only supported with Disk Access.", "networkAccessPolicy");

    public static ArmError DiskAccessWithoutPolicy { get; } = new(409, "ConflictingUserInput",
        "Disk Access is only supported for disks with NetworkAccessPolicy AllowPrivate.", "diskAccessId");

    public static ArmError DiskAlreadyExists(string disk) => new(409, "ConflictingUserInput",
        $"Disk '{disk}' already exists in the resource group. Only CreateOption.Attach is supported.", "managedDisk");

    public static ArmError RestorePointNotReady(string restorePoint, string state) => OperationNotAllowed(
        $"Access to the disks of restore point {restorePoint} cannot be granted in its provisioning state {state}.");

    /// <param name="state">Replicating or Failed.</param>
    public static ArmError DiskRestorePointReplicating(string name, string state) => OperationNotAllowed(
        $"Access to disk restore point {name} cannot be granted in its replication state {state}. Wait until its completionPercent is 100.");

    // Disks whose points are copied in the background

    /// <param name="state">Pending or InstantAccess.</param>
    public static ArmError SnapshotNotReadable(string name, string state) => OperationNotAllowed(
        $"Access to {name} cannot be granted in its snapshotAccessState {state}. Wait until its completionPercent is 100.");

    public static ArmError SnapshotNotRestorable(string name, string state) => OperationNotAllowed(
        $"Nothing can be created from {name} in its snapshotAccessState {state}. Wait until its completionPercent is 100.");

    public static ArmError InstantAccessLimitReached(int limit, string location) => OperationNotAllowed(
        $"At most {limit} restore points with instant access of a subscription can be in creation in the region {location} at a time. Please retry later.");

    public static ArmError PendingSnapshotLimitReached(string disk, int limit) => OperationNotAllowed(
        $"At most {limit} snapshots of disk {disk} can be pending at a time. Wait until the completionPercent of one of them is 100.");

    public static ArmError BackgroundCopyLimitReached(int limit) => OperationNotAllowed(
        $"At most {limit} snapshots of Ultra and Premium SSD v2 disks of a subscription can be copied in the background at a time. Please retry later.");

    // Copies to another region

    /// <param name="source"><c>collection/restorePoint</c>, like <paramref name="target"/>.</param>
    /// <param name="rule">The rest of the sentence: what forbids the copy.</param>
    public static ArmError CopyNotAllowed(string source, string target, string rule) => OperationNotAllowed(
        $"Restore point {source} cannot be copied to {target}: {rule}");

    public static ArmError CollectionOfCopies(string collection, string source) => OperationNotAllowed(
        $"Restore point collection {collection} cannot take copies of {source}: that collection has copies itself, and a copy cannot be copied again.");

    public static ArmError CollectionCopyInRegion(string collection, string source, string location) => OperationNotAllowed(
        $"Restore point collection {collection} cannot take copies of {source}: both are in the region {location}, and copies go to another region.");

    /// <summary>The end of a copy whose source went away while it ran.</summary>
    public static ArmError CopySourceDeleted { get; } = OperationNotAllowed(
        "The copy failed: its source was deleted before the replication was complete.");

    /// <summary>What <c>copyCompletionError</c> of a snapshot shows then: the published code.</summary>
    public static ArmError SnapshotCopySourceNotFound { get; } = new(409, "CopySourceNotFound", "The source snapshot was deleted while it was being copied.");

    /// <param name="rule">The rest of the sentence: what forbids the copy.</param>
    public static ArmError SnapshotCopyNotAllowed(string source, string target, string rule) => OperationNotAllowed(
        $"Snapshot {source} cannot be copied to {target}: {rule}");

    /// <summary>A snapshot whose background copy runs or failed has no bytes to give.</summary>
    public static ArmError SnapshotNotCopied(string snapshot, int percent) => OperationNotAllowed(
        $"The operation is not allowed on snapshot {snapshot} before its background copy is complete: completionPercent is {percent}. Wait until it is 100.");

    public static ArmError CollectionLimitReached(int limit, string location) => OperationNotAllowed(
        $"A subscription can have at most {limit} restore point collections in the region {location}.");

    public static ArmError TooManySharedAccessSignatures(int limit) => OperationNotAllowed(
        $"At most {limit} snapshots of one disk can have an active shared access signature at a time. Call EndGetAccess on one of them first.");

    public static ArmError TooManyRequests(string operation, int retryAfterSeconds) => new(429, "TooManyRequests",
        $"The request is being throttled as the limit has been reached for operation '{operation}'. Please try again after '{retryAfterSeconds}' seconds.")
    { RetryAfterSeconds = retryAfterSeconds };

    // Restore point creation, reported by the operation

    public static ArmError ConcurrentRestorePoint { get; } = new(409, "VMRestorePointClientError",
        "RestorePoint creation failed since a concurrent 'Create RestorePoint' operation was triggered on the VM.");

    public static ArmError RestorePointLimitReached { get; } = OperationNotAllowed(
        "Restore Point creation failed as the maximum allowed snapshot limit of one or more disk blobs has been reached. Please delete some existing restore points of this VM and then retry.");

    public static ArmError MachineChanged { get; } = OperationNotAllowed(
        "Changes were made to the Virtual Machine while the operation 'Create Restore Point' was in progress. Operation Create Restore Point cannot be completed at this time. Please try again later.");

    public static ArmError DisksNotAllocated { get; } = OperationNotAllowed(
        "Operation 'Create Restore Point' is not allowed as disk(s) have not been allocated successfully. Please exclude these disk(s) using excludeDisks property and retry.");

    public static ArmError AgentNotReported { get; } = new(409, "VMAgentStatusCommunicationError", "VM has not reported status for VM agent or extensions.");

    public static ArmError VssWritersFailed { get; } = new(409, "VMRestorePointClientError", "Restore Point creation failed due to VSS Writers in bad state.");

    public static ArmError GuestSnapshotFailed { get; } = new(409, "VMRestorePointInternalError",
        "Restore Point creation failed due to an internal execution error while creating VM snapshot. Please retry the operation after some time.");

    public static ArmError SharedDisksNotSupported { get; } = DisksNotSupported("Shared disks");

    /// <summary>Azure's text for shared disks; for other disks no text is public.</summary>
    public static ArmError DisksNotSupported(string disks) => new(409, "VMRestorePointClientError",
        $"Creation of Restore Point of a Virtual Machine with {disks} is not supported. You may exclude this disk from the restore point via excludeDisks property.");

    public static ArmError DisksNotCrashConsistent(string disks) => new(409, "VMRestorePointClientError",
        $"Creation of crash consistent Restore Point of a Virtual Machine with {disks} is not supported. You may exclude this disk from the restore point via excludeDisks property.");

    /// <summary>A region that is lost. Azure publishes no contract for this; clients repeat a 503.</summary>
    public static ArmError RegionUnavailable(string location) => new(503, "ServiceUnavailable",
        $"The resource provider '{ArmResourceId.Provider}' is not available in the region '{location}'. Please retry later.")
    { RetryAfterSeconds = 1 };

    // The emulator's own failures

    public static ArmError InternalError { get; } = new(500, "InternalError", "An internal execution error occurred. Please retry later.");
}
