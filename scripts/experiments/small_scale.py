#!/usr/bin/python3
"""Small scale: 3 to 5 devices with memory for half as much again as the model needs. How far is each policy
from `exact`, at its first decision (the same problem for all) and over the run (each on its own path)?

usage: small_scale.py [--seeds N] [--policy P,...] [--toy-links] [--png FILE] ... (--help)
"""
import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
from matplotlib.ticker import ScalarFormatter  # noqa: E402

import runs  # noqa: E402
import scenarios  # noqa: E402

POLICIES = "exact,resource_aware,paper,dynamic_layer,edgeshard,static,greedy,round_robin"


def first_decisions(outcomes: dict[str, list[runs.Outcome]], field: str) -> None:
    """The first decision's D_inf (or D_T) over exact's."""
    base = runs.column(outcomes["exact"], field)
    print("\nfirst decision, predicted delay of a token over that of exact: geometric mean (95 %), largest")
    for name, outcome in outcomes.items():
        ours = runs.column(outcome, field)
        ratio, low, high = runs.ratio_and_interval(ours, base)
        largest = max((a / b for a, b in zip(ours, base) if a > 0 and b > 0), default=float("nan"))
        print(f"{name:<24}{ratio:.4f} ({low:.4f} to {high:.4f})  {largest:.4f}")


def plot(path, outcomes: dict[str, list[runs.Outcome]], title: str) -> None:
    figure, axis = plt.subplots(figsize=(8, 5))
    base = runs.column(outcomes["exact"], "per_token_s")
    ratios = [[a / b for a, b in zip(runs.column(outcome, "per_token_s"), base) if a > 0 and b > 0]
              for outcome in outcomes.values()]
    axis.boxplot(ratios, vert=False, whis=(5, 95), showmeans=True)
    axis.set_yticks(range(1, len(outcomes) + 1), list(outcomes))
    axis.invert_yaxis()
    axis.set_xscale("log")
    for ticks in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        ticks(ScalarFormatter())
    axis.set_xlabel("time per token over that of exact; whiskers 5 % and 95 %")
    axis.set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenarios.add_options(parser, scenarios.SMALL)
    parser.set_defaults(seeds=100)
    runs.add_options(parser)
    parser.add_argument("--policy", default=POLICIES, help="exact is always among them")
    given = parser.parse_args()
    family = scenarios.with_options(scenarios.SMALL, given)
    contenders = runs.contenders_of(given.policy)
    if all(contender.name != "exact" for contender in contenders):
        contenders.insert(0, runs.Contender("exact"))
    seeds = range(given.first, given.first + given.seeds)
    outcomes = runs.run_all(given.headroom, family, seeds, contenders, given.jobs)
    runs.print_table(
        f"3 to 5 devices, {family.layers} layers, 8 and 16 heads, {family.tokens} tokens, a decision "
        f"every {family.interval}, cost profile {family.cost_profile}, seeds {seeds.start} to "
        f"{seeds.stop - 1}; mean ± 95 %", outcomes, "exact")
    first_decisions(
        outcomes, "first_inference_s" if family.cost_profile == "physical" else "paper_delay_s")
    if given.png:
        plot(given.png, outcomes, f"3 to 5 devices, {len(seeds)} fleets")


if __name__ == "__main__":
    main()
