"""The steady middle of a run with several equal sequences in flight, read from its trace."""
import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

MIDDLE = (0.25, 0.75)  # range of the steady middle, in parts of a sequence's sampled tokens


@dataclass(frozen=True)
class Steady:
    """The figures of one run. Without a trace (no placement fits) only `ended` is set."""
    ended: str = "finished"
    tokens_per_s: float = math.nan     # of all sequences, in the steady middle
    contexts: range = range(0)         # contexts of the steps in the middle, for every sequence
    fullest_gb: float = math.nan       # peak memory of the fullest device, with buffers
    fullest_blocks_bytes: int = 0      # the same without buffers
    least_busy: float = math.nan       # least utilisation of a device that has a block
    batch: int = 0                     # joined turns at the last decision
    layers: tuple[int, ...] = ()       # number of ffn blocks of each device at first
    all_tokens_per_s: float = math.nan  # of the whole run, with prefill and the end


def read(path: Path) -> Steady:
    if path.suffix != ".h5":
        return Steady(ended=path.suffix[1:])
    with h5py.File(path, "r") as trace:
        tokens = trace["tokens"][:]
        requests = trace["requests"][:]
        resources = trace["resources"][:]
        intervals = trace["intervals"][:]
        devices = trace["devices"][:]
        placed = trace["placements"][0]
        kinds = [name.decode() for name in trace["blocks"].attrs["kind_codes"]]
        ffn = trace["blocks"]["kind"] == kinds.index("ffn")
        hub = trace["blocks"]["kind"] == kinds.index("hub") if "hub" in kinds else ffn
    sampled = tokens[tokens["is_prompt"] == 0]
    of_first = sampled[sampled["sequence"] == requests["sequence"].min()]
    low, high = (int(part * (len(of_first) - 1)) for part in MIDDLE)
    begin, end = int(of_first["end"][low]), int(of_first["end"][high])
    within = int(((sampled["end"] > begin) & (sampled["end"] <= end)).sum())
    peaks, busy = np.zeros(len(devices), np.int64), np.zeros(len(devices))
    np.maximum.at(peaks, resources["device"], resources["memory_peak_bytes"])
    np.add.at(busy, resources["device"], resources["busy_ns"])
    span = int(requests["end"].max() - requests["arrival"].min())
    whole = ffn if ffn.any() else hub
    return Steady(
        tokens_per_s=within / (end - begin) * 1e9 if end > begin else math.nan,
        contexts=range(int(of_first["position"][low]) + 1, int(of_first["position"][high]) + 1),
        fullest_gb=float(peaks.max()) / 1e9,
        fullest_blocks_bytes=int((peaks - devices["buffer_bytes"]).max()),
        least_busy=float(busy[peaks > 0].min()) / span,
        batch=int(intervals["batch"][-1]),
        layers=tuple(int((placed[whole] == device).sum()) for device in range(len(devices))),
        all_tokens_per_s=int(requests["sampled_tokens"].sum()) / span * 1e9,
    )
