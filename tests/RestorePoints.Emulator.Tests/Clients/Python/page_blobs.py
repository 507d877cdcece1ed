# The data plane by azure-storage-blob. PLAN names a file that tells the URLs of disks and points, and hashes of what was written to them.
import base64
import hashlib
import json
import os

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobClient

MIB, SECTOR = 1024 * 1024, 512
PLAN = json.load(open(os.environ["PLAN"], encoding="utf-8"))
SPARSE, DENSE, MEDIUM, DENSE_RANGES = PLAN["sparse"], PLAN["dense"], PLAN["medium"], PLAN["denseRanges"]
ZEROS = bytes(4 * MIB)


def blob(url, **options):
    return BlobClient.from_blob_url(url, **options)


def fails(kind, status, code, call, detail=""):
    try:
        call()
    except HttpResponseError as error:
        assert (type(error), error.status_code, error.error_code) == (kind, status, code), repr(error)
        assert detail in str(error), str(error)
        return
    raise AssertionError(f"no {kind.__name__} with {status} {code}")


class Sink:
    """Takes a download of any length: counts, forms the plan's hash over the sectors that are not zero, and keeps the footer."""

    def __init__(self, size):
        self.size, self.length, self.hash, self.footer = size, 0, hashlib.sha256(), b""

    def write(self, data):
        if data != ZEROS:
            for at in range(0, len(data), SECTOR):
                piece, offset = data[at:at + SECTOR], self.length + at
                if offset >= self.size:
                    self.footer += piece
                elif piece != ZEROS[:SECTOR]:
                    self.hash.update(offset.to_bytes(8, "little") + piece)
        self.length += len(data)
        return len(data)


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(file, size):
    """The plan's hash of a file with holes."""
    sink = Sink(size)
    while sink.length < size:
        try:
            sink.length = os.lseek(file.fileno(), sink.length, os.SEEK_DATA)
        except OSError:  # a hole up to the end
            break
        end = min(size, os.lseek(file.fileno(), sink.length, os.SEEK_HOLE))
        while sink.length < end:
            sink.write(os.pread(file.fileno(), min(4 * MIB, end - sink.length), sink.length))
    return sink.hash.hexdigest()


# Properties.
for disk in [SPARSE, DENSE, MEDIUM]:
    properties = blob(disk["points"][2]["sas"]).get_blob_properties()
    assert (properties.size, properties.blob_type) == (disk["sizeBytes"] + SECTOR, "PageBlob")
    assert blob(disk["points"][2]["sas"]).exists()

# Whole downloads: the client asks for the page ranges and leaves out what is in none, on 64 GiB too.
for point in [DENSE["points"][2], MEDIUM["points"][2]]:
    with open("whole.vhd", "wb") as target:
        assert blob(point["sas"]).download_blob().readinto(target) == target.tell()
    assert hash_of("whole.vhd") == point["vhdHash"]
assert hashlib.sha256(blob(DENSE["points"][1]["sas"]).download_blob(max_concurrency=4, validate_content=True).readall()).hexdigest() == DENSE["points"][1]["vhdHash"]
sink = Sink(SPARSE["sizeBytes"])
blob(SPARSE["points"][1]["sas"]).download_blob().readinto(sink)
assert sink.length == SPARSE["sizeBytes"] + SECTOR, sink.length
assert (sink.hash.hexdigest(), sink.footer.hex()) == (SPARSE["points"][1]["contentHash"], SPARSE["points"][1]["footer"])

# Page lists: page by page, and whole.
few = [(part.start, part.end) for part in blob(SPARSE["points"][1]["sas"]).list_page_ranges()]
assert len(few) > 8 and few[-1] == (SPARSE["sizeBytes"], SPARSE["sizeBytes"] + SECTOR - 1), few
for size in [1, 2, 10000]:
    pages = [list(page) for page in blob(SPARSE["points"][1]["sas"]).list_page_ranges(results_per_page=size).by_page()]
    assert [(part.start, part.end) for page in pages for part in page] == few, size
    assert all(len(page) <= size for page in pages)
