# The checks behind the Python recipe of docs/clients.md: the test runs the recipe's text and this file as one program.
# The recipe gives: base, tenant, subscription, credential, scopes, resources, compute, disks. VHD names a fixed VHD file.
import os

import requests
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient

MIB = 1024 * 1024
GROUP, REGION = "python", "westeurope"
NOISE = os.urandom(256 * 1024)
VHD_BYTES = open(os.environ["VHD"], "rb").read()


def done(poller):
    result = poller.result(timeout=60)
    assert poller.done() and poller.status() == "Succeeded", poller.status()
    return result


def fails(kind, status, code, call):
    try:
        call()
    except kind as error:
        assert error.status_code == status, (error.status_code, str(error))
        assert error.error.code == code, error.error.code
        return
    raise AssertionError(f"no {kind.__name__} with {status} {code}")


def blob(sas):
    return BlobClient.from_blob_url(sas)


def same(actual, expected, what):
    assert len(actual) == len(expected), f"{what}: {len(actual)} bytes, expected {len(expected)}"
    assert bytes(actual) == bytes(expected), f"{what}: other bytes"


def read(sas):
    return blob(sas).download_blob().readall()


def grant_disk(name, access="Read"):
    return done(disks.disks.begin_grant_access(GROUP, name, {"access": access, "duration_in_seconds": 3600})).access_sas


def grant_point(point, disk_point):
    return done(disks.disk_restore_point.begin_grant_access(GROUP, "daily", point, disk_point, {"access": "Read", "duration_in_seconds": 3600})).access_sas


def upload(name):
    done(disks.disks.begin_create_or_update(GROUP, name, {
        "location": REGION, "os_type": "Linux", "sku": {"name": "Premium_LRS"},
        "creation_data": {"create_option": "Upload", "upload_size_bytes": len(VHD_BYTES)}}))
    target = blob(grant_disk(name, "Write"))
    for offset in range(0, len(VHD_BYTES) - 512, 4 * MIB):
        target.upload_page(VHD_BYTES[offset:offset + 4 * MIB], offset, 4 * MIB)
    target.upload_page(VHD_BYTES[-512:], len(VHD_BYTES) - 512, 512)
    done(disks.disks.begin_revoke_access(GROUP, name))
    return disks.disks.get(GROUP, name)


# The resource group, two disks, the machine.
assert not resources.resource_groups.check_existence(GROUP)
group = resources.resource_groups.create_or_update(GROUP, {"location": REGION, "tags": {"from": "python"}})
assert (group.name, group.location, group.tags) == (GROUP, REGION, {"from": "python"})
assert resources.resource_groups.check_existence(GROUP)
for name in ["more-1", "more-2"]:
    resources.resource_groups.create_or_update(name, {"location": REGION})
assert [found.name for found in resources.resource_groups.list(top=1)] == ["more-1", "more-2", GROUP], "page by page"
os_disk = upload("os")
assert (os_disk.disk_state, os_disk.provisioning_state, os_disk.disk_size_bytes) == ("Unattached", "Succeeded", len(VHD_BYTES) - 512)
data_disk = done(disks.disks.begin_create_or_update(GROUP, "data", {
    "location": REGION, "sku": {"name": "Premium_LRS"}, "disk_size_gb": 4, "creation_data": {"create_option": "Empty"}}))
assert data_disk.disk_size_gb == 4
assert done(disks.disks.begin_update(GROUP, "data", {"tags": {"role": "data"}})).tags == {"role": "data"}
assert sorted(disk.name for disk in disks.disks.list_by_resource_group(GROUP)) == ["data", "os"]
vm = done(compute.virtual_machines.begin_create_or_update(GROUP, "vm", {
    "location": REGION,
    "hardware_profile": {"vm_size": "Standard_D2s_v5"},
    "storage_profile": {
        "os_disk": {"os_type": "Linux", "create_option": "Attach", "managed_disk": {"id": os_disk.id}},
        "data_disks": [{"lun": 0, "create_option": "Attach", "managed_disk": {"id": data_disk.id}}]},
    "network_profile": {"network_interfaces": [{"id": f"{group.id}/providers/Microsoft.Network/networkInterfaces/nic"}]}}))
assert vm.provisioning_state == "Succeeded" and vm.vm_id
assert disks.disks.get(GROUP, "os").managed_by.lower() == vm.id.lower()

