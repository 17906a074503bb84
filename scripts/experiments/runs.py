"""Runs `headroom simulate` over scenarios and contenders, reads the traces, adds up. Used by the
experiments; needs python3-h5py, python3-numpy and python3-matplotlib."""
import argparse
import math
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

import scenarios

INFEASIBLE = 6
# Two-sided 95 % quantiles of Student's t; beyond 30 degrees of freedom within half a percent.
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
           2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
           2.052, 2.048, 2.045, 2.042]


@dataclass(frozen=True)
class Contender:
    """A policy as it is run: what --set adds."""
    policy: str
    sliced: bool = False
    ring: bool = False

    @property
    def name(self) -> str:
        return self.policy + (" (sliced)" if self.sliced else "")

    def options(self, slices: int) -> list[str]:
        settings = ["--policy", self.policy]
        if self.sliced:
            settings += ["--set", "controller.granularity=sliced", "--set", f"controller.slices={slices}"]
        if self.ring:
            settings += ["--set", "controller.reduce=ring"]
        return settings


@dataclass(frozen=True)
class Outcome:
    """What one run came to. Infeasible: no first placement, so no figures."""
    feasible: bool
    per_token_s: float = math.nan    # decoding alone, migrations included
    first_token_s: float = math.nan
    peak_gb: float = math.nan        # of the device that held most at any time
    total_gb: float = math.nan       # held by all devices at the end
    moves: float = math.nan          # blocks that changed their device, per decision
    kept_infeasible: float = math.nan  # decisions without a feasible placement
    paged_gb: float = math.nan
    paper_delay_s: float = math.nan  # the published formula's D_T, mean over decisions
    decision_ms: float = math.nan    # wall time of the policy, mean
    first_inference_s: float = math.nan  # D_inf predicted at the first decision


def read_trace(path: Path) -> Outcome:
    with h5py.File(path, "r") as trace:
        intervals = trace["intervals"][:]
        resources = trace["resources"][:]
        request = trace["requests"][0]
    last = resources[resources["interval"] == resources["interval"].max()]
    steps = max(1, int(request["sampled_tokens"]) - 1)
    formula = intervals["paper_delay_s"]
    return Outcome(
        feasible=True,
        per_token_s=float(request["end"] - request["first_token"]) / 1e9 / steps,
        first_token_s=float(request["first_token"] - request["begin"]) / 1e9,
        peak_gb=float(resources["memory_peak_bytes"].max()) / 1e9,
        total_gb=float(last["memory_used_bytes"].sum()) / 1e9,
        moves=float(intervals["moves"][1:].mean()) if len(intervals) > 1 else 0.0,
        kept_infeasible=float((intervals["feasible"] == 0).sum()),
        paged_gb=float(resources["paged_bytes"].sum()) / 1e9,
        paper_delay_s=float(np.mean(formula[np.isfinite(formula)])) if np.isfinite(formula).any()
        else math.nan,
        decision_ms=float(intervals["decision_wall_ns"].mean()) / 1e6,
        first_inference_s=float(intervals["predicted_inference_ns"][0]) / 1e9,
    )


