#!/usr/bin/python3
"""Compares policies over many fleets: a table, and a figure of the time per token, fleet by fleet.

usage: compare_policies.py SUMMARY.csv... FIGURE          (.png, .svg, .pdf; needs python3-matplotlib)

SUMMARY.csv is what `headroom collect FOLDER -o SUMMARY.csv` wrote of a sweep over scenarios and policies. The time per
token is relative to that of REFERENCE in the same fleet: below 1 is faster.
"""
import csv
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

REFERENCE = "resource_aware"
COLUMN = "time_per_output_token_ns"
EQUAL = 1.001  # a time that is longer by a thousandth at most counts as the same


def read(paths):
    """The names of fleets and policies, those of one's own first, and times [policy, fleet], NaN without a run."""
    rows = [row for path in paths for row in csv.DictReader(open(path, newline=""))]
    own = list(dict.fromkeys(row["policy"] for row in rows if "custom" in row["file"] and row["policy"] != "custom"))
    for row in rows:  # a cell that failed knows only that its policy was one's own
        if row["policy"] == "custom" and len(own) == 1:
            row["policy"] = own[0]
    fleets = list(dict.fromkeys(row["scenario"] for row in rows))
    policies = list(dict.fromkeys(own + [row["policy"] for row in rows]))
    times = np.full((len(policies), len(fleets)), np.nan)
    for row in rows:
        if row["completion"] == "finished":
            times[policies.index(row["policy"]), fleets.index(row["scenario"])] = float(row[COLUMN])
    if REFERENCE not in policies:
        sys.exit(f"no run of {REFERENCE} in {', '.join(paths)}, expected one in each fleet")
    return fleets, policies, own, times


def table(policies, times, ratios):
    """What is left out: fleets without a run of a policy, except in the last column."""
    fastest = times <= np.nanmin(times, axis=0) * EQUAL
    width = max(map(len, policies))
    print(f"{'policy':{width}}  median    quartiles     worst  fastest  faster / equal / slower  no run")
    for policy, ratio, first in zip(policies, ratios, fastest):
        found = ratio[np.isfinite(ratio)]
        low, middle, high = np.percentile(found, (25, 50, 75)) if len(found) else (np.nan,) * 3
        faster, slower = (found < 1 / EQUAL).sum(), (found > EQUAL).sum()
        beside = f"{faster} / {len(found) - faster - slower} / {slower}"
        print(f"{policy:{width}}  {middle:6.3f}  {f'{low:.3f}–{high:.3f}':>12}  {max(found, default=np.nan):7.2f}"
              f"  {first.sum():7}  {beside:>23}  {len(ratio) - len(found):6}")


def losses(fleets, policy, ratio, count=3):
    """The fleets in which one should look why."""
    worst = [i for i in np.argsort(-np.nan_to_num(ratio, nan=np.inf), kind="stable")[:count] if not ratio[i] <= EQUAL]
    said = [f"{fleets[i]} ({ratio[i]:.2f})" if np.isfinite(ratio[i]) else f"{fleets[i]} (no run)" for i in worst]
    print(f"{policy} loses most in {', '.join(said)}" if said else f"{policy} is nowhere slower than {REFERENCE}")


def draw(policies, ratios, own, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=(3, 2), sharey=True,
                                        layout="constrained")
    order = np.argsort(ratios[0])  # by the first policy; NaN is last
    for i, (policy, ratio) in enumerate(zip(policies, ratios)):
        if policy == REFERENCE:
            left.axhline(1, color=f"C{i}", label=policy)
        else:
            left.plot(ratio[order], "o" if policy in own else ".", color=f"C{i}", label=policy, markersize=4)
    boxes = right.boxplot([ratio[np.isfinite(ratio)] for ratio in ratios], whis=(5, 95), widths=0.6,
                          patch_artist=True, medianprops={"color": "black"}, flierprops={"markersize": 2})
    for i, box in enumerate(boxes["boxes"]):
        box.set_facecolor(f"C{i}")
    right.set_xticks(range(1, len(policies) + 1), policies, rotation=35, ha="right")
    left.set(xlabel=f"fleet, in the order of {policies[0]}", ylabel=f"time per token / that of {REFERENCE}",
             yscale="log", ylim=(0.9 * np.nanmin(ratios), 1.1 * np.nanmax(ratios)))
    left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if np.nanmax(ratios) < 100 else (1,)))
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.yaxis.set_minor_formatter(NullFormatter())
    right.set_title("median, quartiles, 5 % and 95 %", fontsize=9)
    left.legend(frameon=False, ncol=2, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(paths, figure):
    fleets, policies, own, times = read(paths)
    ratios = times / times[policies.index(REFERENCE)]
    print(f"{len(fleets)} fleets, time per token relative to {REFERENCE}\n")
    table(policies, times, ratios)
    print()
    for policy in own:
        losses(fleets, policy, ratios[policies.index(policy)])
    draw(policies, ratios, own, figure)
    print("wrote", figure)


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1]) if len(sys.argv) > 2 else sys.exit(__doc__)
