#!/usr/bin/env python3
"""A disaster drill, with real bytes: a virtual machine with three disks is written to without a pause, a restore point is taken every few seconds and
copied to a second region; then the first region is lost, and the machine comes back in the second.

    scripts/disaster-drill.py            against a running emulator (--base, default http://127.0.0.1:11000)
    scripts/disaster-drill.py --start    builds and starts an emulator of its own, and stops it afterwards

Four writers run: a ledger that spreads one sequence of writes over all disks, each write sent when the one before was acknowledged, and one writer of each disk.
Every copied point must be one instant: of each writer it has the first n writes and no other, byte by byte, on all disks; and when a write was acknowledged
before another was sent, the point that has the second has the first. One line per step; the last one is "disaster drill: OK". Standard library only.
"""
import argparse
import hashlib
import http.client
import json
import mmap
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

DISK_API, VM_API, GROUP_API = "2023-10-02", "2024-07-01", "2021-04-01"
HOME, AWAY = "westeurope", "northeurope"
GIB, MIB, SECTOR, PIECE = 1 << 30, 1 << 20, 512, 4 << 20
AREA = 16 * MIB  # What one writer has of a disk.
LONGEST_WAIT = 120  # Seconds for one operation or one copy.
TEXT = re.compile(rb"<(PageRange|ClearRange)><Start>(\d+)</Start><End>(\d+)</End>")


class Failed(Exception):
    """The drill found something wrong."""


def require(condition, *what):
    if not condition:
        raise Failed(" ".join(str(part) for part in what))