def simulate(binary: str, scenario: Path, contender: Contender, slices: int, trace: Path) -> Outcome:
    """One run; raises RuntimeError with the program's words if it fails for another reason than that
    nothing fits."""
    command = [binary, "simulate", str(scenario), "--trace", str(trace), "--force",
               *contender.options(slices)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == INFEASIBLE:
        return Outcome(feasible=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stderr[-2000:]}")
    outcome = read_trace(trace)
    trace.unlink()
    return outcome


def run_all(binary: str, family: scenarios.Family, seeds: range, contenders: list[Contender],
            jobs: int) -> dict[str, list[Outcome]]:
    """Outcomes by contender's name, in the order of the seeds."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        root = Path(folder)
        tasks = {}
        for seed in seeds:
            text = root / f"{seed}.toml"
            text.write_text(scenarios.scenario(family, seed))
            for i, contender in enumerate(contenders):
                trace = root / f"{seed}-{i}.h5"
                tasks[seed, contender.name] = pool.submit(
                    simulate, binary, text, contender, family.heads_of(seed), trace)
        outcomes: dict[str, list[Outcome]] = {contender.name: [] for contender in contenders}
        for number, ((_, name), task) in enumerate(tasks.items(), 1):
            outcomes[name].append(task.result())
            print(f"\r{number} of {len(tasks)} runs", end="", file=sys.stderr)
    print(file=sys.stderr)
    return outcomes


def mean_and_interval(values: list[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % confidence interval (Student); what is NaN is left out."""
    kept = [value for value in values if math.isfinite(value)]
    if len(kept) < 2:
        return (kept[0] if kept else math.nan), math.nan
    degrees = len(kept) - 1
    quantile = STUDENT[degrees - 1] if degrees <= len(STUDENT) else 1.96 + 2.4 / degrees
    return float(np.mean(kept)), quantile * float(np.std(kept, ddof=1)) / math.sqrt(len(kept))


def ratio_and_interval(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Geometric mean of ours ÷ theirs, seed by seed, and its 95 % confidence interval's ends."""
    logs = [math.log(a / b) for a, b in zip(ours, theirs) if a > 0 and b > 0]
    mean, half = mean_and_interval(logs)
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def column(outcomes: list[Outcome], field: str) -> list[float]:
    return [getattr(outcome, field) for outcome in outcomes]


def with_interval(outcomes: list[Outcome], field: str, factor: float = 1.0) -> str:
    mean, half = mean_and_interval([factor * value for value in column(outcomes, field)])
    return f"{mean:.4g} ± {half:.2g}"


def print_table(title: str, outcomes: dict[str, list[Outcome]], reference: str) -> None:
    """One row per contender; ratios are to the reference, seed by seed."""
    print(f"\n{title}")
    head = ["policy", "runs", "infeas.", "ms/token", f"÷ {reference}", "first token s", "fullest GB",
            "total GB", "moves", "kept inf.", "paged GB", "D_T s", "decision ms"]
    rows = [head]
    base = column(outcomes[reference], "per_token_s")
    for name, runs in outcomes.items():
        ratio, low, high = ratio_and_interval(column(runs, "per_token_s"), base)
        rows.append([
            name, str(len(runs)), str(sum(not run.feasible for run in runs)),
            with_interval(runs, "per_token_s", 1e3), f"{ratio:.3f} ({low:.3f} to {high:.3f})",
            with_interval(runs, "first_token_s"), with_interval(runs, "peak_gb"),
            with_interval(runs, "total_gb"), with_interval(runs, "moves"),
            f"{mean_and_interval(column(runs, 'kept_infeasible'))[0]:.3g}",
            f"{mean_and_interval(column(runs, 'paged_gb'))[0]:.3g}",
            f"{mean_and_interval(column(runs, 'paper_delay_s'))[0]:.4g}",
            f"{mean_and_interval(column(runs, 'decision_ms'))[0]:.3g}"])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def bars(axis, outcomes: dict[str, list[Outcome]], field: str, factor: float, label: str) -> None:
    """Means with their 95 % confidence intervals, one bar per contender."""
    names = list(outcomes)
    figures = [mean_and_interval([factor * value for value in column(outcomes[name], field)])
               for name in names]
    means = [0.0 if math.isnan(mean) else mean for mean, _ in figures]
    halves = [0.0 if math.isnan(half) else half for _, half in figures]
    axis.barh(range(len(names)), means, xerr=halves, capsize=3, color="tab:blue", ecolor="black")
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set_xlabel(label)


def add_options(parser: argparse.ArgumentParser) -> None:
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--headroom", default=os.environ.get(
        "HEADROOM_BINARY", str(root / "build/release/bin/headroom")), help="the program")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time")
    parser.add_argument("--png", type=Path, help="where the plot goes")


def contenders_of(text: str) -> list[Contender]:
    """`resource_aware,resource_aware:sliced,galaxy:sliced:ring` and so on."""
    contenders = []
    for word in text.split(","):
        policy, *marks = word.split(":")
        unknown = set(marks) - {"sliced", "ring"}
        if unknown:
            raise SystemExit(f"--policy: {word}: after a colon only sliced and ring are known")
        contenders.append(Contender(policy, "sliced" in marks, "ring" in marks))
    return contenders
