"""Writes whole pages, one after the other, round and round through the working set.

What is written is random and differs from lap to lap: neither the zero-page shortcut of a migration nor its compression or
XBZRLE finds less in it than is there.
"""

import mmap
import os

from pace import ticks

UNIT = "MiB"
MIB = 1 << 20


def run(config, progress):
    size = config["workingSetMiB"] * MIB
    pages = mmap.mmap(-1, size)
    pattern = memoryview(os.urandom(4 * MIB + 65521))
    for start in range(0, size, 4 * MIB):
        pages[start : min(start + 4 * MIB, size)] = pattern[: min(4 * MIB, size - start)]
    progress.start()
    position = shift = 0
    for count in ticks(config["mibPerSecond"] * MIB / mmap.PAGESIZE):
        left = count * mmap.PAGESIZE
        while left:
            length = min(left, size - position, 4 * MIB)
            pages[position : position + length] = pattern[shift : shift + length]
            progress.add(length / MIB)
            left -= length
            position += length
            if position == size:
                position, shift = 0, (shift + 4099) % 65521
