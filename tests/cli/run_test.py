#!/usr/bin/env python3
"""Complete runs: equal results over both transports, pacing, output, and reproducibility."""
import json
import re
import resource
import unittest

import h5py
import numpy

from headroom import MINIMAL, MODEL, MPI_ENVIRONMENT, Case, main, scenario_text

WALL = re.compile("wall|rss")


def processor_seconds():
    """Returns the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def contents(path):
    """Returns all tables of a trace without wall-clock columns."""
    tables = {}
    with h5py.File(path, "r") as file:
        for name, item in file.items():
            if not isinstance(item, h5py.Dataset):
                continue
            rows = item[()]
            if rows.dtype.names:
                rows = {column: rows[column] for column in rows.dtype.names
                        if not WALL.search(column)}
            else:
                rows = {"": rows}
            for column, values in rows.items():
                tables[f"{name}.{column}"] = values
    return tables


class Run(Case):
    def assert_same_contents(self, a, b):
        first, second = contents(a), contents(b)
        self.assertEqual(first.keys(), second.keys())
        for name, values in first.items():
            self.assertTrue(numpy.array_equal(values, second[name]), name)

    def traced(self, path, name, *options):
        trace = self.folder / name
        self.summary(path, "--trace", trace, "--trace-ops", *options)
        return trace

    def test_two_runs_have_the_same_contents_with_5_8_and_25_ranks(self):
        for count in (5, 8, 25):
            load = 'load = { kind = "uniform", low = 0.0, high = 0.7, period = "5 ms" }\n'
            path = self.scenario(scenario_text(count, tokens=12, interval=3, extra=load))
            one = self.traced(path, f"one-{count}.h5")
            two = self.traced(path, f"two-{count}.h5")
            self.assert_same_contents(one, two)
            alone = self.traced(path, f"alone-{count}.h5", "--transport", "inprocess")
            self.assert_same_contents(one, alone)
        other = self.traced(path, "other.h5", "--seed", 8)
        with self.assertRaises(AssertionError):
            self.assert_same_contents(one, other)

    def test_text_goes_to_stdout_and_all_else_to_stderr(self):
        result = self.headroom("run", MINIMAL, "--tokens", 20, "--prompt", "Once there was")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.startswith("Once there was"), result.stdout)
        self.assertNotIn("tokens/s", result.stdout)
        for part in ("first placement", "time to first token", "tokens/s", "peak", "trace: "):
            self.assertIn(part, result.stderr)

    def test_streamed_text_is_the_text_whatever_the_source(self):
        for source in (0, 2):
            text = scenario_text(3, tokens=20, interval=4).replace(
                f'name = "d{source}"\n', f'name = "d{source}"\nsource = true\n')
            path = self.scenario(text)
            for transport in ("mpi", "inprocess"):
                options = ("--transport", transport, "--trace", "t.h5", "--force")
                said = self.headroom("run", path, *options)
                self.assertEqual(said.returncode, 0, said.stderr)
                self.assertEqual(said.stdout.rstrip("\n"), self.summary(path, *options)["text"])

    def test_json_takes_text_that_ends_inside_a_character(self):
        path = self.scenario(scenario_text(2, tokens=60).replace(
            "tokens = 60", "tokens = 60\ntemperature = 50.0"))
        for seed in range(3):
            self.summary(path, "--seed", seed, "--trace", f"{seed}.h5", "--transport", "inprocess")

    def test_a_prompt_of_several_lines_and_any_characters_is_echoed_as_it_is(self):
        path = self.scenario(scenario_text(2, tokens=3))
        for prompt in ("Grüße, \U0001d11e €\nnext line", "one\n\ntwo"):
            said = self.headroom("run", path, "--prompt", prompt, "--trace", "p.h5", "--force",
                                 "--transport", "inprocess")
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertTrue(said.stdout.startswith(prompt), said.stdout)

    def test_one_token_has_no_time_per_output_token(self):
        path = self.scenario(scenario_text(2, tokens=1))
        said = self.headroom("run", path, "--prompt", "", "--trace", "1.h5")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stderr, r"time per output token +-\n")
        self.assertRegex(said.stderr, r"budget +peak/budget\n")
        summary = self.summary(path, "--trace", "2.h5")
        self.assertIsNone(summary["time_per_output_token_ns"])
        self.assertIsNone(summary["sequences"][0]["time_per_output_token_ns"])
        self.assertGreater(summary["time_to_first_token_ns"], 0)

    def several(self, prompts, **options):
        return self.scenario(scenario_text(3, **options).replace(
            'prompts = ["Once there was"]', f"prompts = {json.dumps(prompts)}"))

    def test_several_prompts_are_decoded_one_after_the_other(self):
        prompts = ["Once there was", "One fine day", "", "Mia"]
        path = self.several(prompts, tokens=10)
        said = self.headroom("run", path, "--trace", "said.h5")
        self.assertEqual(said.returncode, 0, said.stderr)
        for part in ("in 4 sequences", "sequence  prompt  sampled"):
            self.assertIn(part, said.stderr)
        together = self.summary(path, "--trace", "together.h5")
        self.assertEqual(said.stdout.rstrip("\n"), together["text"])
        self.assertEqual(together["text"],
                         "\n\n".join(each["text"] for each in together["sequences"]))
        with h5py.File(self.folder / "together.h5", "r") as file:
            rows = file["requests"][:]
        self.assertEqual([0, *rows["end"][:-1]], list(rows["begin"]))
        self.assertEqual(together["virtual_time_ns"], rows["end"][-1])
        for prompt, each, row in zip(prompts, together["sequences"], rows, strict=True):
            self.assertEqual(each["prompt"], prompt)
            self.assertTrue(each["text"].startswith(prompt))
            self.assertEqual(each["time_to_first_token_ns"], row["first_token"] - row["arrival"])
            self.assertEqual(each["waited_ns"], row["begin"] - row["arrival"])
            self.assertEqual(each["time_per_output_token_ns"],
                             (row["end"] - row["first_token"]) // 9)
            alone = self.summary(self.several([prompt], tokens=10), "--trace", "alone.h5",
                                 "--force")
            self.assertEqual(alone["text"], each["text"])

    def test_several_prompts_give_the_same_contents_over_both_transports(self):
        path = self.several(["Once there was", "Mia"], tokens=9, interval=2)
        drawn = ("--set", "workload.temperature=0.9", "--set", "workload.top_k=40",
                 "--set", "workload.top_p=0.95", "--set", "workload.min_p=0.02")
        one = self.traced(path, "mpi.h5", *drawn)
        alone = self.traced(path, "alone.h5", "--transport", "inprocess", *drawn)
        self.assert_same_contents(one, alone)

    def test_with_one_candidate_token_sampling_is_greedy(self):
        path = self.several(["Once there was", "Mia"], tokens=9)
        greedy = self.summary(path, "--trace", "greedy.h5")
        hot = ("--set", "workload.temperature=5.0")
        for name, cut in (("top_k", "1"), ("top_p", "0.000001"), ("min_p", "1.0")):
            drawn = self.summary(path, "--trace", f"{name}.h5", *hot, "--set",
                                 f"workload.{name}={cut}")
            self.assertEqual(drawn["text"], greedy["text"], name)
        self.assertNotEqual(self.summary(path, "--trace", "hot.h5", *hot)["text"], greedy["text"])

    def test_prompts_that_do_not_fit_are_reported_together(self):
        path = self.several(["Once " * 2000, "Mia", "there " * 2000], tokens=9)
        said = self.headroom("run", path, "--trace", "no.h5")
        self.assertEqual(said.returncode, 2)
        self.assertIn("prompt 1 of 3: has", said.stderr)
        self.assertIn("prompt 3 of 3: has", said.stderr)
        self.assertNotIn("prompt 2 of 3", said.stderr)

    def test_under_the_users_own_mpirun(self):
        path = self.scenario(scenario_text(3))
        result = self.headroom("run", path, "--json", launcher=["mpirun", "-q", "-n", "3"],
                               environment=MPI_ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result.stderr)
        mine = self.summary(path, "--trace", "mine.h5")
        theirs = json.loads(result.stdout)
        self.assertEqual(mine["virtual_time_ns"], theirs["virtual_time_ns"])
        self.assertEqual(mine["text"], theirs["text"])

    def test_without_a_trace(self):
        path = self.scenario(scenario_text(2, tokens=8))
        traced = self.summary(path, "--trace", "traced.h5")
        self.assertEqual(traced.pop("trace"), "traced.h5")
        self.assertGreater(traced.pop("decision_wall_mean_ms"), 0)
        mpirun = ["mpirun", "-q", "-n", "2"]
        for options, launcher in (([], []), (["--transport", "inprocess"], []), ([], mpirun)):
            result = self.headroom("run", path, "--no-trace", "--json", *options,
                                   launcher=launcher, environment=MPI_ENVIRONMENT)
            self.assertEqual(result.returncode, 0, result.stderr)
            summary = json.loads(result.stdout)
            self.assertIsNone(summary.pop("trace"))
            self.assertGreater(summary.pop("decision_wall_mean_ms"), 0)
            self.assertEqual(summary, traced)
            text = self.headroom("run", path, "--no-trace", *options,
                                 launcher=launcher, environment=MPI_ENVIRONMENT)
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertIn("time per output token", text.stderr + text.stdout)
            self.assertNotIn("trace:", text.stderr)
        self.assertEqual([file.name for file in self.folder.glob("**/*.h5")], ["traced.h5"])

    def test_model_and_devices_without_a_scenario(self):
        summary = self.summary("--model", MODEL, "--devices", 2, "--tokens", 8)
        self.assertEqual(len(summary["devices"]), 2)
        self.assertEqual(summary["sampled_tokens"], 8)

    def test_kernel_levels_agree_on_the_text(self):
        path = self.scenario(scenario_text(2, tokens=10))
        texts = {level: self.summary(path, "--kernels", level, "--trace", f"{level}.h5",
                                     "--transport", "inprocess")["text"]
                 for level in ("reference", "openblas")}
        self.assertEqual(len(set(texts.values())), 1, texts)

    def test_paced_wall_time_is_virtual_time_times_scale(self):
        path = self.scenario(scenario_text(3, tokens=24))
        before = processor_seconds()
        quick = self.summary(path, "--trace", "quick.h5")
        start_up = processor_seconds() - before
        wanted = 3e9
        scale = wanted / quick["virtual_time_ns"]
        # The host may be busy for a moment, so one of three attempts must succeed.
        for _ in range(3):
            before = processor_seconds()
            paced = self.summary(path, "--trace", "paced.h5", "--force", "--clock", "paced",
                                 "--set", f"clock.scale={scale:.6f}")
            waiting = processor_seconds() - before - start_up
            self.assertEqual(paced["virtual_time_ns"], quick["virtual_time_ns"])
            if abs(paced["wall_ns"] / wanted - 1) < 0.02:
                break
        self.assertAlmostEqual(paced["wall_ns"] / wanted, 1.0, delta=0.02,
                               msg=f"late by {paced['lateness_max_ns']} ns")
        # Three ranks wait 3 s each; starting MPI costs the same in both runs.
        self.assertLess(waiting, 0.15 * 3 * 3)

    def test_memory_outside_the_budget_is_bounded(self):
        """README: a rank's resident set is its budget plus at most 64 MiB."""
        path = self.scenario(scenario_text(3, tokens=32))
        trace = self.traced(path, "memory.h5")
        with h5py.File(trace, "r") as file:
            rows = file["resources"][:]
        outside = rows["rank_rss_bytes"] - rows["memory_used_bytes"]
        self.assertLess(int(outside.max()), 64 * 1024 * 1024)


if __name__ == "__main__":
    main()
