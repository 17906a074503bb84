"""How fast was it? Time per token over the run."""
import math

import numpy as np

from report_parts.figures import percentile
from report_parts.html_parts import caption, figure, section
from report_parts.run import MOST_MARKS, Run, finite, predicted_time
from report_parts.svg import Chart, whole
from report_parts.words import count, duration

MOST_DOTS = 1500  # with more tokens the picture shows their median and range over time


def unit_of(top: float) -> tuple[float, str]:
    return next(((s, n) for s, n in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")) if top >= 2 * s), (1.0, "ns"))


def axis_of(values: list[float]) -> tuple[tuple[float, ...], float, str]:
    """The ends of an axis that holds these times in ns, and its unit."""
    ends = whole(values)
    return ends, *unit_of(math.sqrt(ends[0] * ends[1]) if len(ends) > 2 else ends[1])


def curve(chart: Chart, ends: np.ndarray, values: np.ndarray, kind: str = "dot") -> bool:
    """Draws dots, or median and range over up to 300 parts of the time. Returns whether it drew dots."""
    if len(values) <= MOST_DOTS:
        chart.dots(list(zip(ends.tolist(), values.tolist())), kind)
        return True
    order = np.argsort(ends, kind="stable")
    parts = [p for p in np.array_split(order, 300) if len(p)]
    middle = [float(np.median(ends[p])) for p in parts]
    low = [(x, float(values[p].min())) for x, p in zip(middle, parts)]
    high = [(x, float(values[p].max())) for x, p in zip(middle, parts)]
    chart.poly(high + low[::-1], "area", close=True)
    chart.poly([(x, float(np.median(values[p]))) for x, p in zip(middle, parts)], "line")
    return False


def _predictions(run: Run) -> list:
    """(interval, prediction of its decision in ns) where there is one."""
    return [(row, predicted_time(row)) for row in run.intervals
            if finite(predicted_time(row)) and row["t_end"] > row["t_resume"]]


def _draw_predictions(chart: Chart, predictions: list) -> None:
    """Draws each prediction as a broken line over its interval."""
    for row, value in predictions:
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
    predictions = _predictions(run)
    ends, scale, name = axis_of([*values.tolist(), *(value for _, value in predictions)])
    chart = run.chart(290, ends, "time per token over virtual time", top=30)
    chart.y_axis(f"time per token in {name}", scale=scale)
    run.time_axis(chart)
    run.mark_moments(chart, named=True)
    _draw_predictions(chart, predictions)
    dots = curve(chart, run.latencies["end"], values)
    run.hover_intervals(chart, lambda i: _tooltip(run, i))
    what = "the time since its sequence's token before" if run.several else "the time since the token before"
    text = (f"Each dot is a sampled token: {what}, migrations included." if dots else
            f"Line: median of {len(values) // 300} or so tokens; band: their range; migrations included.")
    text += " Broken line: what the decision predicted"
    text += ", a round of the sequences in flight." if run.in_flight else "."
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
