"""The command line that all experiments share, and their exit codes: 0 success, 1 a claim does not hold, 2 bad input,
3 a run failed, 130 interrupted."""
import argparse
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import contenders
from runs import Runner, RunFailed
from scenarios import TOY_LINKS_MBIT, Family

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import plotted  # noqa: E402  (its folder comes first)


def number(kind, least: float, below: float = math.inf):
    """A type for argparse that accepts least <= value < below."""
    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value < below:
            raise argparse.ArgumentTypeError(
                f'"{text}" is no {"whole number" if kind is int else "number"} from {least} on'
                f'{f", below {below}" if below < math.inf else ""}')
        return value
    return read


def numbers(kind, least: float):
    """A type for argparse that accepts several numbers separated by commas."""
    one = number(kind, least)
    return lambda text: tuple(one(word) for word in text.split(","))


def policies(text: str) -> list[contenders.Contender]:
    try:
        return contenders.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def program(text: str) -> str:
    if not (Path(text).is_file() and os.access(text, os.X_OK)):
        raise argparse.ArgumentTypeError(
            f'"{text}" is no program; build it (scripts/demo does) or name one, here or in HEADROOM_BINARY')
    return text


def with_runs(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds the options of every program that runs headroom and prints tables."""
    parser.add_argument("--headroom", type=program, help="the program", default=os.environ.get(
        "HEADROOM_BINARY", str(ROOT / "build/release/bin/headroom")))
    parser.add_argument("--jobs", type=number(int, 1), default=os.cpu_count(), help="runs at a time")
    parser.add_argument("--json", action="store_true", help="the tables' figures as JSON")
    return parser


def with_program(parser: argparse.ArgumentParser, figure: str) -> argparse.ArgumentParser:
    """Adds the options of an experiment that keeps traces and draws. `figure` is the name of its figure."""
    with_runs(parser)
    parser.add_argument("--out", type=Path, help="folder for all traces; those there are not made again")
    parser.add_argument("--figure", "--png", type=plotted.figure_path, metavar="FILE",
                        help=f"the figure, {', '.join(plotted.FORMATS)} (default {figure}, in --out if given)")
    parser.set_defaults(default_figure=figure)
    return parser


def parser_of(description: str, family: Family, seeds: int, profile: str, profiles: tuple[str, ...],
              figure: str, policy: str) -> argparse.ArgumentParser:
    """A parser with all options; the defaults are those of the family and the given ones. `figure` is the name of the
    figure."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=number(int, 1), default=seeds, help="fleets (default %(default)s)")
    parser.add_argument("--first", type=number(int, 0), default=0, help="first seed (default %(default)s)")
    parser.add_argument("--policy", type=policies, default=policy,
                        help="between commas; :sliced, :sliced:ring behind one (default %(default)s)")
    parser.add_argument("--cost-profile", choices=profiles, default=profile)
    parser.add_argument("--tokens", type=number(int, 2), default=family.tokens, help="(default %(default)s)")
    parser.add_argument("--layers", type=number(int, 1), default=family.layers, help="(default %(default)s)")
    parser.add_argument("--load", type=number(float, 0, 1), default=family.load,
                        help="most that others use of compute (default %(default)s)")
    parser.add_argument("--memory-load", type=number(float, 0, 1), default=family.memory_load,
                        help="and of memory (default %(default)s)")
    parser.add_argument("--toy-links", action="store_true", help="links of 10 to 100 Mbit/s")
    parser.add_argument("--memory-factor", type=number(float, 0.01),
                        help="memory of all devices over what the model needs "
                        f"(default {family.memory_factor or 'as drawn'}; cost profile paper: as drawn)")
    parser.add_argument("--controller", action="append", default=[], metavar="LINE",
                        help="a further line of [controller], such as memory_reserve=0.1; for all policies")
    return with_program(parser, figure)


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    given = parser.parse_args()
    for path in (given.out, given.figure.parent if given.figure else None):
        if path is not None and any(part.is_file() for part in (path, *path.parents)):
            parser.error(f"{path} is no folder and can become none: a part of it is a file")
    given.figure = given.figure or (given.out or Path(".")) / given.default_figure
    return given


def families_of(family: Family, given: argparse.Namespace) -> dict[str, Family]:
    """The family as the options change it, for each cost profile. The published formulas count no weights of proj and
    ffn. If memory were short, placements that fit by these formulas would page all the time. So under cost profile
    paper memory is as drawn, which is also the published setting."""
    profiles = ("physical", "paper") if given.cost_profile == "both" else (given.cost_profile,)
    factor_of = {"physical": family.memory_factor, "paper": None}
    return {profile: replace(
        family, tokens=given.tokens, layers=given.layers, load=given.load, memory_load=given.memory_load,
        memory_factor=given.memory_factor or factor_of[profile], cost_profile=profile,
        controller=tuple(given.controller),
        bandwidth_mbit=TOY_LINKS_MBIT if given.toy_links else family.bandwidth_mbit)
        for profile in profiles}


def runner_of(given: argparse.Namespace) -> Runner:
    return Runner(given.headroom, given.out, given.jobs)


def seeds_of(given: argparse.Namespace) -> range:
    return range(given.first, given.first + given.seeds)


def seeds_text(given: argparse.Namespace) -> str:
    return ", ".join([f"seeds {given.first} to {given.first + given.seeds - 1}", *given.controller])


def end(main) -> None:
    """Runs the main function of an experiment and exits with its exit code."""
    try:
        sys.exit(main())
    except RunFailed as error:
        sys.exit(print(f"a run failed:\n{error}", file=sys.stderr) or 3)
    except KeyboardInterrupt:
        sys.exit(130)
