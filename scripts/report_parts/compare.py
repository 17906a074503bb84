"""What differs? Several traces in one table, their times per token over each other, and bars."""
import re

import numpy as np

import plotted
from report_parts.html_parts import caption, figure, keys, section, table
from report_parts.labels import readable, repetitions
from report_parts.latency import axis_of
from report_parts.run import Run, value
from report_parts.svg import Chart, at, whole
from report_parts.words import clean, count, duration, percent, size

MOST_SETTINGS = 24
MOST_CURVES = 8
MOST_COLUMNS = 6
MOST_BARS = 30
# name, label, format, and whether less (-1), more (1) or neither (0) is better
FIGURES = (
    ("time_per_output_token_ns", "time per output token", duration, -1),
    ("time_per_output_token_p95_ns", "95 % of tokens within", duration, -1),
    ("time_to_first_token_ns", "time to first token", duration, -1),
    ("tokens_per_s", "tokens/s of all sequences", lambda v: f"{v:.3g}", 1),
    ("virtual_time_ns", "virtual time in all", duration, -1),
    ("sampled_tokens", "tokens sampled", str, 0),
    ("decisions", "decisions", str, 0),
    ("blocks_moved", "blocks moved", str, 0),
    ("bytes_migrated", "bytes migrated", size, 0),
    ("time_migrating_ns", "time migrating", duration, -1),
    ("bytes_activations", "bytes of activations", size, 0),
    ("bytes_paged", "bytes paged, being over budget", size, -1),
    ("decisions_infeasible", "decisions without a feasible placement", str, -1),
)


def _cells(runs: list[Run], name: str, write, better: int) -> list[str]:
    values = [run.figures[name] for run in runs]
    known = [v for v in values if v >= 0]
    best = (min(known) if better < 0 else max(known)) if better and known and min(known) != max(known) else None
    cells = []
    for i, number in enumerate(values):
        text = write(number) if number >= 0 else "–"
        if i and number >= 0 and values[0] > 0 and better and number != values[0]:
            change = 100 * (number - values[0]) / values[0]
            text += f" ({change:+.{1 if abs(change) < 9.95 else 0}f} %)".replace("-", "−")
        shown = value(name, number, text)
        cells.append(f"<b>{shown}</b>" if best is not None and number == best else shown)
    return cells


def _table(runs: list[Run]) -> str:
    flat = [run.settings for run in runs]
    names = plotted.differing(flat)
    rows = [[f"<code>{clean(key)}</code>", *(clean(readable(key, one.get(key, "–"))[:60]) for one in flat)]
            for key in names[:MOST_SETTINGS]]
    for name, words, write, better in FIGURES:
        if len({run.figures[name] for run in runs}) > 1 or (better and runs[0].figures[name] > 0):
            rows.append([words, *_cells(runs, name, write, better)])
    share = [[d["memory_fullest_bytes"] / max(d["memory_fullest_budget_bytes"], 1) for d in run.figures["devices"]]
             for run in runs]
    rows.append(["fullest device", *(
        f"{clean(run.devices[own.index(max(own))])}, {percent(max(own))}" for run, own in zip(runs, share))])
    text = "In brackets: against the first column. Bold: the best of a row, where one is better."
    if len(names) > MOST_SETTINGS:
        text += f" {len(names) - MOST_SETTINGS} more keys of the scenarios differ."
    if not names:
        text = "The scenarios are the same. " + text
    head = ["", *(clean(run.label) for run in runs)]
    if len(runs) > MOST_COLUMNS:  # one row for each run
        turned = [list(cells) for cells in zip(head, *rows)]
        return table(turned[0], turned[1:]) + caption(text.replace("column", "run").replace("a row", "a figure"))
    return table(head, rows) + caption(text)


def _curves(groups: list[tuple[str, list[Run]]]) -> str:
    """Time per token of each run, in the order of the tokens of all sequences; repetitions have one colour."""
    shown = groups[:MOST_CURVES]
    runs = [run for _, own in shown for run in own]
    longest = max(len(run.latencies) for run in runs)
    if longest < 2:
        return ""
    smoothed = longest > 300 or any(run.in_flight for run in runs)
    lines = [(i, _points(run, smoothed)) for i, (_, own) in enumerate(shown) for run in own]
    ends, scale, name = axis_of([y for _, points in lines for _, y in points])
    chart = Chart(290, (0, longest), ends, "time per token", top=24)
    chart.y_axis(f"time per token in {name}", scale=scale)
    chart.x_axis("sampled token, first ones left out, in the order of their times")
    for i, points in lines:
        chart.poly(points, "line", f"stroke:var(--d{i})")
    what = "Medians of a few neighbouring tokens each." if smoothed else "Migrations included."
    rest = sum(len(own) for _, own in groups[MOST_CURVES:])
    more = f" {count(rest, 'more trace')} only in the table and the bars." if rest else ""
    return "<h3>Time per token</h3>" + figure(chart.out(), what + more) + keys(
        [(f"var(--d{i})", label + (f" (n = {len(own)})" if len(own) > 1 else ""))
         for i, (label, own) in enumerate(shown)])


