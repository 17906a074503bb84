#!/usr/bin/env python3
"""Runs that would not end are ended with an error, and SIGINT and SIGTERM end the program at any time."""
import os
import signal
import subprocess
import time
import unittest

import h5py

from headroom import BINARY, MODEL, ROOT, Case, devices, main, scenario_text

CASES = ROOT.parent / "shared/cases"
# On an idle machine, ending takes less than 2 s; tests run on a busy one.
SOON = 15
YEAR = 365 * 24 * 3600 * 10**9  # ns
ENDS = ((signal.SIGINT, 130), (signal.SIGTERM, 143))


def loaded(period, low=0.25, high=0.5):
    return f'load = {{ kind = "uniform", low = {low}, high = {high}, period = "{period}" }}\n'


def one_slow_device(compute, load):
    return (f'[model]\nfile = "{MODEL}"\n[workload]\nprompts = [""]\ntokens = 250\n'
            f'stop_at_eos = false\n[controller]\ninterval = 1\n'
            + devices(1, compute=compute, extra=load))


class EndsByItself(Case):
    def stuck(self, text, *words):
        result = self.headroom(*words, self.scenario(text), timeout=60)
        self.assertEqual(result.returncode, 5, result.stdout + result.stderr)
        self.assertEqual(result.stderr.count("error:"), 1, result.stderr)
        return result.stderr

    def test_an_operation_of_more_draws_than_can_be_followed(self):
        """3 FLOP/s and a load that changes every 100 us: an operation takes days, each of 10^9 periods."""
        text = one_slow_device("3 FLOP/s", loaded("100 us"))
        for words in (["simulate"], ["run", "--transport", "inprocess"], ["run"]):
            errors = self.stuck(text, *words)
            for part in ("never finishes", "turn 0", "a year of virtual time", "longer periods",
                         "change the device's load"):
                self.assertIn(part, errors, words)

    def test_a_run_longer_than_a_year(self):
        walk = 'load = { kind = "walk", low = 0.1, high = 0.4, step = 0.1, period = "10 us" }\n'
        for compute, load in (("30 FLOP/s", ""), ("40 FLOP/s", walk)):
            errors = self.stuck(one_slow_device(compute, load), "simulate")
            self.assertIn("a year of virtual time (365 days)", errors)
            trace = next(self.folder.glob("*.h5"))
            with h5py.File(trace, "r") as file:
                last = int(file["intervals"]["t_end"][-1])
            self.assertLess(0.9 * YEAR, last)
            self.assertLessEqual(last, YEAR)
            trace.unlink()

    def test_a_slow_walk_takes_no_time(self):
        """Hours of virtual time per token, a load that walks every 10 us: 10^9 periods a token."""
        text = one_slow_device("1 kFLOP/s", 'load = { kind = "walk", low = 0.1, high = 0.4, '
                               'step = 0.1, period = "10 us" }\n').replace("= 250", "= 20")
        result = self.headroom("simulate", self.scenario(text), timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)

    @unittest.skipUnless(CASES.is_dir(), "no ../shared/cases beside the checkout")
    def test_runs_that_did_not_end(self):
        for number in (1, 2, 3):
            result = self.headroom("simulate", CASES / f"endless_{number}.toml", timeout=100)
            self.assertEqual(result.returncode, 5, result.stdout + result.stderr)
            self.assertIn("never", result.stderr)


class Obeys(Case):
    """SIGINT and SIGTERM end the program whatever it is doing."""

    def ends(self, number, code, *words, ready):
        process = self.start(*words)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 120  # other tests may use the cores
        while not ready(process):
            self.assertLess(time.monotonic(), deadline, f"{words} do not begin")
            self.assertIsNone(process.poll(), words)
            time.sleep(0.01)
        began = time.monotonic()
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - began, SOON, words)
        self.assertEqual(process.returncode, code, errors)
        self.assertIn("interrupted", errors)
        for noise in ("bug", "failed", "Traceback"):
            self.assertNotIn(noise, errors)

    def busy(self, seconds):
        """Returns a condition: the process has used that many seconds of CPU time."""
        ticks = os.sysconf("SC_CLK_TCK")

        def worked(process):
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / ticks >= seconds
        return worked

    def pipe(self, name):
        path = self.folder / name
        os.mkfifo(path)
        return path

    def blocked(self, process):
        """Whether the process sleeps after installing its signal handlers."""
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status.read().splitlines())
        caught = int(fields["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1
        return caught and fields["State"].split()[0] == "S"

    def test_files_that_block(self):
        pipe = self.pipe("pipe")
        good = self.scenario(scenario_text())
        for words in (["run", pipe], ["simulate", pipe], ["plan", pipe], ["inspect", pipe],
                      ["sweep", pipe, "--list"], ["simulate", good, "--prompt-file", pipe],
                      ["plan", good, "--previous", pipe]):
            for number, code in ENDS:
                self.ends(number, code, *words, ready=self.blocked)

    def test_a_walk_over_a_profile(self):
        """The largest operations take almost as many load changes as are allowed; a turn takes seconds."""
        path = self.scenario(one_slow_device("13 kFLOP/s", loaded("1 us")))
        for words in (["simulate"], ["run", "--transport", "inprocess"]):
            for number, code in ENDS:
                trace = self.folder / f"{words[0]}-{code}.h5"
                self.ends(number, code, *words, path, "--trace", trace, ready=self.busy(0.5))
                with h5py.File(trace, "r") as file:
                    self.assertEqual(int(file["complete"][0]), 2, "closed as interrupted")

    def test_a_search_without_a_limit(self):
        text = scenario_text(count=6, head='').replace(
            "[controller]\n", '[controller]\npolicy = "exact"\nnode_limit = 1000000000\n')
        text = text.replace(f'file = "{MODEL}"', 'preset = "llama-2-7b"').replace(
            'prompts = ["Once there was"]', "prompt_tokens = [64]")
        for index in range(6):
            text = text.replace(f'name = "d{index}"\ncompute = "2 GFLOP/s"\nmemory = "64 MiB"',
                                f'name = "d{index}"\ncompute = "{2 + index} GFLOP/s"\n'
                                f'memory = "{6000 + 371 * index} MiB"')
        path = self.scenario(text)
        for number, code in ENDS:
            self.ends(number, code, "simulate", path, ready=self.busy(0.5))
            self.ends(number, code, "plan", path, "--policy", "exact", ready=self.busy(0.5))


class LongTurns(Case):
    def test_an_interrupted_long_turn_is_no_failure(self):
        """In one process with a paced clock, where a turn takes 5 s."""
        for count in (1, 3):
            text = scenario_text(count=count, compute="1 MFLOP/s")
            trace = self.folder / f"long-{count}.h5"
            process = self.start("run", self.scenario(text), "--transport", "inprocess",
                                 "--clock", "paced", "--trace", trace)
            self.wait_until(trace.exists, "the trace")
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 143, errors)
            self.assertIn("interrupted", errors)
            self.assertNotIn("failed", errors)
            with h5py.File(trace, "r") as file:
                self.assertEqual(int(file["complete"][0]), 2)


if __name__ == "__main__":
    main()
