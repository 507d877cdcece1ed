#!/usr/bin/env bash
# The main job, with real bytes: a virtual machine with a real ext4 file system is backed up in full and by an
# increment, and restored. One line per step; the last one is "main job: OK".
#
#   scripts/main-job.sh            against a running emulator (BASE, default http://127.0.0.1:11000)
#   scripts/main-job.sh --start    builds and starts an emulator of its own, and stops it afterwards
#
# Environment: BASE; SUBSCRIPTION (default: a fresh one); CONFIGURATION (Debug) and SKIP_BUILD=1 for --start; KEEP=1 keeps the
# working directory and the Azure resources.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
base=${BASE:-http://127.0.0.1:11000}
start=false
case "${1:-}" in
  "") ;;
  --start) start=true ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac

declare -A package=([curl]=curl [jq]=jq [mke2fs]=e2fsprogs [debugfs]=e2fsprogs [e2fsck]=e2fsprogs [cmp]=diffutils [awk]=mawk)
missing=""
for tool in "${!package[@]}"; do
  command -v "$tool" >/dev/null || missing+=" $tool (package ${package[$tool]})"
done
if [ -n "$missing" ]; then
  echo "main job: missing tools:$missing" >&2
  exit 2
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/main-job.XXXXXX")
server=""
finish() {
  local status=$?
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  if [ "$status" -ne 0 ]; then
    echo "main job: FAILED in step $step" >&2
    [ -s "$work/server.log" ] && tail -n 30 "$work/server.log" >&2
  fi
  if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit "$status"
}
step="0 (start)"
trap finish EXIT

say() { step="$1"; echo "$1  $2"; }
fail() { echo "main job: $*" >&2; exit 1; }
sha() { sha256sum "$1" | cut -d' ' -f1; }
same() { # file, file, what
  [ "$(sha "$1")" = "$(sha "$2")" ] || fail "$3: $(sha "$1") is not $(sha "$2")"
}

# --- ARM ------------------------------------------------------------------------------------------------------------

subscription=${SUBSCRIPTION:-$(cat /proc/sys/kernel/random/uuid)}
group=/subscriptions/$subscription/resourceGroups/main-job
compute=$group/providers/Microsoft.Compute
disk_api=2023-10-02
vm_api=2024-07-01
group_api=2021-04-01
location=westeurope

# arm EXPECTED METHOD PATH API [BODY]: one call; its body is in $work/body. An accepted operation is followed to its end.
arm() {
  local expected=$1 method=$2 path=$3 api=$4 body=${5-} status
  local args=(-sS --noproxy '*' -X "$method" -D "$work/headers" -o "$work/body" -w '%{http_code}')
  if [ -n "$body" ]; then args+=(-H 'Content-Type: application/json' -d "$body"); else args+=(-H 'Content-Length: 0'); fi
  : >"$work/body"
  status=$(curl "${args[@]}" "$base$path?api-version=$api") || fail "$method $path: no answer"
  case " $expected " in
    *" $status "*) ;;
    *) fail "$method $path: HTTP $status, expected $expected: $(cat "$work/body")" ;;
  esac
  local poll final
  poll=$(header Azure-AsyncOperation)
  final=$(header Location)
  [ -n "$poll$final" ] || return 0
  local deadline=$((SECONDS + 600))
  if [ -n "$poll" ]; then
    # While the operation runs, its status call waits up to 100 ms for the end: no pause is needed here.
    while :; do
      curl -sS --noproxy '*' -o "$work/operation" "$poll"
      case $(jq -r .status "$work/operation") in
        Succeeded) break ;;
        InProgress) [ $SECONDS -lt $deadline ] || fail "$method $path: still running after 10 minutes" ;;
        *) fail "$method $path: $(cat "$work/operation")" ;;
      esac
    done
    [ "$method" != POST ] || curl -sS --noproxy '*' -o "$work/body" "$final"
  else
    while [ "$(curl -sS --noproxy '*' -o "$work/body" -w '%{http_code}' "$final")" = 202 ]; do
      [ $SECONDS -lt $deadline ] || fail "$method $path: still running after 10 minutes"
    done
  fi
}

