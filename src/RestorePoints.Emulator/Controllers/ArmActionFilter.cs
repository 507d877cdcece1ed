using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Where in the resource tree a request is.</summary>
/// <param name="ResourceGroup">null on routes without a group.</param>
public sealed record ArmScope(Guid SubscriptionId, ResourceGroup? ResourceGroup);

/// <summary>
/// Around every ARM action: validates the body, refuses lost regions, resolves subscription and resource group, obeys locks, and runs a changing verb in one write
/// transaction that is committed before the answer begins.
/// The operation that the action accepted starts after the commit.
/// </summary>
public sealed class ArmActionFilter(EmulatorDbContext db, CatalogWriter writer, OperationRunner runner, ResourceLocks locks, RegionGuard regions, Faults faults, IOptions<EmulatorOptions> options) : IAsyncResourceFilter, IAsyncActionFilter
{
    private const string GroupParameter = "{resourceGroupName}";

    /// <summary>The subscription is checked before the body is read.</summary>
    public Task OnResourceExecutionAsync(ResourceExecutingContext context, ResourceExecutionDelegate next)
    {
        if (context.RouteData.Values["subscriptionId"] is string text)
        {
            if (!Guid.TryParseExact(text, "D", out Guid subscriptionId))
                throw ArmErrors.InvalidSubscriptionId(text).AsException();
            if (options.Value.UnknownSubscription == UnknownSubscriptionMode.Refuse && !options.Value.Subscriptions.Exists(known => known.Id == subscriptionId))
                throw ArmErrors.SubscriptionNotFound(text).AsException();
            context.HttpContext.Features.Set(new ArmScope(subscriptionId, null));
        }
        return next();
    }

    public async Task OnActionExecutionAsync(ActionExecutingContext context, ActionExecutionDelegate next)
    {
        BodyValidation.Require(context);
        await regions.RequireOnlineAsync(context);
        HttpContext http = context.HttpContext;
        bool changes = !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method);
        if (!changes)
        {
            // One connection for all of the request's queries.
            await db.Database.OpenConnectionAsync(http.RequestAborted);
            await ReadAsync(context, next);
            return;
        }

        await using (CatalogWrite write = await writer.BeginAsync(db, http.RequestAborted))
        {
            await SetGroupAsync(context);
            if (HttpMethods.IsPut(http.Request.Method))
                foreach (IResourceBody body in context.ActionArguments.Values.OfType<IResourceBody>())
                    body.RequireSameResource(http);
            await RequireUnlockedAsync(context);
            ActionExecutedContext executed = await next();
            if (executed.Exception is not null || executed.Result is IStatusCodeActionResult { StatusCode: >= 400 })
                return;
            Operation? operation = http.Features.Get<Operation>();
            bool accepted = operation is not null && db.Entry(operation).State == EntityState.Added;
            await write.CommitAsync();
            // Inside the gate: operations are queued in the order in which their rows were committed.
            if (accepted)
            {
                if (faults.OnAccepted(http, operation!.Id) is { } fault)
                    http.Features.Set(fault);
                runner.Enqueue(operation);
            }
        }
    }

    /// <summary>Locks themselves can be changed under any lock.</summary>
    private async Task RequireUnlockedAsync(ActionExecutingContext context)
    {
        HttpContext http = context.HttpContext;
        if (http.Features.Get<ArmScope>() is not { } scope || context.Controller is LocksController)
            return;
        string path = http.Request.Path.Value!.TrimEnd('/');
        if (HttpMethods.IsDelete(http.Request.Method))
            await locks.RequireDeletableAsync(db, scope.SubscriptionId, path);
        else
            await locks.RequireWritableAsync(db, scope.SubscriptionId, HttpMethods.IsPost(http.Request.Method) ? path[..path.LastIndexOf('/')] : path);
    }

    /// <summary>A resource that is found proves its group: a read of one looks the group up only when nothing was found.</summary>
    private async Task ReadAsync(ActionExecutingContext context, ActionExecutionDelegate next)
    {
        string template = context.ActionDescriptor.AttributeRouteInfo!.Template!;
        bool namesResource = template.LastIndexOf('{') > template.IndexOf(GroupParameter, StringComparison.Ordinal);
        if (!namesResource)
            await SetGroupAsync(context);
        ActionExecutedContext executed = await next();
        if (namesResource && executed.Exception is ArmException { Error.Status: StatusCodes.Status404NotFound })
            await SetGroupAsync(context);
    }

    private async Task SetGroupAsync(ActionExecutingContext context)
    {
        HttpContext http = context.HttpContext;
        // Of these, each action that needs the group finds it itself.
        bool isOtherProvider = http.GetEndpoint()?.Metadata.GetMetadata<ArmResourceTypeAttribute>()?.Family == ApiVersionFamily.Resources;
        if (isOtherProvider || context.RouteData.Values["resourceGroupName"] is not string name || http.Features.Get<ArmScope>() is not { } scope)
            return;
        ResourceGroup group = await db.FindGroupAsync(scope.SubscriptionId, name)
            ?? throw ArmErrors.ResourceGroupNotFound(name).AsException();
        if (group.ProvisioningState == ProvisioningState.Deleting && !HttpMethods.IsGet(http.Request.Method))
            throw ArmErrors.ResourceGroupBeingDeleted(group.Name).AsException();
        http.Features.Set(scope with { ResourceGroup = group });
    }
}
