"""Runs `headroom simulate` and `headroom plan` on many scenarios, several at a time, and keeps their results: a run
whose result is already there is not repeated."""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

# Exit codes that are results. A file that ends in this word takes the place of the trace.
ANSWERS = {5: "stuck", 6: "infeasible"}
SECONDS_BETWEEN_LINES = 30.0


class RunFailed(Exception):
    """A run that should not have failed: its command, its exit code and its messages."""


@dataclass(frozen=True)
class Run:
    """One call of the program: `headroom COMMAND SCENARIO OPTIONS`."""
    command: str               # "simulate" or "plan"
    label: str                 # prefix of the names of its files
    scenario: str              # text of the scenario
    options: tuple[str, ...]


class Progress:
    """Prints the number of finished runs and the remaining time on standard error."""

    def __init__(self, todo: int, there: int) -> None:
        self.todo, self.made = todo, 0
        self.began = self.told = time.monotonic()
        if there:
            print(f"{there} runs are there already", file=sys.stderr)

    def advance(self) -> None:
        self.made += 1
        now = time.monotonic()
        on_terminal = sys.stderr.isatty()
        if not on_terminal and now - self.told < SECONDS_BETWEEN_LINES and self.made < self.todo:
            return
        self.told = now
        left = (now - self.began) / self.made * (self.todo - self.made)
        text = f"{self.made} of {self.todo} runs, {duration(left)} left"
        print(f"\r{text:<60}" if on_terminal else text, end="" if on_terminal else "\n",
              file=sys.stderr, flush=True)
        if on_terminal and self.made == self.todo:
            print(file=sys.stderr)


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def version_of(binary: str) -> str:
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RunFailed(f"{binary} --version: {error}") from None
    return done.stdout.strip()


def fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def write_whole(path: Path, text: str) -> None:
    """Writes a file under another name and renames it, so that a file with the name is always complete."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(text)
    partial.replace(path)


class Runner:
    """Makes runs in a folder: `out`, where everything is kept, or a temporary folder, which is kept only if a run
    failed. The names of files depend on the scenario's content, the options and the program's version."""

    def __init__(self, binary: str, out: Path | None, jobs: int) -> None:
        self.binary, self.jobs, self.keep = binary, jobs, out is not None
        self.version = version_of(binary)
        self.folder = out if out is not None else Path(tempfile.mkdtemp(prefix="headroom-experiment-"))
        self.folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if not self.keep and kind is not RunFailed:
            shutil.rmtree(self.folder, ignore_errors=True)

    def all_of(self, runs: list[Run], read) -> list:
        """`read(path)` for the result of every run, in order. Raises RunFailed at the first run that failed."""
        there = {run: path for run in runs if (path := self.find(run)) is not None}
        for run in runs:
            if not self.scenario_path(run).exists():
                write_whole(self.scenario_path(run), run.scenario)
        progress = Progress(len(runs) - len(there), len(there))

        def one(run: Run):
            path = there.get(run)
            if path is None:
                path = self.make(run)
                progress.advance()
            result = read(path)
            if not self.keep:
                path.unlink()
            return result

        with ThreadPoolExecutor(self.jobs) as pool:
            tasks = [pool.submit(one, run) for run in runs]
            try:
                wait(tasks, return_when=FIRST_EXCEPTION)
            finally:
                pool.shutdown(cancel_futures=True)
        for task in tasks:
            if not task.cancelled() and task.exception() is not None:
                raise task.exception()
        return [task.result() for task in tasks]

    def scenario_path(self, run: Run) -> Path:
        return self.folder / f"{run.label}-{fingerprint(run.scenario)}.toml"

    def base(self, run: Run) -> str:
        options = "-".join(option.split("=")[-1] for option in run.options if not option.startswith("--"))
        key = fingerprint(self.version, run.command, run.scenario, *run.options)
        return f"{run.label}-{options.replace(',', '+')[:60]}-{key}"

    def result_paths(self, run: Run) -> list[Path]:
        """The possible paths of the result: the JSON of a plan; the trace of a simulation, or the file that says why
        there is none."""
        suffixes = ["json"] if run.command == "plan" else ["h5", *ANSWERS.values()]
        return [self.folder / f"{self.base(run)}.{suffix}" for suffix in suffixes]

    def find(self, run: Run) -> Path | None:
        return next((path for path in self.result_paths(run) if path.exists()), None)

    def make(self, run: Run) -> Path:
        partial = self.folder / f"{self.base(run)}.{os.getpid()}.partial"
        command = [self.binary, run.command, str(self.scenario_path(run)), *run.options]
        command += ["--json"] if run.command == "plan" else ["--trace", str(partial), "--force"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        final = self.result_paths(run)[0]
        if run.command == "plan" and done.returncode in (0, 6):
            write_whole(final, done.stdout)
        elif run.command == "simulate" and done.returncode == 0:
            partial.replace(final)
        elif run.command == "simulate" and done.returncode in ANSWERS:
            partial.unlink(missing_ok=True)
            final = final.with_suffix("." + ANSWERS[done.returncode])
            write_whole(final, done.stderr)
        else:
            partial.unlink(missing_ok=True)
            raise RunFailed(f"{' '.join(command)}\nended with exit code {done.returncode} and said:\n"
                            f"{done.stderr.strip()[-2000:]}")
        return final
