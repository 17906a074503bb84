#!/usr/bin/env python3
"""A policy of one's own in a shared library: run, simulate, replay, resume and sweep, and every kind of bad policy."""
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import h5py

from headroom import Case, main, scenario_text

LIBRARY = Path(os.environ["HEADROOM_OWN_POLICY"])
OTHER_ABI = Path(os.environ["HEADROOM_OTHER_ABI"])
NO_POLICY = Path(os.environ["HEADROOM_NO_LOCKS"])
TEXT = scenario_text(tokens=24, interval=4)


class OwnPolicy(Case):
    def setUp(self):
        super().setUp()
        shutil.copy(LIBRARY, self.folder / "own.so")
        self.scenario(TEXT)

    def expect_replayable(self):
        """Nothing loads the policy again unless it is named, so these replay with decisions as recorded."""
        for path in sorted(self.folder.rglob("*.h5")):
            result = self.headroom("replay", path)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def succeeds(self, *words, **options):
        result = self.headroom(*words, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def fails(self, code, pattern, *words):
        """Checks that the command ends with the code and a message that has the pattern."""
        result = self.headroom(*words, timeout=60)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertRegex(result.stderr, pattern)
        self.assertNotIn("this is a bug", result.stderr)

    def simulate_fails(self, code, policy, pattern, *words):
        self.fails(code, pattern, "simulate", "scenario.toml", "--no-trace", "--policy", policy, *words)

    def test_is_compared_with_the_policies_of_headroom(self):
        told = json.loads(self.succeeds("simulate", "scenario.toml", "--policy", "resource_aware,./own.so",
                                        "--trace", "out.h5", "--json").stdout)
        self.assertEqual([one["policy"] for one in told["policies"]], ["resource_aware", "own"])
        with h5py.File(self.folder / "out.own.h5") as file:
            self.assertEqual(file.attrs["policy"], b"own")
            self.assertEqual(file.attrs["policy_file"], b"./own.so")
            self.assertRegex(file.attrs["policy_version"].decode(), r"^hash [0-9a-f]{16}$")
            self.assertIn(b'policy = "custom"', file["scenario"][:].tobytes())
            self.assertGreater(file["intervals"]["moves"].sum(), 0)

    def test_gives_the_same_run_over_each_transport(self):
        for transport in ("inprocess", "mpi"):
            self.succeeds("run", "scenario.toml", "--policy", "./own.so", "--transport", transport,
                          "--trace", f"{transport}.h5")
        self.succeeds("simulate", "scenario.toml", "--policy", "./own.so", "--trace", "simulated.h5")
        ends = []
        for name in ("inprocess", "mpi", "simulated"):
            with h5py.File(self.folder / f"{name}.h5") as file:
                ends.append((file["intervals"]["t_end"].tolist(), file["placements"][:].tolist()))
        self.assertEqual(ends[0], ends[1])
        self.assertEqual(ends[0], ends[2])

    def test_is_asked_again_only_if_named_and_the_same(self):
        self.succeeds("simulate", "scenario.toml", "--policy", "./own.so", "--trace", "out.h5")
        (self.folder / "own.so").rename(self.folder / "moved.so")
        text = self.succeeds("replay", "out.h5").stdout
        self.assertRegex(text, r"identical, with decisions as recorded: .*\n.* made by version hash [0-9a-f]{16} of "
                               r"policy own \(it is from a file, which only --policy FILE loads\)")
        text = self.succeeds("replay", "out.h5", "--policy", "./moved.so").stdout
        self.assertRegex(text, "out.h5: identical: ")
        with (self.folder / "moved.so").open("ab") as file:
            file.write(b"\0")  # another hash
        text = self.succeeds("replay", "out.h5", "--policy", "./moved.so").stdout
        self.assertRegex(text, r"own \(recorded[^\n]*\n +own ")

    def test_says_that_a_policy_is_no_function_of_its_problem(self):
        self.succeeds("simulate", "scenario.toml", "--policy", "./own.so:counts", "--trace", "out.h5")
        self.succeeds("replay", "out.h5", "--policy", "./own.so:counts")  # counts from the same start
        result = self.headroom("replay", "out.h5", "--policy", "./own.so")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stdout, "policy own answered the same problem differently: it is not a function of its "
                                        "problem")

    def test_goes_on_after_an_interrupt(self):
        self.scenario(scenario_text(tokens=200, interval=4))
        words = ["run", "scenario.toml", "--policy", "./own.so", "--trace", "out.h5", "--clock", "paced",
                 "--transport", "inprocess"]
        process = self.start(*words)
        self.wait_for_intervals(self.folder / "out.h5", 2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.fails(2, r"expected the file with that policy; give --policy \./FILE.so", "run", "--resume", "out.h5")
        self.fails(2, "--resume and --policy are given", "run", "--resume", "out.h5", "--policy", "greedy")
        self.succeeds("run", "--resume", "out.h5", "--policy", "./own.so", "--clock", "virtual",
                      "--transport", "inprocess")
        self.assertRegex(self.succeeds("replay", "out.h5", "--policy", "./own.so").stdout, "identical: ")

    def test_is_an_axis_of_a_sweep(self):
        (self.folder / "sweep.toml").write_text(
            'scenario = "scenario.toml"\ncommand = "simulate"\nfolder = "out"\n[grid]\n'
            '"controller.policy" = ["greedy", "custom"]\nseed = [1, 2]\n')
        words = ["sweep", "sweep.toml", "--policy", "./own.so"]
        self.fails(2, r'controller.policy is "custom" in cell 2, custom-seed1, expected the file', *words[:2],
                   "--run-all")
        self.assertFalse((self.folder / "out").exists())  # no cell has run
        self.succeeds(*words, "--run-all")
        table = self.succeeds("collect", "out").stdout
        self.assertEqual(re.findall(r"^ +(\w+) +[12] ", table, re.M), ["greedy", "greedy", "own", "own"])
        self.assertRegex(self.succeeds(*words, "--list").stdout, "4 finished")
        with (self.folder / "own.so").open("ab") as file:
            file.write(b"\0")
        self.assertRegex(self.succeeds(*words, "--list").stdout, "2 finished, 2 changed(.|\n)*another version of the "
                                                                 "policy")
        words[-1] += ":source"  # the library is the same, what it does is not
        self.succeeds(*words, "--run-all")
        self.assertRegex(self.succeeds("sweep", "sweep.toml", "--policy", "./own.so", "--list").stdout,
                         r"2 finished, 2 changed(.|\n)*it is of policy \./own.so:source")
        self.fails(2, "expected a file with a policy", "sweep", "sweep.toml", "--list", "--policy", "greedy")

    def test_refuses_files_that_are_no_policy(self):
        (self.folder / "text.so").write_text("no library")
        for policy, pattern in (
                ("./nothing.so", r"\./nothing.so does not exist"),
                ("./own.cpp", "found a source file: compile it to a .so"),
                ("./scenario.toml", r"expected a shared library \(.so\) or a Python file"),
                ("./text.so", "cannot be loaded"),
                (NO_POLICY, "a shared library without a policy"),
                (OTHER_ABI, r"compiled for another program(.|\n)*it has: +headroom plug-in interface 0\n"),
                ("./own.so:named", "has the name greedy of a policy of headroom"),
                ("./own.so:spaced", "has the name 'two words'"),
                ("./own.so:refuses", "does not want to"),
                ("own.txt", "expected one of: resource_aware, "),
                ("./own.so,./own.so", "expected each policy once"),
                ("custom", "expected the file with that policy")):
            with self.subTest(policy=policy):
                self.simulate_fails(2, policy, pattern)

    def test_a_run_takes_one_policy(self):
        self.fails(2, "give one policy only", "run", "scenario.toml", "--policy", "greedy,./own.so")

    def test_refuses_what_is_no_placement(self):
        for mode, pattern in (
                ("short", "3 blocks placed, the model has "),
                ("far", r"embed is on device 99, which does not exist(.|\n)*and \d+ more"),
                ("elsewhere", "embed is on device 1, but it is pinned to the source, device 0"),
                ("throws", r"policy own at context \d+: failed, expected a placement\n  no more ideas"),
                ("odd", "threw something that is no std::exception")):
            with self.subTest(mode=mode):
                self.simulate_fails(2, f"./own.so:{mode}", pattern)

    def test_finds_no_placement(self):
        self.simulate_fails(6, "./own.so:nothing", "policy own returned no placement")
        self.scenario(scenario_text(tokens=24, interval=4, memory="2 MiB"))
        self.simulate_fails(6, "./own.so:source", "no placement by own found: (.|\n)*lacks")

    def test_closes_the_trace_after_an_error(self):
        for transport in ("inprocess", "mpi"):
            self.fails(2, "no more ideas", "run", "scenario.toml", "--policy", "./own.so:throws", "--trace",
                       f"{transport}.h5", "--transport", transport)
            self.assertRegex(self.succeeds("inspect", f"{transport}.h5").stdout, "failed")

    def test_names_a_policy_that_crashes(self):
        for words in (["simulate"], ["run", "--transport", "inprocess"], ["run", "--transport", "mpi"]):
            with self.subTest(words=words):
                trace = self.folder / f"{words[-1]}.h5"
                self.fails(2, "policy own crashed in a decision, expected a placement: it used memory that is not its "
                           "own; look for", words[0], "scenario.toml", *words[1:], "--policy", "./own.so:crashes",
                           "--trace", trace)
                self.assertRegex(self.succeeds("inspect", trace).stdout, "token +4")

    def test_ends_a_policy_that_takes_too_long(self):
        for words in (["simulate"], ["run", "--transport", "inprocess"], ["run", "--transport", "mpi"]):
            with self.subTest(words=words):
                trace = self.folder / f"{words[-1]}.h5"
                begun = time.monotonic()
                self.fails(2, "policy own has taken more than 1 s for a decision", words[0], "scenario.toml",
                           *words[1:], "--policy", "./own.so:sleeps", "--policy-timeout", 1, "--trace", trace)
                self.assertLess(time.monotonic() - begun, 30)
                self.assertRegex(self.succeeds("inspect", trace).stdout, "failed")

    def test_ends_at_a_signal_while_the_policy_decides(self):
        process = self.start("simulate", "scenario.toml", "--policy", "./own.so:sleeps", "--trace", "out.h5")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertIn("interrupted while policy own was deciding", errors)
        self.assertRegex(self.succeeds("inspect", "out.h5").stdout, "interrupted")

    def test_a_trace_never_names_code_to_load(self):
        """The file of the trace is a library that would end the program when it is loaded."""
        self.succeeds("simulate", "scenario.toml", "--policy", "./own.so", "--trace", "out.h5")
        (self.folder / "own.so").write_text("cannot be loaded")
        for words in (["replay", "out.h5"], ["inspect", "out.h5"], ["replay", "out.h5", "--policy", "greedy",
                                                                     "--no-trace"]):
            self.assertNotIn("cannot be loaded", self.succeeds(*words).stderr)


if __name__ == "__main__":
    main()
