"""Published figures, to stand beside ours. docs/explanation/head-level-partitioning.md and ring-pipelines.md say more
about their sources."""
import math
from dataclasses import dataclass

HEAD_LEVEL, RING = "arXiv 2505.02533", "arXiv 2505.18164"


@dataclass(frozen=True)
class Claim:
    """A published range of values; `high` is infinite for "more than"."""
    low: float
    high: float
    source: str

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"more than {self.low:g}"
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"


_ABSTRACT, _NOTES = f"{HEAD_LEVEL}, abstract", f"{HEAD_LEVEL}, notes of its readers"
# Objective ÷ optimum on 3 to 5 devices, by policy
OVER_OPTIMUM = {"paper": Claim(1.15, 1.2, _ABSTRACT), "greedy": Claim(1.4, 1.6, _NOTES),
                "round_robin": Claim(1.4, 1.6, _NOTES)}
# Time per token ÷ that of the paper's method on 25 devices: "up to 9 to 10 times"
OVER_METHOD = {"edgeshard": Claim(9, 10, _NOTES), "galaxy": Claim(9, 10, _NOTES)}
# Memory in GB on 25 devices; the notes do not say of which devices
MEMORY_GB = {"paper": Claim(6, 6, _NOTES), "edgeshard": Claim(7, math.inf, _NOTES)}

# Tokens/s of all sequences on 1, 2 and 3 Jetson TX2 over gigabit Ethernet, read from the authors' plots, about ±1 %.
# TinyLlama on one device did not run there. GPT-2 large ran without a K/V cache, which Headroom cannot do.
TX2_SOURCE = f"{RING}, read from its plots (about ±1 %)"
TX2_TOKENS_PER_S = {
    "nanollama-304m": {1: 17.9, 2: 26.0, 3: 30.4},
    "tinyllama-1.1b": {2: 13.4, 3: 18.0},
    "gpt2-large": {1: 1.20, 2: 2.07, 3: 4.08},
}
NOTHING = "Not published: no source gives a figure to compare with."