pages = [len(list(page)) for page in blob(DENSE["points"][1]["sas"]).list_page_ranges(results_per_page=10000).by_page()]
assert pages == [10000, DENSE_RANGES + 1 - 10000], pages
assert len(blob(DENSE["points"][1]["sas"]).get_page_ranges()[0]) == DENSE_RANGES + 1


# The loop of incremental backups: the first point by its page ranges, then what changed.
def changes(disk, index):
    return blob(disk["points"][index]["sas"]).get_page_range_diff_for_managed_disk(disk["points"][index - 1]["sas"])


def follow(file, url, written, cleared):
    """Reads what changed within 4 MiB at once."""
    client = blob(url)
    for part in cleared:
        os.pwrite(file.fileno(), bytes(part["end"] + 1 - part["start"]), part["start"])
    i = 0
    while i < len(written):
        start, last = written[i]["start"], i
        while last + 1 < len(written) and written[last + 1]["end"] < start + 4 * MIB:
            last += 1
        data = client.download_blob(start, written[last]["end"] + 1 - start).readall()
        for part in written[i:last + 1]:
            os.pwrite(file.fileno(), data[part["start"] - start:part["end"] + 1 - start], part["start"])
        i = last + 1


for disk in [DENSE, SPARSE]:
    first = disk["points"][0]["sas"]
    with open("backup.vhd", "w+b") as backup:
        backup.truncate(disk["sizeBytes"] + SECTOR)
        follow(backup, first, blob(first).get_page_ranges()[0], [])
        for index in [1, 2]:
            point, (written, cleared) = disk["points"][index], changes(disk, index)
            if disk is DENSE:
                assert (len(written), len(cleared)) == (DENSE_RANGES, DENSE_RANGES if index == 2 else 0)
            follow(backup, point["sas"], written, cleared)
            backup.flush()
            if disk is DENSE:
                assert hash_of("backup.vhd") == point["vhdHash"], index
            else:
                assert content_hash(backup, disk["sizeBytes"]) == point["contentHash"], index
                assert os.pread(backup.fileno(), SECTOR, disk["sizeBytes"]).hex() == point["footer"]

# Access that ended; a difference that cannot be.
target, revoked, expired = blob(MEDIUM["points"][1]["sas"]), PLAN["revoked"], PLAN["expired"]
fails(ClientAuthenticationError, 403, "AuthenticationFailed", lambda: blob(revoked).get_page_ranges(), "SAS identifier cannot be found for specified signed identifier")
fails(ClientAuthenticationError, 403, "AuthenticationFailed", lambda: blob(expired).get_page_ranges(), "Signature not valid in the specified time frame")
fails(ClientAuthenticationError, 403, "AuthenticationFailed", lambda: target.get_page_range_diff_for_managed_disk(revoked))
fails(HttpResponseError, 400, "PreviousSnapshotCannotBeNewer", lambda: target.get_page_range_diff_for_managed_disk(MEDIUM["points"][2]["sas"]))
fails(ResourceExistsError, 409, "BlobOverwritten", lambda: target.get_page_range_diff_for_managed_disk(DENSE["points"][0]["sas"]))

# Uploads with a checksum, and with a bad one.
writable, page = blob(PLAN["upload"]), os.urandom(4096)
writable.upload_page(page, 4096, 4096, validate_content=True)
bad = base64.b64encode(hashlib.md5(page).digest()).decode()
fails(HttpResponseError, 400, "Md5Mismatch", lambda: writable.upload_page(bytes(4096), 4096, 4096, headers={"Content-MD5": bad}))
assert writable.download_blob(4096, 4096, validate_content=True).readall() == page
writable.clear_page(0, 20 * MIB)
assert writable.get_page_ranges()[0] == []
print("page_blobs.py: OK")
