"""Shared by `validate` and `calibrate`: tables of tokens/s that somebody measured, the scenario of each row, and what
`headroom simulate` predicts for it.

A table is a TOML file with one [[speed]] per row, or a CSV file with the same names in its first line:

  device         profile of the catalogue, such as raspberry-pi-5-8gb             (required)
  model          preset of the catalogue, such as llama-2-7b                      (this or shape)
  shape          the dimensions of a model, as in a scenario: { layers = 16, ... }
  weights        f32, f16, bf16, q8_0, q4_0, … (the values of weight_type)        (required)
  tokens_per_s   what was measured                                                (required)
  phase          "decode" (default) or "prompt"
  devices        how many of them (default 1)
  network        preset of the links between several devices (default gigabit-ethernet)
  reduce         "hub" (default) or "ring": where several devices add up partial sums
  prompt_tokens  length of the prompt (default 16; phase prompt: 512)
  tokens         tokens that are sampled (default 128; phase prompt: 1)
  file           what the file of weights really was, such as Q4_K_M, if not `weights`
  use            "fit" (default): figures of the catalogue may be fitted on this row; "check": they may not
  series         rows of one series differ in their number of devices only
  reason         why the prediction is far off, if that is known
  source         who measured it                                                  (required)
"""
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = (
    "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl",
    "iq4_xs", "mxfp4",
)
SLICES = 16
SECONDS_BETWEEN_LINES = 30.0
CHOICES = {"phase": ("decode", "prompt"), "weights": WEIGHTS, "reduce": ("hub", "ring"), "use": ("fit", "check")}


class BadInput(Exception):
    """What is wrong with a file or an option; exit code 2."""


class RunFailed(Exception):
    """A prediction that could not be made; exit code 3."""


@dataclass(frozen=True)
class Row:
    device: str
    weights: str
    tokens_per_s: float
    source: str
    model: str = ""
    shape: str = ""            # TOML text of the table, or empty
    phase: str = "decode"
    devices: int = 1
    network: str = "gigabit-ethernet"
    reduce: str = "hub"
    prompt_tokens: int = 0     # 0: the default of the phase
    tokens: int = 0
    file: str = ""
    use: str = "fit"
    series: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """The row in a few words, for messages."""
        count = f"{self.devices} x " if self.devices > 1 else ""
        return f"{count}{self.device}, {self.model or 'a shape'} {self.file or self.weights}, {self.phase}"

    @property
    def kind(self) -> str:
        """The group of rows with which it is compared: single, distributed or prompt."""
        if self.phase == "prompt":
            return "prompt"
        return "distributed" if self.devices > 1 else "single"


FIELDS = {field.name: field.type for field in fields(Row)}


def _value(key: str, given):
    """The value of one key as Row has it; raises ValueError with what is expected."""
    kind = FIELDS[key]
    if key == "shape":
        if isinstance(given, str) and given:
            given = tomllib.loads(f"shape = {given}")["shape"]
        if not isinstance(given, dict):
            raise ValueError("expected a table of dimensions")
        return toml_table(given)
    if kind is str:
        if not isinstance(given, str) or not given:
            raise ValueError("expected a text")
        if key in CHOICES and given not in CHOICES[key]:
            raise ValueError(f"expected one of {', '.join(CHOICES[key])}; found \"{given}\"")
        return given
    try:
        number = kind(given) if isinstance(given, (str, int, float)) and not isinstance(given, bool) else math.nan
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf or (kind is int and float(given) != number):
        raise ValueError(f"expected {'a whole number' if kind is int else 'a number'} above 0; found {given!r}")
    return number


def toml_table(table: dict) -> str:
    """An inline table of TOML with numbers, texts and truth values."""
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + " }"


