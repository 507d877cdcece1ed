// The checks behind the JavaScript recipe of docs/clients.md: the test runs the recipe's text and this file as one module.
// The recipe gives: base, tenant, subscription, credential, compute. VHD names a fixed VHD file.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { ResourceManagementClient } from "@azure/arm-resources";
import { PageBlobClient, RestError } from "@azure/storage-blob";

const MiB = 1024 * 1024;
const group = "javascript", location = "westeurope";
const vhd = readFileSync(process.env.VHD);
const noise = randomBytes(256 * 1024);
const { disks, snapshots, virtualMachines, restorePointCollections: collections, restorePoints: points, diskRestorePoint: diskPoints } = compute;
const resources = new ResourceManagementClient(credential, subscription, { endpoint: base });

const readAll = async (sas) => new PageBlobClient(sas).downloadToBuffer();
const all = async (iterator) => { const items = []; for await (const item of iterator) items.push(item); return items; };
const names = async (iterator) => (await all(iterator)).map((item) => item.name);
const same = (actual, expected, what) => {
  assert.equal(actual.length, expected.length, `${what}: length`);
  assert.equal(Buffer.compare(actual, expected), 0, `${what}: other bytes`);
};
const sameId = (actual, expected) => assert.equal(actual.toLowerCase(), expected.toLowerCase());
const fails = (statusCode, code, call) => assert.rejects(call, (error) => {
  assert.ok(error instanceof RestError, `a RestError, not ${error}`);
  assert.deepEqual([error.statusCode, error.code], [statusCode, code]);
  return true;
});
// The client's page lists give a count that is one byte short (end - start of an inclusive range); pages are whole.
const whole = (ranges) => ranges.map(({ offset, count }) => ({ offset, count: Math.ceil(count / 512) * 512 }));
const bytesOf = (ranges) => ranges.reduce((sum, range) => sum + range.count, 0);
const grantDisk = async (name, access = "Read") => (await disks.grantAccess(group, name, { access, durationInSeconds: 3600 })).accessSAS;
const grantPoint = async (point, disk) => (await diskPoints.grantAccess(group, "daily", point, disk, { access: "Read", durationInSeconds: 3600 })).accessSAS;

async function upload(name) {
  await disks.createOrUpdate(group, name, {
    location, osType: "Linux", sku: { name: "Premium_LRS" }, creationData: { createOption: "Upload", uploadSizeBytes: vhd.length },
  });
  const blob = new PageBlobClient(await grantDisk(name, "Write"));
  const size = vhd.length - 512;
  for (let offset = 0; offset < size; offset += 4 * MiB) await blob.uploadPages(vhd.subarray(offset, offset + 4 * MiB), offset, 4 * MiB);
  await blob.uploadPages(vhd.subarray(size), size, 512);
  await disks.revokeAccess(group, name);
  return disks.get(group, name);
}

// The resource group, two disks, the machine.
assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
const groupId = (await resources.resourceGroups.createOrUpdate(group, { location, tags: { from: "javascript" } })).id;
assert.equal((await resources.resourceGroups.checkExistence(group)).body, true);
assert.deepEqual((await resources.resourceGroups.get(group)).tags, { from: "javascript" });
for (const name of ["more-1", "more-2"]) await resources.resourceGroups.createOrUpdate(name, { location });
assert.deepEqual(await names(resources.resourceGroups.list({ top: 1 })), [group, "more-1", "more-2"], "page by page");
const osDisk = await upload("os");
assert.deepEqual([osDisk.diskState, osDisk.provisioningState, osDisk.diskSizeBytes], ["Unattached", "Succeeded", vhd.length - 512]);
const dataDisk = await disks.createOrUpdate(group, "data", { location, sku: { name: "Premium_LRS" }, diskSizeGB: 4, creationData: { createOption: "Empty" } });
assert.equal(dataDisk.diskSizeGB, 4);
assert.deepEqual((await disks.update(group, "data", { tags: { role: "data" } })).tags, { role: "data" });
assert.deepEqual((await names(disks.listByResourceGroup(group))).sort(), ["data", "os"]);
const vm = await virtualMachines.createOrUpdate(group, "vm", {
  location,
  hardwareProfile: { vmSize: "Standard_D2s_v5" },
  storageProfile: {
    osDisk: { osType: "Linux", createOption: "Attach", managedDisk: { id: osDisk.id } },
    dataDisks: [{ lun: 0, createOption: "Attach", managedDisk: { id: dataDisk.id } }],
  },
  networkProfile: { networkInterfaces: [{ id: `${groupId}/providers/Microsoft.Network/networkInterfaces/nic` }] },
});
assert.equal(vm.provisioningState, "Succeeded");
sameId((await disks.get(group, "os")).managedBy, vm.id);

