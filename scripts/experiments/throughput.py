#!/usr/bin/python3
"""Throughput of many sequences. On the fleets of the other experiments, the program compares the tokens/s of all
sequences together for three contenders: the hybrid (resource_aware with objective throughput), layers on a ring
(policy ring), and heads spread for one sequence at a time. The first two use the batch size that the decision finds
best. All three serve the same 2N requests on N devices, which arrive at once; N or 2N are in flight. Tokens are
counted in the steady middle of the first sequences, for which decisions are made, and over the whole run with all
prompts. Exit code 1 if the hybrid is anywhere slower than the better of the two others by more than half a per cent.
Loads that change every second are left out by default: the steady middles of two contenders would see different
seconds. With such loads only whole runs are judged."""
import argparse
from dataclasses import dataclass, replace

from matplotlib.lines import Line2D

import charts
import claims
import options
import report
import scenarios
import spread
import steady
from runs import Run

# These runs have fewer layers and tokens than the experiments with the same fleets, because 2N requests take
# 2N times as long. Where memory is short they have more of it, because 2N sequences need caches and buffers.
# Only "bound" has a limit on memory bandwidth, similar to that of boards that decode with 16-bit weights, so
# that joined turns save time there. "slow" has slow links, as between two offices.
VARIED = replace(scenarios.VARIED, layers=6, tokens=64, memory_factor=3.0)
FAMILIES = {
    "small": replace(scenarios.SMALL, memory_factor=3.0),
    "varied": VARIED,
    "bound": replace(VARIED, flop_per_byte=4.0),
    "slow": replace(VARIED, flop_per_byte=4.0, bandwidth_mbit=scenarios.TOY_LINKS_MBIT, latency="5 ms"),
    "large": replace(scenarios.LARGE, layers=12, tokens=64, interval=16),
}
TOLERANCE = 0.005
CONTENDERS = HYBRID, RING, SINGLE = "hybrid", "ring", "one at a time"
STEADY, WHOLE = MEASURES = "tokens_per_s", "all_tokens_per_s"
NAMES = {STEADY: "steady state", WHOLE: "whole run"}
HEAD = "fleets, granularity, in flight"
COLOURS = {RING: charts.LINES[1], SINGLE: charts.LINES[2]}


@dataclass(frozen=True)
class Setting:
    """The options that the contenders of one comparison share."""
    family: str
    sliced: bool
    per_device: int  # sequences in flight

    @property
    def text(self) -> str:
        return (f"{self.family}, {'sliced' if self.sliced else 'paper'}, "
                f"m = {'' if self.per_device == 1 else self.per_device}N")


def options_of(contender: str, setting: Setting, devices: int, heads: int, chunk: int) -> tuple[str, ...]:
    flying = 1 if contender == SINGLE else setting.per_device * devices
    settings = {
        "controller.policy": "ring" if contender == RING else "resource_aware",
        "controller.objective": "latency" if contender == SINGLE else "throughput",
        "controller.batch": 1 if contender == SINGLE else "auto",
        "workload.sequences": flying,
        "workload.repeat": 2 * devices,
    }
    if chunk:
        settings["workload.prefill_chunk"] = chunk
    if setting.sliced:
        settings |= {"controller.granularity": "sliced", "controller.slices": heads}
    return tuple(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))


Results = dict[Setting, dict[str, list[steady.Steady]]]  # for each contender a list with one entry per fleet


def families_of(given) -> dict[str, scenarios.Family]:
    return {name: replace(FAMILIES[name], controller=tuple(given.controller), load=given.load,
                          memory_load=given.load) for name in given.families}


def measure(runner, given) -> Results:
    families = families_of(given)
    keys = [(Setting(name, sliced, per_device), contender, seed)
            for name in families for seed in options.seeds_of(given) for sliced in (False, True)
            for per_device in (1, 2) for contender in CONTENDERS]
    run_of = {}
    for key in keys:
        setting, contender, seed = key
        family = families[setting.family]
        run_of[key] = Run("simulate", f"throughput-{setting.family}-{seed}", scenarios.scenario(family, seed),
                          options_of(contender, setting, family.devices_of(seed), family.heads_of(seed),
                                     given.prefill_chunk))
    # "One at a time" does not depend on m.
    runs = list(dict.fromkeys(run_of.values()))
    found = dict(zip(runs, runner.all_of(runs, steady.read)))
    results: Results = {}
    for setting, contender, seed in keys:
        of_setting = results.setdefault(setting, {})
        of_setting.setdefault(contender, []).append(found[run_of[setting, contender, seed]])
    return results


def speeds(runs: list[steady.Steady], measure: str) -> list[float]:
    """The tokens/s of all runs; 0 where no placement fits."""
    return [getattr(run, measure) if run.ended == "finished" else 0.0 for run in runs]


