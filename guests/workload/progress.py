"""What a workload got done, four times a second: one JSON line each, in a file that a reader outside takes away over SSH.

  {"at": 1764931542.113, "monotonic": 81.402, "operations": 103, "unit": "queries"}

`operations` were done since the line before, at whatever time that was written: a line that is late shows as the distance
to the one before it, and nothing is counted twice or lost. `at` is the guest's wall clock, in seconds since 1970;
`monotonic` goes on when that is set.
"""

import collections
import json
import os
import threading
import time

INTERVAL_S = 0.25
KEPT_LINES = 3600
# The file is written anew when it has this many more, and not at each line.
SPARE_LINES = 600


class ProgressFile:
    """The last quarter of an hour of lines, or so."""

    def __init__(self, path, kept=KEPT_LINES, spare=SPARE_LINES):
        self.path, self.kept, self.spare = path, kept, spare
        self.lines = collections.deque(self._before(), maxlen=kept)
        self._rewrite()

    def _before(self):
        """What was written before a restart, without a line that was cut off."""
        try:
            with open(self.path) as file:
                return [line for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def _rewrite(self):
        """A reader has the old file or the new one, never half of one."""
        with open(self.path + ".new", "w") as file:
            file.writelines(self.lines)
        os.chmod(self.path + ".new", 0o644)
        os.replace(self.path + ".new", self.path)
        self.file = open(self.path, "a")
        self.written = len(self.lines)

    def append(self, entry):
        line = json.dumps(entry) + "\n"
        self.lines.append(line)
        if self.written >= self.kept + self.spare:
            self.file.close()
            self._rewrite()
        else:
            self.file.write(line)
            self.file.flush()
            self.written += 1


class Progress:
    """Counts what one thread gets done, and writes it down again and again from another."""

    def __init__(self, path, unit):
        self.path, self.unit, self.done, self.file = path, unit, 0, None

    def add(self, operations=1):
        self.done += operations

    def start(self, total=None):
        """From now on there are lines. `total` tells how much was done in all, where it is not `add` that counts."""
        count = total or (lambda: self.done)
        # By now, and so with nothing in it of what came before: the workload was not yet itself.
        threading.Thread(target=self._report, args=(count, count()), daemon=True).start()

    def write(self, entry):
        """A line of a program that counts by itself."""
        self.file = self.file or ProgressFile(self.path)
        self.file.append(entry)

    def _report(self, count, reported):
        due = time.monotonic()
        while True:
            # A late line does not move the ones after it, and those it was too late for are left out: the guest, or this process, was stopped.
            due = max(due + INTERVAL_S, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
            done = count()
            self.write(line(done - reported, self.unit))
            reported = done


def line(operations, unit):
    return {
        "at": round(time.time(), 3),
        "monotonic": round(time.monotonic(), 3),
        "operations": round(operations, 3),
        "unit": unit,
    }