// The collection.
const daily = await collections.createOrUpdate(group, "daily", { location, tags: { plan: "daily" }, source: { id: vm.id } });
assert.equal(daily.provisioningState, "Succeeded");
assert.ok(daily.restorePointCollectionId);
assert.deepEqual((await collections.update(group, "daily", { tags: { plan: "hourly" } })).tags, { plan: "hourly" });
assert.equal((await collections.get(group, "daily")).restorePoints, undefined);
assert.deepEqual(await names(collections.list(group)), ["daily"]);
assert.deepEqual(await names(collections.listAll()), ["daily"]);

// Two points, the guest writing in between.
const first = await points.create(group, "daily", "first", {});
assert.deepEqual([first.provisioningState, first.consistencyMode], ["Succeeded", "FileSystemConsistent"]);
assert.ok(first.timeCreated instanceof Date);
const guestAccess = await fetch(`${base}/emulator${osDisk.id}/guestAccess`, { method: "POST" });
const guest = new PageBlobClient((await guestAccess.json()).accessSAS);
await guest.uploadPages(noise, 7 * MiB, noise.length);
await guest.clearPages(2 * MiB, MiB);
const changed = Buffer.from(vhd.subarray(0, -512));
noise.copy(changed, 7 * MiB);
changed.fill(0, 2 * MiB, 3 * MiB);
const second = await points.create(group, "daily", "second", { excludeDisks: [{ id: dataDisk.id }] });
sameId(second.excludeDisks[0].id, dataDisk.id);
assert.ok((await points.get(group, "daily", "first", { expand: "instanceView" })).instanceView);
assert.deepEqual((await collections.get(group, "daily", { expand: "restorePoints" })).restorePoints.map((point) => point.name), ["first", "second"]);
const { storageProfile } = (await points.get(group, "daily", "first")).sourceMetadata;
sameId(storageProfile.osDisk.managedDisk.id, osDisk.id);
assert.deepEqual(storageProfile.dataDisks.map((disk) => disk.lun), [0]);

// The disk restore points and their bytes.
assert.equal((await all(diskPoints.listByRestorePoint(group, "daily", "first"))).length, 2);
const [secondDisk] = await all(diskPoints.listByRestorePoint(group, "daily", "second"));
const firstName = storageProfile.osDisk.diskRestorePoint.id.split("/").pop();
const firstDisk = await diskPoints.get(group, "daily", "first", firstName);
sameId(firstDisk.sourceResourceId, osDisk.id);
assert.equal(firstDisk.familyId, secondDisk.familyId);
const firstSas = await grantPoint("first", firstName), secondSas = await grantPoint("second", secondDisk.name);
assert.equal(await grantPoint("first", firstName), firstSas, "a second grant gives the same URL");
const backup = await readAll(firstSas);
same(backup.subarray(0, -512), vhd.subarray(0, -512), "the first point");
const increment = new PageBlobClient(secondSas);
const diff = await increment.getPageRangesDiffForManagedDisks(0, vhd.length, firstSas);
const written = whole(diff.pageRange), cleared = whole(diff.clearRange);
assert.ok(bytesOf(written) + bytesOf(cleared) <= MiB + noise.length + 512);
for (const { offset, count } of cleared) backup.fill(0, offset, offset + count);
for (const { offset, count } of written) (await increment.downloadToBuffer(offset, count)).copy(backup, offset);
same(backup, await readAll(secondSas), "the first point with the increment");
same(backup.subarray(0, -512), changed, "the second point");
assert.ok(bytesOf(whole((await increment.getPageRanges()).pageRange)) >= 19 * MiB);