def over_better(results: dict[str, list[steady.Steady]], measure: str) -> list[float]:
    """The hybrid's tokens/s ÷ those of the better of the two others, fleet by fleet."""
    ours, ring, single = (speeds(results[name], measure) for name in CONTENDERS)
    return spread.factors(ours, list(map(max, ring, single)))


def joined(runs: list[steady.Steady]) -> str:
    batches = sorted({run.batch for run in runs})
    return f"{batches[0]} to {batches[-1]}" if len(batches) > 1 else str(batches[0])


def summary_rows(found: Results, measure: str) -> list[dict[str, object]]:
    rows = []
    for setting, results in found.items():
        ours, ring, single = (speeds(results[name], measure) for name in CONTENDERS)
        over = over_better(results, measure)
        rows.append({
            HEAD: setting.text, "fleets": len(ours),
            "hybrid, tokens/s, median": spread.estimate(ours).value,
            "÷ ring, median": spread.estimate(spread.factors(ours, ring)).value,
            "÷ one at a time, median": spread.estimate(spread.factors(ours, single)).value,
            "÷ the better one, smallest to largest": spread.extremes(over),
            "one at a time before ring": sum(a < b for a, b in zip(ring, single)),
            "turns joined": joined(results[HYBRID]),
        })
    return rows


def losses(given, found: Results, measure: str) -> list[dict[str, object]]:
    return [{HEAD: setting.text, "seed": seed, "hybrid, tokens/s": ours, "ring": ring,
             "one at a time": single, "÷ the better one": over}
            for setting, results in found.items()
            for seed, over, ours, ring, single in zip(
                options.seeds_of(given), over_better(results, measure),
                *(speeds(results[name], measure) for name in CONTENDERS))
            if over < 1 - TOLERANCE]


def tables_of(given, found: Results, measure: str) -> list[report.Table]:
    late, cases = losses(given, found, measure), given.seeds * len(found)
    title = f"2N requests at once, {NAMES[measure]}, {options.seeds_text(given)}"
    if not late:
        return [report.Table(title, summary_rows(found, measure),
                             "The hybrid is nowhere below the better of the two.")]
    return [report.Table(title, summary_rows(found, measure),
                         f"The hybrid is BELOW the better of the two in {len(late)} of {cases} cases."),
            report.Table(f"where it is, {NAMES[measure]}", late)]


def draw(given, found: Results, measure: str) -> None:
    figure, axes = charts.plt.subplots(figsize=(9, 1 + 0.4 * len(found)), layout="constrained")
    every = [1.0]
    for row, (setting, results) in enumerate(found.items()):
        for shift, name in ((-0.15, RING), (0.15, SINGLE)):
            over = spread.factors(speeds(results[HYBRID], measure), speeds(results[name], measure))
            axes.plot(over, [row + shift] * len(over), "o", color=COLOURS[name], alpha=0.6, markersize=5)
            every += over
    axes.axvline(1.0, color="black", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(found)), [setting.text for setting in found])
    axes.invert_yaxis()
    axes.set_xlabel("tokens/s of the hybrid ÷ the other's, fleet by fleet")
    axes.grid(axis="x", alpha=0.3)
    charts.scale(axes.xaxis, every, zero=False)
    handles = [Line2D([], [], marker="o", linestyle="", color=colour, label=f"÷ {name}")
               for name, colour in COLOURS.items()]
    charts.legend_below(figure, handles, f"One point per fleet. {claims.NOTHING}")
    charts.title(figure, f"Tokens/s of all sequences, {NAMES[measure]}, {given.seeds} fleets each")
    charts.save(figure, given.figure)


def families(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in FAMILIES]:
        raise argparse.ArgumentTypeError(
            f'there is no family "{unknown[0]}"; there are {", ".join(FAMILIES)}')
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=families, default=tuple(FAMILIES),
                        help="between commas (default all)")
    parser.add_argument("--seeds", type=options.number(int, 1), default=6,
                        help="fleets of each family (default %(default)s)")
    parser.add_argument("--first", type=options.number(int, 0), default=0,
                        help="first seed (default %(default)s)")
    parser.add_argument("--load", type=options.number(float, 0, 1), default=0.0,
                        help="most that others use of compute and memory (default %(default)s)")
    parser.add_argument("--prefill-chunk", type=options.number(int, 0), default=16,
                        help="tokens of a prompt per turn, 0: whole prompts (default %(default)s)")
    parser.add_argument("--controller", action="append", default=[], metavar="LINE",
                        help="a further line of [controller], for all")
    given = options.parse(options.with_program(parser, "throughput.png"))
    with options.runner_of(given) as runner:
        found = measure(runner, given)
    judged = MEASURES if given.load == 0 else (WHOLE,)
    tables = [table for measure in judged for table in tables_of(given, found, measure)]
    report.show(tables, runner.version, given.json)
    draw(given, found, judged[0])
    return 1 if any(losses(given, found, measure) for measure in judged) else 0


if __name__ == "__main__":
    options.end(main)
