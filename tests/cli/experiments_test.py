#!/usr/bin/env python3
"""scripts/experiments: each experiment at a tiny size, resumed, and with wrong arguments."""
import contextlib
import importlib
import io
import json
import os
import sys
from unittest import mock

from headroom import BINARY, ROOT, Case, main

SCRIPTS = ROOT / "scripts/experiments"
sys.path.insert(0, str(SCRIPTS))

import charts  # noqa: E402, F401  (finds drawing)
import drawing  # noqa: E402
import figure_check  # noqa: E402
import joined  # noqa: E402
import options  # noqa: E402
import published  # noqa: E402
import ring_bound  # noqa: E402
import ring_formula  # noqa: E402
import throughput  # noqa: E402
from comparison import behind, overtaken, verdict  # noqa: E402
from contenders import Contender  # noqa: E402
from outcomes import Outcome, failures  # noqa: E402
from spread import estimate, factors, quartiles  # noqa: E402

TINY = ("--seeds", 2, "--layers", 2, "--tokens", 8, "--jobs", 2)
PNG = b"\x89PNG\r\n"


class Experiments(Case):
    def setUp(self):
        """Every figure that is drawn in this process is checked."""
        super().setUp()

        def save(figure, path, real=drawing.save):
            self.assertEqual(figure_check.problems(figure), [])
            real(figure, path)
        patch = mock.patch.object(drawing, "save", save)
        patch.start()
        self.addCleanup(patch.stop)

    def experiment(self, name, *arguments, code=0, binary=BINARY):
        """Returns stdout and stderr of an experiment. Runs it in this process, because its imports take long."""
        out, said = io.StringIO(), io.StringIO()
        with mock.patch.object(sys, "argv", [f"{name}.py", *map(str, arguments)]), \
                mock.patch.dict(os.environ, HEADROOM_BINARY=str(binary)), \
                contextlib.chdir(self.folder), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as end:
            options.end(importlib.import_module(name).main)
        self.assertEqual(end.exception.code, code, said.getvalue())
        return out.getvalue(), said.getvalue()

    def wrapper(self, commands):
        path = self.folder / "headroom.sh"
        path.write_text(f"#!/bin/sh\n{commands}\n")
        path.chmod(0o755)
        return path

    def counting(self):
        """Returns a program that records its commands and calls headroom, and a function that counts the runs."""
        log = self.folder / "asked"
        log.touch()
        path = self.wrapper(f'echo "$1" >> "{log}"\nexec "{BINARY}" "$@"')
        return path, lambda: sum(line in ("simulate", "plan") for line in log.read_text().splitlines())

    def rows_of(self, markdown):
        """Returns the first column of all tables, including headings."""
        return [line.split("|")[1].strip() for line in markdown.splitlines()
                if line.startswith("| ") and not line.startswith("| -")]

    def test_large_scale_compares_both_granularities_and_is_taken_up_again(self):
        binary, asked = self.counting()
        wanted = (*TINY, "--intervals", "1,4", "--out", "out", "--policy",
                   "paper,edgeshard,edgeshard:sliced,galaxy:sliced:ring")
        out, said = self.experiment("large_scale", *wanted, binary=binary)
        head = ["policy"]
        paper = ["resource_aware", "paper", "edgeshard"]
        sliced = ["resource_aware:sliced", "edgeshard:sliced", "galaxy:sliced:ring"]
        beside = ["figure", "time per token, edgeshard ÷ paper, largest",
                  "time per token, galaxy:sliced ÷ paper, largest",
                  *(f"memory in GB, {policy}, {which}" for policy in ("paper", "edgeshard")
                    for which in ("fullest device", "all devices"))]
        self.assertEqual(self.rows_of(out), 4 * [*head, *paper] + 4 * [*head, *sliced]
                         + ["tokens per decision", "1", "4"] + beside)
        self.assertEqual(out.count("is ahead of every layer-based policy"), 4, out)
        self.assertIn("24 of 24 runs", said)
        self.assertEqual(asked(), 24)
        figure = self.folder / "out/large_scale.png"
        self.assertTrue(figure.read_bytes().startswith(PNG))

        again = json.loads(self.experiment("large_scale", *wanted, "--json", binary=binary)[0])
        self.assertEqual(asked(), 24, "finished runs are not made again")
        self.assertEqual([row["policy"] for row in again["tables"][0]["rows"]], paper)
        self.assertIn("headroom", again["version"])
        published = {row["figure"]: row for row in again["tables"][-1]["rows"]}
        self.assertEqual(published[beside[1]]["published"]["high"], 10)
        self.assertGreater(published[beside[1]]["ours"], 0)
        self.assertEqual(published[beside[2]]["ours"], "not run", "galaxy:sliced:ring is another contender")
        over = again["tables"][0]["rows"][1]["÷ resource_aware, median [95 %]"]
        self.assertLess(over["low"], over["high"])
        self.experiment("large_scale", *TINY, "--intervals", 4, "--out", "out", "--policy", "paper",
                        "--load", 0.2, binary=binary)
        self.assertEqual(asked(), 28, "other scenarios have other traces")

    def test_small_scale_measures_the_gap_to_the_optimum(self):
        out, _ = self.experiment("small_scale", *TINY, "--policy", "resource_aware,greedy", "--json",
                                 "--figure", "figure.svg")
        tables = json.loads(out)["tables"]
        self.assertEqual(len(tables), 4)
        for profile, gaps in (("physical", tables[0]), ("paper", tables[2])):
            self.assertIn(f"cost profile {profile}", gaps["title"])
            exact, *others = gaps["rows"]
            self.assertEqual((exact["policy"], exact["proven"], exact["largest"]), ("exact", 2, 1.0))
            for row in others:
                self.assertGreaterEqual(row["objective ÷ optimum, mean [95 %]"]["value"], 1.0)
            self.assertEqual([row["published mean"] and row["published mean"]["high"] for row in gaps["rows"]],
                             [None, None, 1.6])
        self.assertTrue((self.folder / "figure.svg").read_bytes().startswith(b"<?xml"))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["figure.svg"])

    def test_variation_has_a_row_per_policy_and_point(self):
        out, said = self.experiment("variation", *TINY, "--policy", "paper", "--cost-profile", "physical")
        points = 4 + 3 + 3 + 4
        self.assertEqual(len(self.rows_of(out)), 4 + 2 * points)
        # The four sweeps share one point, the unchanged family, which is run only once.
        self.assertIn(f"{(points - 3) * 2 * 2} of {(points - 3) * 2 * 2} runs", said)
        self.assertTrue((self.folder / "variation.png").read_bytes().startswith(PNG))

    def test_published_holds_the_rings_against_the_formula(self):
        tiny = ("--models", "nanollama-304m", "--devices", "1,2,8", "--tokens", 32, "--out", "out",
                "--memory-bandwidth", 9.8)
        out, said = self.experiment("published", *tiny, "--json")
        speed, memory, joined, formula = json.loads(out)["tables"]
        self.assertEqual([row["tokens/s, by devices"] for row in speed["rows"]],
                         ["published", *(contender.label for contender in published.CONTENDERS)])
        rows = {row["tokens/s, by devices"]: row for row in speed["rows"]}
        self.assertRegex(speed["note"], r"arXiv 2505.18164.*Ours \(mdi_ring, m = N\) ÷ published: 1\.\d\d on 2\.$")
        self.assertEqual(list(rows["published"].values()), ["published", 17.9, 26.0, None])
        self.assertAlmostEqual(rows["ring, m = 2N"]["1"] / 17.9, 1, delta=0.01)
        self.assertIsNone(rows["mdi_ring, m = 2N"]["8"], "the published table ends at 5 devices")
        halves = [row["2"] for row in memory["rows"]]
        self.assertTrue(all(0.3 < gigabytes < 0.7 for gigabytes in halves), halves)
        self.assertEqual([row["1"] for row in joined["rows"]], [2, 2, 2], "one pass serves both")
        self.assertEqual(formula["note"], "All 8 rings are within 1 % of the formula at the same contexts.")
        self.assertTrue((self.folder / "out/published.png").read_bytes().startswith(PNG))
        with mock.patch.object(ring_formula, "ACTIVATION_BYTES", 100):
            out, said = self.experiment("published", *tiny, code=1)
        self.assertIn("30 runs are there already", said)
        self.assertRegex(out, r"\| published +\| 17.9 \| 26.0 \| not published \|")
        self.assertIn("NOT within 1 % of the formula: ring, m = N on 1", out)

    def test_published_calibrates_the_memory_bandwidth(self):
        # 271.9 million weights of 16 bits and cached rows, 17.9 times a second; embed is only looked up.
        self.assertAlmostEqual(published.calibrated_gb_per_s(17.9), 2 * 0.2719 * 17.9, delta=0.1)
        self.assertAlmostEqual(published.calibrated_gb_per_s(35.8), 2 * published.calibrated_gb_per_s(17.9))

    def test_ring_bound_tries_all_splits(self):
        tiny = ("--seeds", 4, "--tokens", 16, "--out", "out")
        out, _ = self.experiment("ring_bound", *tiny)
        self.assertEqual(self.rows_of(out), ["devices", "equal", "unequal"])
        self.assertIn("All are at least 0.97 of the bound", out)
        self.assertTrue((self.folder / "out/ring_bound.png").read_bytes().startswith(PNG))
        with mock.patch.object(ring_bound, "LEAST", 1.5):
            out, _ = self.experiment("ring_bound", *tiny, code=1)
        self.assertEqual(self.rows_of(out)[3:], ["seed", "0", "1", "2", "3"])

    def test_figures_are_checked(self):
        """The twin of the check of every figure: a line that leaves its axes, and two equal labels."""
        figure, axes = drawing.plt.subplots(layout="constrained")
        axes.plot([1, 2], [1, 2])
        axes.set_ylim(1.5, 2)
        with self.assertRaisesRegex(AssertionError, "is clipped"):
            drawing.save(figure, self.folder / "figure.png")

    def test_throughput_compares_hybrid_ring_and_one_at_a_time(self):
        tiny = ("--families", "small", "--seeds", 1, "--out", "out")
        with mock.patch.object(throughput, "TOLERANCE", 1.0):
            out, said = self.experiment("throughput", *tiny)
        rows = ["fleets, granularity, in flight", "small, paper, m = N", "small, paper, m = 2N",
                "small, sliced, m = N", "small, sliced, m = 2N"]
        self.assertEqual(self.rows_of(out), rows + rows, "steady state and whole run")
        self.assertIn("10 of 10 runs", said)
        self.assertEqual(out.count("nowhere below"), 2)
        self.assertTrue((self.folder / "out/throughput.png").read_bytes().startswith(PNG))
        with mock.patch.object(throughput, "TOLERANCE", -10.0):
            out, _ = self.experiment("throughput", *tiny, code=1)
        self.assertEqual(out.count("BELOW the better of the two in 4 of 4 cases"), 2)

    def test_joined_turns_have_the_same_logits(self):
        tiny = ("--layers", 1, "--sequences", 2, "--rounds", 1)
        out, _ = self.experiment("joined", *tiny)
        self.assertIn("The same logits with every number.", out)
        self.assertEqual(self.rows_of(out), ["turns joined", "1", "2"])
        told = iter(range(100))
        with mock.patch.object(joined, "run", lambda *_: (next(told), [next(told)])):
            out, _ = self.experiment("joined", *tiny, code=1)
        self.assertIn("The logits DIFFER.", out)

    def test_the_steady_state_of_a_ring(self):
        shape = ring_formula.Shape(layers=2, heads=2, kv_heads=1, width=8, ffn_width=16, vocab=10)
        # Per layer at context 5: group (4 x 4 x 8 weights, cache 2 x 5 x 4 x 4 B), proj, ffn; 2 B per weight.
        slow, fast = ring_formula.Device(1e12, 1000.0), ring_formula.Device(1e12, 2000.0)
        layer = (2 * (128 + 64 + 3 * 128) + 160) / 1000
        self.assertAlmostEqual(ring_formula.layer_seconds(shape, slow, 5), layer)
        times = ring_formula.stages(shape, [slow, fast, fast], (1, 0, 1), 5)
        self.assertEqual([round(time, 9) for time in times], [round(layer + 0.16, 9), round(layer / 2, 9)])
        way = ring_formula.Link(32.0, 0.25)
        ways = ring_formula.hops(shape, [[way] * 3] * 3, (1, 0, 1))
        self.assertEqual(ways, [(1.0, 1.25)] * 2)
        lap = sum(times) + 2.5
        self.assertAlmostEqual(ring_formula.tokens_per_s(times, ways, 2), 2 / lap)
        self.assertAlmostEqual(ring_formula.tokens_per_s(times, ways, 9), 1 / times[0])
        self.assertAlmostEqual(ring_formula.tokens_per_s([0.1, 0.2], ways, 9), 1.0)
        self.assertEqual(sorted(ring_formula.splits(2, 2)), [(0, 2), (1, 1), (2, 0)])
        self.assertEqual(len(list(ring_formula.splits(12, 4))), 455)

    def test_runs_without_a_placement_are_counted(self):
        out, _ = self.experiment("small_scale", *TINY, "--memory-factor", 0.5, "--policy", "greedy",
                                 "--cost-profile", "physical")
        self.assertEqual(out.count("2 infeasible"), 2, out)
        self.assertIn("On 2 fleets exact finds no feasible placement.", out)

    def test_lines_of_the_controller_reach_the_program(self):
        out, _ = self.experiment("small_scale", *TINY, "--policy", "greedy", "--cost-profile", "physical",
                                 "--controller", "memory_reserve = 0.1", "--controller", "ends='anywhere'")
        self.assertIn("seeds 0 to 1, memory_reserve = 0.1, ends='anywhere'", out)
        _, said = self.experiment("small_scale", *TINY, "--controller", "memory_reserv = 0.1", code=3)
        self.assertIn("did you mean 'memory_reserve'", said)

    def test_a_failing_run_is_reported_with_its_command_and_output(self):
        binary = self.wrapper('[ "$1" = --version ] && exit 0\necho "the disk is full" >&2\nexit 3')
        out, said = self.experiment("small_scale", *TINY, "--out", "out", binary=binary, code=3)
        self.assertEqual(out, "")
        for words in (f"{binary} plan ", "exit code 3", "the disk is full"):
            self.assertIn(words, said)

    def test_bad_input_is_reported(self):
        (self.folder / "file").touch()
        for arguments, words in (
                (("--policy", "rezource_aware"), 'there is no policy "rezource_aware"; there are res'),
                (("--policy", "ring:ring"), "only galaxy:sliced adds up by a ring"),
                (("--seeds", 0), '"0" is no whole number from 1 on'),
                (("--load", 1), "below 1"),
                (("--headroom", "nowhere/headroom"), '"nowhere/headroom" is no program'),
                (("--out", "file/traces"), "is no folder"),
                (("--figure", "figure.jpg"), "figure.jpg: expected a name that ends in .png, .svg or .pdf"),
                (("--policy", "ring:sliced"), "leave :sliced out")):
            with self.subTest(arguments):
                self.assertIn(words, self.experiment("small_scale", *arguments, code=2)[1])
        for name, arguments, words in (
                ("published", ("--models", "gpt2"), 'nothing is published of "gpt2"; there are nano'),
                ("published", ("--devices", "2,0"), '"0" is no whole number from 1 on'),
                ("throughput", ("--families", "tiny"), 'there is no family "tiny"; there are small')):
            with self.subTest(arguments):
                self.assertIn(words, self.experiment(name, *arguments, code=2)[1])
        self.assertIn('"/nowhere" is no program',
                      self.experiment("variation", code=2, binary="/nowhere")[1])

    def test_a_median_that_is_not_ahead_is_reported(self):
        ours, layers, simple = map(Contender, ("resource_aware", "edgeshard", "greedy"))

        def late(theirs, mine=(1.0, 1.0, 1.0)):
            def outcomes(times):
                return [Outcome("infeasible") if time is None else Outcome(per_token_s=time)
                        for time in times]
            return behind({ours: outcomes(mine), layers: outcomes(theirs),
                           simple: outcomes((0.1, 0.1, 0.1))}, ours)
        self.assertEqual(late((0.5, 1.1, 1.2)), [])
        self.assertEqual(late((0.5, 0.9, 1.2)), [layers])
        self.assertEqual(late((0.5, 1.0, 1.2)), [layers])
        self.assertEqual(late((None, None, None)), [])
        self.assertEqual(late((1.5, 1.5, 1.5), mine=(None, None, 1.0)), [layers])
        self.assertIn("NOT ahead of edgeshard.", verdict([layers], ours))

    def test_fleets_on_which_another_is_faster_have_the_fastest_and_the_predictions(self):
        ours, layers, simple = Contender("resource_aware"), Contender("edgeshard"), Contender("greedy")

        def tables(times):
            return overtaken("fleets", {
                ours: [Outcome(per_token_s=time, predicted_s=0.25, paged_gb=4.0) if time else Outcome("infeasible")
                       for time in times],
                layers: [Outcome(per_token_s=0.5, predicted_s=0.75) for _ in times],
                simple: [Outcome(per_token_s=0.75) for _ in times]}, ours, range(7, 10))
        self.assertEqual(tables((0.5, 0.25, 0.125)), [], "as fast is not faster")
        (table,) = tables((0.25, 1.0, None))
        self.assertEqual([(row["fleet"], row["fastest"]) for row in table.rows], [(8, "edgeshard"), (9, "edgeshard")])
        row = table.rows[0]
        self.assertEqual((row["÷ resource_aware"], row["predicted"], row["resource_aware: predicted"],
                          row["resource_aware: paged, GB"]), (0.5, 750.0, 250.0, 4.0))

    def test_spread(self):
        middle = estimate([1.0, 2.0, 3.0, 4.0, 100.0, float("nan")])
        self.assertEqual(middle.value, 3.0)
        self.assertTrue(1.0 <= middle.low < 3.0 < middle.high <= 100.0, middle)
        self.assertEqual(str(estimate([])), "-")
        self.assertEqual(quartiles([1.0, 2.0, 3.0, 4.0, 5.0]).low, 2.0)
        self.assertEqual(str(factors([3.0, float("nan")], [2.0, 2.0])), "[1.5, nan]")
        self.assertEqual(failures([Outcome("infeasible"), Outcome(), Outcome("stuck")]),
                         "1 infeasible, 1 stuck")


if __name__ == "__main__":
    main()
