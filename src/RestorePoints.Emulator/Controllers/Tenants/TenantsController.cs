using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The tenants of the subscriptions in the settings.</summary>
[ArmResourceType("tenants", ApiVersionFamily.Resources)]
[Route("tenants")]
public sealed class TenantsController(EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options) : ArmController(db, time)
{
    [HttpGet]
    public ListModel<TenantModel> List() => Page(options.Value.Subscriptions.Select(subscription => subscription.TenantId).Distinct(), tenant => tenant.ToString())
        .Select(tenant => new TenantModel($"/tenants/{tenant}", tenant, "RestorePoints", "Home"));
}

/// <param name="TenantCategory"><c>Home</c>.</param>
public sealed record TenantModel(string Id, Guid TenantId, string DisplayName, string TenantCategory);