def _points(run: Run, smoothed: bool) -> list[tuple[float, float]]:
    values = run.latencies[np.argsort(run.latencies["end"], kind="stable")]["latency_ns"]
    if not smoothed:
        return [(k, float(v)) for k, v in enumerate(values.tolist())]
    parts = np.array_split(np.arange(len(values)), max(1, min(len(values), 120)))
    return [(float(p.mean()), float(np.median(values[p]))) for p in parts if len(p)]


def _bar(chart: Chart, y: float, values: list[float], interval: tuple[float, ...], fill: str, write) -> None:
    """Draws one row: a bar, or on a logarithmic axis a line, to the mean; its interval; and the runs."""
    end = chart.x(interval[0])
    text = write(interval[0])
    if len(values) >= plotted.FEWEST:
        text += f" [{write(interval[1])}, {write(interval[2])}]"
    elif len(values) > 1:
        text = ", ".join(write(value) for value in values)
    if chart.x.log:
        chart.line(chart.x0, y + 8.5, chart.x1, y + 8.5, "grid")
    if chart.x.log or 1 < len(values) < plotted.FEWEST:
        chart.dots_at([(chart.x(value), y + 8.5) for value in values], f"stroke:{fill};stroke-width:9")
    else:
        chart.rect(chart.x0, y + 1, end - chart.x0, 15, "", f"fill:{fill}")
    if len(values) >= plotted.FEWEST:
        low, high = chart.x(interval[1]), chart.x(interval[2])
        chart.add(f'<path class="interval" d="M{at(low)} {at(y + 4)}v9m0 -4.5H{at(high)}m0 -4.5v9"/>')
        chart.dots_at([(chart.x(value), y + 8.5) for value in values], "stroke:var(--ink);stroke-width:4")
    chart.text(chart.x1 + 8, y + 13, text, "num")


def _bars(groups: list[tuple[str, list[Run]]]) -> str:
    shown, parts, logarithmic = groups[:MOST_BARS], "", False
    left = 12 + 6.6 * max(len(label) for label, _ in shown)
    most = max(len(own) for _, own in shown)
    for name, words, write in (("time_per_output_token_ns", "time per output token", duration),
                               ("time_to_first_token_ns", "time to first token", duration),
                               ("virtual_time_ns", "virtual time in all", duration)):
        known = [[run.figures[name] for run in own if run.figures[name] >= 0] for _, own in shown]
        every = [value for values in known for value in values]
        if not any(every):
            continue
        geometric = plotted.spans_decades(every) and min(every) > 0
        intervals = [plotted.mean_interval(values, geometric) if values else () for values in known]
        intervals = [(own[0], max(own[1], 0.0), own[2]) if len(values) > 1 else own
                     for own, values in zip(intervals, known)]
        ends = whole(every + [end for own, values in zip(intervals, known) if len(values) >= plotted.FEWEST
                              for end in own])
        logarithmic = logarithmic or len(ends) > 2
        below = 20 if len(ends) > 2 else 0
        chart = Chart(28 + 22 * len(shown) + below, ends, (0, 1), words, left=left,
                      right=200 if most > 1 else 80, top=20, bottom=6 + below)
        chart.text(0, 14, words + ", logarithmic" * chart.x.log, "strong")
        for tick in chart.x.ticks(6) if below else ():
            chart.line(chart.x(tick), chart.y0, chart.x(tick), chart.y1, "grid")
            chart.text(chart.x(tick), chart.y1 + 15, re.sub(r"\.0+(?= )", "", write(tick)), "num mid")
        for i, ((label, _), values, interval) in enumerate(zip(shown, known, intervals)):
            y = 22 + 22 * i
            chart.text(left - 8, y + 13, label, "end")
            if values:
                _bar(chart, y, values, interval, f"var(--d{i})" if i < MOST_CURVES else "var(--none)", write)
            else:
                chart.text(left, y + 13, "none", "num")
        parts += f"<figure>{chart.out()}</figure>"
    return parts + _bars_caption(groups, logarithmic)


def _bars_caption(groups: list[tuple[str, list[Run]]], logarithmic: bool) -> str:
    sizes = sorted({len(own) for _, own in groups})
    text = []
    if sizes[-1] >= plotted.FEWEST:
        many = [str(size) for size in sizes if size >= plotted.FEWEST]
        text.append(f"Means over runs that differ only in seed, n = {' or '.join(many)}; lines and brackets: 95 % "
                    "intervals (Student’s t); dots: the runs.")
    if any(1 < size < plotted.FEWEST for size in sizes):
        text.append(f"With fewer than {plotted.FEWEST} repetitions there are only dots: the runs themselves.")
    if logarithmic:
        text.append("On a logarithmic axis dots take the place of bars, and means are geometric.")
    if len(groups) > MOST_BARS:
        text.append(f"The first {MOST_BARS} of {len(groups)} rows.")
    return caption(" ".join(text)) if text else ""


def show(runs: list[Run]) -> str:
    groups = repetitions(runs)
    return section("What differs?", _table(runs), _curves(groups), _bars(groups))
