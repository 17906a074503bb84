#!/usr/bin/python3
"""Variation of load and bandwidth: how does the time per token of each policy change when other programs use more of
the devices' compute, memory or links, and when links are slower? One thing is varied at a time."""
from dataclasses import replace

import numpy as np

import charts
import claims
import comparison
import plotted
import options
import outcomes
import report
import scenarios
import spread
from contenders import OURS, Contender, with_reference
from runs import Run

POLICIES = "resource_aware,paper,dynamic_layer,edgeshard,ring,static"
REFERENCE = Contender(OURS)


def sweeps_of(family: scenarios.Family) -> dict[str, dict[str, scenarios.Family]]:
    """The points of each variation by its name; each point is a family over the same fleets."""
    return {
        "compute that others use, up to": {
            f"{load}": replace(family, load=load) for load in (0.0, 0.3, 0.6, 0.9)},
        "memory that others use, up to": {
            f"{load}": replace(family, memory_load=load) for load in (0.0, 0.3, 0.6)},
        "links, Mbit/s": {
            f"{low}-{10 * low}": replace(family, bandwidth_mbit=(float(low), 10.0 * low))
            for low in (10, 100, 1000)},
        "bandwidth that others use, up to": {
            f"{load}": replace(family, bandwidth_load=load) for load in (0.0, 0.3, 0.6, 0.9)},
    }


def measure(runner, given, sweeps) -> dict[str, dict[str, comparison.Outcomes]]:
    """The sweeps with outcomes in place of families."""
    points = [(sweep, point, family) for sweep, all_of in sweeps.items() for point, family in all_of.items()]
    # A scenario that two sweeps share is run once.
    texts = {(sweep, point, seed): scenarios.scenario(family, seed)
             for sweep, point, family in points for seed in options.seeds_of(given)}
    run_of = {(key, contender): Run("simulate", f"varied-{key[2]}", text, contender.options(1))
              for key, text in texts.items() for contender in given.policy}
    runs = list(dict.fromkeys(run_of.values()))
    outcome_of = dict(zip(runs, runner.all_of(runs, outcomes.read)))
    return {sweep: {point: {contender: [outcome_of[run_of[(sweep, point, seed), contender]]
                                        for seed in options.seeds_of(given)]
                            for contender in given.policy}
                    for point in all_of}
            for sweep, all_of in sweeps.items()}


def table_of(title: str, sweep: str, points: dict[str, comparison.Outcomes]) -> report.Table:
    return report.Table(f"{title}: {sweep}", [
        {sweep: point, **row} for point, results in points.items()
        for row in comparison.time_rows(results, REFERENCE)])


def median_interval(values: list[float]) -> tuple[float, float, float]:
    found = spread.estimate(values)
    return found.value, found.low, found.high


def draw_sweep(axis, sweep: str, points: dict[str, comparison.Outcomes]) -> list:
    """Draws a line of medians for each policy with 95 % confidence intervals, or with the runs themselves if there are
    few; the policies are slightly shifted. Returns the entries of the legend."""
    over = [comparison.time_factors(results, REFERENCE) for results in points.values()]
    places = np.arange(len(over))
    others = [contender for contender in over[0] if contender != REFERENCE]
    every, handles = [1.0], []
    for i, contender in enumerate(others):
        style = {**charts.look(i), "markersize": 5, "linewidth": 1.2, "label": contender.label}
        every += charts.repeated(axis, places + 0.09 * (i - (len(others) - 1) / 2),
                                 [spread.known(factors[contender]) for factors in over], median_interval, style)
        handles.append(charts.handle(style))
    reference = {"color": "black", "linewidth": 1, "linestyle": "--", "label": OURS}
    axis.axhline(1.0, **reference)
    axis.set_xticks(places, list(points))
    axis.set_xlabel(sweep)
    charts.scale(axis.yaxis, every, zero=False)
    axis.grid(alpha=0.3)
    return [*handles, charts.handle(reference)]


def draw(given, found: dict[str, dict[str, dict[str, comparison.Outcomes]]], title: str) -> None:
    figure, axes = charts.plt.subplots(len(found), 4, figsize=(16, 0.5 + 3.3 * len(found)), squeeze=False,
                                layout="constrained")
    for row, (profile, sweeps) in zip(axes, found.items()):
        for axis, (sweep, points) in zip(row, sweeps.items()):
            handles = draw_sweep(axis, sweep, points)
            axis.set_title(f"cost profile {profile}", loc="left")
        row[0].set_ylabel("time per token ÷ resource_aware's")
    what = (f"Points with a bar: medians of up to n = {given.seeds} fleets, and their 95 % bootstrap intervals. Points "
            f"without: the runs themselves, where fewer than {plotted.FEWEST} have a figure. Lines: medians.")
    charts.legend_below(figure, handles, f"{what} {claims.NOTHING}")
    charts.title(figure, title)
    charts.save(figure, given.figure)


def main() -> int:
    parser = options.parser_of(__doc__, scenarios.VARIED, 20, "both", ("physical", "paper", "both"),
                               "variation.png", POLICIES)
    given = options.parse(parser)
    if any(contender.sliced for contender in given.policy):
        parser.error("--policy: this experiment runs granularity paper; leave :sliced out")
    given.policy = with_reference(given.policy, REFERENCE)
    families = options.families_of(scenarios.VARIED, given)
    with options.runner_of(given) as runner:
        found = {profile: measure(runner, given, sweeps_of(family)) for profile, family in families.items()}
    family = next(iter(families.values()))
    setting = (f"{family.devices[0]} devices, {family.layers} layers, {family.heads[0]} heads, "
               f"{family.tokens} tokens, a decision every {family.interval}")
    report.show([table_of(f"{setting}, cost profile {profile}, {options.seeds_text(given)}", sweep, points)
                 for profile, sweeps in found.items() for sweep, points in sweeps.items()],
                runner.version, given.json)
    draw(given, found, f"{setting}; {given.seeds} fleets")
    return 0


if __name__ == "__main__":
    options.end(main)
