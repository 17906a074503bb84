"""Figures of the experiments: box plots with all their points and published values; the rest is in ../drawing.py."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import drawing  # noqa: E402  (its folder comes first)
from drawing import LINES, handle, legend_below, look, plt, repeated, scale, title  # noqa: E402, F401

import numpy as np  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402

import plotted  # noqa: E402
from claims import Claim  # noqa: E402
from contenders import LAYER_BASED, OURS  # noqa: E402

KINDS = {"resource_aware": "#0072B2", "paper": "#D55E00", "layer-based": "#E69F00", "others": "#999999"}
PUBLISHED = {"color": "black", "marker": "D", "markerfacecolor": "white", "markersize": 5, "linewidth": 2.5}
WHISKERS = "Boxes: quartiles and median; whiskers: 5 to 95 %; points: all runs."


def kind_of(policy: str) -> str:
    if policy in (OURS, "paper"):
        return policy
    return "layer-based" if policy in LAYER_BASED else "others"


def boxes(axes, groups: list[tuple[str, str, list[float]]], label: str, one: bool = False,
          published: dict[str, Claim] | None = None) -> None:
    """Draws one box for each group (name, policy, values), the first at the top; with very few values only the points.
    `one` draws a line at 1. `published` has claims about policies."""
    shown = [(name, policy, [v for v in values if np.isfinite(v)]) for name, policy, values in groups]
    drawn = axes.boxplot([values if len(values) >= plotted.FEWEST else [] for _, _, values in shown],
                         vert=False, whis=(5, 95), showfliers=False, patch_artist=True, widths=0.6,
                         medianprops={"color": "black", "linewidth": 1.5})
    every = [1.0] if one else []
    for i, (box, (_, policy, values)) in enumerate(zip(drawn["boxes"], shown)):
        box.set(facecolor=KINDS[kind_of(policy)], alpha=0.65)
        jitter = np.random.default_rng(i).uniform(-0.2, 0.2, len(values))
        boxed = len(values) >= plotted.FEWEST
        axes.plot(values, i + 1 + jitter, ".", color="#222222" if boxed else KINDS[kind_of(policy)],
                  markersize=3 if boxed else 8, alpha=0.5 if boxed else 0.8)
        every += values
        if not values:
            axes.annotate("no run with a figure", (0.01, i + 1), xycoords=("axes fraction", "data"), va="center",
                          fontsize=8, color="#666666")
        if claim := (published or {}).get(policy):
            ends = [claim.low, claim.high]
            axes.plot(ends, [i + 1] * 2, zorder=5, **PUBLISHED)
            every += ends
    axes.set_yticks(range(1, len(shown) + 1), [name for name, _, _ in shown])
    axes.set_ylim(len(shown) + 0.6, 0.4)
    axes.set_xlabel(label)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    scale(axes.xaxis, every, zero=not one)
    if one:
        axes.axvline(1.0, color="black", linewidth=1, linestyle="--")


def save(figure, path: Path) -> None:
    drawing.save(figure, path)
    print(f"figure: {path}", file=sys.stderr)


def legend_of_kinds(figure, policies, caption: str, published: bool = True) -> None:
    """The legend that explains the colours."""
    kinds = {kind_of(policy) for policy in policies}
    handles = [Patch(facecolor=colour, alpha=0.65, label=kind)
               for kind, colour in KINDS.items() if kind in kinds]
    if published:
        handles.append(Line2D([], [], label="published", **PUBLISHED))
    legend_below(figure, handles, f"{WHISKERS} {caption}")
