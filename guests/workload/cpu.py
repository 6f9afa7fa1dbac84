"""Keeps every CPU busy: each has a process of its own, which counts its rounds of the same sum."""

import mmap
import os
import struct

UNIT = "rounds"
ROUND = 10_000
COUNTER = struct.Struct("Q")


def run(_config, progress):
    cpus = len(os.sched_getaffinity(0))
    # One counter a process, each written by its own alone.
    counters = mmap.mmap(-1, cpus * COUNTER.size)
    for cpu in range(1, cpus):
        if os.fork() == 0:
            spin(counters, cpu)
    progress.start(lambda: sum(count for (count,) in COUNTER.iter_unpack(counters)))
    spin(counters, 0)


def spin(counters, cpu):
    rounds = 0
    while True:
        total = 0
        for number in range(ROUND):
            total += number
        rounds += 1
        COUNTER.pack_into(counters, cpu * COUNTER.size, rounds)