header() { sed -n "s/^$1: *//Ip" "$work/headers" | tr -d '\r' | tail -n 1; }

grant() { # resource path, access -> SAS in $sas
  arm 202 POST "$1/beginGetAccess" "$disk_api" "{\"access\":\"$2\",\"durationInSeconds\":3600}"
  sas=$(jq -r .accessSAS "$work/body")
  case $sas in http*) ;; *) fail "beginGetAccess gave no URL: $(cat "$work/body")" ;; esac
}

# --- page blobs -------------------------------------------------------------------------------------------------------

put_page() { # SAS, offset, length, file: writes that part of the file
  local status
  status=$(dd if="$4" bs=512 skip=$(($2 / 512)) count=$(($3 / 512)) status=none |
    curl -sS --noproxy '*' -X PUT -H 'x-ms-page-write: update' -H "x-ms-range: bytes=$2-$(($2 + $3 - 1))" \
      -H 'Content-Type: application/octet-stream' -H 'Expect:' --data-binary @- -o "$work/body" -w '%{http_code}' "$1&comp=page")
  [ "$status" = 201 ] || fail "Put Page at $2: HTTP $status: $(cat "$work/body")"
}

download() { # SAS, file
  local status
  status=$(curl -sS --noproxy '*' -o "$2" -w '%{http_code}' "$1")
  [ "$status" = 200 ] || fail "download: HTTP $status: $(head -c 600 "$2")"
}

# --- the disk of the guest --------------------------------------------------------------------------------------------

mib=64
size=$((mib * 1024 * 1024))
piece=$((4 * 1024 * 1024))

