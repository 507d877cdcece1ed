#!/usr/bin/env bash
# Proves the steps of the Dockerfile where no Docker engine runs: its publish command is run as it stands there, for amd64 and arm64, in a copy of
# what its COPY lines take. The amd64 result then runs as the image would: its ENV, its entry point, its health check, another user without any
# capability, the whole file system read-only but the data folder and /tmp. The last line is "image steps: OK".
#
#   scripts/check-image-steps.sh [ARCHITECTURE...]      which to publish; default: amd64 arm64
#
# Needs x64 Linux, root (or sudo) for the mounts, the .NET 10 SDK, curl and jq. What it cannot show is in docs/docker.md.
set -euo pipefail
export LC_ALL=C DOTNET_CLI_UI_LANGUAGE=en DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
user=1654 # APP_UID of the runtime image
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
architectures=("$@")
[ $# -gt 0 ] || architectures=(amd64 arm64)
fail() { echo "image steps: $*" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/image-steps.XXXXXX")
server=""
finish() {
  local status=$?
  [ -z "$server" ] || "${as_root[@]}" kill -KILL "$server" 2>/dev/null || true
  [ "$status" -eq 0 ] || { [ -s "$work/server.err" ] && tail -n 30 "$work/server.err" >&2; }
  "${as_root[@]}" rm -rf "$work"
  exit "$status"
}
trap finish EXIT
chmod 755 "$work"

# --- the stage "build" --------------------------------------------------------------------------------------------------

lines() { sed -n "/^FROM .* AS build\$/,/^FROM /s/^$1 //p" "$root/Dockerfile"; }
runtime() { sed -n "/^FROM .*chiseled\$/,\$s/^$1 //p" "$root/Dockerfile"; }
mkdir "$work/source"
while read -r -a words; do
  for ((i = 0; i < ${#words[@]} - 1; i++)); do
    # bin and obj are ignored by .dockerignore as by git.
    (cd "$root" && git ls-files -co --exclude-standard -z -- "${words[i]}") | tar -C "$root" -c --null -T - | tar -C "$work/source" -x
  done
done < <(lines COPY)
command=$(lines RUN)
[ -n "$command" ] || fail "the Dockerfile has no RUN in its build stage"
for architecture in "${architectures[@]}"; do
  steps=${command//\/app/$work/$architecture}
  steps=${steps//\/data/$work/data-$architecture}
  (cd "$work/source" && TARGETARCH=$architecture sh -c "$steps") >"$work/publish.log" 2>&1 || { cat "$work/publish.log" >&2; fail "publish for $architecture failed"; }
  # e_machine of the native library: 62 = x86-64, 183 = AArch64.
  [ "$architecture" = amd64 ] && expected=62 || expected=183
  machine=$(od -An -tu2 -j18 -N2 "$work/$architecture/libe_sqlite3.so" | tr -d ' ')
  [ "$machine" = $expected ] || fail "the native SQLite of $architecture is for machine $machine"
  echo "published for $architecture: $(du -sm "$work/$architecture" | cut -f1) MB"
done

# --- the image's run ----------------------------------------------------------------------------------------------------

data=$work/data-amd64
"${as_root[@]}" chown $user:$user "$data"
environment=(PATH=/usr/bin:/bin HOME=/)
for variable in $(runtime ENV); do environment+=("$variable"); done
environment+=(Emulator__DataDirectory="$data" Emulator__HttpPort=auto Emulator__HttpsPort=auto) # free ports and a folder of this machine
entry=($(runtime ENTRYPOINT | jq -r '.[]'))
check=($(runtime HEALTHCHECK | sed 's/.*CMD //' | jq -r '.[]'))

# A command behind this one runs in a mount namespace whose file system is read-only, as the image's user, with nothing but the image's
# environment. Each program replaces the one before, so that a signal to the first reaches the last.
image=("${as_root[@]}" unshare --mount bash -c '
  set -e; app=$1; data=$2; user=$3; shift 3
  mount --bind "$data" "$data"; mount --bind "$app" "$app"
  mount -o remount,bind,ro "$app"; mount -o remount,bind,ro /
  cd "$app"
  exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all env -i "$@"
' - "$work/amd64" "$data" $user "${environment[@]}")

"${image[@]}" touch "$work/amd64/written" 2>/dev/null && fail "the program's folder is writable"
"${image[@]}" touch /var/tmp/image-steps-written 2>/dev/null && fail "the file system is writable"
"${image[@]}" touch "$data/written" || fail "the data folder is not writable"
"${as_root[@]}" rm "$data/written"

start() {
  "${image[@]}" "${entry[@]}" >"$work/server.out" 2>"$work/server.err" &
  server=$!
  for ((i = 0; i < 600; i++)); do
    base=$(sed -n 's/^RestorePoints is ready: \(http:[^ ]*\) .*/\1/p' "$work/server.out")
    [ -n "$base" ] && return
    kill -0 $server 2>/dev/null || fail "the emulator ended: $(cat "$work/server.err")"
    sleep 0.1
  done
  fail "the emulator is not ready after a minute"
}
healthy() { "${image[@]}" Emulator__HttpPort="${base##*:}" "${check[@]}" 2>"$work/check.err"; }
stop() {
  local status=0
  "${as_root[@]}" kill -TERM "$server"
  wait "$server" || status=$?
  server=""
  [ $status -eq 0 ] || fail "exit code $status after SIGTERM"
}
arm() { # METHOD PATH API [BODY]: one call, followed to its end; its answer is in $work/answer
  curl -sS --noproxy '*' -f -D "$work/headers" -o "$work/answer" -X "$1" "$base$2?api-version=$3" -H 'Content-Type: application/json' ${4:+-d "$4"}
  local operation
  operation=$(sed -n 's/^Azure-AsyncOperation: //p' "$work/headers" | tr -d '\r')
  while [ -n "$operation" ] && curl -sS --noproxy '*' -f "$operation" | grep -q InProgress; do :; done
}

group=/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/image
disk=$group/providers/Microsoft.Compute/disks/data
start
healthy || fail "not healthy: $(cat "$work/check.err")"
arm PUT $group 2021-04-01 '{"location":"westeurope"}'
arm PUT $disk 2023-10-02 '{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}'
printf 'written in the first run' | curl -sS --noproxy '*' -f -X PUT "$base/emulator$disk/content" --data-binary @-
stop
healthy && fail "healthy although it stopped"
start
arm GET $disk 2023-10-02
[ "$(jq -r .properties.diskSizeGB "$work/answer")" = 1 ] || fail "the disk is gone after a restart"
[ "$(curl -sS --noproxy '*' -f "$base/emulator$disk/content" 2>/dev/null | head -c 24 || true)" = 'written in the first run' ] || fail "the bytes are gone after a restart"
stop
echo "ran as user $user on a read-only file system: healthy, served, stopped by SIGTERM with 0, started again with its data"
echo "image steps: OK"
