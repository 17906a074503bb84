#!/usr/bin/python3
"""Small scale: 3 to 5 devices with memory for twice the need of the model. How far is the first decision of each
policy from the optimum that policy exact proved for the same problem, and how long does a token take over the run (in
which each policy makes its own decisions)?"""
import json
import math
from pathlib import Path

import numpy as np

import charts
import claims
import comparison
import options
import outcomes
import report
import scenarios
import spread
from contenders import Contender, with_reference
from runs import Run

POLICIES = ("exact,resource_aware,paper,dynamic_layer,edgeshard,edgeshard_throughput,ring,static,greedy,"
            "round_robin")
EXACT = Contender("exact")


def read_plan(path: Path) -> dict:
    """Whether exact proved its decision, its bound in seconds, and the objectives of all policies in seconds (NaN: no
    feasible placement)."""
    plan = json.loads(path.read_text())
    objectives = {policy["policy"]: policy.get("objective_s") for policy in plan["policies"]}
    return {"proven": plan["proven"], "bound_s": plan["bound_s"] or math.nan,
            "objectives_s": {policy: math.nan if value is None else value
                             for policy, value in objectives.items()}}


def over_bound(plans: list[dict], contender: Contender, proven: bool) -> list[float]:
    """Objective ÷ the bound of exact, which is the optimum where it is proven."""
    return [plan["objectives_s"][contender.policy] / plan["bound_s"] for plan in plans
            if plan["proven"] == proven]


def gap_rows(plans: list[dict], contenders: list[Contender]) -> list[dict[str, object]]:
    rows = []
    proven = sum(plan["proven"] for plan in plans)
    for contender in contenders:
        gaps = over_bound(plans, contender, proven=True)
        unproven = over_bound(plans, contender, proven=False)
        found = spread.known(gaps)
        rows.append({
            "policy": contender.word,
            "fleets": len(plans),
            "proven": proven,
            "of these infeasible": proven - len(found),
            "objective ÷ optimum, mean [95 %]": spread.estimate(gaps, np.mean),
            "published mean": claims.OVER_OPTIMUM.get(contender.policy),
            "median [95 %]": spread.estimate(gaps),
            "95th percentile": spread.percentile(gaps, 95),
            "largest": spread.extremes(gaps).high,
            "optimal": f"{100 * np.mean(found < 1 + 1e-9):.0f} %" if len(found) else "-",
            "unproven": len(spread.known(unproven)),
            "÷ bound, mean [95 %]": spread.estimate(unproven, np.mean),
        })
    return rows


def measure(runner, given, family) -> tuple[list[dict], comparison.Outcomes]:
    """The plans of all fleets, and the outcomes of all runs."""
    seeds = options.seeds_of(given)
    texts = [scenarios.scenario(family, seed) for seed in seeds]
    label = f"small-{family.cost_profile}"
    asked = ("--policy", ",".join(contender.policy for contender in given.policy))
    plans = runner.all_of([Run("plan", f"{label}-{seed}", text, asked)
                           for seed, text in zip(seeds, texts)], read_plan)
    runs = [Run("simulate", f"{label}-{seed}", text, contender.options(1))
            for seed, text in zip(seeds, texts) for contender in given.policy]
    results = runner.all_of(runs, outcomes.read)
    return plans, {contender: results[i::len(given.policy)] for i, contender in enumerate(given.policy)}


def note_of(plans: list[dict]) -> str:
    hopeless = sum(math.isnan(plan["bound_s"]) for plan in plans)
    return (f"Published mean: {claims.HEAD_LEVEL}, abstract (paper) and notes of its readers; the rest is ours."
            + (f" On {hopeless} fleets exact finds no feasible placement." if hopeless else ""))


def draw(given, found: dict[str, tuple[list[dict], comparison.Outcomes]], title: str) -> None:
    others = [contender for contender in given.policy if contender != EXACT]
    figure, axes = charts.plt.subplots(len(found), 2, figsize=(11, 0.6 + (1 + 0.3 * len(others)) * len(found)),
                                squeeze=False, sharey=True, layout="constrained")
    for row, (profile, (plans, results)) in zip(axes, found.items()):
        over = comparison.time_factors(results, EXACT)
        charts.boxes(row[0], [(c.label, c.policy, over_bound(plans, c, True)) for c in others],
                     "objective of the first decision ÷ proven optimum", one=True, published=claims.OVER_OPTIMUM)
        charts.boxes(row[1], [(c.label, c.policy, over[c]) for c in others],
                     "time per token over the run ÷ that under exact", one=True)
        for axis in row:
            axis.set_title(f"cost profile {profile}", loc="left")
    charts.title(figure, title)
    charts.legend_of_kinds(
        figure, [contender.policy for contender in others],
        f"Published: range of the mean ({claims.HEAD_LEVEL}: abstract for paper, notes of its readers for greedy and "
        "round_robin); for the other policies, and for the run, nothing is published.")
    charts.save(figure, given.figure)


def main() -> int:
    parser = options.parser_of(__doc__, scenarios.SMALL, 100, "both", ("physical", "paper", "both"),
                               "small_scale.png", POLICIES)
    given = options.parse(parser)
    if any(contender.sliced for contender in given.policy):
        parser.error("--policy: exact's optimum is that of granularity paper; leave :sliced out")
    given.policy = with_reference(given.policy, EXACT)
    families = options.families_of(scenarios.SMALL, given)
    with options.runner_of(given) as runner:
        found = {profile: measure(runner, given, family) for profile, family in families.items()}
    family = next(iter(families.values()))
    setting = (f"3 to 5 devices, {family.layers} layers, 8 and 16 heads, {family.tokens} tokens, a decision "
               f"every {family.interval}")
    tables = []
    for profile, (plans, results) in found.items():
        title = f"{setting}, cost profile {profile}, {options.seeds_text(given)}"
        tables.append(report.Table(f"{title}: first decision", gap_rows(plans, given.policy),
                                   note_of(plans)))
        tables.append(report.Table(f"{title}: over the run", comparison.time_rows(results, EXACT)))
    report.show(tables, runner.version, given.json)
    draw(given, found, f"{setting}; n = {given.seeds} fleets")
    return 0


if __name__ == "__main__":
    options.end(main)
