#!/usr/bin/env python3
"""`--policy FILE.py:FUNCTION`: policies in Python, called by the program through a plug-in that embeds Python."""
import json
import unittest
from pathlib import Path

import h5py

from headroom import BINARY, Case, main, scenario_text

PLUGIN = BINARY.parent.parent / "lib/headroom/libheadroom_python_policy.so"
POLICIES = '''
import numpy as np
import headroom
import neighbour


def decide(problem):
    """The device that computes fastest gets all layers that need not stay on the source."""
    print("this must not mix with results")
    placement = np.full(len(problem.blocks), problem.source, dtype=np.int32)
    placement[problem.blocks["layer"] >= neighbour.FIRST] = int(np.argmax(problem.compute))
    return placement


def raises(problem):
    return problem.nothing


def short(problem):
    return np.zeros(3, dtype=np.int32)


def floats(problem):
    return np.zeros(len(problem.blocks))


def hangs(problem):
    while True:
        pass


def counts(problem, calls=[]):
    calls.append(1)
    return np.where(problem.blocks["layer"] < 0, problem.source, len(calls) % len(problem.compute))


def hashes(problem):
    """The hash of a text is random, unless the program says otherwise."""
    return np.where(problem.blocks["layer"] < 0, problem.source, hash("text") % len(problem.compute))


def crashes(problem):
    import ctypes
    ctypes.string_at(0)


number = 3
'''


@unittest.skipUnless(PLUGIN.exists(), "headroom was built without Python")
class PythonPolicy(Case):
    def setUp(self):
        super().setUp()
        self.scenario(scenario_text(tokens=16, interval=4, compute="2 GFLOP/s"))
        (self.folder / "mine.py").write_text(POLICIES)
        (self.folder / "neighbour.py").write_text("FIRST = 1\n")

    def expect_replayable(self):
        for path in sorted(self.folder.rglob("*.h5")):
            result = self.headroom("replay", path)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def succeeds(self, *words):
        result = self.headroom(*words)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def fails(self, policy, pattern, code=2):
        result = self.headroom("simulate", "scenario.toml", "--no-trace", "--policy", policy, "--policy-timeout", 1)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertRegex(result.stderr, pattern)

    def test_is_compared_with_the_policies_of_headroom(self):
        result = self.succeeds("simulate", "scenario.toml", "--policy", "resource_aware,mine.py,mine.py:counts",
                               "--trace", "out.h5", "--json")
        told = json.loads(result.stdout)  # so nothing of print() is in it
        self.assertEqual([one["policy"] for one in told["policies"]], ["resource_aware", "mine", "mine.counts"])
        self.assertIn("this must not mix", result.stderr)
        told = json.loads(self.succeeds("plan", "scenario.toml", "--policy", "greedy,mine.py", "--json").stdout)
        self.assertEqual([one["policy"] for one in told["policies"]], ["greedy", "mine"])

    def test_a_file_may_have_a_space_in_its_name(self):
        (self.folder / "my policy.py").write_text(POLICIES)
        told = json.loads(self.succeeds("simulate", "scenario.toml", "--policy", "./my policy.py", "--json").stdout)
        self.assertEqual(told["policy"], "my_policy")

    def test_gives_the_same_run_over_each_transport(self):
        times = []
        for words in (["simulate"], ["run", "--transport", "inprocess"], ["run", "--transport", "mpi"]):
            trace = self.folder / f"{words[-1]}.h5"
            self.succeeds(words[0], "scenario.toml", *words[1:], "--policy", "mine.py", "--trace", trace)
            with h5py.File(trace) as file:
                times.append(file["intervals"]["t_end"].tolist())
        self.assertEqual(times[0], times[1])
        self.assertEqual(times[0], times[2])

    def test_a_hash_covers_the_file_and_what_it_imports_beside_it(self):
        self.succeeds("simulate", "scenario.toml", "--policy", "mine.py", "--trace", "out.h5")
        self.assertRegex(self.succeeds("replay", "out.h5", "--policy", "mine.py").stdout, "out.h5: identical: ")
        (self.folder / "neighbour.py").write_text("FIRST = 0\n")
        self.assertRegex(self.succeeds("replay", "out.h5", "--policy", "mine.py").stdout,
                         r"mine \(recorded[^\n]*\n +mine ")

    def test_is_the_same_in_every_process(self):
        self.succeeds("simulate", "scenario.toml", "--policy", "mine.py:hashes", "--trace", "out.h5")
        for _ in range(2):
            text = self.succeeds("replay", "out.h5", "--policy", "mine.py:hashes").stdout
            self.assertRegex(text, "out.h5: identical: ")

    def test_says_what_is_wrong_with_its_own_traceback(self):
        (self.folder / "broken.py").write_text("def decide(:\n")
        (self.folder / "hides").mkdir()
        for name in ("mine.py", "headroom.py"):
            (self.folder / "hides" / name).write_text("def decide(problem):\n    return [0] * len(problem)\n")
        for policy, pattern in (
                ("mine.py:raises", r"failed, expected a placement\n  Traceback(.|\n)*mine.py\", line \d+, in raises\n"
                                   "(.|\n)*AttributeError: "),
                ("mine.py:short", "3 blocks placed, the model has "),
                ("mine.py:floats", r"returned an array of float64 with shape \(\d+,\), expected an array of integers"),
                ("mine.py:hangs", r"has taken more than 1 s for a decision, (.|\n)*  Traceback(.|\n)*in hangs\n"),
                ("mine.py:crashes", r"in crashes\n(.|\n)*policy mine.crashes crashed in a decision, expected a "
                                    "placement: it used memory that is not its own"),
                ("mine.py:number", "number in mine.py is no function"),
                ("mine.py:nothing", "mine.py has no function nothing"),
                ("broken.py", r"broken.py cannot be imported\n  Traceback[^\n]*\n    File \".*broken.py\", line 1\n"
                              "(.|\n)*SyntaxError"),
                ("hides/mine.py", "hides/headroom.py hides the module headroom, expected no file of that name"),
                ("nothing.py", "nothing.py does not exist")):
            with self.subTest(policy=policy):
                self.fails(policy, pattern)


if __name__ == "__main__":
    main()
