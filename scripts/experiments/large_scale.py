#!/usr/bin/python3
"""Large scale: 25 devices, 1000 tokens, and a decision after every token or every 16 tokens. How long does a token
take, and how much does the fullest device hold, in comparison with layer-based policies on the same fleets and in both
granularities? Exit code 1 if the median of resource_aware is not better than that of every layer-based policy and of
paper in the same granularity."""
import sys
from dataclasses import replace

import charts
import claims
import comparison
import options
import outcomes
import report
import scenarios
import spread
from contenders import OURS, Contender, with_reference
from runs import Run

PAPER = ("resource_aware,paper,dynamic_layer,edgeshard,edgeshard_throughput,ring,static,greedy,"
         "round_robin")
SLICED = ("resource_aware:sliced,galaxy:sliced,galaxy:sliced:ring,dynamic_layer:sliced,edgeshard:sliced,"
          "edgeshard_throughput:sliced,ring:sliced,static:sliced,greedy:sliced,round_robin:sliced")


def groups_of(contenders: list[Contender]) -> list[list[Contender]]:
    """The contenders in one group for each granularity, resource_aware first."""
    groups = []
    for sliced in (False, True):
        if group := [contender for contender in contenders if contender.sliced == sliced]:
            groups.append(with_reference(group, Contender(OURS, sliced)))
    return groups


def measure(runner, given, family, groups) -> dict[int, comparison.Outcomes]:
    """The outcomes by interval. All runs of a fleet follow each other, so that the remaining time can be predicted."""
    everyone = [contender for group in groups for contender in group]
    keys = [(seed, interval, contender) for seed in options.seeds_of(given)
            for interval in given.intervals for contender in everyone]
    runs = [Run("simulate", f"large-{seed}-every-{interval}",
                scenarios.scenario(replace(family, interval=interval), seed),
                contender.options(family.heads_of(seed)))
            for seed, interval, contender in keys]
    results = runner.all_of(runs, outcomes.read)
    found = {interval: {contender: [] for contender in everyone} for interval in given.intervals}
    for (_, interval, contender), outcome in zip(keys, results):
        found[interval][contender].append(outcome)
    return found


def gains(found: dict[int, comparison.Outcomes]) -> report.Table:
    """The gain of resource_aware from granularity `sliced`."""
    rows = []
    for interval, results in found.items():
        over = comparison.time_factors(results, Contender(OURS))[Contender(OURS, sliced=True)]
        rows.append({
            "tokens per decision": interval,
            "fleets": len(spread.known(over)),
            "time per token, sliced ÷ paper, median [95 %]": spread.estimate(over),
            "quartiles": spread.quartiles(over),
            "smallest to largest": spread.extremes(over),
        })
    return report.Table("resource_aware: granularity sliced over granularity paper", rows)


def published_rows(found: comparison.Outcomes, measure: str) -> list[dict[str, object]]:
    """The published figures beside ours, of the runs at hand."""
    def ours(contender: Contender, over) -> object:
        return over(found[contender]) if contender in found else "not run"

    rows = []
    method = found.get(Contender("paper"))
    for contender, claim in ((Contender("edgeshard"), claims.OVER_METHOD["edgeshard"]),
                             (Contender("galaxy", sliced=True), claims.OVER_METHOD["galaxy"])):
        times = outcomes.column(method or [], measure)
        rows.append({"figure": f"time per token, {contender.word} ÷ paper, largest", "published": claim,
                     "ours": ours(contender, lambda runs: spread.extremes(
                         spread.factors(outcomes.column(runs, measure), times)).high) if method else "not run",
                     "source": claim.source})
    for policy, claim in claims.MEMORY_GB.items():
        for words, field in (("fullest device", "fullest_gb"), ("all devices", "together_gb")):
            rows.append({"figure": f"memory in GB, {policy}, {words}", "published": claim,
                         "ours": ours(Contender(policy), lambda runs: spread.estimate(outcomes.column(runs, field))),
                         "source": claim.source})
    return rows


