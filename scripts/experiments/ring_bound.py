#!/usr/bin/python3
"""How close does policy ring come to the best possible split? There are random models on random fleets, alternately of
equal and unequal devices, with m = 2N sequences and hops of at most 5 % of the slowest stage. The program compares
tokens/s in the steady state with the bound (docs/explanation/ring-pipelines.md#steady-state) of the best contiguous
split at the same contexts, found by trying all splits. It also compares the most that a device holds with the largest
stage of that split. If the starter's lm_head is the slowest stage, many splits are equally fast; of these the best is
the one in which a single sequence goes around fastest. The equally fast split with the smallest largest stage is shown
beside it. Exit code 1 if a ring is below 0.97 of the bound, or if a device holds more than the best split's largest
stage."""
import argparse
import random
from dataclasses import dataclass

import charts
import claims
import options
import report
import ring_formula as formula
import spread
import steady
from runs import Run

PROMPT_TOKENS = 8
LEAST = 0.97
MOST_OF_STAGE = 0.05  # a hop takes at most this part of the slowest stage
EQUAL = 1e-9          # relative difference below which rates are equal
COLOURS = {"equal": charts.LINES[5], "unequal": charts.LINES[1]}


@dataclass(frozen=True)
class Instance:
    shape: formula.Shape
    devices: list[formula.Device]
    links: list[list[formula.Link]]
    kind: str

    @property
    def sequences(self) -> int:
        return 2 * len(self.devices)


def draw_shape(rng: random.Random) -> formula.Shape:
    kv_heads = rng.choice((1, 2, 4))
    heads = kv_heads * rng.choice((1, 2, 4))
    width = 64 * heads
    return formula.Shape(layers=rng.randint(2, 14), heads=heads, kv_heads=kv_heads, width=width,
                         ffn_width=64 * rng.randint(heads, 6 * heads), vocab=rng.choice((1000, 8000, 32000)),
                         gated=rng.random() < 0.5)


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    return low * (high / low) ** rng.random()


def draw_device(rng: random.Random) -> formula.Device:
    return formula.Device(log_uniform(rng, 5e9, 50e9), log_uniform(rng, 2e9, 50e9))


def draw_links(rng: random.Random, devices: int, vector_bytes: int, most_s: float
               ) -> list[list[formula.Link]]:
    """Draws links that are equal in both directions. A hop takes at most `most_s`, of which latency has a random
    share."""
    links = [[formula.Link(1.0, 0.0)] * devices for _ in range(devices)]
    for a in range(devices):
        for b in range(a + 1, devices):
            hop, share = most_s * rng.uniform(0.1, 1.0), rng.uniform(0.05, 0.95)
            links[a][b] = links[b][a] = formula.Link(vector_bytes / (hop * share), hop * (1 - share))
    return links


def slowest_stage(shape: formula.Shape, devices: list[formula.Device]) -> float:
    """The time of the slowest stage of the best split, without hops."""
    return min(max(formula.stages(shape, devices, split, PROMPT_TOKENS))
               for split in formula.splits(shape.layers, len(devices)))


def instance(seed: int) -> Instance:
    rng = random.Random(seed)
    kind = ("equal", "unequal")[seed % 2]
    count = rng.randint(2, 6)
    shape = draw_shape(rng)
    devices = [draw_device(rng)] * count if kind == "equal" else [draw_device(rng) for _ in range(count)]
    most_s = MOST_OF_STAGE * slowest_stage(shape, devices) * rng.uniform(0.05, 1.0)
    return Instance(shape, devices, draw_links(rng, count, 4 * shape.width, most_s), kind)


