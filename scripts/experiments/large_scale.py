#!/usr/bin/python3
"""Large scale: 25 devices, up to 1000 tokens, a decision every token and every 16 tokens. How long does a
token take, and what does the fullest device hold, against layer-based policies on the same fleets?

usage: large_scale.py [--seeds N] [--intervals 1,16] [--policy P,...] [--png FILE] ... (--help)
"""
import argparse
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)

import runs  # noqa: E402
import scenarios  # noqa: E402

POLICIES = ("resource_aware,resource_aware:sliced,paper,dynamic_layer,edgeshard,galaxy:sliced:ring,"
            "static,round_robin,greedy")


def plot(path, results: dict[int, dict[str, list[runs.Outcome]]], title: str) -> None:
    figure, axes = plt.subplots(len(results), 2, figsize=(12, 4 * len(results)), squeeze=False)
    for row, (interval, outcomes) in zip(axes, results.items()):
        runs.bars(row[0], outcomes, "per_token_s", 1e3, "ms per token")
        runs.bars(row[1], outcomes, "peak_gb", 1.0, "peak memory of the fullest device, GB")
        row[0].set_title(f"a decision every {interval} tokens")
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenarios.add_options(parser, scenarios.LARGE)
    runs.add_options(parser)
    parser.add_argument("--intervals", default="1,16", help="tokens from one decision to the next")
    parser.add_argument("--policy", default=POLICIES)
    given = parser.parse_args()
    family = scenarios.with_options(scenarios.LARGE, given)
    contenders = runs.contenders_of(given.policy)
    seeds = range(given.first, given.first + given.seeds)
    results = {}
    for interval in map(int, given.intervals.split(",")):
        results[interval] = runs.run_all(
            given.headroom, replace(family, interval=interval), seeds, contenders, given.jobs)
        runs.print_table(
            f"{family.devices[0]} devices, {family.layers} layers, {family.heads[0]} heads, "
            f"{family.tokens} tokens, a decision every {interval}, cost profile {family.cost_profile}, "
            f"seeds {seeds.start} to {seeds.stop - 1}; mean ± 95 %",
            results[interval], contenders[0].name)
    if given.png:
        plot(given.png, results, f"{family.devices[0]} devices, {family.tokens} tokens, "
                                 f"{len(seeds)} fleets, mean and 95 % confidence")


if __name__ == "__main__":
    main()
