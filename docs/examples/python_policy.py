#!/usr/bin/env python3
"""A policy of one's own, from the idea to a figure. The cells (# %%) also run one by one in an editor or a notebook.

usage: python_policy.py [FIGURE]          (PYTHONPATH: see docs/reference/python.md; default: python_policy.png)
"""
# %% The problem that a policy has to solve
import sys

import matplotlib
import numpy as np

import headroom

matplotlib.use("Agg")  # leave this line out in a notebook
import matplotlib.pyplot as plt  # noqa: E402

scenario = headroom.Scenario.from_file("demo.toml")
problem = headroom.problem(scenario)
print(scenario)  # every setting, with its default
print(problem)
print(problem.blocks[["name", "flops", "resident_bytes", "pinned"]][:8])
print("GFLOP/s", problem.compute / 1e9, "MiB", problem.memory / 2**20)


# %% The policy: whole layers in proportion to speed, then moved while that pays
def by_speed(problem):
    """Gives device d consecutive layers in proportion to its speed."""
    borders = np.round(np.cumsum(problem.compute) / problem.compute.sum() * problem.layers)
    hosts = np.searchsorted(borders, np.arange(problem.layers), side="right")
    return placed(problem, np.minimum(hosts, problem.devices - 1))


def placed(problem, hosts):
    """The placement with layer i on device hosts[i], and embed and lm_head on the source."""
    layers = problem.blocks["layer"]
    return np.where(layers < 0, problem.source, hosts[layers])


def cost(problem, placement):
    """What the policy minimises; infinite if the placement does not fit."""
    decision = headroom.evaluate(problem, placement)
    return decision.objective_s if decision.feasible else np.inf


def hill_climb(problem):
    """Moves one kind of block of one layer at a time to the device where that helps most."""
    starts = [by_speed(problem), headroom.decide(problem, "greedy").placement, problem.previous]
    starts = [start for start in starts if start is not None]
    best = min(starts, key=lambda start: cost(problem, start))
    best_cost = cost(problem, best)
    blocks = problem.blocks
    improved = True
    while improved:
        improved = False
        for layer in range(problem.layers):
            for kind in ("group", "proj", "ffn"):
                moved = (blocks["layer"] == layer) & (blocks["kind"] == kind)
                for device in range(problem.devices):
                    candidate = np.where(moved, device, best)
                    candidate_cost = cost(problem, candidate)
                    if candidate_cost < best_cost:
                        best, best_cost, improved = candidate, candidate_cost, True
    return best if best_cost < np.inf else None


# %% One decision, beside those of others
print(headroom.plan(scenario, [hill_climb, "resource_aware", "paper"]))

# %% Whole runs: the laptop becomes slow at 1.2 s, a phone loses memory at 4.3 s
runs = [headroom.simulate(scenario, policy) for policy in (hill_climb, "resource_aware", "paper")]
for run in runs:
    print(run)

# %% The figure
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(2, 1), layout="constrained")
for run in runs:
    tokens = run.trace.tokens[run.trace.tokens["is_prompt"] == 0]
    left.plot(tokens["end"] / 1e9, np.diff(tokens["end"], prepend=0) / 1e6, ".", markersize=4, label=run.policy)
left.set(xlabel="virtual time (s)", ylabel="time per token (ms)", ylim=(0, None))
left.legend(frameon=False)
seconds = [run.summary["virtual_time_ns"] / 1e9 for run in runs]
bars = right.barh([run.policy for run in runs], seconds, color=[f"C{i}" for i in range(len(runs))])
right.bar_label(bars, fmt="%.1f s", padding=3)
right.set(xlabel="virtual time of all tokens (s)", xlim=(0, 1.25 * max(seconds)))
right.invert_yaxis()
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
name = sys.argv[1] if len(sys.argv) > 1 else "python_policy.png"
figure.savefig(name, dpi=150)
print("wrote", name)