def scenario(drawn: Instance, tokens: int) -> str:
    shape, count = drawn.shape, len(drawn.devices)
    lines = [
        "[model]",
        f"shape = {{ layers = {shape.layers}, heads = {shape.heads}, kv_heads = {shape.kv_heads}, "
        f"width = {shape.width}, ffn_width = {shape.ffn_width}, gated = {str(shape.gated).lower()}, "
        f"vocab = {shape.vocab}, context = {PROMPT_TOKENS + tokens} }}",
        "[workload]", f"prompt_tokens = {PROMPT_TOKENS}", f"tokens = {tokens}",
        f"sequences = {drawn.sequences}", f"repeat = {drawn.sequences}",
        "[controller]", 'policy = "ring"', f"interval = {tokens}", "batch = 1",
        "[network]", 'bandwidth = "1 Gbit/s"', 'latency = "1 ms"']
    for device in drawn.devices:
        lines += ["[[device]]", f'compute = "{device.flop_per_s / 1e9:.9f} GFLOP/s"',
                  f'memory_bandwidth = "{device.bytes_per_s / 1e9:.9f} GB/s"', 'memory = "64 GB"']
    for a in range(count):
        for b in range(a + 1, count):
            link = drawn.links[a][b]
            lines += ["[[network.link]]", f"from = {a}", f"to = {b}",
                      f'bandwidth = "{link.bytes_per_s / 1e9:.9f} GB/s"',
                      f'latency = "{link.latency_s * 1e9:.0f} ns"']
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Finding:
    seed: int
    drawn: Instance
    best: formula.Split
    bound: float              # tokens/s
    found: steady.Steady
    stage_bytes: int          # bytes of the best split's largest stage
    leanest_bytes: int        # largest stage of the equally fast split where it is least

    @property
    def of_bound(self) -> float:
        return self.found.tokens_per_s / self.bound

    @property
    def of_stage(self) -> float:
        """The memory of the fullest device ÷ the largest stage, both of blocks and caches."""
        return self.found.fullest_blocks_bytes / self.stage_bytes

    @property
    def hop_share(self) -> float:
        """The slowest hop of the best split ÷ its slowest stage."""
        middle = self.found.contexts[len(self.found.contexts) // 2]
        ways = formula.hops(self.drawn.shape, self.drawn.links, self.best)
        return max((arrival for _, arrival in ways), default=0.0) / max(
            formula.stages(self.drawn.shape, self.drawn.devices, self.best, middle))


def judge(seed: int, found: steady.Steady, tokens: int) -> Finding:
    drawn = instance(seed)
    shape, rows = drawn.shape, PROMPT_TOKENS + tokens - 1
    sampled = (found.contexts[0], found.contexts[len(found.contexts) // 2], found.contexts[-1])

    def speed(split: formula.Split) -> tuple[float, float]:
        ways = formula.hops(shape, drawn.links, split)
        times = [formula.stages(shape, drawn.devices, split, context) for context in sampled]
        rates = [formula.tokens_per_s(each, ways, drawn.sequences) for each in times]
        return 1 / sum(1 / rate for rate in rates), -sum(formula.lap(each, ways) for each in times)

    def fullest(split: formula.Split) -> int:
        return formula.fullest_bytes(shape, split, rows, drawn.sequences)

    speeds = {split: speed(split) for split in formula.splits(shape.layers, len(drawn.devices))}
    fastest = max(rate for rate, _ in speeds.values())
    equals = [split for split, (rate, _) in speeds.items() if rate > fastest * (1 - EQUAL)]
    best = max(equals, key=lambda split: speeds[split][1])
    bound = formula.mean_tokens_per_s(shape, drawn.devices, drawn.links, best, drawn.sequences,
                                      found.contexts)
    return Finding(seed, drawn, best, bound, found, fullest(best), min(map(fullest, equals)))


def misses(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if not one.of_bound >= LEAST or one.of_stage > 1]


def summary_rows(findings: list[Finding]) -> list[dict[str, object]]:
    rows = []
    for kind in dict.fromkeys(one.drawn.kind for one in findings):
        those = [one for one in findings if one.drawn.kind == kind]
        rows.append({
            "devices": kind, "fleets": len(those),
            "tokens/s ÷ bound, median": spread.estimate([one.of_bound for one in those]).value,
            "smallest to largest": spread.extremes([one.of_bound for one in those]),
            "memory ÷ largest stage": spread.extremes([one.of_stage for one in those]),
            "leaner and as fast": sum(one.found.fullest_blocks_bytes > one.leanest_bytes for one in those),
            "hop ÷ stage, largest": max(one.hop_share for one in those),
            "misses": len(misses(those)),
        })
    return rows


def miss_rows(findings: list[Finding]) -> list[dict[str, object]]:
    return [{"seed": one.seed, "devices": one.drawn.kind, "layers": "/".join(map(str, one.found.layers)),
             "best split": "/".join(map(str, one.best)), "tokens/s ÷ bound": one.of_bound,
             "memory ÷ largest stage": one.of_stage} for one in findings]


def draw(given, findings: list[Finding]) -> None:
    figure, axes = charts.plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for kind, colour in COLOURS.items():
        those = [one for one in findings if one.drawn.kind == kind]
        axes.plot([100 * one.hop_share for one in those], [one.of_bound for one in those], ".", color=colour,
                  label=f"{kind} devices, n = {len(those)}", alpha=0.7)
    axes.axhline(LEAST, color="black", linestyle="--", linewidth=1, label=f"least that is claimed, {LEAST}")
    charts.scale(axes.xaxis, [100 * one.hop_share for one in findings])
    charts.scale(axes.yaxis, [LEAST, *(one.of_bound for one in findings)], zero=False)
    axes.set_xlabel("slowest hop ÷ slowest stage, %")
    axes.set_ylabel("tokens/s ÷ bound of the best split")
    axes.grid(alpha=0.3)
    charts.title(figure, f"Policy ring, m = 2N, {len(findings)} random fleets")
    charts.legend_below(figure, axes.get_legend_handles_labels()[0], f"One point per fleet. {claims.NOTHING}")
    charts.save(figure, given.figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=options.number(int, 1), default=200,
                        help="fleets (default %(default)s)")
    parser.add_argument("--first", type=options.number(int, 0), default=0,
                        help="first seed (default %(default)s)")
    parser.add_argument("--tokens", type=options.number(int, 8), default=48, help="(default %(default)s)")
    parser.set_defaults(controller=[])
    given = options.parse(options.with_program(parser, "ring_bound.png"))
    seeds = options.seeds_of(given)
    with options.runner_of(given) as runner:
        found = runner.all_of([
            Run("simulate", f"ring-bound-{seed}", scenario(instance(seed), given.tokens), ())
            for seed in seeds], steady.read)
    findings = [judge(seed, run, given.tokens) for seed, run in zip(seeds, found)]
    late = misses(findings)
    title = f"ring, m = 2N, {given.tokens} tokens, {options.seeds_text(given)}"
    tables = [report.Table(title, summary_rows(findings), "" if late else
                           f"All are at least {LEAST} of the bound, and no device holds more than the best "
                           "split's largest stage.")]
    if late:
        tables.append(report.Table("misses", miss_rows(late)))
    report.show(tables, runner.version, given.json)
    draw(given, findings)
    return 1 if late else 0


if __name__ == "__main__":
    options.end(main)
