#!/usr/bin/python3
"""An example of an analysis: what did each decision predict, what was measured, and how long did tokens take?

usage: analyse.py TRACE [FIGURE.png]     prints a table; draws tokens over time, with the moments when
                                         blocks moved. Figures need Debian's python3-matplotlib.
"""
import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import headroom_trace  # noqa: E402  (its folder comes first)
import plotted  # noqa: E402


def print_decisions(trace: headroom_trace.Trace) -> None:
    """Prints one row for each interval: the decision, its prediction, and the median time per token after it."""
    late = trace.latency()
    reasons = trace.named("intervals", "reason")
    print(f"{'token':>6} {'at s':>8}  {'decision':<10} {'moved':>5} {'predicted ms':>13} {'median ms':>10}")
    for i, row in enumerate(trace.table("intervals")):
        # The first token of a sequence comes from prefill and has no previous token.
        own = late["latency_ns"][(late["interval"] == i) & (late["latency_ns"] >= 0)]
        median = f"{np.median(own) / 1e6:.2f}" if len(own) else "-"
        predicted = row["predicted_round_ns"]
        promise = "never" if predicted == headroom_trace.NEVER else f"{predicted / 1e6:.2f}"
        print(f"{row['first_token']:>6} {row['t_dec'] / 1e9:>8.3f}  {reasons[i]:<10} {row['moves']:>5} "
              f"{promise:>13} {median:>10}")


def print_devices(trace: headroom_trace.Trace) -> None:
    """Prints one row for each device: the share of the run in which it computed, and its peak memory."""
    memory, busy = trace.memory(), trace.busy()
    arrivals = trace.table("requests")["arrival"]
    first = int(arrivals.min()) if len(arrivals) else 0
    span = max(1, int(trace.table("tokens")["end"].max(initial=0)) - first)
    print(f"\n{'device':<20} {'busy %':>7} {'peak MiB':>9} {'peak/budget %':>14}")
    for device, name in enumerate(trace.device_names):
        peak, budget = memory["peak"][:, device], memory["budget"][:, device]
        share = np.max(peak / np.maximum(budget, 1), initial=0)
        print(f"{headroom_trace.visible(name, sys.stdout):<20} {100 * busy[:, device].sum() / span:>7.1f} "
              f"{peak.max(initial=0) / 2**20:>9.2f} {100 * share:>14.1f}")


def draw(trace: headroom_trace.Trace, path: Path) -> None:
    """Draws the time per token over virtual time, one line per sequence; dashed lines mark moves of blocks."""
    import drawing

    figure, axes = drawing.plt.subplots(figsize=(8, 3.5), layout="constrained")
    late = trace.latency()
    late = late[late["latency_ns"] >= 0]
    for sequence in np.unique(late["sequence"]):
        own = late[late["sequence"] == sequence]
        axes.plot(own["end"] / 1e9, own["latency_ns"] / 1e6, linewidth=1)
    intervals = trace.table("intervals")
    for row in intervals[intervals["moves"] > 0]:
        axes.axvline(row["t_switch"] / 1e9, color="#D55E00", linestyle="--", linewidth=1)
    drawing.scale(axes.yaxis, late["latency_ns"] / 1e6)
    axes.set(xlabel="virtual time in s", ylabel="time per token in ms", title=Path(trace.path).name)
    try:
        drawing.save(figure, path)
    except OSError as error:
        sys.exit(f"analyse: error: {path}: {error}; expected a folder that can be written")
    print(f"\nfigure: {path}")


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        figure = [plotted.figure_path(path) for path in arguments[1:]]
        with headroom_trace.open_trace(arguments[0]) as trace:
            print_decisions(trace)
            print_devices(trace)
            for path in figure:
                draw(trace, path)
    except (headroom_trace.TraceError, argparse.ArgumentTypeError) as error:
        print(headroom_trace.visible(f"analyse: error: {error}", sys.stderr), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
