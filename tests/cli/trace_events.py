"""Strict checks of trace-event JSON, and of its contents against the tables of the trace.

Shares no code with the exporter: it follows the format's description (ph, ts and dur in
microseconds, nesting per thread, flows between slices) and reads the trace with h5py. Times are
parsed as decimals, so nothing is rounded on the way.
"""
import json
import re
from collections import Counter, defaultdict
from decimal import Decimal

import h5py

NEEDED = {"X": {"ts", "dur", "tid", "args"}, "i": {"ts", "tid", "s", "args"}, "C": {"ts", "args"},
          "M": {"args"}, "s": {"ts", "tid", "id", "cat"}, "t": {"ts", "tid", "id", "cat"},
          "f": {"ts", "tid", "id", "cat", "bp"}}
NAMES_OF_GAPS = ("idle", "paging", "migration under way")


def parse(text):
    """Parses the JSON; raises ValueError for NaN, Infinity, or a key that occurs twice in an object."""
    def once(pairs):
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key twice in {keys}")
        return dict(pairs)

    def constant(name):
        raise ValueError(f"{name} is not JSON")
    return json.loads(text, parse_float=Decimal, parse_constant=constant, object_pairs_hook=once)


def nanoseconds(value):
    """Converts microseconds to nanoseconds; None unless the result is a whole number."""
    time = Decimal(value) * 1000
    return int(time) if time == int(time) else None


def begin_of(event):
    return nanoseconds(event["ts"])


def end_of(event):
    return begin_of(event) + nanoseconds(event["dur"])


class Tracks:
    """The names of the processes and threads of a file, by their numbers."""

    def __init__(self, events):
        named = [event for event in events if event["ph"] == "M"]
        self.processes = {e["pid"]: e["args"]["name"] for e in named if e["name"] == "process_name"}
        self.threads = {(e["pid"], e["tid"]): e["args"]["name"]
                        for e in named if e["name"] == "thread_name"}

    def of(self, event):
        """Returns the names (process, thread) of an event; the thread without the number of its lane."""
        name = self.threads.get((event["pid"], event.get("tid")), "")
        head, _, number = name.rpartition(" (")
        if head and number[:-1].isdigit() and number.endswith(")"):
            name = head
        return self.processes.get(event["pid"]), name


def shape_faults(events):
    """Returns events that lack a field which their phase requires, or whose track has no name."""
    faults = []
    tracks = Tracks(events)
    threads = Counter(tid for _, tid in tracks.threads)
    faults += [f"thread {tid} in {count} processes" for tid, count in threads.items() if count > 1]
    for event in events:
        phase = event.get("ph")
        if phase not in NEEDED or not {"pid", "name"} <= event.keys():
            faults.append(f"no event: {event}")
            continue
        lacking = NEEDED[phase] - event.keys()
        if lacking:
            faults.append(f"lacks {lacking}: {event}")
            continue
        if not isinstance(event["name"], str) or not isinstance(event["pid"], int):
            faults.append(f"name or pid of a wrong type: {event}")
        if event["pid"] not in tracks.processes:
            faults.append(f"process without a name: {event}")
        if phase in "Xistf" and (event["pid"], event["tid"]) not in tracks.threads:
            faults.append(f"thread without a name: {event}")
        for key in ("ts", "dur"):
            if key in event and (isinstance(event[key], (str, bool))
                                 or nanoseconds(event[key]) is None):
                faults.append(f"{key} is no whole number of ns: {event}")
        if phase == "X" and event["dur"] < 0:
            faults.append(f"negative duration: {event}")
        if phase == "C" and not all(type(v) in (int, Decimal) for v in event["args"].values()):
            faults.append(f"counter without numbers: {event}")
        if phase == "i" and event["s"] not in ("t", "p", "g"):
            faults.append(f"scope of an instant: {event}")
    return faults


def slices_by_thread(events):
    """Returns (pid, tid) -> slices, in the order in which a viewer processes them."""
    threads = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            threads[event["pid"], event["tid"]].append(event)
    for slices in threads.values():
        slices.sort(key=begin_of)  # stable: of two slices that begin together, the outer one stays first
    return threads


def overlap_faults(events, nested=("decisions",)):
    """Returns slices of a thread that overlap, and nested slices outside the processes in `nested`."""
    faults = []
    tracks = Tracks(events)
    for (pid, tid), slices in slices_by_thread(events).items():
        open_ends = []
        for event in slices:
            begin, end = begin_of(event), end_of(event)
            while open_ends and open_ends[-1] <= begin:
                open_ends.pop()
            if open_ends and (end > open_ends[-1] or tracks.processes[pid] not in nested):
                faults.append(f"{tracks.threads[pid, tid]}: {event['name']} at {begin} overlaps")
            open_ends.append(end)
    return faults


