"""The times of one step on devices that share media, in two ways: with the static shares that Headroom uses
(docs/explanation/time.md#shared-media), and with a server for each medium that sends one message after the other at
the full capacity, first come, first served. The computation is independent of the program.

A device has a list of actions, which it does in order: ("compute", ns), ("send", i) and ("receive", i), where i is an
index into the step's messages. Messages have latencies, but no jitter, no loss, and no caps.
"""
import heapq
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

NONE = -1  # the medium of a device that shares none

Action = tuple[str, int]


@dataclass(frozen=True)
class Message:
    sender: int
    receiver: int
    bytes: int
    phase: Hashable  # equal for messages that share a medium at one time


@dataclass(frozen=True)
class Network:
    links: dict[tuple[int, int], tuple[int, int]]  # bytes/s (-1: unlimited) and latency in ns, of each link used
    medium_of: Sequence[int]                       # index into capacities, or NONE, of each device
    capacities: Sequence[int]                      # bytes/s
    overheads: Sequence[int]                       # ns of each device for a message sent or received


@dataclass
class Step:
    """The times of a step in ns since its begin."""
    clocks: list[int]                                         # of each device, after its last action
    begins: dict[int, int] = field(default_factory=dict)      # of each message; first come: when it asks for the medium
    arrivals: dict[int, int] = field(default_factory=dict)


def duration(amount: int, rate: int) -> int:
    """The ns that an amount of bytes takes at a rate in bytes/s."""
    return 0 if rate < 0 else -(-amount * 10**9 // rate)


def shares_of(messages: Sequence[Message], medium_of: Sequence[int]) -> list[dict[int, int]]:
    """For each message: medium of one of its ends -> how often its bytes count there."""
    links = defaultdict(set)
    for message in messages:
        links[message.phase].add((message.sender, message.receiver))
    ends = {phase: [medium_of[end] for link in pairs for end in link] for phase, pairs in links.items()}
    return [{medium: ends[message.phase].count(medium)
             for end in (message.sender, message.receiver) if (medium := medium_of[end]) != NONE}
            for message in messages]


class Walk:
    """Devices do their actions until they wait for a message; the messages pass the media in the order of time."""

    def __init__(self, programs: Sequence[Sequence[Action]], messages: Sequence[Message], network: Network,
                 first_come: bool) -> None:
        self.programs, self.messages, self.network, self.first_come = programs, messages, network, first_come
        self.shares = shares_of(messages, network.medium_of)
        self.step = Step([0] * len(programs))
        self.next = [0] * len(programs)                # the index of each device's next action
        self.link_free = defaultdict(int)
        self.medium_free = [0] * len(network.capacities)
        self.events: list[tuple[int, int, int, tuple[int, ...]]] = []  # time, serial number, message, hops to go
        self.count = 0

    def run(self) -> Step:
        for device in range(len(self.programs)):
            self.go_on(device)
        while self.events:
            time, _, message, hops = heapq.heappop(self.events)
            if hops:
                self.pass_medium(time, message, hops)
            else:
                self.step.arrivals[message] = time
                self.go_on(self.messages[message].receiver)
        waiting = [d for d, program in enumerate(self.programs) if self.next[d] < len(program)]
        if waiting:
            raise ValueError(f"devices {waiting} wait for messages that nobody sends")
        return self.step

    def go_on(self, device: int) -> None:
        clocks, overhead = self.step.clocks, self.network.overheads[device]
        for what, value in self.programs[device][self.next[device]:]:
            if what == "compute":
                clocks[device] += value
            elif what == "send":
                clocks[device] += overhead
                self.send(value, clocks[device])
            elif value in self.step.arrivals:
                clocks[device] = max(clocks[device], self.step.arrivals[value]) + overhead
            else:
                return
            self.next[device] += 1

    def schedule(self, time: int, message: int, hops: tuple[int, ...] = ()) -> None:
        heapq.heappush(self.events, (time, self.count, message, hops))
        self.count += 1

    def send(self, message: int, ready: int) -> None:
        link = self.messages[message].sender, self.messages[message].receiver
        hops = tuple(medium for end in link if (medium := self.network.medium_of[end]) != NONE)
        if self.first_come and hops:  # later messages of the link queue behind this one, at the medium
            self.step.begins[message] = ready
            self.schedule(ready, message, hops)
            return
        rate, latency = self.network.links[link]
        begin = max(ready, self.link_free[link])
        amount = self.messages[message].bytes
        taken = [duration(amount, rate), *(duration(amount * count, self.network.capacities[medium])
                                           for medium, count in self.shares[message].items())]
        self.link_free[link] = begin + max(taken)
        self.step.begins[message] = begin
        self.schedule(begin + max(taken) + latency, message)

    def pass_medium(self, time: int, message: int, hops: tuple[int, ...]) -> None:
        """The message asks for the first of its media. A message from station to station passes its medium twice."""
        link = self.messages[message].sender, self.messages[message].receiver
        rate, latency = self.network.links[link]
        amount = self.messages[message].bytes
        begin = max(time, self.medium_free[hops[0]])
        end = begin + max(duration(amount, rate), duration(amount, self.network.capacities[hops[0]]))
        self.medium_free[hops[0]] = end
        if len(hops) > 1:
            self.schedule(end, message, hops[1:])
        else:
            self.schedule(end + latency, message)


def walk(programs: Sequence[Sequence[Action]], messages: Sequence[Message], network: Network,
         first_come: bool = False) -> Step:
    return Walk(programs, messages, network, first_come).run()