class Client:
    """One connection that is kept. Not for several threads at once."""

    def __init__(self, base):
        self.base = urlsplit(base)
        self.connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=LONGEST_WAIT)

    def send(self, method, url, body=None, headers=None):
        url = urlsplit(url)
        path = url.path + ("?" + url.query if url.query else "")
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def json(self, expected, method, path, body=None):
        status, headers, answer = self.send(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        require(status in expected, f"{method} {urlsplit(path).path}: HTTP {status}, expected {expected}: {answer.decode(errors='replace')[:600]}")
        return headers, json.loads(answer) if answer else None

    def arm(self, expected, method, path, version, body=None):
        """One call of ARM. An accepted operation is followed to its end."""
        headers, answer = self.json(expected, method, f"{path}{'&' if '?' in path else '?'}api-version={version}", body)
        poll, final = headers.get("Azure-AsyncOperation"), headers.get("Location")
        deadline = time.monotonic() + LONGEST_WAIT
        while poll:  # A status call waits up to 100 ms for the end.
            _, operation = self.json((200,), "GET", poll)
            if operation["status"] == "Succeeded":
                break
            require(operation["status"] == "InProgress", f"{method} {path}: {operation}")
            require(time.monotonic() < deadline, f"{method} {path}: still running after {LONGEST_WAIT} s")
        return self.json((200,), "GET", final)[1] if method == "POST" and final else answer

    def grant(self, resource):
        return self.arm((202,), "POST", f"{resource}/beginGetAccess", DISK_API, {"access": "Read", "durationInSeconds": 3600})["accessSAS"]

    def revoke(self, resource):
        self.arm((202,), "POST", f"{resource}/endGetAccess", DISK_API)

    def page_list(self, sas, previous=None):
        headers = {"x-ms-version": "2021-12-02"}
        if previous:
            headers["x-ms-previous-snapshot-url"] = previous
        status, _, body = self.send("GET", sas + "&comp=pagelist", headers=headers)
        require(status == 200, f"Get Page Ranges: HTTP {status}: {body[:600]}")
        return [(kind == b"PageRange", int(first), int(last) + 1) for kind, first, last in TEXT.findall(body)]

    def pieces(self, sas, first, end):
        """The bytes of a range, as (offset, bytes)."""
        for offset in range(first, end, PIECE):
            last = min(offset + PIECE, end) - 1
            status, _, body = self.send("GET", sas, headers={"x-ms-range": f"bytes={offset}-{last}"})
            require(status == 206 and len(body) == last + 1 - offset, f"Get Blob: HTTP {status}, {len(body)} bytes at {offset}")
            yield offset, body


class Writer(threading.Thread):
    """A sequence of writes, one after the other: what was written where, when it was sent and when it was acknowledged. Ends when a write is refused."""

    def __init__(self, drill, number, areas):
        super().__init__(daemon=True)
        self.number, self.areas, self.seed = number, areas, drill.seed
        self.client, self.urls = Client(drill.base), drill.guests
        self.random = random.Random(f"{drill.seed}/{number}")
        self.writes, self.refusal, self.error = [], None, None
        self.bytes, self.replayed = {area: bytearray(AREA) for area in areas}, 0

    def run(self):
        try:
            while not self.refusal:
                self.write()
        except Exception as error:  # Looked at by the main thread.
            self.error = error

    def write(self):
        disk, start = self.random.choice(self.areas)
        length = self.random.choice((SECTOR, 4096, 4096, 8192, 65536))
        offset = start + self.random.randrange(0, AREA - length + 1, SECTOR)
        clears = self.random.random() < 0.1 and self.may_clear(disk, offset, length)
        headers = {"x-ms-version": "2021-12-02", "x-ms-page-write": "clear" if clears else "update", "x-ms-range": f"bytes={offset}-{offset + length - 1}"}
        sent = time.monotonic()
        status, _, body = self.client.send("PUT", self.urls[disk] + "&comp=page", None if clears else self.content(len(self.writes), length), headers)
        acknowledged = time.monotonic()
        if status == 503:
            self.refusal = body
            return
        require(status == 201, f"Put Page: HTTP {status}: {body[:600]}")
        self.writes.append((disk, offset, length, clears, sent, acknowledged))

    def may_clear(self, disk, offset, length):
        """Clear Pages leaves no stamp. It follows a write that does, and leaves that one alone: so the newest stamp tells what a point has."""
        if not self.writes:
            return False
        of, start, size, cleared, _, _ = self.writes[-1]
        return not cleared and (of != disk or offset + length <= start or start + size <= offset)

    def content(self, number, length):
        """Noise, with a stamp in each sector: writer and number of the write."""
        noise = bytearray(hashlib.shake_128(f"{self.seed}/{self.number}/{number}".encode()).digest(length))
        for sector in range(0, length, SECTOR):
            struct.pack_into("<HQ", noise, sector, self.number + 1, number + 1)
        return bytes(noise)

    def newest_in(self, images):
        """The number of the newest write with content that left a stamp in the images, -1: none."""
        newest = 0
        for disk, start in self.areas:
            area = memoryview(images[disk])[start:start + AREA]
            for sector in range(0, AREA, SECTOR):
                writer, number = struct.unpack_from("<HQ", area, sector)
                require(writer in (0, self.number + 1), f"disk {disk} has a sector of writer {writer - 1} in the area of {self.number}")
                newest = max(newest, number)
            area.release()
        return newest - 1

    def span_in(self, images):
        """How many of its first writes the images have: the least and the most that it can be (the last one may clear what was clear). None: something else."""
        count = self.newest_in(images) + 1
        if count > len(self.writes):
            return None
        next_clears = count < len(self.writes) and self.writes[count][3]
        if self.replay(count) and self.is_in(images):
            if not next_clears:
                return count, count
            disk, offset, length = self.writes[count][:3]
            return count, count + (not any(images[disk][offset:offset + length]))
        return (count + 1, count + 1) if next_clears and self.replay(count + 1) and self.is_in(images) else None

    def replay(self, count):
        """Goes on from where the last replay ended; False: that was behind it."""
        if count < self.replayed:
            return False
        for number in range(self.replayed, count):
            disk, offset, length, clears, _, _ = self.writes[number]
            area = next(area for area in self.areas if area[0] == disk and area[1] <= offset < area[1] + AREA)
            self.bytes[area][offset - area[1]:offset - area[1] + length] = bytes(length) if clears else self.content(number, length)
        self.replayed = count
        return True

    def is_in(self, images):
        return all(images[disk][start:start + AREA] == self.bytes[disk, start] for disk, start in self.areas)


class Drill:
    def __init__(self, arguments, base):
        self.base, self.seed, self.arguments = base, arguments.seed, arguments
        self.client = Client(base)
        self.group = f"/subscriptions/{uuid.uuid4()}/resourceGroups"
        self.sizes = [GIB, GIB, 2 * GIB]
        self.guests = []
        self.step = 0

    def say(self, *what):
        self.step += 1
        print(f"{self.step:2}  {' '.join(str(part) for part in what)}", flush=True)

    def path(self, region, kind, name):
        return f"{self.group}/{region}/providers/Microsoft.Compute/{kind}/{name}"

    def run(self, work):
        self.say(f"emulator at {self.base}, seed {self.seed}")
        self.make_machine()
        # The ledger has an area at the beginning and one at the very end of each disk.
        ledger = Writer(self, 0, [(disk, start) for disk, size in enumerate(self.sizes) for start in (0, size - AREA)])
        self.writers = [ledger] + [Writer(self, disk + 1, [(disk, 256 * MIB)]) for disk in range(3)]
        for writer in self.writers:
            writer.start()
        copies = self.protect()
        self.lose_region()
        images = self.read_copies(copies, work)
        self.restore(copies[-1], images)
        self.end_stalled_copy(copies, images)
        self.clean_up()

    def make_machine(self):
        for region in (HOME, AWAY):
            self.client.arm((200, 201), "PUT", f"{self.group}/{region}", GROUP_API, {"location": region})
        disks = [self.path(HOME, "disks", f"disk-{number}") for number in range(3)]
        for number, disk in enumerate(disks):
            properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": self.sizes[number] // GIB}
            self.client.arm((200, 202), "PUT", disk, DISK_API, {"location": HOME, "sku": {"name": "Premium_LRS"}, "properties": {"osType": "Linux", **properties} if number == 0 else properties})
            self.guests.append(self.client.json((200,), "POST", f"/emulator{disk}/guestAccess")[1]["accessSAS"])
        vm = self.path(HOME, "virtualMachines", "vm")
        self.client.arm((200, 201), "PUT", vm, VM_API, self.machine(HOME, disks))
        self.source, self.target = self.path(HOME, "restorePointCollections", "backup"), self.path(AWAY, "restorePointCollections", "copies")
        self.client.arm((201,), "PUT", self.source, VM_API, {"location": HOME, "properties": {"source": {"id": vm}}})
        self.client.arm((201,), "PUT", self.target, VM_API, {"location": AWAY, "properties": {"source": {"id": self.source}}})
        self.say(f"a machine in {HOME} with three disks of {', '.join(str(size // GIB) for size in self.sizes)} GiB; a collection of it there, one for copies in {AWAY}")

    @staticmethod
    def machine(region, disks):
        attached = [{"createOption": "Attach", "managedDisk": {"id": disk}} for disk in disks]
        storage = {"osDisk": {"osType": "Linux", **attached[0]}, "dataDisks": [{"lun": lun, **disk} for lun, disk in enumerate(attached[1:])]}
        return {"location": region, "properties": {"hardwareProfile": {"vmSize": "Standard_D2s_v5"}, "storageProfile": storage}}

    def protect(self):
        """Takes points while the writers go on, and copies each; the last copy is stopped halfway. Returns the names of the copies that are complete."""
        copies, next_point = [], time.monotonic()
        for number in range(1, self.arguments.points + 1):
            time.sleep(max(0.0, next_point - time.monotonic()))
            next_point = time.monotonic() + self.arguments.every
            self.copy(self.point(number), f"copy-{number}", lambda percents: min(percents) == 100)
            copies.append(f"copy-{number}")
            self.check_writers()
        self.say(f"{len(copies)} restore points, each copied to {AWAY}, while {sum(len(writer.writes) for writer in self.writers)} writes went on")
        point = self.point(self.arguments.points + 1)
        _, fault = self.client.json((201,), "POST", "/emulator/faults", {"match": {"path": f"{self.target}/**"}, "effect": {"type": "StallReplication", "percent": 37}})
        self.fault = fault["id"]
        self.copy(point, "copy-stalled", lambda percents: 37 <= max(percents) < 100)
        self.say("one more point, whose copy stalls at 37 %")
        return copies

    def point(self, number):
        point = f"{self.source}/restorePoints/point-{number}"
        self.client.arm((201,), "PUT", point, VM_API, {})
        return point

    def copy(self, point, name, enough):
        copy = f"{self.target}/restorePoints/{name}"
        self.client.arm((201,), "PUT", copy, VM_API, {"properties": {"sourceRestorePoint": {"id": point}}})
        self.wait_for_copy(name, enough)

    def wait_for_copy(self, name, enough):
        deadline = time.monotonic() + LONGEST_WAIT
        while True:
            view = self.client.arm((200,), "GET", f"{self.target}/restorePoints/{name}?$expand=instanceView", VM_API)["properties"]["instanceView"]
            percents = [disk["replicationStatus"]["completionPercent"] for disk in view["diskRestorePoints"]]
            if enough(percents):
                return
            require(time.monotonic() < deadline, f"{name}: {view}")
            time.sleep(0.02)

    def check_writers(self):
        for writer in self.writers:
            require(writer.error is None and writer.refusal is None, f"writer {writer.number} ended:", writer.error or writer.refusal)

    def lose_region(self):
        self.check_writers()
        self.client.json((200,), "PUT", f"/emulator/regions/{HOME}", {"state": "Offline"})
        for writer in self.writers:
            writer.join(LONGEST_WAIT)
            require(not writer.is_alive() and writer.error is None, f"writer {writer.number}:", writer.error or "still writes to a lost region")
        status, _, answer = self.client.send("GET", f"{self.source}?api-version={VM_API}")
        require(status == 503, f"the lost region answers {status}: {answer[:600]}")
        self.say(f"{HOME} is lost; every writer was refused, after {', '.join(str(len(writer.writes)) for writer in self.writers)} writes")

    def read_copies(self, copies, work):
        """The first copy in full, each later one by its difference to the one before; each is one instant."""
        listed = self.client.arm((200,), "GET", f"{self.target}?$expand=restorePoints", VM_API)["properties"]["restorePoints"]
        require(sorted(point["name"] for point in listed) == sorted([*copies, "copy-stalled"]), "the collection lists", [point["name"] for point in listed])
        images, moved = [], 0
        for disk, size in enumerate(self.sizes):
            with open(work / f"image-{disk}", "w+b") as file:
                file.truncate(size)
                images.append(mmap.mmap(file.fileno(), size))
        for previous, name in zip([None, *copies], copies):
            moved += self.read_increment(previous, name, images)
            counts = self.require_one_instant(name, images)
        self.say(f"{len(copies)} copies read, {moved / MIB:.0f} MiB: each is one instant of all disks, the last one after {counts} writes")
        return images

    def read_increment(self, previous, name, images):
        """Brings the images from one copy to the next; returns the bytes that were read."""
        moved = 0
        points, bases = self.disk_points(name), self.disk_points(previous) if previous else []
        urls = [self.client.grant(point) for point in [*points, *bases]]
        for disk, size in enumerate(self.sizes):
            areas = [start for writer in self.writers for of, start in writer.areas if of == disk]
            for written, first, end in self.client.page_list(urls[disk], urls[len(points) + disk] if previous else None):
                if first >= size:
                    continue  # The footer of the VHD.
                end = min(end, size)
                require(any(start <= first and end <= start + AREA for start in areas), f"{name}: nobody wrote {first} to {end} of disk {disk}")
                if not written:
                    images[disk][first:end] = bytes(end - first)
                    continue
                for offset, body in self.client.pieces(urls[disk], first, end):
                    images[disk][offset:offset + len(body)] = body
                    moved += len(body)
        for point in [*points, *bases]:
            self.client.revoke(point)
        return moved

    def disk_points(self, copy):
        storage = self.client.arm((200,), "GET", f"{self.target}/restorePoints/{copy}", VM_API)["properties"]["sourceMetadata"]["storageProfile"]
        disks = [storage["osDisk"], *sorted(storage["dataDisks"], key=lambda disk: disk["lun"])]
        require(len(disks) == 3, f"{copy} has {len(disks)} disks")
        return [disk["diskRestorePoint"]["id"] for disk in disks]

    def require_one_instant(self, name, images):
        spans = []
        for writer in self.writers:
            span = writer.span_in(images)
            require(span, f"{name} is not the first writes of writer {writer.number}: one is missing, torn or too many")
            spans.append(span)
        for one, (has, _) in zip(self.writers, spans):
            for other, (_, lacks) in zip(self.writers, spans):
                if has == 0 or lacks == len(other.writes):
                    continue
                sent, acknowledged = one.writes[has - 1][4], other.writes[lacks][5]
                require(acknowledged >= sent, f"{name} has write {has - 1} of writer {one.number} but not write {lacks} of writer {other.number}, which was acknowledged {sent - acknowledged:.6f} s before")
        return [least for least, _ in spans]

    def restore(self, copy, images):
        """The machine in the other region, with every byte of the last copy that was completed."""
        disks = []
        for number, point in enumerate(self.disk_points(copy)):
            disk = self.path(AWAY, "disks", f"disk-{number}")
            self.client.arm((200, 202), "PUT", disk, DISK_API, {"location": AWAY, "sku": {"name": "Premium_LRS"}, "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": point}}})
            sas = self.client.grant(disk)
            for offset, body in self.client.pieces(sas, 0, self.sizes[number]):
                require(images[number][offset:offset + len(body)] == body, f"{disk} differs from {copy} within {len(body)} bytes at {offset}")
            self.client.revoke(disk)
            disks.append(disk)
        vm = self.path(AWAY, "virtualMachines", "vm")
        self.client.arm((200, 201), "PUT", vm, VM_API, self.machine(AWAY, disks))
        statuses = self.client.arm((200,), "GET", f"{vm}/instanceView", VM_API)["statuses"]
        require("PowerState/running" in [status["code"] for status in statuses], "the restored machine:", statuses)
        collection = self.path(AWAY, "restorePointCollections", "backup")
        self.client.arm((201,), "PUT", collection, VM_API, {"location": AWAY, "properties": {"source": {"id": vm}}})
        self.client.arm((201,), "PUT", f"{collection}/restorePoints/first", VM_API, {})
        self.say(f"three disks and the machine restored in {AWAY} from {copy}: {sum(self.sizes) // GIB} GiB compared, every byte is equal; it runs and is protected again")

    def end_stalled_copy(self, copies, images):
        self.client.json((200,), "PUT", f"/emulator/regions/{HOME}", {"state": "Online"})
        self.client.json((204,), "DELETE", f"/emulator/faults/{self.fault}")
        self.wait_for_copy("copy-stalled", lambda percents: min(percents) == 100)
        self.read_increment(copies[-1], "copy-stalled", images)
        counts = self.require_one_instant("copy-stalled", images)
        self.say(f"{HOME} is back; the stalled copy went on and is one instant too, after {counts} writes")

    def clean_up(self):
        if self.arguments.keep:
            return
        for region in (AWAY, HOME):
            self.client.json((202,), "DELETE", f"{self.group}/{region}?api-version={GROUP_API}")
        deadline = time.monotonic() + LONGEST_WAIT
        for region in (AWAY, HOME):
            while self.client.send("HEAD", f"{self.group}/{region}?api-version={GROUP_API}")[0] != 404:
                require(time.monotonic() < deadline, f"{region} is still being deleted")
                time.sleep(0.05)
        self.say("resource groups deleted")


