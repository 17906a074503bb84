"""The figures of one run, read from its trace."""
import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np


@dataclass(frozen=True)
class Outcome:
    """The figures of one run. Without a trace (no first placement fits) only `ended` is set."""
    ended: str = "finished"              # or "infeasible" or "stuck"
    per_token_s: float = math.nan        # time after the first token, migrations included
    predicted_s: float = math.nan        # the same as the decisions predicted it
    first_token_s: float = math.nan
    fullest_gb: float = math.nan         # peak memory of the fullest device
    together_gb: float = math.nan        # sum of the peaks of all devices
    moves: float = math.nan              # moved blocks per decision after the first
    kept_infeasible: float = math.nan    # decisions that found no feasible placement
    paged_gb: float = math.nan           # read again from storage by devices over their budget
    formula_s: float = math.nan          # the published D_mig + λ·D_T, summed over decisions, per token
    decision_ms: float = math.nan        # wall time of the policy on this machine, mean


def read(path: Path) -> Outcome:
    if path.suffix != ".h5":
        return Outcome(ended=path.suffix[1:])
    with h5py.File(path, "r") as trace:
        intervals = trace["intervals"][:]
        resources = trace["resources"][:]
        request = trace["requests"][0]
    peaks = np.zeros(int(resources["device"].max()) + 1)
    np.maximum.at(peaks, resources["device"], resources["memory_peak_bytes"])
    steps = int(request["sampled_tokens"]) - 1
    return Outcome(
        per_token_s=float(request["end"] - request["first_token"]) / 1e9 / steps,
        predicted_s=predicted_per_token(intervals, int(request["sampled_tokens"])),
        first_token_s=float(request["first_token"] - request["begin"]) / 1e9,
        fullest_gb=float(peaks.max()) / 1e9,
        together_gb=float(peaks.sum()) / 1e9,
        moves=float(intervals["moves"][1:].mean()) if len(intervals) > 1 else 0.0,
        kept_infeasible=float((intervals["feasible"] == 0).sum()),
        paged_gb=float(resources["paged_bytes"].sum()) / 1e9,
        formula_s=formula_per_token(intervals, int(request["sampled_tokens"])),
        decision_ms=float(intervals["decision_wall_ns"].mean()) / 1e6,
    )


def predicted_per_token(intervals: np.ndarray, tokens: int) -> float:
    """The predicted step of the placement in force and the predicted migrations after the first decision, summed over
    decisions, per token, in seconds. Differs from the executed time by what changes after a decision, such as
    loads and paging, and by the context, which is predicted at the end of the interval."""
    each = np.diff(np.append(intervals["first_token"], tokens))
    steps = (each * intervals["predicted_inference_ns"]).sum()
    return float(steps + intervals["predicted_migration_ns"][1:].sum()) / 1e9 / tokens


def formula_per_token(intervals: np.ndarray, tokens: int) -> float:
    """The published D_mig + λ·D_T of the placements in force, summed over decisions, per token. Infinite for sliced
    layers, which have no formula."""
    each = np.diff(np.append(intervals["first_token"], tokens))
    return float((intervals["paper_migration_s"] + each * intervals["paper_delay_s"]).sum()) / tokens


def column(outcomes: list[Outcome], field: str) -> list[float]:
    """One figure of all outcomes; NaN where a run has none."""
    return [getattr(outcome, field) for outcome in outcomes]


def failures(outcomes: list[Outcome]) -> str:
    """The number of runs without figures, with the reasons; `-` if there are none."""
    words = [outcome.ended for outcome in outcomes if outcome.ended != "finished"]
    return ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words))) or "-"
