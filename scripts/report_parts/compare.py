"""What differs? Several traces in one table, their times per token over each other, and bars."""
import numpy as np

from report_parts.html_parts import caption, figure, keys, section, table
from report_parts.latency import top_of, unit_of
from report_parts.run import Run, value
from report_parts.svg import Chart
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


def settings(scenario: dict, prefix: str = "") -> dict[str, str]:
    """A scenario as flat pairs: dotted key -> value."""
    flat = {}
    items = scenario.items() if isinstance(scenario, dict) else enumerate(scenario)
    for key, content in items:
        name = f"{prefix}{key}"
        nested = isinstance(content, dict) or (
            isinstance(content, list) and content and isinstance(content[0], dict))
        if nested:
            flat |= settings(content, name + ".")
        else:
            flat[name] = str(content)
    return flat


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
    flat = [settings(run.trace.scenario) for run in runs]
    names = [key for key in dict.fromkeys(k for one in flat for k in one)
             if len({one.get(key) for one in flat}) > 1]
    rows = [[f"<code>{clean(key)}</code>", *(clean(one.get(key, "–")[:60]) for one in flat)]
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


def _curves(runs: list[Run]) -> str:
    """Time per token of each run, in the order of the tokens of all sequences."""
    shown = runs[:MOST_CURVES]
    top, above = top_of([v for run in shown for v in run.latencies["latency_ns"].tolist()])
    longest = max(len(run.latencies) for run in shown)
    if longest < 2:
        return ""
    scale, name = unit_of(top)
    chart = Chart(290, (0, longest), (0, top), "time per token", top=24)
    chart.y_axis(f"time per token in {name}", scale=scale)
    chart.x_axis("sampled token, first ones left out, in the order of their times")
    smoothed = longest > 300 or any(run.in_flight for run in shown)
    for i, run in enumerate(shown):
        rows = run.latencies[np.argsort(run.latencies["end"], kind="stable")]
        values = rows["latency_ns"]
        if smoothed:
            parts = [p for p in np.array_split(np.arange(len(values)), max(1, min(len(values), 120))) if len(p)]
            points = [(float(p.mean()), min(float(np.median(values[p])), top)) for p in parts]
        else:
            points = [(k, min(float(v), top)) for k, v in enumerate(values.tolist())]
        chart.poly(points, "line", f"stroke:var(--d{i})")
    what = "Medians of a few neighbouring tokens each." if smoothed else "Migrations included."
    cut = f" {count(above, 'token')} above the axis are drawn at its edge." if above and not smoothed else ""
    more = f" {len(runs) - len(shown)} more traces are in the table only." if len(runs) > len(shown) else ""
    return "<h3>Time per token</h3>" + figure(chart.out(), what + cut + more) + keys(
        [(f"var(--d{i})", run.label) for i, run in enumerate(shown)])


def _bars(runs: list[Run]) -> str:
    parts = ""
    for name, words, write in (("time_per_output_token_ns", "time per output token", duration),
                               ("time_to_first_token_ns", "time to first token", duration),
                               ("virtual_time_ns", "virtual time in all", duration)):
        values = [max(run.figures[name], 0) for run in runs]
        if not any(values):
            continue
        chart = Chart(26 + 22 * min(len(runs), MOST_BARS), (0, max(values)), (0, 1), words, left=190, right=90, top=0, bottom=0)
        chart.text(0, 14, words, "strong")
        for i, (run, number) in enumerate(zip(runs[:MOST_BARS], values)):
            y = 22 + 22 * i
            chart.text(182, y + 13, run.label if len(run.label) < 26 else run.label[:25] + "…", "end")
            chart.rect(190, y + 1, chart.x(number) - 190, 15, "", f"fill:{f'var(--d{i})' if i < MOST_CURVES else 'var(--none)'}")
            chart.text(chart.x(number) + 7, y + 13, write(number), "num")
        parts += f"<figure>{chart.out()}</figure>"
    return parts + (caption(f"Bars of the first {MOST_BARS} of {len(runs)} traces.") if len(runs) > MOST_BARS else "")


def show(runs: list[Run]) -> str:
    return section("What differs?", _table(runs), _curves(runs), _bars(runs))


