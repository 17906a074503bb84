#!/usr/bin/python3
"""Scenario files in the settings of arXiv 2505.02533, as far as they are known
(docs/explanation/head-level-partitioning.md#settings).

Each device has compute of 5-50 GFLOP/s and memory of 2-8 GB, both log-normal: 95 % of the distribution lie within
these limits, and values outside are drawn again (clipping would make devices equal). Bandwidth is uniform for each
pair of devices, 1-10 Gbit/s, or 10-100 Mbit/s in the toy set, and equal in both directions. The background load is
uniform in 0-0.3 of compute and of memory and drawn again every second of virtual time. Models are given by
heads/width; their FFN is four times as wide and not gated, and weights are F32. These settings are not published and
were chosen here: layers, vocabulary, a latency of 0.2 ms, and a storage of 100 MB/s for paging.

usage: scenarios.py {large|small|varied} FOLDER [--seeds N] [--first SEED]     writes FOLDER/SEED.toml
"""
import argparse
import math
import random
from dataclasses import dataclass
from pathlib import Path

HEAD_WIDTH = 64
TOY_LINKS_MBIT = (10.0, 100.0)


@dataclass(frozen=True)
class Family:
    """The settings that all scenarios of one experiment share."""
    devices: tuple[int, ...]      # numbers of devices; successive seeds take successive ones
    heads: tuple[int, ...]        # numbers of heads; they change after all numbers of devices
    layers: int
    tokens: int
    vocabulary: int = 32000
    prompt_tokens: int = 64
    interval: int = 1
    bandwidth_mbit: tuple[float, float] = (1000.0, 10000.0)
    latency: str = "0.2 ms"
    flop_per_byte: float | None = None  # compute ÷ memory bandwidth; None: unlimited bandwidth
    load: float = 0.3             # largest part of compute that other programs use
    memory_load: float = 0.3      # the same for memory
    bandwidth_load: float = 0.0   # the same for the bandwidth of links
    memory_factor: float | None = None  # total memory ÷ need of the model; None: as drawn
    cost_profile: str = "physical"
    controller: tuple[str, ...] = ()  # further lines of [controller]
    t_budget: str = "5 s"         # for cost profile paper; 1 s is too short for width 2048

    def devices_of(self, seed: int) -> int:
        return self.devices[seed % len(self.devices)]

    def heads_of(self, seed: int) -> int:
        return self.heads[seed // len(self.devices) % len(self.heads)]


LARGE = Family(devices=(25,), heads=(32,), layers=24, tokens=1000)
# Small models get small vocabularies: the published model has neither embed nor lm_head, and with tables of 32000
# rows beside a few layers the placement of the tables would dominate. Memory of twice the need still requires
# several devices and leaves room for whole layers on most fleets.
SMALL = Family(devices=(3, 4, 5), heads=(8, 16), layers=4, tokens=32, vocabulary=2000,
               prompt_tokens=16, interval=4, memory_factor=2.0)
# The experiment varies one thing at a time; memory is short, so its load is a separate variation.
VARIED = Family(devices=(8,), heads=(16,), layers=8, tokens=200, vocabulary=8000, interval=8,
                memory_factor=2.0, memory_load=0.0, bandwidth_mbit=(100.0, 1000.0))
FAMILIES = {"large": LARGE, "small": SMALL, "varied": VARIED}


def log_normal(rng: random.Random, low: float, high: float) -> float:
    """A log-normal draw with 95 % of the distribution within [low, high]; values outside are drawn again."""
    centre = (math.log(low) + math.log(high)) / 2
    spread = (math.log(high) - math.log(low)) / (2 * 1.96)
    while True:
        # The Box-Muller method uses only uniform draws, which are the same in every Python version.
        angle, length = 2 * math.pi * rng.random(), math.sqrt(-2 * math.log(1 - rng.random()))
        value = math.exp(centre + spread * length * math.cos(angle))
        if low <= value <= high:
            return value


def need_bytes(family: Family, heads: int) -> int:
    """The bytes of all weights and of the caches at the last token in F32, without buffers."""
    width = heads * HEAD_WIDTH
    weights = family.layers * (4 * width**2 + 2 * 4 * width**2) + 2 * family.vocabulary * width
    cache = 2 * family.layers * width * (family.prompt_tokens + family.tokens)
    return 4 * (weights + cache)


def load(most: float) -> str:
    """A load that is drawn again every second of virtual time; it is the same under all policies."""
    return f'{{ kind = "uniform", low = 0.0, high = {most}, period = "1 s" }}' if most > 0 else "0.0"


def scenario(family: Family, seed: int) -> str:
    """The text of one scenario. A seed draws the same fleet for every model."""
    rng = random.Random(seed)
    devices, heads = family.devices_of(seed), family.heads_of(seed)
    width = heads * HEAD_WIDTH
    compute = [log_normal(rng, 5, 50) for _ in range(devices)]
    memory = [log_normal(rng, 2, 8) for _ in range(devices)]
    scale = 1.0
    if family.memory_factor is not None:
        # With loads up to 0.3 the factor still holds on average; buffers are part of it.
        scale = family.memory_factor * need_bytes(family, heads) / (sum(memory) * 1e9)
    lines = [
        f"seed = {seed}",
        "[model]",
        f"shape = {{ layers = {family.layers}, heads = {heads}, width = {width}, "
        f"ffn_width = {4 * width}, gated = false, vocab = {family.vocabulary}, "
        f'context = {family.prompt_tokens + family.tokens}, weight_type = "f32" }}',
        "[workload]",
        f"prompt_tokens = {family.prompt_tokens}",
        f"tokens = {family.tokens}",
        "[controller]",
        f"interval = {family.interval}",
        f'cost_profile = "{family.cost_profile}"',
        f't_budget = "{family.t_budget}"',
        *family.controller,
        "[fleet]",
        f"memory_scale = {scale:.9f}",
        "[network]",
        f'bandwidth = "{family.bandwidth_mbit[0]:.0f} Mbit/s"',
        f'latency = "{family.latency}"',
        f"variation = {load(family.bandwidth_load)}",
    ]
    for a in range(devices):
        lines += ["[[device]]", f'compute = "{compute[a]:.6f} GFLOP/s"',
                  f'memory = "{memory[a]:.6f} GB"', 'storage_bandwidth = "100 MB/s"']
        if family.flop_per_byte is not None:
            lines += [f'memory_bandwidth = "{compute[a] / family.flop_per_byte:.6f} GB/s"']
        lines += [f"load = {load(family.load)}", f"memory_load = {load(family.memory_load)}"]
    for a in range(devices):
        for b in range(a + 1, devices):
            mbit = rng.uniform(*family.bandwidth_mbit)
            lines += ["[[network.link]]", f"from = {a}", f"to = {b}",
                      f'bandwidth = "{mbit:.3f} Mbit/s"']
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=sorted(FAMILIES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    if given.seeds < 1 or given.first < 0:
        parser.error("--seeds counts from 1, --first from 0")
    given.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(given.first, given.first + given.seeds):
        (given.folder / f"{seed}.toml").write_text(scenario(FAMILIES[given.family], seed))


if __name__ == "__main__":
    main()
