#!/usr/bin/python3
"""How far is static sharing of a medium from first come, first served? Headroom divides the capacity of a medium (a
Wi-Fi cell) by a number that is fixed for each message. This program takes the operations and messages of one decode
step from a trace (`headroom simulate --trace-ops`), keeps durations and dependencies, and computes the step again:
with static shares, which must give the times of the trace to the nanosecond, and with one server per medium that sends
message after message at the full capacity. Without TRACE it makes its own: llama-3-8b spread over 2 to 8 equal
devices in one cell, in granularity paper and in slices with a hub or a ring. exit code 1: the static times are not
those of the trace.

Traces must have constant rates, one sequence, no jitter, no loss, no egress or ingress caps, one network.link at
most per pair, and a model without norms over the whole width.
"""
import argparse
import sys
from collections import defaultdict
from functools import cached_property
from pathlib import Path

import options
import report
from medium_queue import NONE, Action, Message, Network, Step, walk
from runs import Run

sys.path.insert(0, str(options.ROOT / "scripts"))
import headroom_trace  # noqa: E402  from scripts

# Before which block a message is received: kind of message -> (kind of block, its how-manieth operation of the layer).
RECEIVED_BY = {
    "token": ("embed", 0), "normed_x": ("group", 0), "head_outputs": ("proj", 0), "residual": ("ffn", 0),
    "attention_partial": ("hub", 0), "normed_residual": ("slice", 0), "ffn_partial": ("hub", 1), "last_x": ("lm_head", 0)}
# After which block's last operation a message is sent. x and normed x follow the end of the layer before.
SENT_BY = {"head_outputs": "group", "residual": "proj", "attention_partial": "group", "normed_residual": "hub",
           "ffn_partial": "slice", "sampled": "lm_head"}
RING = ("ring_sum", "ring_x")


class StepOfTrace:
    """The actions and messages of one turn of a trace."""

    def __init__(self, trace: headroom_trace.Trace, turn) -> None:
        self.blocks = trace.table("blocks")
        self.kinds = trace.named("blocks", "kind")
        self.layers = int(self.blocks["layer"].max()) + 1
        self.start, self.end = int(turn["start"]), int(turn["end"])
        self.source = int(trace.table("devices")["is_source"].argmax())
        self.devices = len(trace.table("devices"))
        ops, messages = trace.table("ops"), trace.table("messages")
        self.ops = ops[ops["turn"] == turn["turn"]]
        chosen = messages["turn"] == turn["turn"]
        self.rows = messages[chosen]
        self.names = trace.named("messages", "kind")[chosen]
        self.is_ring = any(name in RING for name in self.names)
        self.messages = [Message(int(row["from"]), int(row["to"]), int(row["bytes"]), phase)
                         for row, phase in zip(self.rows, self.phases())]
        self.programs = [self.program(device) for device in range(self.devices)]

    def phases(self) -> list[tuple]:
        """The phase of each message. Between two neighbours of a ring, the messages of a layer come in the order of
        the reductions and steps."""
        seen, phases = defaultdict(int), []
        for row, name in zip(self.rows, self.names):
            key = (name, int(row["layer"]))
            if name in RING:
                link = (*key, int(row["from"]))
                key += divmod(seen[link], self.ring_steps)
                seen[link] += 1
            phases.append(key)
        return phases

    @cached_property
    def ring_steps(self) -> int:
        """The number of steps of a reduce-scatter."""
        return len({int(row["from"]) for row, name in zip(self.rows, self.names) if name in RING}) - 1

    def program(self, device: int) -> list[Action]:
        """The actions of a device. Each has a place: (layer, stage within the layer, order within the stage)."""
        placed = []
        hubs, order = defaultdict(int), 0
        ends_of_layer = self.last_kind()
        for op in self.ops[self.ops["device"] == device]:
            kind, layer = self.kinds[op["block"]], int(self.blocks["layer"][op["block"]])
            stage = hubs[layer] if kind == "hub" else 0
            hubs[layer] += kind == "hub"
            placed.append((self.place(kind, layer, stage), 1, order, ("compute", int(op["end"] - op["start"]))))
            order += 1
        for index, (row, name) in enumerate(zip(self.rows, self.names)):
            layer = int(row["layer"])
            if int(row["to"]) == device:
                placed.append((self.receive_place(name, layer, index), 0, index, ("receive", index)))
            if int(row["from"]) == device:
                place = self.send_place(name, layer, index, ends_of_layer)
                placed.append((place, 2, (int(row["to"]), name == "x"), ("send", index)))
        placed.sort(key=lambda item: item[:3])
        return [action for *_, action in placed]

    def last_kind(self) -> str:
        return "hub" if "hub" in self.kinds else "ffn"

    def place(self, kind: str, layer: int, stage: int = 0) -> tuple[int, float]:
        """Where a block stands in the order of a step."""
        if kind in ("embed", "lm_head"):
            return (-1, 0) if kind == "embed" else (self.layers, 0)
        return layer, {"group": 0, "proj": 1, "ffn": 2, "hub": 1 + 2 * stage, "slice": 2}[kind]

    def receive_place(self, name: str, layer: int, index: int) -> tuple:
        if name in RING:
            return self.ring_place(index, 0.5)
        if name == "x":
            return (layer, -0.5) if self.is_ring else (layer, 1)
        if name == "sampled":
            return self.layers + 1, 0
        kind, stage = RECEIVED_BY[name]
        return self.place(kind, self.layers if kind == "lm_head" else layer, stage)

    def send_place(self, name: str, layer: int, index: int, last: str) -> tuple:
        if name in RING:
            return self.ring_place(index, 0.25)
        if name == "token":
            return -2, 0
        if name in ("x", "normed_x", "last_x"):
            before = self.layers - 1 if name == "last_x" else layer - 1
            return self.place(last, before, 1) if before >= 0 else self.place("embed", -1)
        return self.place(SENT_BY[name], layer)

    def ring_place(self, index: int, within: float) -> tuple[int, float]:
        """A message of a ring: all of the sums, then all of x; in each step a device sends before it receives."""
        name, layer, reduction, step = self.messages[index].phase
        number = step + self.ring_steps * (name == "ring_x") + within
        return layer, (0 if reduction == 0 else 2) + number / (2 * self.ring_steps + 1)


