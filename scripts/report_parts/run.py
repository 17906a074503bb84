"""One trace as the sections of the page use it: tables, figures, colours, the time axis, and the moments that all
pictures mark."""
from functools import cached_property

import numpy as np

from headroom_trace import NEVER, Trace
from report_parts import figures
from report_parts.colours import device_colours
from report_parts.labels import OWN_POLICY, run_settings
from report_parts.svg import Chart
from report_parts.words import clean, count, duration, size

MOST_MARKS = 250  # with more decisions only those that moved a block are marked


class Run:
    """One trace. label: its name on the page; number: 0 for the first trace of the page."""

    def __init__(self, trace: Trace, label: str, number: int):
        self.trace, self.label, self.number = trace, label, number
        self.intervals, self.devices = trace.table("intervals"), trace.device_names
        self.settings = run_settings(trace)
        self.figures = figures.of_run(trace)
        self.placement = trace.placement()
        self.colours = device_colours(self.placement, len(self.devices))
        self.reasons = trace.named("intervals", "reason")
        own = str(trace.attributes.get("policy", OWN_POLICY))
        self.policies = [own if name == OWN_POLICY else name for name in trace.named("intervals", "policy")]
        self.kinds = trace.named("blocks", "kind")
        self.latency_rows = trace.latency()
        self.end = int(self.intervals["t_end"].max(initial=0))
        self.several = len(self.figures["sequences"]) > 1
        self.in_flight = bool((self.intervals["in_flight"] > 1).any())
        self.simulated = trace.attributes.get("execution") == "simulated"

    @cached_property
    def time_unit(self) -> tuple[float, str]:
        """The unit of the time axis: its length in nanoseconds, and its name."""
        for scale, name in ((60e9, "min"), (1e9, "s"), (1e6, "ms"), (1e3, "µs")):
            if self.end >= (2 * scale if name != "min" else 10 * scale):
                return scale, name
        return 1.0, "ns"

    @cached_property
    def latencies(self) -> np.ndarray:
        """The rows of `Trace.latency` that have a previous token."""
        return self.latency_rows[self.latency_rows["latency_ns"] >= 0]

    @cached_property
    def scenario_events(self) -> list[tuple[int, str]]:
        """(ns, text) of resumptions and of the scenario's events that took effect; events of the same moment are
        merged."""
        merged: dict[int, dict[str, list[str]]] = {}
        for when, place, change in self._events():
            merged.setdefault(when, {}).setdefault(place, []).append(change)
        return [(when, "; ".join(f"{place}: {', '.join(changes)}" for place, changes in places.items()))
                for when, places in sorted(merged.items())]

    def _events(self) -> list[tuple[int, str, str]]:
        turns = self.trace.table("turns")
        result = [(int(self.intervals["t_dec"][i]), "run", "resumed after a break")
                  for i in np.flatnonzero(self.reasons == "resumed").tolist()]
        for event in self.trace.scenario.get("event", []):
            place = event.get("device") or " – ".join(event.get("link", []))
            change = f"{str(event.get('kind')).replace('_', ' ')} × {event.get('factor', 1):g}"
            if "at_token" in event:
                after = turns["start"][turns["seen_tokens"] >= event["at_token"]]
                if len(after):
                    result.append((int(after.min()), place, change))
            else:
                when = int(str(event.get("at", "0 ns")).split()[0])
                if when <= self.end:
                    result.append((when, place, change))
        return result

    def chart(self, height: float, y: tuple[float, ...], label: str, **options) -> Chart:
        """A chart over the run's virtual time."""
        return Chart(height, (0, max(self.end, 1)), y, label, **options)

    def time_axis(self, chart: Chart) -> None:
        scale, name = self.time_unit
        chart.x_axis(f"virtual time in {name}", scale=scale)

    def mark_moments(self, chart: Chart, named: bool = False, bands: bool = True) -> None:
        """Marks decisions by ticks on the upper edge, or by triangles if blocks moved. `bands` adds transfers as bands
        and the scenario's events as dotted lines; `named` writes the texts of events, as far as they do not overlap."""
        moved = self.intervals["moves"] > 0
        few = len(self.intervals) <= MOST_MARKS
        for i in np.flatnonzero(np.ones(len(moved), bool) if few else moved).tolist():
            row = self.intervals[i]
            x = chart.x(int(row["t_dec"]))
            if moved[i]:
                width = chart.x(int(row["t_resume"])) - chart.x(int(row["t_switch"]))
                text = (f"decision {i}, token {row['first_token']}: {count(int(row['moves']), 'block')} moved "
                        f"in {duration(row['measured_migration_ns'])}")
                if bands:
                    chart.rect(chart.x(int(row["t_switch"])), chart.y0, max(width, 1.5), chart.y1 - chart.y0,
                               "move", title=text)
                chart.add(f'<path class="tri" d="M{x - 4:.1f} {chart.y0 - 7:.1f}h8l-4 7z">'
                          f"<title>{clean(text)}</title></path>")
            else:
                chart.line(x, chart.y0 - 5, x, chart.y0, "tick")
        free = [0.0, 0.0, 0.0]  # the occupied width of each line of text
        for when, text in self.scenario_events if bands else ():
            x = chart.x(when)
            chart.line(x, chart.y0, x, chart.y1, "event")
            if not named:
                continue
            wide = 5.6 * len(text)
            left = x + 5 if x + 5 + wide < chart.x1 else x - 5 - wide
            row = next((i for i, taken in enumerate(free) if left >= taken), None)
            if row is not None:
                chart.text(left, chart.y1 - 7 - 14 * row, text, "note over-lines")
                free[row] = left + wide + 6

    def hover_intervals(self, chart: Chart, text_of) -> None:
        """Adds invisible boxes with a tooltip for each interval; none if there are too many."""
        if len(self.intervals) <= MOST_MARKS:
            for i, row in enumerate(self.intervals):
                x = chart.x(int(row["t_dec"]))
                chart.rect(x, chart.y0, chart.x(int(row["t_end"])) - x, chart.y1 - chart.y0, "hover",
                           title=text_of(i))

    def interval_words(self, i: int) -> str:
        """The first line of the tooltip of an interval."""
        row = self.intervals[i]
        first, tokens = int(row["first_token"]), int(row["tokens"])
        which = f"tokens {first} to {first + tokens - 1}" if tokens else "no token"
        return f"interval {i}, {which}, {duration(row['t_dec'])} to {duration(row['t_end'])}"

    def swatch(self, device: int) -> str:
        """The device's name beside its colour, as HTML."""
        colour = self.colours.get(device, "var(--none)")
        return f'<span class="key"><i style="background:{colour}"></i>{clean(self.devices[device])}</span>'


def predicted_time(row) -> int:
    """The time in ns that a decision predicted for a token, or for a round if several sequences were in flight."""
    return int(row["predicted_round_ns"] if row["in_flight"] > 1 else row["predicted_inference_ns"])


def finite(value: int) -> bool:
    return 0 <= value < NEVER


def value(name: str, number, text: str) -> str:
    """A figure as HTML, marked so that programs can read it from the page."""
    return f'<data class="figure" data-name="{clean(name)}" value="{clean(number)}">{clean(text)}</data>'


def memory_words(used: int, budget: int) -> str:
    share = f"{100 * used / budget:.0f} %" if budget else "no budget"
    return f"{size(used)} of {size(budget)}, {share}"
