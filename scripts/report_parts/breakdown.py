"""The time of a run in parts that add up: exactly from /ops and /messages, or, without them, as bounds."""
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from headroom_trace import NEVER
from report_parts import critical_path
from report_parts.run import Run

PARTS = ("compute", "transfer", "wait", "migration")


@dataclass
class Exact:
    """ns. prefill, decode: part -> time, of turns; migration of its own. per_interval: mean per sampled token.
    culprits: (kind, from, to) -> time on the critical path of all turns. every: only each so many-th turn was
    looked at."""
    prefill: Counter = field(default_factory=Counter)
    decode: Counter = field(default_factory=Counter)
    migration: int = 0
    between: int = 0
    culprits: Counter = field(default_factory=Counter)
    per_interval: list[dict] = field(default_factory=list)
    every: int = 1


def has_operations(run: Run) -> bool:
    return "ops" in run.trace.names and len(run.trace.table("turns")) > 0


def _migration_within(run: Run, begin: np.ndarray, end: np.ndarray) -> int:
    """Time of all migrations within spans of time, summed over the spans."""
    total = 0
    for row in run.intervals[run.intervals["moves"] > 0]:
        away = np.minimum(end, row["t_resume"]) - np.maximum(begin, row["t_switch"])
        total += int(np.maximum(away, 0).sum())
    return total


def exact(run: Run) -> Exact:
    turns = run.trace.table("turns")
    ends = run.intervals["rows_turns"]
    walked, every = critical_path.of_turns(run.trace)
    result = Exact(every=every)
    own = [Counter() for _ in run.intervals]
    prompts = {s["sequence"]: s["prompt_tokens"] for s in run.figures["sequences"]}
    steps = [0] * len(run.intervals)
    for row, parts in walked:
        turn = turns[row]
        prompt = prompts.get(int(turn["sequence"]), NEVER)
        step = turn["tokens"] == 1 and turn["samples"] == 1 and turn["first"] >= prompt
        interval = int(np.searchsorted(ends, row, side="right"))
        steps[interval] += int(step)
        for (kind, *way), time in parts.items():
            (result.decode if step else result.prefill)[kind] += time
            result.culprits[(kind, *way)] += time
            if step:
                own[interval][kind] += time
    result.per_interval = [{kind: own[i][kind] / steps[i] for kind in PARTS[:3]} if steps[i] else {}
                           for i in range(len(own))]
    flights = run.figures["sequences"]
    begin = np.array([s["begin_ns"] for s in flights])
    end = np.array([s["end_ns"] for s in flights])
    result.migration = _migration_within(run, begin, end)
    if every == 1:
        in_turns = sum(result.decode.values()) + sum(result.prefill.values())
        result.between = max(0, int((end - begin).sum()) - in_turns - result.migration)
    return result


@dataclass
class Bounds:
    """ns, over all intervals: what can be said without operations. The busiest device's time is a lower bound
    of the time in which anything computes; what all devices computed together is an upper one."""
    busiest: int = 0
    all_devices: int = 0
    decoding: int = 0
    migration: int = 0
    per_interval: list[tuple[int, int, int]] = field(default_factory=list)  # busiest, rest, migration


def bounds(run: Run) -> Bounds:
    result = Bounds()
    busy = run.trace.busy()
    for i, row in enumerate(run.intervals):
        migration = int(row["t_resume"] - row["t_switch"])
        decoding = int(row["t_end"] - row["t_dec"]) - migration
        most = min(int(busy[i].max(initial=0)), decoding)
        result.busiest += most
        result.all_devices += min(int(busy[i].sum()), decoding)
        result.decoding += decoding
        result.migration += migration
        result.per_interval.append((most, decoding - most, migration))
    return result