vhd_footer() { # the 512 bytes behind a fixed VHD of $size bytes
  local bytes=() i sum=0
  be() { local i; for ((i = $2 - 1; i >= 0; i--)); do bytes+=($((($1 >> (8 * i)) & 255))); done; }
  text() { local i; for ((i = 0; i < ${#1}; i++)); do bytes+=("$(printf '%d' "'${1:i:1}")"); done; }
  text conectix
  be 2 4; be 0x00010000 4           # features, format version
  be 0xFFFFFFFF 4; be 0xFFFFFFFF 4  # no dynamic header
  be 0 4                            # seconds since 2000
  text "win "; be 0x000a0000 4; text Wi2k
  be $size 8; be $size 8            # original and current size
  be 963 2; be 8 1; be 17 1         # the format's geometry of 64 MiB
  be 2 4                            # fixed
  be 0 4                            # checksum, below
  for ((i = 0; i < 16; i++)); do bytes+=($((RANDOM & 255))); done
  while [ ${#bytes[@]} -lt 512 ]; do bytes+=(0); done
  for i in "${bytes[@]}"; do sum=$((sum + i)); done
  sum=$((~sum & 0xFFFFFFFF))
  for ((i = 0; i < 4; i++)); do bytes[64 + i]=$(((sum >> (8 * (3 - i))) & 255)); done
  # shellcheck disable=SC2059
  printf "$(printf '\\x%02x' "${bytes[@]}")"
}

make_guest_files() {
  mkdir -p "$work/guest/etc" "$work/guest/var/data" "$work/guest/docs"
  cp "$root/README.md" "$root/LICENSE" "$work/guest/docs/"
  cp -r "$root/docs/." "$work/guest/docs/"
  echo "hostname=guest-1" >"$work/guest/etc/guest.conf"
  echo "to be deleted" >"$work/guest/etc/old.conf"
  head -c 6291456 /dev/urandom >"$work/guest/var/data/database"
  for i in $(seq 1 200); do echo "record $i $RANDOM" >"$work/guest/var/data/record-$i"; done
}

change_guest_files() { # on $1: change, add, delete
  echo "hostname=guest-1-renamed" >"$work/changed"
  head -c 1500000 /dev/urandom >"$work/added"
  debugfs -w -f - "$1" >"$work/debugfs.log" 2>&1 <<COMMANDS
rm /etc/guest.conf
write $work/changed /etc/guest.conf
write $work/added /var/data/added
rm /etc/old.conf
rm /var/data/record-7
COMMANDS
}

check_file_system() { # image, what
  e2fsck -fn "$1" >"$work/e2fsck.log" 2>&1 || fail "$2: e2fsck: $(cat "$work/e2fsck.log")"
}

# --- the job ------------------------------------------------------------------------------------------------------------

if $start; then
  configuration=${CONFIGURATION:-Debug}
  dll=$root/src/RestorePoints.Emulator/bin/$configuration/net10.0/RestorePoints.Emulator.dll
  if [ -z "${SKIP_BUILD:-}" ]; then
    dotnet build "$root/src/RestorePoints.Emulator" -c "$configuration" -v quiet --nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "the build failed"; }
  fi
  : >"$work/server.log"
  dotnet "$dll" --Emulator:HttpPort=auto --Emulator:HttpsPort=0 --Emulator:DataDirectory="$work/data" >"$work/server.log" 2>&1 &
  server=$!
  for ((i = 0; i < 600; i++)); do
    base=$(sed -n 's/^RestorePoints is ready: .*\(http:[^ ]*\).*/\1/p' "$work/server.log")
    [ -z "$base" ] || break
    kill -0 "$server" 2>/dev/null || fail "the emulator ended: $(cat "$work/server.log")"
    sleep 0.1
  done
  [ -n "$base" ] || fail "the emulator is not ready after a minute"
fi
curl -sS --noproxy '*' -f -o /dev/null "$base/emulator/health" || fail "no emulator answers at $base: start one with dotnet run --project src/RestorePoints.Emulator, or use --start"
say " 1" "emulator at $base, subscription $subscription"

make_guest_files
mke2fs -q -F -t ext4 -b 4096 -L guest -d "$work/guest" "$work/image-1" ${mib}m >"$work/mke2fs.log" 2>&1 || fail "$(cat "$work/mke2fs.log")"
check_file_system "$work/image-1" "the image of the guest"
{ cat "$work/image-1"; vhd_footer; } >"$work/upload.vhd"
[ "$(stat -c %s "$work/upload.vhd")" = $((size + 512)) ] || fail "the VHD has a wrong size"
say " 2" "ext4 file system of $mib MiB from $(find "$work/guest" -type f | wc -l) files, as a fixed VHD"

arm "200 201" PUT "$group" $group_api "{\"location\":\"$location\"}"
disk=$compute/disks/guest-disk
arm "202 200" PUT "$disk" $disk_api "{\"location\":\"$location\",\"sku\":{\"name\":\"Premium_LRS\"},\"properties\":{\"osType\":\"Linux\",\"creationData\":{\"createOption\":\"Upload\",\"uploadSizeBytes\":$((size + 512))}}}"
grant "$disk" Write
pieces=0
for ((offset = 0; offset < size; offset += piece)); do
  if ! cmp -s -n $piece -i $offset:0 "$work/upload.vhd" /dev/zero; then
    put_page "$sas" $offset $piece "$work/upload.vhd"
    pieces=$((pieces + 1))
  fi
done
put_page "$sas" $size 512 "$work/upload.vhd"
arm 202 POST "$disk/endGetAccess" $disk_api
arm 200 GET "$disk" $disk_api
[ "$(jq -r .properties.diskState "$work/body")" = Unattached ] || fail "the uploaded disk is not Unattached: $(cat "$work/body")"
say " 3" "uploaded into a disk: $pieces of $((size / piece)) pieces have data"

vm=$compute/virtualMachines/guest
arm "200 201" PUT "$vm" $vm_api "{\"location\":\"$location\",\"properties\":{\"hardwareProfile\":{\"vmSize\":\"Standard_D2s_v5\"},
  \"storageProfile\":{\"osDisk\":{\"osType\":\"Linux\",\"createOption\":\"Attach\",\"managedDisk\":{\"id\":\"$disk\"}},\"dataDisks\":[]},
  \"networkProfile\":{\"networkInterfaces\":[{\"id\":\"$group/providers/Microsoft.Network/networkInterfaces/guest-nic\"}]}}}"
arm 200 POST "/emulator$disk/guestAccess" $disk_api
guest=$(jq -r .accessSAS "$work/body")
download "$guest" "$work/seen-by-guest"
same "$work/seen-by-guest" "$work/image-1" "the guest sees other bytes than were uploaded"
say " 4" "attached to a virtual machine; the guest sees the uploaded bytes"

collection=$compute/restorePointCollections/backup
arm "200 201" PUT "$collection" $vm_api "{\"location\":\"$location\",\"properties\":{\"source\":{\"id\":\"$vm\"}}}"
arm 201 PUT "$collection/restorePoints/point-1" $vm_api "{}"
arm 200 GET "$collection/restorePoints/point-1" $vm_api
[ "$(jq -r .properties.provisioningState "$work/body")" = Succeeded ] || fail "$(cat "$work/body")"
drp1=$(jq -r .properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id "$work/body")
say " 5" "restore point 1 ($(jq -r .properties.consistencyMode "$work/body"))"

cp "$work/image-1" "$work/image-2"
change_guest_files "$work/image-2"
check_file_system "$work/image-2" "the changed image of the guest"
# The pages that differ, adjacent ones joined up to 4 MiB: "offset length" per line.
{ cmp -l "$work/image-1" "$work/image-2" || true; } | awk -v page=4096 -v most=$piece '
  { p = int(($1 - 1) / page) }
  p == last { next }
  n && p == last + 1 && (n + 1) * page <= most { last = p; n++; next }
  { if (n) printf "%d %d\n", first * page, n * page; first = last = p; n = 1 }
  BEGIN { last = -2 }
  END { if (n) printf "%d %d\n", first * page, n * page }' >"$work/changes"
[ -s "$work/changes" ] || fail "the guest changed nothing"
changed=0
while read -r offset length; do
  put_page "$guest" "$offset" "$length" "$work/image-2"
  changed=$((changed + length))
done <"$work/changes"
say " 6" "the guest changed, added and deleted files: $((changed / 4096)) pages in $(wc -l <"$work/changes") writes"

arm 201 PUT "$collection/restorePoints/point-2" $vm_api "{}"
arm 200 GET "$collection/restorePoints/point-2" $vm_api
[ "$(jq -r .properties.provisioningState "$work/body")" = Succeeded ] || fail "$(cat "$work/body")"
drp2=$(jq -r .properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id "$work/body")
say " 7" "restore point 2"

grant "$drp1" Read; sas1=$sas
grant "$drp2" Read; sas2=$sas
download "$sas1" "$work/point-1.vhd"
download "$sas2" "$work/point-2.vhd"
[ "$(stat -c %s "$work/point-1.vhd")" = $((size + 512)) ] || fail "the download of point 1 has a wrong length"
head -c $size "$work/point-1.vhd" >"$work/point-1"
same "$work/point-1" "$work/image-1" "point 1 holds other bytes than the guest had"
head -c $size "$work/point-2.vhd" >"$work/point-2"
same "$work/point-2" "$work/image-2" "point 2 holds other bytes than the guest had"
say " 8" "full download of point 1: sha256 $(sha "$work/point-1.vhd")"

status=$(curl -sS --noproxy '*' -H "x-ms-previous-snapshot-url: $sas1" -o "$work/diff.xml" -w '%{http_code}' "$sas2&comp=pagelist")
[ "$status" = 200 ] || fail "diff: HTTP $status: $(cat "$work/diff.xml")"
{ grep -oE '<(PageRange|ClearRange)><Start>[0-9]+</Start><End>[0-9]+</End>' "$work/diff.xml" || true; } |
  sed -E 's|<(Page\|Clear)Range><Start>([0-9]+)</Start><End>([0-9]+)</End>|\1 \2 \3|' >"$work/diff"
cp "$work/point-1.vhd" "$work/increment.vhd"
listed=0
while read -r kind first last; do
  if [ "$kind" = Page ]; then
    [ "$(curl -sS --noproxy '*' -H "x-ms-range: bytes=$first-$last" -o "$work/range" -w '%{http_code}' "$sas2")" = 206 ] || fail "range $first-$last: $(cat "$work/range")"
    listed=$((listed + last - first + 1))
  else
    head -c $((last - first + 1)) /dev/zero >"$work/range"
  fi
  dd if="$work/range" of="$work/increment.vhd" bs=512 seek=$((first / 512)) conv=notrunc status=none
done <"$work/diff"
same "$work/increment.vhd" "$work/point-2.vhd" "point 1 with the increment on top is not point 2"
[ $listed -ge 1500000 ] && [ $listed -le $((changed + 4096 + 512)) ] || fail "the increment lists $listed bytes, the guest wrote $changed"
say " 9" "increment of $listed bytes on top of it equals the download of point 2: sha256 $(sha "$work/point-2.vhd")"

restored=$compute/disks/restored-disk
arm "202 200" PUT "$restored" $disk_api "{\"location\":\"$location\",\"sku\":{\"name\":\"Premium_LRS\"},\"properties\":{\"creationData\":{\"createOption\":\"Restore\",\"sourceResourceId\":\"$drp2\"}}}"
grant "$restored" Read
download "$sas" "$work/restored.vhd"
arm 202 POST "$restored/endGetAccess" $disk_api
head -c -512 "$work/restored.vhd" >"$work/restored"
head -c $size "$work/restored" >"$work/restored-image"
same "$work/restored-image" "$work/image-2" "the restored disk holds other bytes than point 2"
[ "$(tail -c 512 "$work/restored.vhd" | head -c 8)" = conectix ] || fail "the restored disk has no VHD footer"
check_file_system "$work/restored" "the restored disk"
say "10" "disk restored from point 2; e2fsck finds it clean"

debugfs -R "cat /etc/guest.conf" "$work/restored" 2>/dev/null >"$work/read-back"
same "$work/read-back" "$work/changed" "the changed file"
debugfs -R "cat /var/data/added" "$work/restored" 2>/dev/null >"$work/read-back"
same "$work/read-back" "$work/added" "the added file"
debugfs -R "cat /var/data/database" "$work/restored" 2>/dev/null >"$work/read-back"
same "$work/read-back" "$work/guest/var/data/database" "a file that did not change"
[ -z "$(debugfs -R "cat /etc/old.conf" "$work/restored" 2>/dev/null)" ] || fail "the deleted file is back"
say "11" "changed, added and unchanged files read back from it; the deleted one is gone"

arm 409 DELETE "$collection/restorePoints/point-1" $vm_api
[ "$(jq -r .error.code "$work/body")" = DiskRestorePointUsedByCustomer ] || fail "$(cat "$work/body")"
arm 202 POST "$drp1/endGetAccess" $disk_api
[ "$(curl -sS --noproxy '*' -o "$work/body" -w '%{http_code}' "$sas1")" = 403 ] || fail "a revoked SAS still reads"
arm 202 DELETE "$collection/restorePoints/point-1" $vm_api
arm 404 GET "$collection/restorePoints/point-1" $vm_api
download "$sas2" "$work/point-2-again.vhd"
same "$work/point-2-again.vhd" "$work/point-2.vhd" "point 2 changed when point 1 was deleted"
say "12" "point 1 deleted; point 2 is still whole"

if [ -z "${KEEP:-}" ]; then
  arm 202 POST "$drp2/endGetAccess" $disk_api
  arm 202 DELETE "$group" $group_api
  arm 404 GET "$group" $group_api
  say "13" "resource group deleted"
fi
echo "main job: OK"
