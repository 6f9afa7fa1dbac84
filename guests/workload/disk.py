"""Appends records that can be told from any other, and keeps a journal of those that were acknowledged.

A record is acknowledged, by a line in the journal, after the disk said it is there.
"""

import hashlib
import os
import re

from pace import ticks

UNIT = "records"
MIB = 1 << 20
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


def run(config, progress):
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

    progress.start()
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
            progress.add()


def verify(directory):
    """Compares every acknowledged record that is still kept with what was acknowledged."""
    acknowledged = read_journal(directory)
    problems = []
    if [n for n, _ in acknowledged] != list(range(len(acknowledged))):
        problems.append("the journal has a gap or a repetition")
    newest = acknowledged[-1][0] if acknowledged else -1
    kept_from = (newest // RECORDS_PER_SEGMENT - SEGMENTS_KEPT + 1) * RECORDS_PER_SEGMENT
    kept = [(sequence, digest) for sequence, digest in acknowledged if sequence >= kept_from]
    for sequence, digest in kept:
        try:
            with open(segment_path(directory, sequence), "rb") as segment:
                segment.seek(sequence % RECORDS_PER_SEGMENT * RECORD)
                found = hashlib.sha256(segment.read(RECORD)).hexdigest()
        except FileNotFoundError:
            found = "no such file"
        if found != digest:
            problems.append("record %d: acknowledged as %s, found %s" % (sequence, digest, found))
    return {
        "acknowledged": len(acknowledged),
        "outdated": len(acknowledged) - len(kept),
        "checked": len(kept),
        "problems": problems[:20],
        "lost": len(problems),
    }
