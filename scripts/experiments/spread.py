"""Statistics: medians and means with 95 % confidence intervals, quartiles, and ratios."""
import math
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A statistic and its 95 % confidence interval; NaN without values, no interval for a single one."""
    value: float
    low: float = math.nan
    high: float = math.nan

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        return f"{short(self.value)} [{short(self.low)}, {short(self.high)}]"


@dataclass(frozen=True)
class Range:
    """A range of values: quartiles, or smallest and largest."""
    low: float
    high: float

    def __str__(self) -> str:
        return "-" if math.isnan(self.low) else f"{short(self.low)} to {short(self.high)}"


def short(value: float) -> str:
    """The number with about three digits: 1.018, 12.3, 1234."""
    if not math.isfinite(value):
        return "-"
    decimals = 3 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{decimals}f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3g}"


def known(values: list[float]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    return array[np.isfinite(array)]


def estimate(values: list[float], statistic=np.median) -> Estimate:
    """The statistic of the values that are not NaN, with its percentile bootstrap interval (fixed seed)."""
    array = known(values)
    if len(array) == 0:
        return Estimate(math.nan)
    if len(array) == 1:
        return Estimate(float(array[0]))
    picks = np.random.default_rng(1).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(statistic(array[picks], axis=1), [2.5, 97.5])
    return Estimate(float(statistic(array)), float(low), float(high))


def percentile(values: list[float], percent: float) -> float:
    array = known(values)
    return float(np.percentile(array, percent)) if len(array) else math.nan


def quartiles(values: list[float]) -> Range:
    return Range(percentile(values, 25), percentile(values, 75))


def extremes(values: list[float]) -> Range:
    return Range(percentile(values, 0), percentile(values, 100))


def factors(theirs: list[float], ours: list[float]) -> list[float]:
    """Theirs ÷ ours, fleet by fleet; NaN where either has no figure."""
    return [a / b if b > 0 else math.nan for a, b in zip(theirs, ours)]