def network_of(trace: headroom_trace.Trace, step: StepOfTrace) -> Network:
    """The network of the trace's scenario, at time 0."""
    rows = {(int(row["from"]), int(row["to"])): (int(row["bandwidth_bytes_per_s"]), int(row["latency_ns"]))
            for row in trace.table("links")}
    names = list(trace.table("devices")["name"])
    medium_of, capacities = [NONE] * len(names), []
    for medium in trace.scenario["network"].get("medium", []):
        for member in range(len(names)) if medium["members"] == "all" else medium["members"]:
            medium_of[names.index(member) if isinstance(member, str) else member] = len(capacities)
        capacities.append(read_rate(medium["capacity"]))
    links = {(m.sender, m.receiver): rows[m.sender, m.receiver] for m in step.messages}
    overheads = [read_ns(device.get("message_overhead", 0)) for device in trace.scenario["device"]]
    return Network(links, medium_of, capacities, overheads)


UNITS = {"B/s": 1, "kB/s": 10**3, "MB/s": 10**6, "GB/s": 10**9, "bit/s": 1 / 8, "kbit/s": 125, "Mbit/s": 125_000,
         "Gbit/s": 125_000_000, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


def read_quantity(text) -> int:
    if not isinstance(text, str):
        return int(text)
    number, unit = text.split()
    return round(float(number) * UNITS[unit])


read_rate = read_ns = read_quantity


def steps_of(path: Path) -> tuple[Step, Step, StepOfTrace]:
    """The last decode step of a trace with static shares and first come, first served, and as it was recorded."""
    with headroom_trace.open_trace(path) as trace:
        turns = trace.table("turns")
        step = StepOfTrace(trace, turns[turns["tokens"] == 1][-1])
        network = network_of(trace, step)
        return (*(walk(step.programs, step.messages, network, first_come) for first_come in (False, True)), step)


def faults(static: Step, recorded: StepOfTrace) -> list[str]:
    """What the walk with static shares has other than the trace."""
    found = []
    if static.clocks[recorded.source] != recorded.end - recorded.start:
        found.append(f"the step takes {static.clocks[recorded.source]} ns, recorded {recorded.end - recorded.start}")
    for index, row in enumerate(recorded.rows):
        times = static.begins[index] + recorded.start, static.arrivals[index] + recorded.start
        if times != (int(row["begin"]), int(row["arrival"])):
            found.append(f"{recorded.names[index]} of layer {row['layer']} from {row['from']} to {row['to']}: {times}, "
                         f"recorded {(int(row['begin']), int(row['arrival']))}")
    return found


CUTS = {"groups, proj, ffn": ("round_robin", 'granularity = "paper"'),
        "sliced, hub": ("galaxy", 'granularity = "sliced"\nslices = 32\nreduce = "hub"'),
        "sliced, ring": ("galaxy", 'granularity = "sliced"\nslices = 32\nreduce = "ring"')}


def scenario(stations: int, wired: bool, lines: str, given: argparse.Namespace) -> str:
    """Equal devices, all in one cell; or the first one, which is the source, on the wire behind the access point."""
    members = ", ".join(f'"d{d}"' for d in range(1 if wired else 0, stations + wired))
    devices = "".join(f'[[device]]\nname = "d{d}"\ncompute = "30 GFLOP/s"\nmemory = "16 GiB"\n'
                      f'memory_bandwidth = "{given.memory_bandwidth}"\n' for d in range(stations + wired))
    return (f'[model]\npreset = "llama-3-8b"\nweight_type = "q4_0"\nkv_type = "f32"\n'
            f'[workload]\nprompt_tokens = 16\ntokens = 3\n'
            f'[controller]\n{lines}\n{devices}[network]\nbandwidth = "{given.capacity}"\nlatency = "{given.latency}"\n'
            f'[[network.medium]]\nmembers = [{members}]\ncapacity = "{given.capacity}"\n')


def runs_of(given: argparse.Namespace) -> dict[tuple, Run]:
    return {(cut, stations, wired): Run("simulate", "media", scenario(stations, wired, lines, given),
                                        ("--policy", policy, "--trace-ops"))
            for wired in (False, True) for cut, (policy, lines) in CUTS.items() for stations in given.stations}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.with_runs(parser)
    parser.add_argument("traces", nargs="*", type=Path, metavar="TRACE", help="traces to compute again")
    parser.add_argument("--out", type=Path, help="folder for all traces; those there are not made again")
    parser.add_argument("--stations", type=options.numbers(int, 2), default=(2, 3, 4, 6, 8),
                        help="numbers of devices in the cell (default 2,3,4,6,8)")
    parser.add_argument("--capacity", default="200 Mbit/s", help="of the cell (default %(default)s)")
    parser.add_argument("--latency", default="2 ms", help="(default %(default)s)")
    parser.add_argument("--memory-bandwidth", default="10 GB/s", help="(default %(default)s)")
    given = parser.parse_args()
    with options.runner_of(given) as runner:
        if given.traces:
            done = {(path.name,): steps_of(path) for path in given.traces}
        else:
            runs = runs_of(given)
            done = dict(zip(runs, runner.all_of(list(runs.values()), steps_of)))
    rows, wrong = [], []
    for label, (static, queued, recorded) in done.items():
        wrong += [f"{label}: {fault}" for fault in faults(static, recorded)]
        times = [step.clocks[recorded.source] for step in (static, queued)]
        place = {"trace": label[0]} if given.traces else {
            "layers are cut into": label[0], "stations": label[1], "source": "wired" if label[2] else "a station"}
        rows.append({**place, "messages": len(recorded.messages), "static, ms": times[0] / 1e6,
                     "first come, ms": times[1] / 1e6, "static ÷ first come": times[0] / times[1]})
    title = "A step with shared media" if given.traces else (
        f"A step of llama-3-8b on one cell of {given.capacity}, latency {given.latency}")
    report.show([report.Table(title, rows)], runner.version, given.json)
    print("\n".join(wrong[:20]), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    options.end(main)
