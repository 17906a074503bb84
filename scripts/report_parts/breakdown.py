"""Divides the time of a run into parts that add up: exactly from /ops and /messages, or as bounds without them."""
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from headroom_trace import NEVER
from report_parts import critical_path
from report_parts.run import Run

PARTS = ("compute", "transfer", "wait", "migration")


@dataclass
class Exact:
    """Times in ns. prefill, decode: the time of each part, summed over turns; migration is counted separately.
    per_interval: the mean per sampled token. culprits: (kind, from, to) -> time on the critical paths of all turns.
    every: only each every-th turn was analysed."""
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
    """The time that migrations took within the given spans of time, summed over the spans."""
    total = 0
    for row in run.intervals[run.intervals["moves"] > 0]:
        migrating = np.minimum(end, row["t_resume"]) - np.maximum(begin, row["t_switch"])
        total += int(np.maximum(migrating, 0).sum())
    return total


def exact(run: Run) -> Exact:
    """Computes the exact parts from the critical paths of turns."""
    turns = run.trace.table("turns")
    ends = run.intervals["rows_turns"]
    paths, every = critical_path.of_turns(run.trace)
    result = Exact(every=every)
    interval_parts = [Counter() for _ in run.intervals]
    prompts = {s["sequence"]: s["prompt_tokens"] for s in run.figures["sequences"]}
    steps = [0] * len(run.intervals)
    for row, parts in paths:
        turn = turns[row]
        prompt = prompts.get(int(turn["sequence"]), NEVER)
        step = turn["tokens"] == 1 and turn["samples"] == 1 and turn["first"] >= prompt
        interval = int(np.searchsorted(ends, row, side="right"))
        steps[interval] += int(step)
        for (kind, *way), time in parts.items():
            (result.decode if step else result.prefill)[kind] += time
            result.culprits[(kind, *way)] += time
            if step:
                interval_parts[interval][kind] += time
    result.per_interval = [{kind: interval_parts[i][kind] / steps[i] for kind in PARTS[:3]} if steps[i] else {}
                           for i in range(len(interval_parts))]
    sequences = run.figures["sequences"]
    begin = np.array([s["begin_ns"] for s in sequences])
    end = np.array([s["end_ns"] for s in sequences])
    result.migration = _migration_within(run, begin, end)
    if every == 1:
        in_turns = sum(result.decode.values()) + sum(result.prefill.values())
        result.between = max(0, int((end - begin).sum()) - in_turns - result.migration)
    return result


@dataclass
class Bounds:
    """Times in ns over all intervals, for traces without operations. busiest, the time of the busiest device, is a
    lower bound of the time in which any device computes; all_devices, the sum over devices, is an upper bound."""
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
        busiest = min(int(busy[i].max(initial=0)), decoding)
        result.busiest += busiest
        result.all_devices += min(int(busy[i].sum()), decoding)
        result.decoding += decoding
        result.migration += migration
        result.per_interval.append((busiest, decoding - busiest, migration))
    return result