def start_emulator(work, configuration, skip_build):
    root = Path(__file__).resolve().parent.parent
    program = root / "src/RestorePoints.Emulator"
    if not skip_build:
        built = subprocess.run(["dotnet", "build", program, "-c", configuration, "-v", "quiet", "--nologo"], capture_output=True, text=True)
        require(built.returncode == 0, "the build failed:", built.stdout)
    with open(work / "server.log", "w") as log:
        server = subprocess.Popen(["dotnet", program / "bin" / configuration / "net10.0/RestorePoints.Emulator.dll", "--Emulator:HttpPort=auto", "--Emulator:HttpsPort=0",
            f"--Emulator:DataDirectory={work / 'data'}"], stdout=subprocess.PIPE, stderr=log, text=True)
    ready = re.search(r"^RestorePoints is ready: .*?(http:\S+)", server.stdout.readline())
    require(ready, "the emulator did not start:", (work / "server.log").read_text())
    return server, ready.group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", action="store_true", help="build and start an emulator")
    parser.add_argument("--base", default="http://127.0.0.1:11000", help="of a running emulator")
    parser.add_argument("--points", type=int, default=6, help="how many points are copied (6)")
    parser.add_argument("--every", type=float, default=2, help="seconds from one point to the next (2)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31), help="of the writers")
    parser.add_argument("--configuration", default="Debug", help="of the build (Debug)")
    parser.add_argument("--skip-build", action="store_true", help="start what is built already")
    parser.add_argument("--keep", action="store_true", help="keep the resources")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work, server = Path(tempfile.mkdtemp(prefix="disaster-drill.")), None
    try:
        base = arguments.base
        if arguments.start:
            server, base = start_emulator(work, arguments.configuration, arguments.skip_build)
        Drill(arguments, base).run(work)
        print("disaster drill: OK")
        return 0
    except (Failed, OSError, http.client.HTTPException) as error:
        print(f"disaster drill: FAILED (seed {arguments.seed}): {error}", file=sys.stderr)
        return 1
    finally:
        if server:
            server.terminate()
            server.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
