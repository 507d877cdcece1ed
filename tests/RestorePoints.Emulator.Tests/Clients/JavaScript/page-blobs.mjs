// The data plane by @azure/storage-blob. PLAN names a file that tells the URLs of disks and points, and hashes of what was written to them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, openSync, closeSync, ftruncateSync, readFileSync, writeSync } from "node:fs";
import { PageBlobClient, RestError } from "@azure/storage-blob";

const MiB = 1024 * 1024, sector = 512;
const { sparse, dense, medium, revoked, expired, denseRanges, upload } = JSON.parse(readFileSync(process.env.PLAN));
const blob = (sas) => new PageBlobClient(sas);
const all = async (iterator) => { const items = []; for await (const item of iterator) items.push(item); return items; };
// The client's page lists give a count that is one byte short (end - start of an inclusive range); pages are whole.
const whole = (ranges) => ranges.map(({ offset, count }) => ({ offset, count: Math.ceil(count / sector) * sector }));
const hashOf = async (file) => {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(file, { highWaterMark: MiB })) hash.update(piece);
  return hash.digest("hex");
};
const fails = (statusCode, code, detail, call) => assert.rejects(call, (error) => {
  assert.ok(error instanceof RestError, `a RestError, not ${error}`);
  assert.deepEqual([error.statusCode, error.code], [statusCode, code]);
  if (detail) assert.ok(error.details.authenticationErrorDetail.startsWith(detail), error.details.authenticationErrorDetail);
  return true;
});

/** Sectors that are not zero by their offset; hash() is that of the plan. */
class Content {
  sectors = new Map();
  write(offset, data) {
    for (let at = 0; at < data.length; at += sector) this.sectors.set(offset + at, data.subarray(at, at + sector));
  }
  clear(offset, count) {
    for (const at of [...this.sectors.keys()]) if (at >= offset && at < offset + count) this.sectors.delete(at);
  }
  hash() {
    const hash = createHash("sha256"), zeros = Buffer.alloc(sector), place = Buffer.alloc(8);
    for (const at of [...this.sectors.keys()].sort((a, b) => a - b)) {
      if (this.sectors.get(at).equals(zeros)) continue;
      place.writeBigInt64LE(BigInt(at));
      hash.update(place).update(this.sectors.get(at));
    }
    return hash.digest("hex");
  }
}

// Properties.
for (const disk of [sparse, dense, medium]) {
  const properties = await blob(disk.points[2].sas).getProperties();
  assert.deepEqual([properties.contentLength, properties.blobType, properties.acceptRanges], [disk.sizeBytes + sector, "PageBlob", "bytes"]);
  assert.equal(await blob(disk.points[2].sas).exists(), true);
}

// Whole downloads, to a file in one request and to a buffer in blocks.
await blob(medium.points[2].sas).downloadToFile("whole.vhd");
assert.equal(await hashOf("whole.vhd"), medium.points[2].vhdHash);
const buffer = await blob(dense.points[2].sas).downloadToBuffer();
assert.equal(createHash("sha256").update(buffer).digest("hex"), dense.points[2].vhdHash);

// 64 GiB by its page ranges.
for (const point of sparse.points) {
  const read = new Content();
  for (const { offset, count } of whole((await blob(point.sas).getPageRanges()).pageRange))
    if (offset < sparse.sizeBytes) read.write(offset, await blob(point.sas).downloadToBuffer(offset, count));
  assert.equal(read.hash(), point.contentHash);
}

// Page lists: page by page, and whole.
const pages = async (sas, maxPageSize) => (await all(blob(sas).listPageRanges().byPage({ maxPageSize })))
  .map((page) => page.pageRange.map(({ start, end }) => ({ start, end })));
const few = (await pages(sparse.points[1].sas)).flat();
assert.ok(few.length > 8);
assert.equal(few.at(-1).start, sparse.sizeBytes, "the footer is in a range");
for (const size of [1, 2, 10000]) assert.deepEqual((await pages(sparse.points[1].sas, size)).flat(), few, `pages of ${size}`);
assert.deepEqual((await pages(dense.points[1].sas, 10000)).map((page) => page.length), [10000, denseRanges + 1 - 10000]);
assert.equal((await pages(dense.points[1].sas)).flat().length, denseRanges + 1);
assert.equal((await blob(dense.points[1].sas).getPageRanges()).pageRange.length, denseRanges + 1);

