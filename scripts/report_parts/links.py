"""What went over the links? Bytes per interval of the busiest links."""
from collections import defaultdict

import numpy as np

from report_parts.html_parts import figure, keys, section
from report_parts.run import Run
from report_parts.svg import Chart
from report_parts.words import clean, count, percent, size

MOST_LINKS = 12
ROW = 30


class Link:
    """Bytes in each interval (all, and those of migrations), and the time that these bytes need at the bandwidth that
    the link had at the decision."""

    def __init__(self, intervals: int):
        self.bytes = np.zeros(intervals)
        self.migrated = np.zeros(intervals)
        self.moves: list[tuple[int, int]] = []  # (start, end) of migrations
        self.busy = np.zeros(intervals)  # ns


def links_of(run: Run) -> dict[tuple[int, int], Link]:
    found: dict[tuple[int, int], Link] = defaultdict(lambda: Link(len(run.intervals)))
    for row in run.trace.table("link_state").tolist():
        interval, source, target, bandwidth, _, sent = row
        if sent:
            link = found[source, target]
            link.bytes[interval] += sent
            link.busy[interval] += sent / bandwidth * 1e9 if bandwidth > 0 else 0
    for row in run.trace.table("migrations"):
        if row["bytes"]:
            link = found[int(row["from"]), int(row["to"])]
            link.migrated[int(row["interval"])] += row["bytes"]
            link.moves.append((int(row["start"]), int(row["end"])))
    return found


def _rates(run: Run, link: Link) -> np.ndarray:
    """Bytes per ns in each interval, without migrations and their time."""
    spans = (run.intervals["t_end"] - run.intervals["t_dec"]) - (run.intervals["t_resume"] - run.intervals["t_switch"])
    return (link.bytes - link.migrated) / np.maximum(spans, 1)


def _joined(moves: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merges spans of time that overlap."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(moves):
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    return spans


def _row(run: Run, chart: Chart, way: tuple[int, int], link: Link, y: float, per_ns: float) -> None:
    """Draws the rate of a link over time as bars on its own base line, and migrations as blocks of full height."""
    name = f"{run.devices[way[0]]} → {run.devices[way[1]]}"
    chart.text(chart.x0 - 10, y + ROW - 9, name if len(name) <= 36 else name[:35] + "…", "end")
    base = y + ROW - 4
    chart.line(chart.x0, base, chart.x1, base, "grid")
    bars = ""
    rates = _rates(run, link)
    for i in np.flatnonzero(rates > 0).tolist():
        x0, x1 = chart.x(int(run.intervals[i]["t_dec"])), chart.x(int(run.intervals[i]["t_end"]))
        bars += f"M{x0:.1f} {base}V{base - rates[i] / per_ns * (ROW - 7):.1f}H{x1:.1f}V{base}z"
    if bars:
        chart.add(f'<path class="compute" d="{bars}"/>')
    for start, end in _joined(link.moves):
        chart.rect(chart.x(start), y + 3, max(chart.x(end) - chart.x(start), 1.2), ROW - 7, "migration")
    whole = int(link.bytes.sum())
    share = float(link.busy.sum()) / max(run.end, 1)
    text = f"{name}\n{size(whole)}, of it {size(link.migrated.sum())} migrated\nbusy {percent(share)} of the run"
    chart.rect(chart.x0, y, chart.x1 - chart.x0, ROW, "hover", title=text)
    chart.text(chart.x1 + 64, y + ROW - 9, size(whole), "end")
    chart.text(chart.x1 + 118, y + ROW - 9, percent(share), "end")


def show(run: Run) -> str:
    found = links_of(run) if len(run.intervals) else {}
    if not found:
        return section("What went over the links?", "<p>Nothing: no message left a device.</p>") \
            if len(run.intervals) else ""
    order = sorted(found, key=lambda way: (-found[way].bytes.sum(), way))
    shown = order[:MOST_LINKS]
    per_ns = max(float(_rates(run, found[way]).max()) for way in shown) or 1
    chart = Chart(26 + ROW * len(shown) + 40, (0, max(run.end, 1)), (0, 1), "bytes over links", left=250,
                  right=126, top=22)
    chart.text(chart.x1 + 64, 12, "bytes", "axis end")
    chart.text(chart.x1 + 118, 12, "busy", "axis end")
    for i, way in enumerate(shown):
        _row(run, chart, way, found[way], chart.y0 + ROW * i, per_ns)
    run.time_axis(chart)
    whole = sum(link.bytes.sum() for link in found.values())
    migrated = sum(link.migrated.sum() for link in found.values())
    text = (f"Activations as bytes per second over time, one scale for all rows: full height is {size(per_ns * 1e9)}/s. "
            + ("Orange: while blocks moved over the link. " if migrated else "")
            + "Busy: the share of the run that all bytes need at the bandwidth that the link had at the decisions.")
    rest = order[MOST_LINKS:]
    if rest:
        left = sum(found[way].bytes.sum() for way in rest)
        text += f" {count(len(rest), 'link')} with less, {size(left)} together, are left out."
    legend = keys([("var(--compute)", f"activations and ids, {size(whole - migrated)} in all")]
                  + ([("var(--migration)", f"migrations, {size(migrated)} in all")] if migrated else []))
    return section("What went over the links?", figure(chart.out(), clean(text)), legend)


