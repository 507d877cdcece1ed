namespace RestorePoints.Emulator;

public enum EmulatorProfile
{
    /// <summary>Operations as fast as the engine, <c>Retry-After: 1</c> everywhere, no throttling.</summary>
    Fast,

    /// <summary>Recorded durations and limits of Azure.</summary>
    Azure,
}

public enum AuthenticationMode
{
    /// <summary>A token is not needed and not looked at.</summary>
    Optional,

    /// <summary>ARM calls need a token issued by this emulator; else 401.</summary>
    Required,
}

public enum OperationTimeMode
{
    /// <summary>As fast as the engine.</summary>
    Immediate,

    /// <summary>Simulated durations like the recorded ones, by the emulator's clock.</summary>
    Recorded,
}

public enum RetryAfterMode
{
    /// <summary>1 second on every accepting answer and every poll that is in progress: two SDKs wait 30 s without it.</summary>
    Always,

    /// <summary>Only where the recordings have it.</summary>
    Recorded,
}

public enum UnknownApiVersionMode
{
    /// <summary>Served as the newest known version.</summary>
    Newest,

    /// <summary>Refused, as Azure does.</summary>
    Refuse,
}

public enum UnknownSubscriptionMode
{
    /// <summary>Every well-formed GUID is a subscription.</summary>
    Accept,

    /// <summary>404 <c>SubscriptionNotFound</c>.</summary>
    Refuse,
}

public enum ThrottlingMode
{
    Off,

    /// <summary>Three restore points per machine, mode and hour, three copies per collection and hour.</summary>
    On,
}

public enum FeaturesMode
{
    /// <summary>Every feature counts as registered until it is unregistered.</summary>
    Registered,

    /// <summary>To be registered through <c>Microsoft.Features</c> first.</summary>
    Required,
}

/// <summary>A profile is a set of defaults and nothing else: applied before the settings are read.</summary>
public static class ProfileDefaults
{
    public static void Apply(EmulatorProfile profile, EmulatorOptions options)
    {
        bool azure = profile == EmulatorProfile.Azure;
        options.Profile = profile;
        options.OperationTime = azure ? OperationTimeMode.Recorded : OperationTimeMode.Immediate;
        options.RetryAfter = azure ? RetryAfterMode.Recorded : RetryAfterMode.Always;
        options.UnknownApiVersion = azure ? UnknownApiVersionMode.Refuse : UnknownApiVersionMode.Newest;
        options.UnknownSubscription = azure ? UnknownSubscriptionMode.Refuse : UnknownSubscriptionMode.Accept;
        options.Throttling = azure ? ThrottlingMode.On : ThrottlingMode.Off;
        options.Features = azure ? FeaturesMode.Required : FeaturesMode.Registered;
    }
}
