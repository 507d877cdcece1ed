# The emulator in a small image: docs/docker.md. scripts/check-image-steps.sh proves these steps without Docker.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
ARG TARGETARCH
WORKDIR /source
COPY Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig global.json ./
COPY src src
RUN dotnet publish src/RestorePoints.Emulator -c Release --os linux -a $TARGETARCH --self-contained false -o /app && mkdir /data

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
WORKDIR /app
COPY --from=build /app .
COPY --from=build --chown=$APP_UID:$APP_UID /data /data
ENV Emulator__BindAddress=0.0.0.0 Emulator__DataDirectory=/data ASPNETCORE_HTTP_PORTS= DOTNET_EnableDiagnostics=0
USER $APP_UID
VOLUME /data
EXPOSE 11000 11001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --start-interval=1s CMD ["dotnet", "RestorePoints.Emulator.dll", "health"]
ENTRYPOINT ["dotnet", "RestorePoints.Emulator.dll"]
