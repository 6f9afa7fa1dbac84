"""Work at a rate that was asked for.

After a pause (the guest was stopped for its switchover, or had no CPU) at most MAX_DEBT_S of it is made up for, so that
the rate is the configured one and not a burst after each pause.
"""

import time

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


class Pace:
    """Holds back work that is done piece by piece; without a rate it goes as fast as it can."""

    def __init__(self, units_per_second=None):
        self.units_per_second = units_per_second
        self.due = time.monotonic()

    def spend(self, units):
        """Returns when that many units may have been done."""
        if self.units_per_second is None:
            return
        self.due = max(self.due, time.monotonic() - MAX_DEBT_S) + units / self.units_per_second
        time.sleep(max(0.0, self.due - time.monotonic()))
