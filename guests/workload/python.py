"""A Python program at work: it makes records (dictionaries of numbers, texts and lists), sorts them, encodes them as JSON,
and keeps them until newer ones take their place.

How much it keeps is measured by what the process has got resident, as Python's objects take several times the bytes of
what is in them.
"""

import itertools
import json
import operator
import os
import random
import resource

from pace import Pace

UNIT = "records"
MIB = 1 << 20
BATCH = 100


def make_batch():
    """Sorted records, and the JSON of them: about 50 KiB of text."""
    records = [
        {
            "id": random.getrandbits(64),
            "name": "%032x" % random.getrandbits(128),
            "amounts": [random.random() for _ in range(12)],
            "tags": {"tag-%d" % i: random.getrandbits(16) for i in range(6)},
        }
        for _ in range(BATCH)
    ]
    records.sort(key=operator.itemgetter("name"))
    return records, json.dumps(records)


def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / MIB


def run(config, progress):
    pace = Pace(config.get("recordsPerSecond"))
    own_mib = resident_mib()
    kept = [make_batch()]
    while resident_mib() - own_mib < config["workingSetMiB"]:
        kept.append(make_batch())
    progress.start()
    for oldest in itertools.cycle(range(len(kept))):
        pace.spend(BATCH)
        kept[oldest] = make_batch()
        progress.add(BATCH)