// A disk from the point.
const restored = await disks.createOrUpdate(group, "restored", {
  location, sku: { name: "Premium_LRS" }, creationData: { createOption: "Restore", sourceResourceId: secondDisk.id },
});
sameId(restored.creationData.sourceResourceId, secondDisk.id);
same((await readAll(await grantDisk("restored"))).subarray(0, -512), changed, "the restored disk");
await disks.revokeAccess(group, "restored");

// Snapshots of the attached disk: a full one, two incremental ones with a write in between, a disk from the last.
const snapshot = (name, incremental) => snapshots.createOrUpdate(group, name, { location, incremental, creationData: { createOption: "Copy", sourceResourceId: osDisk.id } });
const grantSnapshot = async (name) => (await snapshots.grantAccess(group, name, { access: "Read", durationInSeconds: 3600 })).accessSAS;
assert.equal((await snapshot("full", false)).provisioningState, "Succeeded");
const older = await snapshot("older", true);
await guest.uploadPages(noise, 12 * MiB, noise.length);
const newer = await snapshot("newer", true);
assert.ok(older.incremental && older.incrementalSnapshotFamilyId);
assert.equal(older.incrementalSnapshotFamilyId, newer.incrementalSnapshotFamilyId);
assert.deepEqual((await names(snapshots.listByResourceGroup(group))).sort(), ["full", "newer", "older"]);
assert.deepEqual((await snapshots.update(group, "full", { tags: { kind: "full" } })).tags, { kind: "full" });
const live = Buffer.from(changed);
noise.copy(live, 12 * MiB);
const olderSas = await grantSnapshot("older"), newerSas = await grantSnapshot("newer");
assert.equal(await grantSnapshot("newer"), newerSas);
same((await readAll(await grantSnapshot("full"))).subarray(0, -512), changed, "the full snapshot");
same((await readAll(olderSas)).subarray(0, -512), changed, "the older snapshot");
same((await readAll(newerSas)).subarray(0, -512), live, "the newer snapshot");
const between = await new PageBlobClient(newerSas).getPageRangesDiffForManagedDisks(0, vhd.length, olderSas);
assert.deepEqual([whole(between.pageRange), whole(between.clearRange)], [[{ offset: 12 * MiB, count: noise.length }], []]);
await disks.createOrUpdate(group, "from-snapshot", { location, sku: { name: "Premium_LRS" }, creationData: { createOption: "Copy", sourceResourceId: newer.id } });
same((await readAll(await grantDisk("from-snapshot"))).subarray(0, -512), live, "the disk from the snapshot");
for (const name of ["full", "older", "newer"]) {
  await snapshots.revokeAccess(group, name);
  await snapshots.delete(group, name);
}
await fails(404, "ResourceNotFound", () => snapshots.get(group, "newer"));
await disks.revokeAccess(group, "from-snapshot");

// Errors: RestError with status and code.
await fails(404, "ResourceNotFound", () => collections.get(group, "nothing"));
await fails(404, "ResourceGroupNotFound", () => collections.get("nothing", "daily"));
await fails(404, "ResourceNotFound", () => disks.get(group, "nothing"));
await fails(400, "InvalidParameter", () => collections.createOrUpdate(group, "other", { location, source: { id: "no id" } }));
await fails(409, "DiskRestorePointUsedByCustomer", () => points.delete(group, "daily", "first"));

// Revoked, deleted, gone.
await diskPoints.revokeAccess(group, "daily", "first", firstName);
await assert.rejects(() => new PageBlobClient(firstSas).getProperties(), (error) => error.statusCode === 403);
await points.delete(group, "daily", "first");
await fails(404, "NotFound", () => points.get(group, "daily", "first"));
same(await readAll(secondSas), backup, "the second point without the first");
await diskPoints.revokeAccess(group, "daily", "second", secondDisk.name);
await points.delete(group, "daily", "second");
await collections.delete(group, "daily");
await fails(404, "ResourceNotFound", () => collections.get(group, "daily"));
await virtualMachines.powerOff(group, "vm");
await virtualMachines.start(group, "vm");
await virtualMachines.deallocate(group, "vm");
assert.deepEqual(await names(virtualMachines.list(group)), ["vm"]);
await virtualMachines.delete(group, "vm");
await disks.delete(group, "restored");
await fails(404, "ResourceNotFound", () => disks.get(group, "restored"));
await resources.resourceGroups.beginDeleteAndWait(group);
assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
console.log("javascript: OK");
