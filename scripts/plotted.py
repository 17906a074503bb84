"""What the pictures of all scripts have in common: when an axis is logarithmic, its ticks, the names of runs that are
compared, and the mean of repeated runs with its 95 % interval."""
import argparse
import math
from pathlib import Path

import numpy as np

FORMATS = (".png", ".svg", ".pdf")
FEWEST = 3  # with fewer repetitions the runs themselves are drawn
# Student's t of a two-sided 95 % interval for 1, 2, … degrees of freedom
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
           2.131, 2.120, 2.110, 2.101, 2.093, 2.086)
EXPONENTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure_path(text: str) -> Path:
    """A type for argparse: the path of a figure, whose ending is that of a format."""
    if Path(text).suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text}: expected a name that ends in {', '.join(FORMATS[:-1])} "
                                         f"or {FORMATS[-1]}")
    return Path(text)


def spans_decades(values) -> bool:
    """Whether these values need a logarithmic axis: none is negative, and the positive ones span two decades."""
    positive = [value for value in values if value > 0]
    return bool(positive) and min(values) >= 0 and max(positive) >= 100 * min(positive)


def log_ticks(low: float, high: float, most: int = 8) -> list[float]:
    """At most `most` round values within low … high; fewer of each decade for a wider range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    choices = [((1, 2, 5), 1), ((1, 3), 1), *(((1,), step) for step in range(1, len(powers) + 1))]
    for digits, step in choices:
        found = [digit * 10.0 ** power for power in powers if power % step == 0 for digit in digits]
        found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(found) <= most:
            break
    return found


def number(value: float) -> str:
    """The number of a tick, written out if it is not very large or small."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return f"{value:g}"
    digits, power = f"{value:.3e}".split("e")
    digits = "" if float(digits) == 1 else f"{float(digits):g}·"
    return f"{digits}10{str(int(power)).translate(EXPONENTS)}"


def differing(rows: list[dict]) -> list[str]:
    """The keys in which the rows differ, in order."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [key for key in keys if len({row.get(key) for row in rows}) > 1]


def mean_interval(values, geometric: bool = False) -> tuple[float, float, float]:
    """The mean and its 95 % interval by Student's t, none for a single value; `geometric`: those of the logarithms."""
    array = np.log(values) if geometric else np.asarray(values, dtype=float)
    if len(array) == 1:
        return float(values[0]), math.nan, math.nan
    freedom = len(array) - 1
    quantile = STUDENT[freedom - 1] if freedom <= len(STUDENT) else 1.96 + 2.5 / freedom
    half = quantile * array.std(ddof=1) / math.sqrt(len(array))
    parts = np.array([array.mean(), array.mean() - half, array.mean() + half])
    return tuple((np.exp(parts) if geometric else parts).tolist())