def flow_faults(events):
    """Returns arrows that do not lead forwards in time from one slice to another."""
    faults = []
    threads = slices_by_thread(events)
    starts = {key: {begin_of(event) for event in slices} for key, slices in threads.items()}
    flows = defaultdict(list)
    for event in events:
        if event["ph"] in "stf":
            flows[event["cat"], event["id"]].append(event)
            if begin_of(event) not in starts.get((event["pid"], event["tid"]), ()):
                faults.append(f"an arrow's point is at no slice: {event}")
    for key, points in flows.items():
        phases = "".join(point["ph"] for point in points)
        times = [begin_of(point) for point in points]
        if not re.fullmatch("st*f", phases):
            faults.append(f"arrow {key} is {phases}")
        if times != sorted(times):
            faults.append(f"arrow {key} goes back in time")
    return faults


def format_faults(document):
    """Returns all that is wrong with the format of the file."""
    if set(document) - {"traceEvents", "displayTimeUnit", "otherData"}:
        return [f"keys {set(document)}"]
    if document["displayTimeUnit"] not in ("ms", "ns"):
        return ["displayTimeUnit"]
    events = document["traceEvents"]
    return shape_faults(events) or overlap_faults(events) + flow_faults(events)


def device_names(file):
    return [name.decode() for name in file["devices"]["name"]]


def codes(file, table_name, column):
    return [name.decode() for name in file[table_name].attrs[f"{column}_codes"]]


def found_slices(events, process, thread=None):
    """Returns the slices of a process as (thread, name, begin, end, arguments)."""
    tracks = Tracks(events)
    found = []
    for event in events:
        if event["ph"] == "X" and tracks.of(event)[0] == process:
            name = tracks.of(event)[1]
            if thread is None or thread(name):
                found.append((name, event["name"], begin_of(event), end_of(event), event["args"]))
    return found


def difference(what, expected, found):
    lacking, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    return ([f"{what} lacks {sum(lacking.values())}: {list(lacking)[:2]}"] if lacking else []) + (
        [f"{what} has {sum(extra.values())} too many: {list(extra)[:2]}"] if extra else [])


def op_faults(events, file):
    names, blocks = device_names(file), [name.decode() for name in file["blocks"]["name"]]
    expected = [(names[row["device"]], blocks[row["block"]], int(row["start"]), int(row["end"]),
                 int(row["turn"])) for row in file.rows("ops")] if "ops" in file else []
    found = [(thread, name, begin, end, arguments["turn"])
             for thread, name, begin, end, arguments in found_slices(
                 events, "devices", lambda thread: thread in names)
             if name not in NAMES_OF_GAPS and not name.startswith("wait: ")]
    return difference("operations", expected, found)


def gap_faults(events, file):
    """Returns gaps that, with the operations, do not fill the time from 0 to the last operation of a device, and waits
    that do not end when the message that they name arrives."""
    faults = []
    names = device_names(file)
    arrivals = Counter((int(row["to"]), int(row["from"]), int(row["turn"]), int(row["arrival"]))
                       for row in file.rows("messages")) if "messages" in file else Counter()
    work = defaultdict(list)
    for thread, name, begin, end, arguments in found_slices(
            events, "devices", lambda thread: thread in names):
        work[thread].append((begin, end))
        if name.startswith("wait: "):
            key = (arguments["to"], arguments["from"], arguments["turn"], end)
            if not arrivals[key] or names[arguments["to"]] != thread:
                faults.append(f"{thread} waits for nothing: {name} at {begin}")
    for thread, spans in work.items():
        at = 0
        for begin, end in sorted(spans):
            if begin != at:
                faults.append(f"{thread} has no slice from {at} to {begin}")
            at = max(at, end)
    return faults


def transfer_faults(events, file):
    names, blocks = device_names(file), [name.decode() for name in file["blocks"]["name"]]

    def link(row):
        return f"{names[row['from']]} → {names[row['to']]}"

    expected = []
    if "messages" in file:
        kinds = codes(file, "messages", "kind")
        for row in file.rows("messages"):
            layer = f" L{row['layer']}" if row["layer"] >= 0 else ""
            expected.append((link(row), kinds[row["kind"]] + layer, int(row["begin"]),
                             int(row["arrival"]), int(row["bytes"])))
    moves = file.rows("migrations")
    expected += [(link(row), f"{blocks[row['block']]} moves", int(row["start"]), int(row["end"]),
                  int(row["bytes"])) for row in moves if row["bytes"] > 0]
    found = [(thread, name, begin, end, arguments["bytes"])
             for thread, name, begin, end, arguments in found_slices(events, "links")]
    inwards = [(names[row["to"]], f"{blocks[row['block']]} from {names[row['from']]}",
                int(row["start"]), int(row["end"])) for row in moves]
    arrived = [(thread.split(": ")[0], name, begin, end) for thread, name, begin, end, _ in
               found_slices(events, "devices", lambda thread: thread.endswith("that move in"))]
    return difference("transfers", expected, found) + difference("moves", inwards, arrived)