def _row(where: str, given: dict, problems: list[str]) -> Row | None:
    found: dict[str, object] = {}
    before = len(problems)
    for key, value in given.items():
        if key not in FIELDS:
            near = get_close_matches(key, FIELDS, 1)
            problems.append(f"{where}: unknown key '{key}'" + (f"; did you mean '{near[0]}'?" if near else ""))
            continue
        try:
            found[key] = _value(key, value)
        except (ValueError, tomllib.TOMLDecodeError) as error:
            problems.append(f"{where}: {key}: {error}")
    for key in ("device", "weights", "tokens_per_s", "source"):
        if key not in given:
            problems.append(f"{where}: {key} is missing")
    if ("model" in given) == ("shape" in given):
        problems.append(f"{where}: give either model or shape")
    return None if len(problems) > before else Row(**found)


def read_rows(path: Path) -> list[Row]:
    """All rows of a table. Raises BadInput with all mistakes, one in a line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}") from None
    problems: list[str] = []
    if path.suffix.lower() == ".csv":
        given = [{key: value for key, value in line.items() if value and key}
                 for line in csv.DictReader(text.splitlines())]
        places = [f"{path}: row {i}" for i in range(1, len(given) + 1)]
    else:
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"{path}: {error}") from None
        given = document.pop("speed", [])
        if document or not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
            raise BadInput(f"{path}: expected [[speed]] tables only" +
                           (f"; found '{next(iter(document))}'" if document else ""))
        places = [f"{path}: [[speed]] {i}" for i in range(1, len(given) + 1)]
    rows = [_row(place, row, problems) for place, row in zip(places, given)]
    if not rows:
        problems.append(f"{path}: has no rows")
    if problems:
        raise BadInput("\n".join(problems))
    return rows


def scenario(row: Row, device: str) -> str:
    """The scenario of a row. `device` has the lines that describe one device: a profile, or the figures."""
    if row.model:
        # As for shapes; the rates of the catalogue's devices were derived with these caches.
        model = f'preset = "{row.model}"\nweight_type = "{row.weights}"\nkv_type = "f32"'
    else:
        model = f'shape = {row.shape[:-2]}, weight_type = "{row.weights}" }}'
    prompt = row.phase == "prompt"
    tokens = row.tokens or (1 if prompt else 128)
    workload = f"prompt_tokens = {row.prompt_tokens or (512 if prompt else 16)}\ntokens = {tokens}"
    # A device's tables of rates follow its own keys, so each device is written out.
    devices = "".join(f"[[device]]\n{device}\n" for _ in range(row.devices))
    several = (f'granularity = "sliced"\nslices = {SLICES}\nreduce = "{row.reduce}"\n'
               f'[network]\npreset = "{row.network}"\n' if row.devices > 1 else "")
    # One decision is enough, since nothing changes.
    return f"[model]\n{model}\n[workload]\n{workload}\n{devices}[controller]\ninterval = {tokens}\n{several}"


class Progress:
    """Tells on standard error how many of the steps are done: on a terminal in one line, else twice a minute."""

    def __init__(self, what: str, todo: int) -> None:
        self.what, self.todo, self.done = what, todo, 0
        self.told = time.monotonic()
        self.on_terminal = sys.stderr.isatty()

    def advance(self) -> None:
        self.done += 1
        now = time.monotonic()
        if not self.on_terminal and now - self.told < SECONDS_BETWEEN_LINES:
            return
        self.told = now
        text = f"{self.done} of {self.todo} {self.what}"
        print(f"\r{text:<60}" if self.on_terminal else text, end="" if self.on_terminal else "\n", file=sys.stderr,
              flush=True)

    def end(self) -> None:
        if self.on_terminal and self.done:
            print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)


class Predictor:
    """Predicts speeds with `headroom simulate`, several at a time. The same scenario is not simulated again."""

    def __init__(self, binary: str, jobs: int) -> None:
        self.binary, self.jobs = binary, jobs
        self.known: dict[tuple[str, str], float] = {}
        try:
            done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise RunFailed(f"{binary} --version: {error}") from None
        self.version = done.stdout.strip()

    def _one(self, row: Row, text: str) -> float:
        key = (text, row.phase)
        if key not in self.known:
            self.known[key] = self._simulated(row, text)
        return self.known[key]

    def _simulated(self, row: Row, text: str) -> float:
        policy = "greedy" if row.devices == 1 else "galaxy"
        with tempfile.TemporaryDirectory(prefix="headroom-speeds-") as folder:
            path = Path(folder) / "row.toml"
            path.write_text(text)
            done = subprocess.run([self.binary, "simulate", path, "--policy", policy, "--json", "--no-trace"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-1500:].replace(f"{folder}/", "")
            raise RunFailed(f"{row.name}: headroom simulate ended with exit code {done.returncode} and said:\n{said}\n"
                            f"The scenario was:\n{text}")
        result = json.loads(done.stdout)
        if result["bytes_paged"]:
            raise RunFailed(f"{row.name}: the model does not fit into the memory, so weights are paged from storage; "
                            "the row needs a device with more memory")
        if row.phase == "prompt":
            return result["prompt_tokens"] / (result["time_to_first_token_ns"] / 1e9)
        return 1e9 / result["time_per_output_token_ns"]

    def speeds(self, rows: list[Row], devices: list[str], progress: Progress | None = None) -> list[float]:
        """Tokens/s of each row on devices that the text at the same place describes."""
        def one(pair: tuple[Row, str]) -> float:
            speed = self._one(pair[0], scenario(*pair))
            if progress is not None:
                progress.advance()
            return speed
        with ThreadPoolExecutor(self.jobs) as pool:
            tasks = [pool.submit(one, pair) for pair in zip(rows, devices)]
            try:
                return [task.result() for task in tasks]
            finally:
                pool.shutdown(cancel_futures=True)


def number(value: float) -> str:
    """The number with three digits: 0.21, 2.26, 22.5, 290."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def markdown(title: str, rows: list[dict[str, str]], left: int = 1) -> str:
    """A table in Markdown. The first `left` columns are aligned to the left. `rows` have equal keys."""
    head = list(rows[0])
    cells = [head, *(list(row.values()) for row in rows)]
    widths = [max(4, *(len(row[i]) for row in cells)) for i in range(len(head))]
    rule = ["-" * width if i < left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines = ["| " + " | ".join(cell.ljust(width) if i < left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) + " |"
             for row in [head, rule, *cells[1:]]]
    return "\n".join([f"**{title}**", "", *lines])


def mean_error(ratios: list[float]) -> float:
    """The mean of |predicted / published - 1| (MAPE), in percent."""
    return 100 * sum(abs(ratio - 1) for ratio in ratios) / len(ratios)


def geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def factor(ratio: float) -> float:
    """How far off a ratio is, in either direction: 1.5 for 1.5 and for 0.667."""
    return max(ratio, 1 / ratio)


def program(text: str) -> str:
    """A type for argparse: a file that can be executed."""
    if not (Path(text).is_file() and os.access(text, os.X_OK)):
        raise BadInput(f'"{text}" is no program; build it (scripts/demo does) or name one with --headroom or in '
                       "HEADROOM_BINARY")
    return text


def default_program() -> str:
    """HEADROOM_BINARY, else the program of this installation or of this checkout's build."""
    installed = ROOT.parents[1] / "bin/headroom" if ROOT.parent.name == "share" else ROOT / "none"
    built = ROOT / "build/release/bin/headroom"
    return os.environ.get("HEADROOM_BINARY") or str(installed if installed.is_file() else built)


def data_file(name: str) -> Path:
    """A file of the data: beside the scripts if installed, else in the checkout."""
    beside = ROOT / name
    return beside if beside.is_file() else ROOT / "data" / name


def end(name: str, main) -> None:
    """Runs the main function of a program and exits: 0 fine, 1 a limit is broken, 2 bad input, 3 a run failed."""
    try:
        sys.exit(main())
    except BadInput as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        sys.exit(2)
    except RunFailed as error:
        print(f"{name}: error: a prediction failed: {error}", file=sys.stderr)
        sys.exit(3)
    except KeyboardInterrupt:
        sys.exit(130)
