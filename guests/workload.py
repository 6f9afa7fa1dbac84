#!/usr/bin/env python3
"""What a testbed's guest keeps doing while it is moved and measured: one of memory, cpu, disk.

  workload.py run CONFIG.json     until it is stopped
  workload.py verify DIRECTORY    was every acknowledged write kept? (disk)

Python's standard library alone, as it comes with the guest images.
"""

import hashlib
import json
import mmap
import os
import re
import signal
import sys
import time

MIB = 1 << 20
# Work is done in short ticks. After a pause (the guest was stopped for its switchover, or had no CPU) at most
# MAX_DEBT_S of it is made up for, so that the rate is the configured one and not a burst after each pause.
TICK_S = 0.05
MAX_DEBT_S = 0.25


def ticks(units_per_second):
    """How many units are due, tick after tick."""
    due, last = 0.0, time.monotonic()
    while True:
        time.sleep(TICK_S)
        now = time.monotonic()
        due += min(now - last, MAX_DEBT_S) * units_per_second
        last = now
        yield int(due)
        due -= int(due)


def write_memory(config):
    """Writes whole pages, one after the other, round and round through the working set.

    What is written is random and differs from lap to lap: neither the zero-page shortcut of a migration nor its
    compression or XBZRLE finds less in it than is there.
    """
    size = config["workingSetMiB"] * MIB
    pages = mmap.mmap(-1, size)
    pattern = memoryview(os.urandom(4 * MIB + 65521))
    for start in range(0, size, 4 * MIB):
        pages[start : min(start + 4 * MIB, size)] = pattern[: min(4 * MIB, size - start)]
    position = shift = 0
    for count in ticks(config["mibPerSecond"] * MIB / mmap.PAGESIZE):
        left = count * mmap.PAGESIZE
        while left:
            length = min(left, size - position, 4 * MIB)
            pages[position : position + length] = pattern[shift : shift + length]
            left -= length
            position += length
            if position == size:
                position, shift = 0, (shift + 4099) % 65521


def spin(_config):
    """Keeps every CPU busy."""
    for _ in range(len(os.sched_getaffinity(0)) - 1):
        if os.fork() == 0:
            break
    while True:
        pass


# --- disk: records that can be told from any other, and a journal of those that were acknowledged -------------

RECORD = 64 * 1024
RECORDS_PER_SEGMENT = 1024  # 64 MiB
SEGMENTS_KEPT = 4
# Twelve digits, so that lines have one length and a torn one is seen.
JOURNAL_LINE = re.compile(rb"(\d{12}) ([0-9a-f]{64})\n")


def record(sequence):
    """The bytes of a record: they follow from its number, and no two records share a block."""
    block = hashlib.shake_256(b"testbed record %d" % sequence).digest(4096)
    head = b"%012d\n" % sequence
    return (head + block[len(head) :]) + b"".join(
        bytes([i]) + block[1:] for i in range(1, RECORD // 4096)
    )


def segment_path(directory, sequence):
    return os.path.join(directory, "segment-%06d" % (sequence // RECORDS_PER_SEGMENT))


def read_journal(directory):
    """The acknowledged records, oldest first. A torn last line was never acknowledged."""
    try:
        with open(os.path.join(directory, "journal"), "rb") as journal:
            return [(int(n), digest.decode()) for n, digest in JOURNAL_LINE.findall(journal.read())]
    except FileNotFoundError:
        return []


def sync_directory(directory):
    fd = os.open(directory, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def write_disk(config):
    """Appends records. A record is acknowledged, by a line in the journal, after the disk said it is there."""
    directory = config["directory"]
    os.makedirs(directory, exist_ok=True)
    acknowledged = read_journal(directory)
    sequence = acknowledged[-1][0] + 1 if acknowledged else 0
    journal_path = os.path.join(directory, "journal")
    journal = os.open(journal_path, os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(journal, len(b"%012d %s\n" % (0, b"0" * 64)) * len(acknowledged))
    os.lseek(journal, 0, os.SEEK_END)
    sync_directory(directory)
    segment, segment_name = -1, ""

    for count in ticks(config["mibPerSecond"] * MIB / RECORD):
        for _ in range(count):
            name = segment_path(directory, sequence)
            if name != segment_name:
                if segment >= 0:
                    os.close(segment)
                segment, segment_name = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644), name
                # One more than verify looks at: until a record of the new segment is acknowledged, it looks at the oldest.
                outdated = sequence - (SEGMENTS_KEPT + 1) * RECORDS_PER_SEGMENT
                if outdated >= 0 and os.path.exists(segment_path(directory, outdated)):
                    os.unlink(segment_path(directory, outdated))
                sync_directory(directory)
            data = record(sequence)
            os.pwrite(segment, data, sequence % RECORDS_PER_SEGMENT * RECORD)
            os.fsync(segment)
            os.write(journal, b"%012d %s\n" % (sequence, hashlib.sha256(data).hexdigest().encode()))
            os.fsync(journal)
            sequence += 1


def verify(directory):
    """Compares every acknowledged record that is still kept with what was acknowledged."""
    acknowledged = read_journal(directory)
    problems = []
    if [n for n, _ in acknowledged] != list(range(len(acknowledged))):
        problems.append("the journal has a gap or a repetition")
    checked = 0
    newest = acknowledged[-1][0] if acknowledged else -1
    kept_from = (newest // RECORDS_PER_SEGMENT - SEGMENTS_KEPT + 1) * RECORDS_PER_SEGMENT
    for sequence, digest in acknowledged:
        if sequence < kept_from:
            continue
        try:
            with open(segment_path(directory, sequence), "rb") as segment:
                segment.seek(sequence % RECORDS_PER_SEGMENT * RECORD)
                found = hashlib.sha256(segment.read(RECORD)).hexdigest()
        except FileNotFoundError:
            found = "no such file"
        checked += 1
        if found != digest:
            problems.append("record %d: acknowledged as %s, found %s" % (sequence, digest, found))
    return {"acknowledged": len(acknowledged), "checked": checked, "problems": problems[:20], "lost": len(problems)}


def main(arguments):
    if arguments[:1] == ["verify"] and len(arguments) == 2:
        result = verify(arguments[1])
        print(json.dumps(result))
        return 1 if result["problems"] else 0
    if arguments[:1] != ["run"] or len(arguments) != 2:
        sys.exit(__doc__)
    with open(arguments[1]) as file:
        config = json.load(file)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    {"memory": write_memory, "cpu": spin, "disk": write_disk}[config["type"]](config)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
