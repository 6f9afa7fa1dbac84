"""Computes the figures of a run's report once more, from its results file alone: in another language, with nothing but its standard library, and
written without a look at the report's code. Prints them as JSON. Usage: python3 recompute.py RUN.jsonl
"""
import itertools
import json
import math
import random
import statistics
import sys
from collections import defaultdict
from datetime import datetime


def read(path):
    head, moves = None, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            one = json.loads(line)
            if one["kind"] == "experiment":
                head = one
            elif one["kind"] == "move":
                moves.append(one)
    counted = [
        move
        for move in moves
        if not move.get("isWarmUp") and not move.get("isInterrupted") and move["record"]["outcome"] == "completed"
    ]
    return head, moves, counted


def phase(record, name):
    for one in record["phases"]:
        if one["name"] == name:
            return one["endMs"] - one["startMs"]
    return None


def dirty_rate(record):
    pages = seconds = 0.0
    for before, own in zip(record["passes"], record["passes"][1:]):
        if own.get("dirtyPagesPerSecond") is None:
            continue
        lasted = (own["atMs"] - before["atMs"]) / 1000
        pages += own["dirtyPagesPerSecond"] * lasted
        seconds += lasted
    return pages / seconds * 4096 / 2**20 if seconds > 0 else None


def rank_interval(values, cumulative):
    """From the k-th from below to the k-th from above; cumulative[i]: the chance of at most i below the truth."""
    values = sorted(values)
    best = None
    for k in range(1, len(values) // 2 + 1):
        missed = 2 * cumulative[k - 1]
        if best is None or missed <= 0.05:
            best = [values[k - 1], values[-k], 1 - missed]
        if missed > 0.05:
            break
    return best


def sign_interval(values):
    n = len(values)
    cumulative = list(itertools.accumulate(math.comb(n, i) / 2**n for i in range(n + 1)))
    return rank_interval(values, cumulative)


def slope_interval(points):
    """Theil and Sen's slope with Sen's interval, for points of which no two have the same x."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2)]
    # Numbers of permutations by their inversions: the n-th element adds 0 to n - 1 of them.
    counts = [1]
    for n in range(2, len(points) + 1):
        wider = [0] * (len(counts) + n - 1)
        for inversions, ways in enumerate(counts):
            for more in range(n):
                wider[inversions + more] += ways
        counts = wider
    total = math.factorial(len(points))
    cumulative = list(itertools.accumulate(ways / total for ways in counts))
    return [statistics.median(slopes), *rank_interval(slopes, cumulative)]


def quantile(values, q):
    """Type 7: between the neighbours of (n - 1) q, as R and numpy have it."""
    values = sorted(values)
    place = (len(values) - 1) * q
    lower = math.floor(place)
    upper = min(lower + 1, len(values) - 1)
    return values[lower] + (place - lower) * (values[upper] - values[lower])


def block_interval(moves, statistic, times=4000):
    """Whole blocks drawn anew: the statistic is given medians by cell, for a value of a move."""
    blocks = sorted({move["block"] for move in moves})
    by_block = defaultdict(list)
    for move in moves:
        by_block[move["block"]].append(move)
    drawn = []
    source = random.Random(1)
    for _ in range(times):
        some = [move for block in source.choices(blocks, k=len(blocks)) for move in by_block[block]]
        drawn.append(statistic(some))
    drawn.sort()
    return [drawn[int(0.025 * times)], drawn[int(0.975 * times) - 1]]


def main(path):
    head, moves, counted = read(path)
    cells = defaultdict(list)
    for move in counted:
        cells[move["cell"]].append(move)
    result = {"moves": len(moves), "counted": len(counted)}

    def median_of(some, value):
        known = [one for one in (value(move["record"]) for move in some) if one is not None]
        return statistics.median(known) if known else None

    result["cells"] = {
        cell: {
            "moves": len(some),
            "total": median_of(some, lambda r: r["totalMs"]),
            "downtime": median_of(some, lambda r: r.get("downtimeMs")),
            "client": median_of(some, lambda r: r.get("clientDowntimeMs")),
            "passes": median_of(some, lambda r: r.get("iterations")),
            "sent": median_of(some, lambda r: r.get("transferredMiB")),
            "dirty": median_of(some, dirty_rate),
            "interval": sign_interval([m["record"]["totalMs"] for m in some]) if len(some) >= 3 else None,
        }
        for cell, some in cells.items()
    }

    def is_live(record):
        return record["mode"] == "live" and all(p["name"] != "post-copy" for p in record["phases"])

    def by_guest(some, mode):
        guests = defaultdict(list)
        for move in some:
            if (is_live(move["record"]) if mode == "live" else move["record"]["mode"] == mode):
                guests[move["record"]["guest"]].append(move)
        return guests

    offline, live = by_guest(counted, "offline"), by_guest(counted, "live")
    claims = {}

    # Copy is the longest phase.
    def copy_ratio(record):
        return phase(record, "copy") / max(phase(record, "suspend"), phase(record, "resume"))

    ratios = [median_of(some, copy_ratio) for some in offline.values()]
    claims["copy-is-longest"] = [statistics.median(ratios), *sign_interval(ratios)]

    # Live against offline.
    def compared(some, key, is_offline_above):
        live_of, offline_of = by_guest(some, "live"), by_guest(some, "offline")
        quotients = []
        for guest in sorted(set(live_of) & set(offline_of)):
            a = median_of(live_of[guest], lambda r: r[key])
            b = median_of(offline_of[guest], lambda r: r[key])
            quotients.append(b / a if is_offline_above else a / b)
        return quotients

    for name, key, above in [
        ("live-downtime-shorter", "downtimeMs", True),
        ("live-total-longer", "totalMs", False),
    ]:
        ratios = compared(counted, key, above)
        claims[name] = [statistics.median(ratios), *sign_interval(ratios)]
        if len({len(some) for some in cells.values()}) == 1:
            claims[name + "-these"] = block_interval(
                [m for m in counted], lambda some: statistics.median(compared(some, key, above))
            )

    # Totals against memory, of guests that run the same program at the same rate, each with a share of its memory.
    for name, guests in [("offline-total-grows", offline), ("live-total-grows", live)]:
        python = {
            guest: some
            for guest, some in guests.items()
            if isinstance(some[0]["record"].get("workload"), dict)
            and some[0]["record"]["workload"]["type"] == "python"
        }
        points = sorted(
            (some[0]["record"]["memoryMiB"] / 1024, median_of(some, lambda r: r["totalMs"]))
            for some in python.values()
        )
        claims[name] = slope_interval(points) if len(points) > 1 else None

    # The gap between total and downtime, against the downtime.
    points = [
        (
            median_of(some, lambda r: r["downtimeMs"]),
            median_of(some, lambda r: r["totalMs"] - r["downtimeMs"]),
        )
        for some in offline.values()
    ]
    claims["offline-downtime-is-total"] = slope_interval(points)
    claims["gap"] = [statistics.median(y for _, y in points), *sign_interval([y for _, y in points])]
    result["claims"] = claims

    # Instruments against each other.
    def differences(mode, value):
        known = [value(m["record"]) for m in counted if m["record"]["mode"] == mode]
        known = [one for one in known if one is not None]
        return [len(known), statistics.mean(known), statistics.stdev(known)] if len(known) > 1 else None

    def qemu_total(record):
        parts = record.get("equations") or {}
        if parts.get("dmMs") is None or record.get("hypervisorTotalMs") is None or not is_live(record):
            return None
        return record["hypervisorTotalMs"] - parts["tiMs"] - parts["dmMs"] - parts["vsMs"]

    def less_downtime(*keys):
        def value(record):
            other = record
            for key in keys:
                other = (other or {}).get(key)
            return None if other is None else other - record["downtimeMs"]

        return value

    result["checks"] = {
        "QEMU's own total − (TI + DM + VS), live": differences("live", qemu_total),
        "guest's clock − downtime, live": differences("live", less_downtime("guestDowntimeMs")),
        "guest's clock − downtime, offline": differences("offline", less_downtime("guestDowntimeMs")),
        "unanswered − downtime, live": differences("live", less_downtime("client", "unansweredMs")),
        "unanswered − downtime, offline": differences("offline", less_downtime("client", "unansweredMs")),
        "libvirt's downtime − downtime, live": differences("live", less_downtime("hypervisorDowntimeMs")),
        "client's silence − downtime, live": differences("live", less_downtime("clientDowntimeMs")),
        "client's silence − downtime, offline": differences("offline", less_downtime("clientDowntimeMs")),
    }

    # The order: residuals of logarithms, where the greatest cumulative sum is, and how alike neighbours are.
    kept = {cell: some for cell, some in cells.items() if len(some) >= 3}
    rows = []
    for cell, some in kept.items():
        logs = [math.log(m["record"]["totalMs"]) for m in some]
        middle = statistics.median(logs)
        rows += [[m["record"]["startedAt"], cell, log - middle] for m, log in zip(some, logs)]
    rows.sort(key=lambda row: datetime.fromisoformat(row[0].replace("Z", "+00:00")))
    bound = 3 * 1.4826 * statistics.median(abs(row[2]) for row in rows)
    values = [max(-bound, min(row[2], bound)) for row in rows]
    means = {
        cell: statistics.mean(v for v, row in zip(values, rows) if row[1] == cell) for cell in kept
    }
    values = [v - means[row[1]] for v, row in zip(values, rows)]
    sums = list(itertools.accumulate(values))
    scale = math.sqrt(sum(v * v for v in values))
    at = max(range(len(sums)), key=lambda i: abs(sums[i]))
    result["order"] = {
        "step": abs(sums[at]) / scale,
        "from": rows[at + 1][0] if at + 1 < len(rows) else None,
        "lag": sum(a * b for a, b in zip(values, values[1:])) / scale**2,
        "runs": 1 + sum((a > 0) != (b > 0) for a, b in zip(values, values[1:])),
    }

    # Predictions that records carry, of moves that are scored: by how they went.
    def way(record):
        if record["mode"] == "offline":
            return "offline"
        return "post-copy" if any(p["name"] == "post-copy" for p in record["phases"]) else "pre-copy"

    scores = {}
    for name in ["pre-copy", "post-copy", "offline"]:
        some = [m["record"] for m in counted if way(m["record"]) == name and m["record"].get("predicted")]
        if not some:
            continue
        own = {"moves": len(some)}
        for key in ["totalMs", "downtimeMs"]:
            known = [r for r in some if (r.get(key) or 0) > 0]
            errors = [abs(r["predicted"][key] / r[key] - 1) for r in known]
            within = [
                r["predicted"]["range"][key][0] <= r[key] <= r["predicted"]["range"][key][1]
                for r in known
                if r["predicted"].get("range")
            ]
            own[key] = {
                "median": quantile(errors, 0.5),
                "p90": quantile(errors, 0.9),
                "within": sum(within),
                "of": len(within),
            }
        scores[name] = own
    result["predictions"] = scores
    json.dump(result, sys.stdout)


main(sys.argv[1])