def draw(given, found, groups, title: str, measure: str) -> None:
    by = " by the formulas" if measure == comparison.BY_FORMULA else ""
    panels = [(interval, group) for group in groups for interval in found]
    figure, axes = charts.plt.subplots(len(panels), 2, figsize=(12, 0.4 + 0.3 * sum(len(g) + 3.5 for _, g in panels)),
                                squeeze=False, layout="constrained",
                                height_ratios=[len(group) for _, group in panels])
    for row, (interval, group) in zip(axes, panels):
        results = {contender: found[interval][contender] for contender in group}
        over = comparison.time_factors(results, group[0], measure)
        charts.boxes(row[0], [(c.label, c.policy, over[c]) for c in group[1:]],
                     f"time per token{by} ÷ resource_aware's, fleet by fleet", one=True,
                     published=claims.OVER_METHOD)
        charts.boxes(row[1], [(c.label, c.policy, outcomes.column(results[c], "fullest_gb"))
                              for c in group], "peak memory of the fullest device, GB")
        where = f"granularity {'sliced' if group[0].sliced else 'paper'}, a decision every " + (
            "token" if interval == 1 else f"{interval} tokens")
        row[0].set_title(where, loc="left")
        row[1].set_title(where, loc="left")
    charts.title(figure, title)
    charts.legend_of_kinds(
        figure, [c.policy for group in groups for c in group],
        f"Published: largest time of a policy ÷ that of the paper's own method ({claims.HEAD_LEVEL}, notes of its "
        "readers), not ÷ resource_aware's; for policies without such a mark nothing is published. Published memory "
        "(about 6 GB against more than 7 GB) does not say of which devices.")
    charts.save(figure, given.figure)


def main() -> int:
    parser = options.parser_of(__doc__, scenarios.LARGE, 20, "physical", ("physical", "paper"),
                               "large_scale.png", f"{PAPER},{SLICED}")
    parser.add_argument("--intervals", type=options.numbers(int, 1), default=(1, 16),
                        help="tokens from one decision to the next (default 1,16)")
    given = options.parse(parser)
    if given.cost_profile == "paper":
        print("cost profile paper has no formulas for sliced layers: policies :sliced are left out",
              file=sys.stderr)
        given.policy = [contender for contender in given.policy if not contender.sliced]
    groups = groups_of(given.policy)
    if not groups:
        parser.error("--policy: none is left")
    family = options.families_of(scenarios.LARGE, given)[given.cost_profile]
    with options.runner_of(given) as runner:
        found = measure(runner, given, family, groups)
    measure_of = comparison.BY_FORMULA if given.cost_profile == "paper" else comparison.EXECUTED
    setting = (f"{family.devices[0]} devices, {family.layers} layers, {family.heads[0]} heads, "
               f"{family.tokens} tokens, cost profile {family.cost_profile}")
    tables, late = [], []
    for group in groups:
        for interval, results in found.items():
            mine = {contender: results[contender] for contender in group}
            late += comparison.behind(mine, group[0], measure_of)
            title = (f"{setting}, a decision every {interval}, granularity "
                     f"{'sliced' if group[0].sliced else 'paper'}, {options.seeds_text(given)}")
            tables += comparison.comparison(title, mine, group[0], measure_of)
            if measure_of == comparison.EXECUTED:
                tables += comparison.overtaken(title, mine, group[0], options.seeds_of(given))
    if len(groups) == 2:
        tables.append(gains(found))
    tables.append(report.Table(f"published and ours, a decision every {min(found)}",
                               published_rows(found[min(found)], measure_of),
                               "The notes do not say of which devices the published memory is. What is not here is "
                               "not published."))
    report.show(tables, runner.version, given.json)
    draw(given, found, groups, f"{setting}; n = {given.seeds} fleets", measure_of)
    return 1 if late else 0


if __name__ == "__main__":
    options.end(main)
