"""Did it fit? Memory and budget of each device over time."""
import numpy as np

from report_parts.html_parts import figure, keys, section
from report_parts.run import Run, memory_words
from report_parts.svg import WIDTH, Chart
from report_parts.words import clean, count, listed, size

MOST_DEVICES = 12
MOST_WORDS = 60  # with more intervals there are no tooltips
ACROSS = 3
UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))
GAP = 22


def fullest_first(run: Run) -> list[int]:
    """The devices that held anything, in descending order of their largest ratio of peak to budget."""
    memory = run.trace.memory()
    share = (memory["peak"] / np.maximum(memory["budget"], 1)).max(axis=0, initial=0)
    return [d for d in np.argsort(-share, kind="stable").tolist() if memory["peak"][:, d].any()]


def _steps(run: Run, values: np.ndarray) -> list[tuple[float, float]]:
    points = [(int(row["t_dec"]), float(v)) for row, v in zip(run.intervals, values)]
    return points + [(run.end, float(values[-1]))]


def _over(chart: Chart, run: Run, peak: np.ndarray, budget: np.ndarray) -> None:
    """Marks the times at which the device held more than its budget."""
    for row, high, allowed in zip(run.intervals, peak.tolist(), budget.tolist()):
        if high > allowed:
            x0, x1 = chart.x(int(row["t_dec"])), chart.x(int(row["t_end"]))
            chart.rect(x0, chart.y(high), max(x1 - x0, 2), chart.y(allowed) - chart.y(high), "over",
                       title=f"{size(high - allowed)} over the budget of {size(allowed)}")


def small(run: Run, device: int, memory: dict[str, np.ndarray], left: float, top: float) -> str:
    """Draws the picture of one device at (left, top) of the whole picture."""
    used, peak, budget = (memory[name][:, device] for name in ("used", "peak", "budget"))
    most = float(max(peak.max(), budget.max())) * 1.08
    unit, scale = next((name, s) for name, s in UNITS if most >= s or s == 1)
    width = (WIDTH - (ACROSS - 1) * GAP) / ACROSS
    chart = Chart(142, (0, max(run.end, 1)), (0, most), "", width=width, left=38, right=2, top=38, bottom=18)
    chart.text(0, 11, run.devices[device], "strong")
    share = run.figures["devices"][device]
    over = share["memory_fullest_bytes"] > share["memory_fullest_budget_bytes"]
    chart.text(0, 26, f"fullest {memory_words(share['memory_fullest_bytes'], share['memory_fullest_budget_bytes'])}",
               "note alarm" if over else "note")
    chart.y_axis("", most=4, scale=scale)
    chart.parts = [p for p in chart.parts if 'class="axis"' not in p]
    chart.text(width - 2, 26, unit, "note end")
    points = _steps(run, peak)
    area = [(x, y) for x, y in _corners(points)]
    chart.poly([(points[0][0], 0.0), *area, (points[-1][0], 0.0)], "area", close=True)
    chart.poly(_steps(run, used), "line", stepped=True)
    _over(chart, run, peak, budget)
    chart.poly(_steps(run, budget), "budget", stepped=True)
    chart.line(chart.x0, chart.y1, chart.x1, chart.y1, "base")
    seconds, name = run.time_unit
    chart.text(chart.x0, chart.y1 + 14, "0", "num")
    chart.text(chart.x1, chart.y1 + 14, f"{run.end / seconds:.3g} {name}", "num end")
    if len(run.intervals) <= MOST_WORDS:
        run.hover_intervals(chart, lambda i: f"{run.devices[device]}, {run.interval_words(i)}\nat the end "
                            f"{size(used[i])}, peak {memory_words(int(peak[i]), int(budget[i]))}")
    return f'<g transform="translate({left:.1f} {top:.1f})">{"".join(chart.parts)}</g>'


def _corners(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a stepped line."""
    result = [points[0]]
    for (_, before), (x, y) in zip(points, points[1:]):
        result += [(x, before), (x, y)] if y != before else [(x, y)]
    return result


def show(run: Run) -> str:
    order = fullest_first(run) if len(run.intervals) else []
    if not order:
        return ""
    shown, memory = sorted(order[:MOST_DEVICES]), run.trace.memory()
    width = (WIDTH - (ACROSS - 1) * GAP) / ACROSS
    rows = -(-len(shown) // ACROSS)
    parts = [small(run, device, memory, (width + GAP) * (i % ACROSS), 158 * (i // ACROSS))
             for i, device in enumerate(shown)]
    picture = (f'<svg viewBox="0 0 {WIDTH} {158 * rows}" role="img" aria-label="memory against budget">'
               f'{"".join(parts)}</svg>')
    over = [d for d in order if run.figures["devices"][d]["memory_fullest_bytes"]
            > run.figures["devices"][d]["memory_fullest_budget_bytes"]]
    verdict = "Every device stayed within its budget."
    if over:
        names = f"<b>{clean(listed([run.devices[d] for d in over], 6))}</b>"
        verdict = (f"{names} held more than the budget; {size(run.figures['bytes_paged'])} were paged, before "
                   f"{count(run.figures['overloads'], 'turn')}." if run.figures["overloads"] else
                   f"{names} held more than the decision’s budget while blocks were still on their way, but no turn "
                   "began so, and nothing was paged.")
    rest = order[MOST_DEVICES:]
    text = ("Line: held at the interval’s end; area: the most within it, migrations included; broken line: the "
            "budget as the device had it at the decision.")
    if rest:
        fullest = run.figures["devices"][rest[0]]
        text += (f" The {MOST_DEVICES} fullest of {len(order)} devices that held anything; the next, "
                 f"{clean(fullest['name'])}, had "
                 f"{memory_words(fullest['memory_fullest_bytes'], fullest['memory_fullest_budget_bytes'])} at its fullest.")
    empty = len(run.devices) - len(order)
    if empty:
        text += f" {count(empty, 'device')} held nothing."
    legend = keys([("var(--wash)", "held"), ("var(--migration)", "over the budget")]) if over else ""
    return section("Did it fit?", f"<p>{verdict}</p>", figure(picture, text), legend)


