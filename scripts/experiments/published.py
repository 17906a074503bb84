#!/usr/bin/python3
"""The published experiment of arXiv 2505.18164 (docs/explanation/ring-pipelines.md#published-results): NanoLlama 304M
and TinyLlama on 1, 2, 3 and more Jetson TX2 over gigabit Ethernet. Shows tokens/s of all sequences together and memory
per device for the published points, the published split of layers, and Headroom's policies. One number is calibrated:
the memory bandwidth, so that one device decodes NanoLlama at the published speed. Exit code 1 if the steady state of a
ring is not within 1 % of the formula at the same contexts."""
import argparse
import math
from dataclasses import dataclass

import charts
import claims
import options
import report
import ring_formula as formula
import steady
from runs import Run

PUBLISHED = claims.TX2_TOKENS_PER_S
MODELS = ("nanollama-304m", "tinyllama-1.1b")  # GPT-2 large ran without a K/V cache, which Headroom cannot do
CALIBRATED_ON = "nanollama-304m"
# 300 tokens are the default of the authors' program; the length of the prompt is chosen here.
PROMPT_TOKENS, TOKENS = 16, 300
DEVICE, NETWORK = "jetson-tx2", "gigabit-ethernet"
TOLERANCE = 0.01


@dataclass(frozen=True)
class Contender:
    label: str
    policy: str
    per_device: int             # sequences in flight per device; 0: one sequence for all devices
    batch: str = "1"
    sliced: bool = False
    objective: str = "throughput"

    def sequences(self, devices: int) -> int:
        return self.per_device * devices or 1

    @property
    def by_formula(self) -> bool:
        """Whether the formula applies: layers on a ring, without joined turns."""
        return self.policy in ("mdi_ring", "ring") and self.batch == "1"

    def options(self, devices: int) -> tuple[str, ...]:
        settings = {"workload.sequences": self.sequences(devices), "workload.repeat": self.sequences(devices),
                    "controller.objective": self.objective, "controller.batch": self.batch}
        if self.sliced:
            settings |= {"controller.granularity": "sliced", "controller.slices": 16}
        return ("--policy", self.policy,
                *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")))


CONTENDERS = (
    Contender("mdi_ring, m = N", "mdi_ring", 1),
    Contender("mdi_ring, m = 2N", "mdi_ring", 2),
    Contender("ring, m = N", "ring", 1),
    Contender("ring, m = 2N", "ring", 2),
    Contender("ring, m = 2N, batch auto", "ring", 2, batch="auto"),
    Contender("resource_aware, m = 2N", "resource_aware", 2),
    Contender("resource_aware, m = 2N, batch auto", "resource_aware", 2, batch="auto"),
    Contender("resource_aware sliced, m = 2N, batch auto", "resource_aware", 2, batch="auto", sliced=True),
    Contender("resource_aware, one sequence", "resource_aware", 0, objective="latency"),
    Contender("resource_aware sliced, one sequence", "resource_aware", 0, sliced=True, objective="latency"),
)


def table_value(path: str, name: str, key: str) -> str:
    return formula.tomllib.loads((options.ROOT / "data" / path).read_text())[name][key]["value"]


def number_of(text: str) -> float:
    """The value of a quantity of the catalogue in B/s, FLOP/s or seconds."""
    value, unit = text.split()
    return float(value) * {"GFLOP/s": 1e9, "GB/s": 1e9, "Mbit/s": 1e6 / 8, "us": 1e-6}[unit]


def calibrated_gb_per_s(tokens_per_s: float) -> float:
    """The memory bandwidth at which one device, limited by it, decodes the given tokens/s in the middle of the text."""
    shape = formula.preset(CALIBRATED_ON, options.ROOT)
    reading = formula.Device(math.inf, 1.0)
    middle = PROMPT_TOKENS + TOKENS // 2
    return tokens_per_s * formula.stages(shape, [reading], (shape.layers,), middle)[0] / 1e9


def scenario(model: str, devices: int, bandwidth: float, tokens: int) -> str:
    network = ["[network]", f'preset = "{NETWORK}"'] if devices > 1 else []
    return "\n".join([
        "[model]", f'preset = "{model}"', 'kv_type = "f32"',  # with which the experiment was recorded
        "[workload]", f"prompt_tokens = {PROMPT_TOKENS}", f"tokens = {tokens}",
        "[controller]", f"interval = {tokens}",
        "[[device]]", 'name = "tx2"', f"count = {devices}", f'profile = "{DEVICE}"',
        f'memory_bandwidth = "{bandwidth:.4f} GB/s"',
        'operation_overhead = "0 s"',  # the formula has none: the bandwidth stands for everything
        *network]) + "\n"


def by_formula(model: str, split: formula.Split, found: steady.Steady, bandwidth: float, sequences: int
               ) -> float:
    """Mean tokens/s over the contexts of the measured middle."""
    shape = formula.preset(model, options.ROOT)
    device = formula.Device(number_of(table_value("devices.toml", DEVICE, "compute")), bandwidth * 1e9)
    link = formula.Link(number_of(table_value("networks.toml", NETWORK, "bandwidth")),
                        number_of(table_value("networks.toml", NETWORK, "latency")))
    devices = len(split)
    return formula.mean_tokens_per_s(shape, [device] * devices, [[link] * devices] * devices, split,
                                     sequences, found.contexts)


Found = dict[tuple[str, int, Contender], steady.Steady]


def measure(runner, given, bandwidth: float) -> Found:
    keys = [(model, devices, contender) for model in given.models for devices in given.devices
            for contender in CONTENDERS]
    runs = [Run("simulate", f"published-{model}-{devices}", scenario(model, devices, bandwidth, given.tokens),
                contender.options(devices)) for model, devices, contender in keys]
    return dict(zip(keys, runner.all_of(runs, steady.read)))


def per_count(given, found: Found, model: str, head: str, value) -> list[dict[str, object]]:
    """One row for each contender, one column for each number of devices."""
    return [{head: contender.label, **{str(n): value(found[model, n, contender]) for n in given.devices}}
            for contender in CONTENDERS]


def speed_table(given, found: Found, model: str, setting: str) -> report.Table:
    head, points = "tokens/s, by devices", PUBLISHED[model]
    rows = [{head: "published", **{str(n): points.get(n) for n in given.devices}},
            *per_count(given, found, model, head, lambda run: run.tokens_per_s)]
    contender = CONTENDERS[0]  # the published system
    ratios = [f"{speed / points[n]:.2f} on {n}" for n in given.devices if n in points
              and math.isfinite(speed := found[model, n, contender].tokens_per_s)]
    return report.Table(f"{model}: {setting}", rows, f"Published: {claims.TX2_SOURCE}. All other rows are ours. "
                        f"Ours ({contender.label}) ÷ published: {', '.join(ratios) or 'nothing to compare'}.")


def memory_rows(given, found: Found, model: str) -> list[dict[str, object]]:
    return per_count(given, found, model, "fullest device, GB, by devices", lambda run: run.fullest_gb)


def batch_rows(given, found: Found, model: str) -> list[dict[str, object]]:
    head = "turns joined, by devices"
    rows = per_count(given, found, model, head, lambda run: run.batch)
    return [row for row, contender in zip(rows, CONTENDERS) if contender.batch == "auto"]


def formula_rows(given, found: Found, model: str, bandwidth: float) -> list[dict[str, object]]:
    rows = []
    for (of_model, devices, contender), run in found.items():
        if of_model != model or not contender.by_formula or run.ended != "finished":
            continue
        expected = by_formula(model, run.layers, run, bandwidth, contender.sequences(devices))
        rows.append({"ring": contender.label, "devices": devices, "layers": "/".join(map(str, run.layers)),
                     "formula, tokens/s": expected, "measured": run.tokens_per_s,
                     "measured ÷ formula − 1, %": 100 * (run.tokens_per_s / expected - 1),
                     "idlest device busy, %": 100 * run.least_busy})
    return rows


def deviations(rows: list[dict[str, object]]) -> list[str]:
    return [f"{row['ring']} on {row['devices']}" for row in rows
            if not abs(row["measured ÷ formula − 1, %"]) <= 100 * TOLERANCE]


def verdict(rows: list[dict[str, object]]) -> str:
    if late := deviations(rows):
        return f"NOT within 1 % of the formula: {', '.join(late)}."
    return f"All {len(rows)} rings are within 1 % of the formula at the same contexts."


def draw(given, found: Found, bandwidth: float) -> None:
    """Draws the figure. The rings with m = N are left out, because they run as fast and hold less cache."""
    figure, axes = charts.plt.subplots(2, len(given.models), figsize=(6.2 * len(given.models), 7.2), squeeze=False,
                                sharex=True, layout="constrained")
    shown = [contender for contender in CONTENDERS if contender.per_device != 1]
    for (upper, lower), model in zip(axes.T, given.models):
        points, speeds, memory = PUBLISHED[model], [], []
        for i, contender in enumerate(shown):
            runs = [found[model, n, contender] for n in given.devices]
            speeds += [run.tokens_per_s for run in runs]
            memory += [run.fullest_gb for run in runs]
            style = {**charts.look(i), "label": f"ours: {contender.label}", "alpha": 0.85,
                     "linestyle": "--" if contender.sliced else "-",
                     "markersize": 9 if contender.policy == "mdi_ring" else 5}
            upper.plot(given.devices, [run.tokens_per_s for run in runs], **style)
            lower.plot(given.devices, [run.fullest_gb for run in runs], **style)
        upper.plot(list(points), list(points.values()), "*", color="black", markersize=13, label="published",
                   zorder=5)
        upper.set_title(model, loc="left")
        upper.set_ylabel("tokens/s of all sequences")
        lower.set_ylabel("peak of the fullest device, GB")
        lower.set_xlabel("devices")
        for axis, values in ((upper, [*speeds, *points.values()]), (lower, memory)):
            axis.set_xticks(given.devices)
            axis.grid(alpha=0.3)
            charts.scale(axis.yaxis, values)
    charts.title(figure, f"Jetson TX2 at {bandwidth:.2f} GB/s of effective memory bandwidth, gigabit "
                 f"Ethernet, {given.tokens} tokens per sequence, simulated")
    handles, _ = axes[0][0].get_legend_handles_labels()
    charts.legend_below(figure, handles, f"Published: {claims.TX2_SOURCE}; more devices, memory, and TinyLlama on one "
                        "device are not published. All lines are ours, simulated.")
    charts.save(figure, given.figure)


def models(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in MODELS]:
        raise argparse.ArgumentTypeError(
            f'nothing is published of "{unknown[0]}"; there are {", ".join(MODELS)}')
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=models, default=MODELS,
                        help="between commas (default all)")
    parser.add_argument("--devices", type=options.numbers(int, 1), default=(1, 2, 3, 4, 5, 8),
                        help="how many, between commas (default 1,2,3,4,5,8)")
    parser.add_argument("--tokens", type=options.number(int, 8), default=TOKENS, help="(default %(default)s)")
    parser.add_argument("--memory-bandwidth", type=options.number(float, 0.001), metavar="GB/s",
                        help="in place of the calibrated one")
    given = options.parse(options.with_program(parser, "published.png"))
    bandwidth = given.memory_bandwidth or calibrated_gb_per_s(PUBLISHED[CALIBRATED_ON][1])
    with options.runner_of(given) as runner:
        found = measure(runner, given, bandwidth)
    setting = (f"Jetson TX2 at {bandwidth:.2f} GB/s, gigabit Ethernet, prompts of {PROMPT_TOKENS}, "
               f"{given.tokens} tokens per sequence")
    tables, late = [], []
    for model in given.models:
        compared = formula_rows(given, found, model, bandwidth)
        late += deviations(compared)
        tables += [
            speed_table(given, found, model, setting),
            report.Table(f"{model}: peak memory, buffers included", memory_rows(given, found, model)),
            report.Table(f"{model}: turns joined into one operation", batch_rows(given, found, model)),
            report.Table(f"{model}: the formula of the steady state", compared, verdict(compared)),
        ]
    report.show(tables, runner.version, given.json)
    draw(given, found, bandwidth)
    return 1 if late else 0


if __name__ == "__main__":
    options.end(main)
