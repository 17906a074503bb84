"""The table that compares contenders over the same fleets."""
import math

import numpy as np

from contenders import LAYER_BASED, Contender
from outcomes import Outcome, column, failures
from report import Table
from spread import estimate, extremes, factors, quartiles

Outcomes = dict[Contender, list[Outcome]]  # each list has one outcome per fleet, in order


EXECUTED, BY_FORMULA = "per_token_s", "formula_s"  # names of two measures of the same runs


def time_factors(outcomes: Outcomes, reference: Contender, measure: str = EXECUTED
                 ) -> dict[Contender, list[float]]:
    """Time per token of every contender ÷ that of the reference, fleet by fleet."""
    ours = column(outcomes[reference], measure)
    return {contender: factors(column(theirs, measure), ours) for contender, theirs in outcomes.items()}


def time_rows(outcomes: Outcomes, reference: Contender, measure: str = EXECUTED
              ) -> list[dict[str, object]]:
    rows = []
    for contender, over in time_factors(outcomes, reference, measure).items():
        runs = outcomes[contender]
        milliseconds = [1e3 * value for value in column(runs, measure)]
        rows.append({
            "policy": contender.word,
            "fleets": len(runs),
            "failed": failures(runs),
            "ms/token, median [95 %]": estimate(milliseconds),
            "mean [95 %]": estimate(milliseconds, np.mean),
            f"÷ {reference.word}, median [95 %]": estimate(over),
            "quartiles": quartiles(over),
            "smallest to largest": extremes(over),
        })
    return rows


def memory_rows(outcomes: Outcomes) -> list[dict[str, object]]:
    return [{
        "policy": contender.word,
        "fullest device, GB, median [95 %]": estimate(column(runs, "fullest_gb")),
        "all devices, GB, median [95 %]": estimate(column(runs, "together_gb")),
        "first token, s, median [95 %]": estimate(column(runs, "first_token_s")),
        "moves per decision": estimate(column(runs, "moves"), np.mean).value,
        "nothing fits": estimate(column(runs, "kept_infeasible"), np.mean).value,
        "paged, GB": estimate(column(runs, "paged_gb"), np.mean).value,
        "ms per decision": estimate(column(runs, "decision_ms"), np.mean).value,
    } for contender, runs in outcomes.items()]


def overtaken(title: str, outcomes: Outcomes, reference: Contender, seeds: range) -> list[Table]:
    """A table of the fleets on which another contender's executed time per token is shorter than the reference's, or
    which only the other ran: the fastest contender, and what the decisions of both predicted. No table if there is no
    such fleet."""
    rows = []
    for fleet, (seed, ours) in enumerate(zip(seeds, outcomes[reference])):
        others = [(runs[fleet].per_token_s, contender) for contender, runs in outcomes.items()
                  if math.isfinite(runs[fleet].per_token_s) and not runs[fleet].per_token_s >= ours.per_token_s]
        if not others:
            continue
        fastest = min(others, key=lambda other: other[0])[1]
        theirs = outcomes[fastest][fleet]
        rows.append({
            "fleet": seed,
            "fastest": fastest.word,
            f"÷ {reference.word}": theirs.per_token_s / ours.per_token_s,
            "ms/token": 1e3 * theirs.per_token_s,
            "predicted": 1e3 * theirs.predicted_s,
            "paged, GB": theirs.paged_gb,
            f"{reference.word}: ms/token": 1e3 * ours.per_token_s,
            f"{reference.word}: predicted": 1e3 * ours.predicted_s,
            f"{reference.word}: paged, GB": ours.paged_gb,
        })
    return [Table(f"{title}: fleets on which another is faster", rows)] if rows else []


def behind(outcomes: Outcomes, reference: Contender, measure: str = EXECUTED) -> list[Contender]:
    """The layer-based policies and `paper` for which the reference's median is not better. A fleet in which only the
    other contender ran counts against the reference; a fleet in which only the reference ran counts for none."""
    not_beaten = []
    for contender, over in time_factors(outcomes, reference, measure).items():
        if contender.policy not in (*LAYER_BASED, "paper"):
            continue
        lost = sum(ours.ended != "finished" and theirs.ended == "finished"
                   for ours, theirs in zip(outcomes[reference], outcomes[contender]))
        judged = [value for value in over if math.isfinite(value)] + [0.0] * lost
        if judged and np.median(judged) <= 1.0:
            not_beaten.append(contender)
    return not_beaten


def verdict(not_beaten: list[Contender], reference: Contender) -> str:
    if not_beaten:
        return (f"In the median {reference.word} is NOT ahead of "
                f"{', '.join(contender.word for contender in not_beaten)}.")
    return (f"In the median {reference.word} is ahead of every layer-based policy"
            f"{'' if reference.sliced else ' and of paper'}.")


def comparison(title: str, outcomes: Outcomes, reference: Contender, measure: str = EXECUTED
               ) -> list[Table]:
    """The tables of the comparison. If decisions were made by the published formulas, their table comes first, and the
    verdict is about it."""
    judged = verdict(behind(outcomes, reference, measure), reference)
    tables = [Table(f"{title}: time as executed", time_rows(outcomes, reference),
                    judged if measure == EXECUTED else ""),
              Table(f"{title}: memory, moves, decisions", memory_rows(outcomes))]
    if measure == BY_FORMULA:
        tables.insert(0, Table(f"{title}: time by the published formulas",
                               time_rows(outcomes, reference, measure), judged))
    return tables
