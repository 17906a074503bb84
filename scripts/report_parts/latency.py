"""How fast was it? Time per token over the run."""
import numpy as np

from report_parts.figures import percentile
from report_parts.html_parts import caption, figure, section
from report_parts.run import MOST_MARKS, Run, finite, predicted_time
from report_parts.svg import Chart
from report_parts.words import count, duration

MOST_DOTS = 1500  # with more tokens the picture shows their median and range over time


def top_of(values: list[int]) -> tuple[float, int]:
    """The upper end of the axis in ns, and the number of values above it. A few very large values are cut off, because
    they would flatten all others."""
    if not values:
        return 1.0, 0
    most, usual = max(values), percentile(values, 95)
    if most <= 5 * usual:
        return 1.08 * most, 0
    top = 2.2 * usual
    return top, sum(value > top for value in values)


def unit_of(top: float) -> tuple[float, str]:
    return next(((s, n) for s, n in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")) if top >= 2 * s), (1.0, "ns"))


def curve(chart: Chart, ends: np.ndarray, values: np.ndarray, top: float, kind: str = "dot") -> bool:
    """Draws dots, or median and range over up to 300 parts of the time. Returns whether it drew dots."""
    shown = np.minimum(values, top)
    if len(values) <= MOST_DOTS:
        chart.dots([(x, y) for x, y, v in zip(ends.tolist(), shown.tolist(), values.tolist()) if v <= top],
                   kind)
    else:
        order = np.argsort(ends, kind="stable")
        parts = [p for p in np.array_split(order, 300) if len(p)]
        middle = [float(np.median(ends[p])) for p in parts]
        low = [(x, float(shown[p].min())) for x, p in zip(middle, parts)]
        high = [(x, float(shown[p].max())) for x, p in zip(middle, parts)]
        chart.poly(high + low[::-1], "area", close=True)
        chart.poly([(x, float(np.median(shown[p]))) for x, p in zip(middle, parts)], "line")
    for x, v in zip(ends.tolist(), values.tolist()):
        if v > top:
            at = chart.x(x)
            chart.add(f'<path class="tri" d="M{at - 4:.1f} {chart.y0 + 8:.1f}h8l-4 -7z">'
                      f"<title>{duration(v)}, above the axis</title></path>")
    return len(values) <= MOST_DOTS


def _predictions(run: Run, chart: Chart, top: float) -> None:
    """Draws the prediction of each decision as a broken line over its interval."""
    for row in run.intervals:
        value = predicted_time(row)
        if finite(value) and value <= top and row["t_end"] > row["t_resume"]:
            y = chart.y(value)
            chart.line(chart.x(int(row["t_resume"])), y, chart.x(int(row["t_end"])), y, "predicted")


def _tooltip(run: Run, i: int) -> str:
    own = run.latencies["latency_ns"][run.latencies["interval"] == i].tolist()
    row = run.intervals[i]
    text = run.interval_words(i)
    if own:
        text += f"\nmedian {duration(percentile(own, 50))}, slowest {duration(max(own))}"
    what = "a round" if row["in_flight"] > 1 else "a token"
    return f"{text}\npredicted {duration(predicted_time(row))} for {what}"


def _prefill(run: Run) -> str:
    """A sentence about the first tokens, which are not in the picture."""
    own = [s for s in run.figures["sequences"] if s["time_to_first_token_ns"] >= 0]
    if not own:
        return "No token was sampled."
    if len(own) == 1:
        tokens = count(own[0]["prompt_tokens"], "token")
        return (f"Prefill is not in the picture: {tokens} of prompt and the first token took "
                f"<b>{duration(own[0]['time_to_first_token_ns'])}</b>.")
    times = [s["time_to_first_token_ns"] for s in own]
    return (f"Prefill is not in the picture: first tokens came {duration(percentile(times, 50))} after the "
            f"prompt's arrival (median), at worst {duration(max(times))}.")


def drawing(run: Run) -> tuple[Chart, str]:
    """Returns the chart, and the text that explains it."""
    values = run.latencies["latency_ns"]
    top, above = top_of(values.tolist())
    scale, name = unit_of(top)
    chart = run.chart(290, (0, top), "time per token over virtual time", top=30)
    chart.y_axis(f"time per token in {name}", scale=scale)
    run.time_axis(chart)
    run.mark_moments(chart, named=True)
    _predictions(run, chart, top)
    dots = curve(chart, run.latencies["end"], values, top)
    run.hover_intervals(chart, lambda i: _tooltip(run, i))
    what = "the time since its sequence's token before" if run.several else "the time since the token before"
    text = (f"Each dot is a sampled token: {what}, migrations included." if dots else
            f"Line: median of {len(values) // 300} or so tokens; band: their range; migrations included.")
    text += " Broken line: what the decision predicted"
    text += ", a round of the sequences in flight." if run.in_flight else "."
    if above:
        text += f" Triangles at the top: {count(above, 'token')} above the axis."
    moved = bool((run.intervals["moves"] > 0).any())
    if moved:
        text += " Orange: blocks moved (triangle: the decision; band: the transfers)."
    if len(run.intervals) <= MOST_MARKS:
        text += f" Ticks at the top: {'other ' if moved else ''}decisions."
    if run.scenario_events:
        text += " Dotted: something changes, in the words beside it."
    return chart, f"{text} {_prefill(run)}"


def show(run: Run) -> str:
    if not len(run.latencies):
        return section("How fast was it?", caption(
            f"There are no two tokens of a sequence, so there is no time per token. {_prefill(run)}"))
    chart, text = drawing(run)
    return section("How fast was it?", figure(chart.out(), text))