# The collection.
collections, points = compute.restore_point_collections, compute.restore_points
daily = collections.create_or_update(GROUP, "daily", {"location": REGION, "tags": {"plan": "daily"}, "source": {"id": vm.id}})
assert daily.provisioning_state == "Succeeded" and daily.restore_point_collection_id and daily.source.location == REGION
assert collections.update(GROUP, "daily", {"tags": {"plan": "hourly"}}).tags == {"plan": "hourly"}
assert collections.get(GROUP, "daily").restore_points is None
assert [found.name for found in collections.list(GROUP)] == ["daily"]
assert [found.id.lower() for found in collections.list_all()] == [daily.id.lower()]

# Two points, the guest writing in between.
first = done(points.begin_create(GROUP, "daily", "first", {}))
assert (first.provisioning_state, first.consistency_mode) == ("Succeeded", "FileSystemConsistent") and first.time_created
guest = blob(requests.post(f"{base}/emulator{os_disk.id}/guestAccess", timeout=60).json()["accessSAS"])
guest.upload_page(NOISE, 7 * MIB, len(NOISE))
guest.clear_page(2 * MIB, MIB)
changed = bytearray(VHD_BYTES[:-512])
changed[7 * MIB:7 * MIB + len(NOISE)] = NOISE
changed[2 * MIB:3 * MIB] = bytes(MIB)
second = done(points.begin_create(GROUP, "daily", "second", {"exclude_disks": [{"id": data_disk.id}]}))
assert [disk.id.lower() for disk in second.exclude_disks] == [data_disk.id.lower()]
status = points.get(GROUP, "daily", "first", expand="instanceView").instance_view
assert status.disk_restore_points == [] and status.statuses == [], "a point in its disks' region replicates nothing"
assert [point.name for point in collections.get(GROUP, "daily", expand="restorePoints").restore_points] == ["first", "second"]
profile = points.get(GROUP, "daily", "first").source_metadata.storage_profile
assert profile.os_disk.managed_disk.id.lower() == os_disk.id.lower()
assert [disk.lun for disk in profile.data_disks] == [0]

# The disk restore points and their bytes.
assert len(list(disks.disk_restore_point.list_by_restore_point(GROUP, "daily", "first"))) == 2
(second_disk,) = disks.disk_restore_point.list_by_restore_point(GROUP, "daily", "second")
first_name = profile.os_disk.disk_restore_point.id.split("/")[-1]
first_disk = disks.disk_restore_point.get(GROUP, "daily", "first", first_name)
assert first_disk.source_resource_id.lower() == os_disk.id.lower() and first_disk.family_id == second_disk.family_id
assert first_disk.os_type == "Linux" and first_disk.time_created
first_sas, second_sas = grant_point("first", first_name), grant_point("second", second_disk.name)
assert grant_point("first", first_name) == first_sas, "a second grant gives the same URL"
backup = bytearray(read(first_sas))
same(backup[:-512], VHD_BYTES[:-512], "the first point")
ranges, cleared = blob(second_sas).get_page_range_diff_for_managed_disk(first_sas)
assert sum(part["end"] - part["start"] + 1 for part in ranges + cleared) <= MIB + len(NOISE) + 512
for part in cleared:
    backup[part["start"]:part["end"] + 1] = bytes(part["end"] - part["start"] + 1)
for part in ranges:
    backup[part["start"]:part["end"] + 1] = blob(second_sas).download_blob(part["start"], part["end"] - part["start"] + 1).readall()
same(backup, read(second_sas), "the first point with the increment")
same(backup[:-512], changed, "the second point")
assert sum(part["end"] - part["start"] + 1 for part in blob(second_sas).get_page_ranges()[0]) >= 19 * MIB

# A disk from the point.
restored = done(disks.disks.begin_create_or_update(GROUP, "restored", {
    "location": REGION, "sku": {"name": "Premium_LRS"},
    "creation_data": {"create_option": "Restore", "source_resource_id": second_disk.id}}))
assert restored.creation_data.source_resource_id.lower() == second_disk.id.lower()
same(read(grant_disk("restored"))[:-512], changed, "the restored disk")
done(disks.disks.begin_revoke_access(GROUP, "restored"))

# Snapshots of the attached disk: a full one, two incremental ones with a write in between, a disk from the last.
def snapshot(name, incremental):
    return done(disks.snapshots.begin_create_or_update(GROUP, name, {
        "location": REGION, "incremental": incremental, "creation_data": {"create_option": "Copy", "source_resource_id": os_disk.id}}))


