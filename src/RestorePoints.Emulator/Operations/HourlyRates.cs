using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Three creations of restore points per machine, mode and hour, and three copies per target collection and hour: counted over the operations that were accepted, failed ones and those
/// of deleted points too, so a restart forgets none. Over the limit 429 with <c>Retry-After</c>, with the setting <c>Throttling=On</c>.
/// </summary>
public sealed class HourlyRates(EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options)
{
    public const int PerHour = 3;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>Counts the operation that is about to be accepted, and shows in the answer's headers how many are left.</summary>
    /// <typeparam name="TOperation">What creates or copies.</typeparam>
    /// <param name="policy">Name of what is limited, as headers and errors show it.</param>
    /// <param name="serialKey">Of these operations: the id of the machine.</param>
    /// <param name="argument">Part of their JSON arguments, which tells modes or target collections apart; null: all count.</param>
    public async Task RequireAsync<TOperation>(HttpContext http, string policy, Guid serialKey, string? argument = null) where TOperation : ArmOperation
    {
        DateTimeOffset now = time.GetUtcNow();
        List<DateTimeOffset> latest = await db.LatestOperationTimesAsync(typeof(TOperation).Name, serialKey, argument, after: now - Hour, PerHour);
        http.Features.Set(new HourlyRemainder(policy, Math.Max(PerHour - latest.Count - 1, 0)));
        if (options.Value.Throttling == ThrottlingMode.On && latest.Count >= PerHour)
            throw ArmErrors.TooManyRequests(policy, Math.Max(1, (int)Math.Ceiling((latest[^1] + Hour - now).TotalSeconds))).AsException();
    }
}
