"""What plan(), simulate() and replay() return."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ._headroom import NEVER, Decision, Trace


def duration_text(ns: int) -> str:
    """A duration with three significant digits, such as "12.3 ms"."""
    if ns == NEVER:
        return "never"
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if ns >= size:
            value = ns / size
            return f"{value:.{max(0, 3 - len(str(int(value))))}f} {unit}"
    return f"{ns} ns"


@dataclass(frozen=True)
class Plan(Mapping):
    """One decision of each policy for the same problem, by the policy's name: plan["paper"].inference_ns.

    print(plan) shows them as a table.
    """

    decisions: Mapping[str, Decision]  #: in the order of the policies
    at: int                            #: tokens of each sequence that had been sampled
    context: int                       #: tokens of the longest sequence at the next decision
    interval: int                      #: decode steps until the next decision
    in_flight: int                     #: sequences that the policies are asked to place
    bound_s: float | None              #: lower bound of every placement's objective, in s; None: no bound
    proven: bool                       #: whether a placement with this objective exists
    bound_note: str                    #: why there is no bound, or ""

    def __getitem__(self, policy: str) -> Decision:
        return self.decisions[policy]

    def __iter__(self) -> Iterator[str]:
        return iter(self.decisions)

    def __len__(self) -> int:
        return len(self.decisions)

    def __str__(self) -> str:
        rows = [("policy", "per step", "migration", "objective", "above bound", "")]
        for name, decision in self.decisions.items():
            if not decision.feasible:
                rows.append((name, "-", "-", "-", "-", decision.explanation))
                continue
            rows.append((name, duration_text(decision.inference_ns), duration_text(decision.migration_ns),
                         f"{decision.objective_s:.3g} s",
                         "-" if decision.gap is None else f"{100 * decision.gap:.1f} %", decision.explanation))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = ["  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, 5)), row[5]]).rstrip()
                 for row in rows]
        bound = (f"{'proven optimum' if self.proven else 'lower bound'}: {self.bound_s:.3g} s"
                 if self.bound_s is not None else self.bound_note)
        return "\n".join(lines + ["", bound])


@dataclass(frozen=True)
class Run:
    """A run in virtual time.

    summary has the figures of `headroom simulate --json`; None stands for a missing one. trace has the tables.
    """

    policy: str                                     #: name of the policy that decided
    trace: Trace = field(repr=False)                #: tokens, intervals, placements, ...
    summary: Mapping[str, int | float | None] = field(repr=False)
    path: str | None = None                         #: the trace file, if one was written

    def __str__(self) -> str:
        figures = self.summary

        def time(name: str) -> str:
            value = figures[name]
            return "-" if value is None else duration_text(value)
        return (f"{self.policy}: {figures['sampled_tokens']} tokens in {time('virtual_time_ns')}, "
                f"{time('time_per_output_token_ns')} per token, first after {time('time_to_first_token_ns')}; "
                f"{figures['decisions']} decisions, {figures['blocks_moved']} blocks moved")


@dataclass(frozen=True)
class Verification:
    """Whether a recorded run came out again. bool(verification) is `identical`."""

    policy: str             #: name of the recorded policy
    differences: list[str]  #: the first values that differ: "where: recorded | derived"
    intervals: int          #: decisions that were compared
    as_recorded: int        #: decisions that were taken from the trace, because another version made them
    decision_differs: bool  #: whether the policy answered the same problem differently

    @property
    def identical(self) -> bool:
        """Whether every value is as recorded."""
        return not self.differences

    def __bool__(self) -> bool:
        return self.identical

    def __str__(self) -> str:
        if self.identical:
            taken = f", {self.as_recorded} of them taken as recorded" if self.as_recorded else ""
            return f"{self.policy}: identical, {self.intervals} decisions{taken}"
        lines = [f"{self.policy}: not as recorded (recorded | derived)", *self.differences]
        if self.decision_differs:
            lines.append(f"{self.policy} answered the same problem differently: it is not a function of its problem, "
                         "or depends on something that its version does not cover")
        return "\n  ".join(lines)
