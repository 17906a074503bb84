"""Shared parts of the figures that matplotlib draws: the colours of Okabe and Ito for colour-blind readers, axes on
which nothing is clipped, and legends with captions."""
import math
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator  # noqa: E402

import plotted  # noqa: E402

plt.rcParams.update({"svg.fonttype": "none", "pdf.fonttype": 42,  # texts stay texts
                     "svg.hashsalt": "headroom"})  # the same figure has the same bytes
LINES = ("#D55E00", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#0072B2", "#999999", "#000000")
MARKERS = "sD^vPoXp"
LINE, CHARACTER, SMALL = 0.19, 0.079, 0.064  # inches: height of a line, width of a character, of a small one
MARGIN = 0.05  # part of an axis that is left free at both ends


def scale(axis, values, zero: bool = True) -> None:
    """Gives the axis (`axes.xaxis` or `axes.yaxis`) a range that holds all values with a margin. It is logarithmic if
    the values span decades; zeros then have a place of their own at its end. A linear axis starts at 0 unless `zero`
    is False."""
    values = [float(value) for value in values if math.isfinite(value)]
    if plotted.spans_decades(values):
        _logarithmic(axis, values)
        return
    low, high = min(values, default=0.0), max(values, default=1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    margin = MARGIN * ((high - low) or abs(high) or 1.0)
    # A marker on the value 0 needs a margin, too.
    start = 0.0 if zero and low == 0 and min(values, default=1.0) > margin else low - margin
    _limit(axis, start, high + margin)
    axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plotted.number(round(value, 12))))


def _limit(axis, low: float, high: float) -> None:
    (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(low, high)


def _logarithmic(axis, values: list[float]) -> None:
    low, high = min(value for value in values if value > 0), max(values)
    wider = (high / low) ** MARGIN
    set_scale = axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale
    ticks = plotted.log_ticks(low / wider, high * wider)
    if min(values) == 0:
        # Linear from 0 to the smallest value, which is as long as half a decade.
        set_scale("symlog", linthresh=low / wider, linscale=0.5)
        _limit(axis, -0.3 * low / wider, high * wider)
        ticks = [0.0, *ticks]
    else:
        set_scale("log")
        _limit(axis, low / wider, high * wider)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plotted.number(value)))


def look(i: int) -> dict:
    """The colour and marker of the i-th line; 64 of them differ."""
    return {"color": LINES[i % 8], "marker": MARKERS[(i + i // 8) % 8]}


def repeated(axes, places, runs, estimate, style: dict) -> list[float]:
    """Draws repeated runs: at each place the value of `estimate(values)` and its interval, or the runs themselves if
    there are few; the line goes through the estimates. Returns all values that the axis must hold."""
    found = [(place, list(values)) for place, values in zip(places, runs) if len(values)]
    line = [(place, *estimate(values)) for place, values in found]
    axes.plot([place for place, *_ in line], [value for _, value, _, _ in line], **{**style, "marker": ""})
    bars = [one for one, (_, values) in zip(line, found) if len(values) >= plotted.FEWEST]
    alone = [(place, value) for place, values in found if len(values) < plotted.FEWEST for value in values]
    points = {**style, "linestyle": "", "label": None}
    axes.plot([place for place, _ in alone], [value for _, value in alone], **points)
    if bars:
        place, value, low, high = zip(*bars)
        below = [max(0.0, middle - end) for middle, end in zip(value, low)]
        above = [max(0.0, end - middle) for middle, end in zip(value, high)]
        axes.errorbar(place, value, (below, above), capsize=2.5, elinewidth=1, **points)
    return [value for _, value in alone] + [value for _, *values in bars for value in values]


def handle(style: dict) -> Line2D:
    """The entry of the legend for a line of this style."""
    return Line2D([], [], **style)


def title(figure, text: str) -> None:
    figure.suptitle(textwrap.fill(text, int(figure.get_size_inches()[0] / CHARACTER / 1.1)))


def legend_below(figure, handles, caption: str = "", title: str = "") -> None:
    """Draws the legend, and a caption under it, in a strip by which the figure becomes higher."""
    width, height = figure.get_size_inches()
    words = textwrap.fill(caption, max(20, int(width / SMALL)))
    below = 0.08 + LINE * 0.85 * len(words.splitlines())
    longest = max((len(handle.get_label()) for handle in handles), default=0)
    columns = max(1, min(len(handles), int(width / ((longest + 6) * CHARACTER))))
    rows = -(-len(handles) // columns) + bool(title)
    strip = below + (0.12 + 1.15 * LINE * rows if handles else 0)
    height += strip
    figure.set_size_inches(width, height)
    figure.get_layout_engine().set(rect=(0, strip / height, 1, 1 - strip / height))
    if handles:
        figure.legend(handles=handles, loc="lower center", ncol=columns, frameon=False, title=title or None,
                      bbox_to_anchor=(0.5, below / height), borderaxespad=0.2)
    figure.text(0.01, 0.06 / height, words, fontsize=8.5, va="bottom", color="#333333")


def save(figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    figure.savefig(path, dpi=150, metadata=metadata)
    plt.close(figure)
