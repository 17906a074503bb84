#!/usr/bin/env python3
"""Kills and stops one rank, rank 0, mpirun or the launching process at a random moment, in virtual and paced runs.

Each case checks the exit code, that a surviving process names the missing one in one sentence, that the trace is
readable, that the resumed run has the same text, and that no process is left five seconds after the kill or the
sentence. Stopping the launching process or mpirun must not end the run. HEADROOM_CHAOS=100 or ctest -R cli.chaos_long
runs more cases.
"""
import os
import random
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headroom import BINARY, Case, committed, main, scenario_text
from resume_test import tokens_of

FAULTS = int(os.environ.get("HEADROOM_CHAOS", "8"))
SEED = int(os.environ.get("HEADROOM_CHAOS_SEED", "25"))
AT_ONCE = 2
RANKS = 3
SILENCE = 4  # seconds; the default is 30
MARK = "HEADROOM_CHAOS_RUN"  # environment variable that identifies the processes of a run
KINDS = [(who, what) for what in ("KILL", "STOP")
         for who in ("rank", "rank 0", "mpirun", "launcher")]


class Run:
    """One run with its fault, in a folder of its own."""

    def __init__(self, case, number, who, what, clock, moment):
        self.case, self.who, self.what, self.clock, self.moment = case, who, what, clock, moment
        self.victim = 0 if who == "rank 0" else 1 + number % (RANKS - 1)
        self.name = f"{number}: {what} {who} after {moment:.2f} s, {clock}"
        self.folder = case.folder / f"run-{number}"
        self.folder.mkdir()
        self.trace = self.folder / "run.h5"
        self.problems = []
        self.hit = False

    def expect(self, condition, text):
        if not condition:
            self.problems.append(f"{self.name}: {text}\n{self.errors()}")

    def errors(self):
        return (self.folder / "errors").read_text(errors="replace")

    def processes(self):
        """The processes of this run: the launching process, mpirun, and the ranks by number."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"\0{MARK}={self.folder}\0".encode() not in b"\0" + environment:
                continue
            rank = re.search(rb"(?:^|\0)OMPI_COMM_WORLD_RANK=(\d+)", environment)
            if self.case.lives(entry):
                what = (int(rank.group(1)) if rank
                        else "mpirun" if command.startswith(b"mpirun\0") else "launcher")
                found[what] = int(entry.name)
        return found

    def wait(self, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def send(self, process, what):
        try:
            os.kill(process, what)
        except ProcessLookupError:
            pass  # the process has ended meanwhile

    def start(self):
        text = (self.case.virtual if self.clock == "virtual" else self.case.paced)
        (self.folder / "run.toml").write_text(text)
        with open(self.folder / "errors", "w", encoding="utf-8") as errors:
            return subprocess.Popen(
                [str(BINARY), "run", str(self.folder / "run.toml"), "--trace", str(self.trace)],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=errors, start_new_session=True,
                env={**os.environ, "HEADROOM_SILENCE": str(SILENCE), MARK: str(self.folder)})

    def go(self):
        process = self.start()
        try:
            key = self.victim if self.who.startswith("rank") else self.who
            self.wait(lambda: key in self.processes() or process.poll() is not None, 20)
            time.sleep(self.moment)
            target = self.processes().get(key)
            self.hit = target is not None and process.poll() is None
            if self.hit:
                self.send(target, getattr(signal, f"SIG{self.what}"))
                self.after_fault(process, target)
            process.wait(timeout=60 * self.case.slack)
        except subprocess.TimeoutExpired:
            self.expect(False, f"it has not ended, left are {self.processes()}")
        finally:
            for left in self.processes().values():
                self.send(left, signal.SIGKILL)
            process.wait()
        if self.hit and self.who in ("mpirun", "launcher") and self.what == "STOP":
            self.expect(process.returncode == 0, f"exit code {process.returncode}, expected 0")
        if self.hit:
            self.expect_resumable()
        return self.problems

    def after_fault(self, process, target):
        if self.what == "KILL":
            gone = self.wait(lambda: not self.processes(), 5 * self.case.slack / 2)
            self.expect(gone, f"5 s after the kill there are {self.processes()}")
            expected = -signal.SIGKILL if self.who == "launcher" else 3
            named = "mpirun" if self.who == "mpirun" else rf"device {self.victim}\b|a rank"
            self.expect_end(process, expected, named)
        elif self.who in ("mpirun", "launcher"):
            before = self.processes()
            time.sleep(SILENCE + 3)
            self.expect(target in self.processes().values(), "a stopped process has ended")
            ended = before.keys() - self.processes().keys() - {"launcher", "mpirun"}
            self.expect(not ended or self.is_complete(), f"ranks {ended} ended while it was stopped")
            self.send(target, signal.SIGCONT)
        else:
            told = self.wait(lambda: "error: " in self.errors() or process.poll() is not None,
                             (SILENCE + 10) * self.case.slack)
            self.expect(told, f"nobody has noticed: {self.processes()}")
            gone = self.wait(lambda: not self.processes(), 5 * self.case.slack / 2)
            self.expect(gone, f"5 s after the sentence there are {self.processes()}")
            self.expect_end(process, 5, rf"device {self.victim}\b.*(sign of life|taken part)")

    def is_complete(self):
        try:
            return len(committed(self.trace)[0]) > 0
        except (OSError, KeyError):
            return False

    def expect_end(self, process, code, sentence):
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.expect(False, "the launcher is still there")
            return
        if process.returncode == 0:
            self.hit = False  # the run had just finished
            return
        self.expect(process.returncode == code, f"exit code {process.returncode}, expected {code}")
        told = re.findall(r"^headroom: error: .*", self.errors(), re.MULTILINE)
        if self.who == "launcher":
            return
        self.expect(len(told) == 1, f"{len(told)} error messages, expected one")
        self.expect(any(re.search(sentence, line) for line in told), f"no /{sentence}/")

    def expect_resumable(self):
        if not self.trace.exists() or not self.is_complete():
            return  # no interval was committed
        for command in (["inspect", self.trace],
                        ["run", "--resume", self.trace, "--transport", "inprocess",
                         "--clock", "virtual"],
                        ["replay", self.trace]):
            result = self.case.headroom(*command, timeout=60 * self.case.slack)
            self.expect(result.returncode == 0, f"{command[0]}: {result.stdout}{result.stderr}")
        self.expect(tokens_of(self.trace) == self.case.tokens[self.clock], "other tokens")


class Chaos(Case):
    slack = min(10.0, max(2.0, os.getloadavg()[0] / os.cpu_count()))  # a busy machine is slow

    def setUp(self):
        super().setUp()
        head = '[clock]\nmode = "{}"\n'
        self.virtual = scenario_text(
            RANKS, tokens=200, interval=4, memory="2 MiB", head=head.format("virtual")).replace(
                "tokens = 200", "tokens = 200\nrepeat = 6")
        self.paced = scenario_text(
            RANKS, tokens=60, interval=4, memory="2 MiB", head=head.format("paced"),
            compute="100 MFLOP/s")
        self.tokens = {}
        for clock, text in (("virtual", self.virtual), ("paced", self.paced)):
            whole = self.folder / f"whole-{clock}.h5"
            result = self.headroom("run", self.scenario(text), "--trace", whole, "--clock",
                                   "virtual", "--transport", "inprocess")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.tokens[clock] = tokens_of(whole)

    def test_kills_and_stops(self):
        generator = random.Random(SEED)
        runs = []
        for number in range(FAULTS):
            who, what = KINDS[number % len(KINDS)]
            clock = ("virtual", "paced")[generator.randrange(2)]
            moment = generator.choice([generator.uniform(0, 0.3), generator.uniform(0.3, 2)])
            runs.append(Run(self, number, who, what, clock, moment))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            problems = [problem for found in pool.map(Run.go, runs) for problem in found]
        hits = sum(run.hit for run in runs)
        print(f"{len(runs)} runs, {hits} hit before their end")
        self.assertEqual(problems, [], "\n\n".join(problems))
        self.assertGreaterEqual(hits, len(runs) // 2)


if __name__ == "__main__":
    main()
