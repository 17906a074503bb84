"""Where the time of each turn went, exactly, from /ops and /messages: the chain of operations and messages that
a turn is as long as, walked back from its end to its begin.

Every nanosecond of a turn is one of: compute (an operation on the chain), transfer (a message of it on its way,
or its link or egress still held by one before it), wait (none of these: the device or its link was at other
turns, or the device was paging, or it paid the overhead of a message; a trace does not say which). The three add up
to the turn's length.
"""
from bisect import bisect_left
from collections import Counter

import numpy as np

from headroom_trace import Trace

MOST_ROWS = 1_500_000  # of /ops and /messages together; with more, only every k-th turn is analysed


class _Batch:
    """The operations and messages of one batch of turns, by device."""

    def __init__(self, ops, messages):
        self.ends, self.arrivals, self.sends, self.happened = {}, {}, {}, {}
        for _, device, block, start, end in ops:
            if end > start:
                self.ends.setdefault(device, {}).setdefault(end, (start, block))
            self.happened.setdefault(device, []).append(end)
        for _, source, target, _, _, _, begin, arrival in messages:
            known = self.arrivals.setdefault(target, {})
            if arrival not in known or known[arrival][0] < begin:
                known[arrival] = (begin, source)
            self.sends.setdefault(source, []).append((begin, target, arrival))
            self.happened.setdefault(target, []).append(arrival)
        for times in self.happened.values():
            times.sort()

    def before(self, device: int, time: int) -> int | None:
        """The latest end of an operation or arrival of a message on the device before the given time."""
        times = self.happened.get(device, [])
        place = bisect_left(times, time)
        return times[place - 1] if place else None

    def holder(self, device: int, target: int, time: int) -> tuple[int, int] | None:
        """(begin, target) of the message that occupied the link, or else the egress, at the given time."""
        held = [(to == target, begin, to) for begin, to, arrival in self.sends.get(device, [])
                if begin < time <= arrival]
        return max(held)[1:] if held else None


def walk(batch: _Batch, device: int, start: int, end: int) -> Counter:
    """The parts of a turn: (kind, from, to) -> ns, where kind is compute, transfer or wait. They sum to end - start."""
    parts, time, sent_to, instant = Counter(), end, None, set()
    while time > start:
        sender = device
        operation = batch.ends.get(device, {}).get(time)
        message = batch.arrivals.get(device, {}).get(time)
        held = batch.holder(device, sent_to, time) if sent_to is not None else None
        if operation:
            kind, until, to, sent_to = "compute", operation[0], device, None
        elif message and (message[0] < time or (message[1], time) not in instant):
            instant.add((message[1], time))  # a message may take no time; follow it only once
            kind, until, sender, to, sent_to = "transfer", message[0], message[1], device, device
        elif held:
            kind, until, to, sent_to = "transfer", held[0], held[1], held[1]
        else:
            earlier = batch.before(device, time)
            kind, until, to, sent_to = "wait", start if earlier is None else earlier, device, None
        parts[kind, sender, to] += time - max(until, start)
        device, time = sender, until
    return parts


def _slices(rows: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in the order of their keys, and the sorted keys."""
    order = np.argsort(keys, kind="stable")
    return rows[order], keys[order]


def of_turns(trace: Trace) -> tuple[list[tuple[int, Counter]], int]:
    """Returns ([(row of /turns, its parts), ...] of every k-th turn, k). k is 1 unless the trace is too large."""
    turns, ops, messages = trace.table("turns"), trace.table("ops"), trace.table("messages")
    source = int(np.flatnonzero(trace.table("devices")["is_source"])[0])
    every = 1 + (len(ops) + len(messages)) // MOST_ROWS
    batch_of = np.zeros(int(turns["turn"].max(initial=-1)) + 2, np.int64)
    batch_of[turns["turn"]] = turns["batch"]
    # Operations are recorded with the first turn of a batch, messages with each of its turns.
    ops, op_keys = _slices(ops, ops["turn"])
    messages, message_keys = _slices(messages, batch_of[np.minimum(messages["turn"], len(batch_of) - 1)])
    result, known = [], (None, None)
    for row in range(0, len(turns), every):
        turn = turns[row]
        key = int(turn["batch"])
        if known[0] != key:
            part = slice(*np.searchsorted(op_keys, [key, key + 1]))
            sent = slice(*np.searchsorted(message_keys, [key, key + 1]))
            known = key, _Batch(ops[part].tolist(), messages[sent].tolist())
        result.append((row, walk(known[1], source, int(turn["start"]), int(turn["end"]))))
    return result, every
