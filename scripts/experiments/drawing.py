"""Shared parts of the figures: the colours of Okabe and Ito for colour-blind readers, box plots with all their points,
and logarithmic axes with plain numbers."""
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
import numpy as np  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter  # noqa: E402

from contenders import LAYER_BASED, OURS  # noqa: E402

KINDS = {"resource_aware": "#0072B2", "paper": "#D55E00", "layer-based": "#E69F00", "others": "#999999"}
LINES = ("#D55E00", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#0072B2", "#999999", "#000000")
MARKERS = "sD^vPoX*"


def kind_of(policy: str) -> str:
    if policy in (OURS, "paper"):
        return policy
    return "layer-based" if policy in LAYER_BASED else "others"


def log_axis(axis) -> None:
    """Makes the axis (`axes.xaxis` or `axes.yaxis`) logarithmic, with numbers that are written out."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = sorted(axis.get_view_interval())
    subs = (1, 1.5, 2, 3, 5, 7) if high < 20 * low else (1, 2, 5) if high < 1000 * low else (1,)
    few = MaxNLocator(7, steps=[1, 2, 5, 10])
    axis.set_major_locator(few if high < 4 * low else LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def boxes(axes, groups: list[tuple[str, str, list[float]]], label: str, one: bool = False,
          log: bool = True) -> None:
    """Draws one box for each group (name, policy, values), the first at the top. Whiskers reach from 5 to 95 %, and
    all values are points. `one` draws a line at 1."""
    shown = [(name, policy, [v for v in values if np.isfinite(v)]) for name, policy, values in groups]
    drawn = axes.boxplot([values for _, _, values in shown], vert=False, whis=(5, 95), showfliers=False,
                         patch_artist=True, widths=0.6, medianprops={"color": "black", "linewidth": 1.5})
    for i, (box, (_, policy, values)) in enumerate(zip(drawn["boxes"], shown)):
        box.set(facecolor=KINDS[kind_of(policy)], alpha=0.65)
        jitter = np.random.default_rng(i).uniform(-0.2, 0.2, len(values))
        axes.plot(values, i + 1 + jitter, ".", color="#222222", markersize=3, alpha=0.5)
    axes.set_yticks(range(1, len(shown) + 1), [name for name, _, _ in shown])
    axes.set_ylim(len(shown) + 0.6, 0.4)
    axes.set_xlabel(label)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    if log:
        log_axis(axes.xaxis)
    else:
        axes.set_xlim(left=0)
    if one:
        axes.axvline(1.0, color="black", linewidth=1, linestyle="--")


def legend_below(figure, handles, rows: int = 1) -> None:
    """Draws the legend in a strip below the axes."""
    strip = (0.2 + 0.2 * rows) / figure.get_size_inches()[1]
    figure.get_layout_engine().set(rect=(0, strip, 1, 1 - strip))
    figure.legend(handles=handles, loc="lower center", ncol=-(-len(handles) // rows), frameon=False)


def legend_of_kinds(figure, policies) -> None:
    """The legend that explains the colours."""
    kinds = {kind_of(policy) for policy in policies}
    handles = [Patch(facecolor=colour, alpha=0.65, label=kind)
               for kind, colour in KINDS.items() if kind in kinds]
    legend_below(figure, handles)


def save(figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"figure: {path}", file=sys.stderr)