// The loop of incremental backups: the first point by its page ranges, then what changed.
const diff = async (disk, index) => {
  const { pageRange, clearRange } = await blob(disk.points[index].sas).getPageRangesDiffForManagedDisks(0, disk.sizeBytes + sector, disk.points[index - 1].sas);
  return { written: whole(pageRange), cleared: whole(clearRange) };
};
const file = openSync("backup.vhd", "w");
ftruncateSync(file, dense.sizeBytes + sector);
for (const { offset, count } of whole((await blob(dense.points[0].sas).getPageRanges()).pageRange))
  writeSync(file, await blob(dense.points[0].sas).downloadToBuffer(offset, count), 0, count, offset);
for (const index of [1, 2]) {
  const { written, cleared } = await diff(dense, index);
  assert.deepEqual([written.length, cleared.length], [denseRanges, index === 2 ? denseRanges : 0]);
  for (const { offset, count } of cleared) writeSync(file, Buffer.alloc(count), 0, count, offset);
  // What changed within 4 MiB is read at once.
  for (let i = 0, next = 0; i < written.length; i = next) {
    const start = written[i].offset;
    for (next = i + 1; next < written.length && written[next].offset + written[next].count <= start + 4 * MiB;) next++;
    const read = await blob(dense.points[index].sas).downloadToBuffer(start, written[next - 1].offset + written[next - 1].count - start);
    for (const { offset, count } of written.slice(i, next)) writeSync(file, read, offset - start, count, offset);
  }
  assert.equal(await hashOf("backup.vhd"), dense.points[index].vhdHash, `point ${index} of the dense disk`);
}
closeSync(file);
const large = new Content();
for (const index of [1, 2]) {
  const { written, cleared } = await diff(sparse, index);
  for (const { offset, count } of cleared) large.clear(offset, count);
  for (const { offset, count } of written) large.write(offset, await blob(sparse.points[index].sas).downloadToBuffer(offset, count));
  assert.equal(large.hash(), sparse.points[index].contentHash);
}

// Access that ended; a difference that cannot be.
const target = blob(medium.points[1].sas), length = medium.sizeBytes + sector;
await fails(403, "AuthenticationFailed", "SAS identifier cannot be found for specified signed identifier", () => blob(revoked).getPageRanges());
await fails(403, "AuthenticationFailed", "Signature not valid in the specified time frame", () => blob(expired).getPageRanges());
await fails(403, "AuthenticationFailed", "", () => target.getPageRangesDiffForManagedDisks(0, length, revoked));
await fails(400, "PreviousSnapshotCannotBeNewer", "", () => target.getPageRangesDiffForManagedDisks(0, length, medium.points[2].sas));
await fails(409, "BlobOverwritten", "", () => target.getPageRangesDiffForManagedDisks(0, length, dense.points[0].sas));

// Uploads with checksums, and with bad ones.
const crc64 = (data) => { // CRC-64/NVME, little endian
  let crc = 0xffffffffffffffffn;
  for (const byte of data) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(crc ^ 0xffffffffffffffffn);
  return bytes;
};
const writable = blob(upload), page = buffer.subarray(4096, 8192);
const md5 = createHash("md5").update(page).digest();
await writable.uploadPages(page, 4096, page.length, { transactionalContentMD5: md5 });
await writable.uploadPages(page, 12288, page.length, { transactionalContentCrc64: crc64(page) });
await fails(400, "Md5Mismatch", "", () => writable.uploadPages(Buffer.alloc(4096), 4096, 4096, { transactionalContentMD5: md5 }));
await fails(400, "Crc64Mismatch", "", () => writable.uploadPages(Buffer.alloc(4096), 12288, 4096, { transactionalContentCrc64: crc64(page) }));
for (const offset of [4096, 12288]) {
  assert.ok((await writable.downloadToBuffer(offset, 4096)).equals(page));
  assert.deepEqual(Buffer.from((await writable.download(offset, 4096, { rangeGetContentMD5: true })).contentMD5), md5);
}
await writable.clearPages(0, 20 * MiB);
assert.equal((await writable.getPageRanges()).pageRange.length, 0);
console.log("page-blobs.mjs: OK");