def grant_snapshot(name):
    return done(disks.snapshots.begin_grant_access(GROUP, name, {"access": "Read", "duration_in_seconds": 3600})).access_sas


assert snapshot("full", False).provisioning_state == "Succeeded"
older = snapshot("older", True)
guest.upload_page(NOISE, 12 * MIB, len(NOISE))
newer = snapshot("newer", True)
assert older.incremental and older.incremental_snapshot_family_id == newer.incremental_snapshot_family_id
assert sorted(found.name for found in disks.snapshots.list_by_resource_group(GROUP)) == ["full", "newer", "older"]
assert done(disks.snapshots.begin_update(GROUP, "full", {"tags": {"kind": "full"}})).tags == {"kind": "full"}
live = bytearray(changed)
live[12 * MIB:12 * MIB + len(NOISE)] = NOISE
older_sas, newer_sas = grant_snapshot("older"), grant_snapshot("newer")
assert grant_snapshot("newer") == newer_sas
same(read(grant_snapshot("full"))[:-512], changed, "the full snapshot")
same(read(older_sas)[:-512], changed, "the older snapshot")
same(read(newer_sas)[:-512], live, "the newer snapshot")
assert blob(newer_sas).get_page_range_diff_for_managed_disk(older_sas) == ([{"start": 12 * MIB, "end": 12 * MIB + len(NOISE) - 1}], [])
done(disks.disks.begin_create_or_update(GROUP, "from-snapshot", {
    "location": REGION, "sku": {"name": "Premium_LRS"}, "creation_data": {"create_option": "Copy", "source_resource_id": newer.id}}))
same(read(grant_disk("from-snapshot"))[:-512], live, "the disk from the snapshot")
for name in ["full", "older", "newer"]:
    done(disks.snapshots.begin_revoke_access(GROUP, name))
    done(disks.snapshots.begin_delete(GROUP, name))
fails(ResourceNotFoundError, 404, "ResourceNotFound", lambda: disks.snapshots.get(GROUP, "newer"))
done(disks.disks.begin_revoke_access(GROUP, "from-snapshot"))

# Errors: their class, status and code.
fails(ResourceNotFoundError, 404, "ResourceNotFound", lambda: collections.get(GROUP, "nothing"))
fails(ResourceNotFoundError, 404, "ResourceGroupNotFound", lambda: collections.get("nothing", "daily"))
fails(ResourceNotFoundError, 404, "ResourceNotFound", lambda: disks.disks.get(GROUP, "nothing"))
fails(HttpResponseError, 400, "InvalidParameter", lambda: collections.create_or_update(GROUP, "other", {"location": REGION, "source": {"id": "no id"}}))
fails(HttpResponseError, 409, "DiskRestorePointUsedByCustomer", lambda: points.begin_delete(GROUP, "daily", "first").result())

# Revoked, deleted, gone.
done(disks.disk_restore_point.begin_revoke_access(GROUP, "daily", "first", first_name))
try:
    blob(first_sas).get_blob_properties()
    raise AssertionError("a revoked URL still answers")
except HttpResponseError as error:
    assert error.status_code == 403, error.status_code
done(points.begin_delete(GROUP, "daily", "first"))
fails(ResourceNotFoundError, 404, "NotFound", lambda: points.get(GROUP, "daily", "first"))
same(read(second_sas), backup, "the second point without the first")
done(disks.disk_restore_point.begin_revoke_access(GROUP, "daily", "second", second_disk.name))
done(points.begin_delete(GROUP, "daily", "second"))
done(collections.begin_delete(GROUP, "daily"))
fails(ResourceNotFoundError, 404, "ResourceNotFound", lambda: collections.get(GROUP, "daily"))
done(compute.virtual_machines.begin_power_off(GROUP, "vm"))
done(compute.virtual_machines.begin_start(GROUP, "vm"))
done(compute.virtual_machines.begin_deallocate(GROUP, "vm"))
assert [found.name for found in compute.virtual_machines.list(GROUP)] == ["vm"]
done(compute.virtual_machines.begin_delete(GROUP, "vm"))
done(disks.disks.begin_delete(GROUP, "restored"))
fails(ResourceNotFoundError, 404, "ResourceNotFound", lambda: disks.disks.get(GROUP, "restored"))
done(resources.resource_groups.begin_delete(GROUP))
assert not resources.resource_groups.check_existence(GROUP)
print("python: OK")