def counter_faults(events, file):
    tracks, names = Tracks(events), device_names(file)
    found = [(tracks.processes[e["pid"]], e["name"], begin_of(e), *sorted(e["args"].items())[0])
             for e in events if e["ph"] == "C" and tracks.processes[e["pid"]] != "bytes per interval"]
    intervals, expected = file.rows("intervals"), []
    for row in file.rows("resources"):
        of, name = intervals[row["interval"]], names[row["device"]]
        begin, end = int(of["t_dec"]), int(of["t_end"])
        expected += [("memory", f"{name}: budget", begin, "B", int(row["memory_budget_bytes"])),
                     ("memory", f"{name}: peak", begin, "B", int(row["memory_peak_bytes"])),
                     ("memory", f"{name}: used", end, "B", int(row["memory_used_bytes"])),
                     ("compute", name, begin, "FLOP/s", int(row["compute_flop_per_s"]))]
    used = [(e["name"], begin_of(e), e["args"]["B"]) for e in events
            if e["ph"] == "C" and tracks.processes[e["pid"]] == "bytes per interval"
            and e["args"]["B"] > 0]
    sent = [(f"{names[row['from']]} → {names[row['to']]}",
             int(intervals[row["interval"]]["t_dec"]), int(row["bytes"]))
            for row in file.rows("link_state") if row["bytes"] > 0]
    return difference("counters", expected, found) + difference("links' bytes", sent, used)


def decision_faults(events, file):
    reasons, tracks = codes(file, "intervals", "reason"), Tracks(events)
    expected = [(int(row["t_dec"]), int(row["t_resume"]), reasons[row["reason"]], int(row["moves"]),
                 int(row["measured_inference_ns"])) for row in file.rows("intervals")]
    found = [(begin_of(e), end_of(e) if e["ph"] == "X" else begin_of(e), e["args"]["reason"],
              e["args"]["moves"], e["args"]["measured_inference_ns"]) for e in events
             if e["ph"] in "Xi" and tracks.of(e) == ("decisions", "decisions")
             and "reason" in e["args"]]
    spans = [(int(row["t_dec"]), int(row["t_end"])) for row in file.rows("intervals")]
    shown = [(begin, end) for _, _, begin, end, _ in found_slices(
        events, "decisions", lambda thread: thread == "intervals")]
    return difference("decisions", expected, found) + difference("intervals", spans, shown)


def sequence_faults(events, file):
    turns = [(f"slot {row['slot']}: turns", int(row["turn"]), int(row["start"]), int(row["end"]))
             for row in file.rows("turns")]
    shown = [(thread, arguments["turn"], begin, end) for thread, _, begin, end, arguments in
             found_slices(events, "sequences", lambda thread: thread.endswith("turns"))]
    requests = [(f"slot {row['slot']}: requests", int(row["sequence"]), int(row["begin"]),
                 int(row["end"])) for row in file.rows("requests")]
    told = [(thread, arguments["sequence"], begin, end) for thread, _, begin, end, arguments in
            found_slices(events, "sequences", lambda thread: thread.endswith("requests"))]
    return difference("turns", turns, shown) + difference("requests", requests, told)


def event_faults(events, file):
    kinds, tracks = codes(file, "events", "kind"), Tracks(events)
    expected = [(int(row["at"]), kinds[row["kind"]], int(row["value"]))
                for row in file.rows("events")]
    found = [(begin_of(e), e["name"], e["args"]["value"]) for e in events
             if e["ph"] == "i" and tracks.of(e)[1].endswith("events")]
    return difference("events", expected, found)


class Committed:
    """A trace opened by h5py whose tables end with the last commit record."""

    def __init__(self, path):
        self._file = h5py.File(path, "r", libver="latest", swmr=True)
        rows = self._file["intervals"][:]
        self._intervals = rows[rows["rows_placements"] > 0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __contains__(self, name):
        return name in self._file

    def __getitem__(self, name):
        return self._file[name]

    def rows(self, name):
        """Returns the committed rows of a table."""
        if name == "intervals":
            return self._intervals
        if name in ("devices", "links", "blocks", "model", "layers", "prompts"):
            return self._file[name][:]
        count = int(self._intervals[-1][f"rows_{name}"]) if len(self._intervals) else 0
        return self._file[name][:count]


def content_faults(document, trace):
    """Returns all that the file lacks or has different from the trace."""
    events = document["traceEvents"]
    return [fault for judge in (op_faults, gap_faults, transfer_faults, counter_faults,
                                decision_faults, sequence_faults, event_faults)
            for fault in judge(events, trace)]
