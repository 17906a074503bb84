"""Runs from Python equal those of the program, to the nanosecond."""
import sys
import unittest

import numpy as np
from support import ROOT, ModuleTest, headroom, main, scenario

sys.path.insert(0, str(ROOT / "scripts"))
import headroom_trace  # noqa: E402

WALL = {"decision_wall_ns", "rank_rss_bytes"}
WALL_FIGURES = {"decision_wall_mean_ms"}


def differing_columns(ours, recorded, table):
    """The columns of a table that differ between a Trace and a trace file; texts are compared elsewhere."""
    mine, theirs = getattr(ours, table), recorded.table(table)
    if len(mine) != len(theirs):
        return [f"{table}: {len(mine)} rows, {len(theirs)} in the file"]
    return [f"{table}.{name}" for name in mine.dtype.names
            if name not in WALL and name in theirs.dtype.names and name != "policy"
            and not np.array_equal(mine[name].astype(theirs[name].dtype), theirs[name])]


class Simulate(ModuleTest):
    tables = ("intervals", "tokens", "turns", "requests", "resources", "link_state", "migrations", "ops", "messages")

    def compare(self, run, path):
        recorded = headroom_trace.open_trace(str(path))
        differences = [column for table in self.tables for column in differing_columns(run.trace, recorded, table)]
        if not np.array_equal(run.trace.placements, recorded.placement()):
            differences.append("placements")
        return differences

    def test_every_value_is_that_of_the_program(self):
        for policy in ("resource_aware", "paper", "ring"):
            with self.subTest(policy=policy):
                file = self.scenario_file()
                path = self.folder / f"{policy}.h5"
                printed = self.program_json("simulate", file, "--policy", policy, "--trace", path, "--trace-ops")
                run = headroom.simulate(headroom.Scenario.from_file(file), policy, trace_ops=True)
                self.assertEqual(self.compare(run, path), [])
                figures = {name: value for name, value in run.summary.items() if name not in WALL_FIGURES}
                self.assertEqual(figures, {name: printed[name] for name in figures})
                self.assertGreater(len(run.trace.ops), 0)

    def test_another_run_differs(self):
        """The comparison can fail: the program simulates another interval."""
        file = self.scenario_file()
        path = self.folder / "other.h5"
        self.program("simulate", file, "--interval", 5, "--trace", path, "--trace-ops")
        run = headroom.simulate(headroom.Scenario.from_file(file), trace_ops=True)
        self.assertIn("tokens.end", self.compare(run, path))
        self.assertIn("ops.start", self.compare(run, path))

    def test_a_function_that_answers_like_a_policy_gives_its_run(self):
        ours = headroom.simulate(scenario(), lambda problem: headroom.decide(problem, "resource_aware").placement)
        theirs = headroom.simulate(scenario(), "resource_aware")
        np.testing.assert_array_equal(ours.trace.tokens, theirs.trace.tokens)
        np.testing.assert_array_equal(ours.trace.placements, theirs.trace.placements)
        self.assertGreater(theirs.summary["blocks_moved"], 0)

    def test_writes_a_trace_that_the_program_reads(self):
        path = self.folder / "own.h5"

        def spread(problem):
            return [problem.source if pinned else i % problem.devices
                    for i, pinned in enumerate(problem.blocks["pinned"])]
        run = headroom.simulate(scenario(), spread, trace=path)
        self.assertEqual(run.path, str(path))
        self.assertEqual(headroom_trace.open_trace(str(path)).attributes["policy"], "spread")
        read = headroom.read_trace(path)
        for table in ("tokens", "intervals", "migrations", "requests"):
            np.testing.assert_array_equal(getattr(read, table), getattr(run.trace, table), table)
        self.assertEqual(read.completion, "finished")
        self.assertEqual(len(read.attributes["policy_version"]), 16)
        self.assertIn("spread", self.program("inspect", path).stdout)
        self.fails(headroom.InputError, "exists", headroom.simulate, scenario(), spread, trace=path)
        headroom.simulate(scenario(), spread, trace=path, force=True)
        other = self.folder / "notes.txt"
        other.write_text("important")
        self.fails(headroom.InputError, "no trace", headroom.simulate, scenario(), trace=other, force=True)

    def test_a_run_that_ends_early_has_its_trace(self):
        calls = []

        def moody(problem):
            calls.append(problem)
            if len(calls) > 2:
                raise KeyError("gone")
            return headroom.decide(problem, "greedy").placement
        path = self.folder / "moody.h5"
        error = self.fails(headroom.InputError, "KeyError", headroom.simulate, scenario(), moody, trace=path)
        self.assertEqual(error.run.trace.completion, "failed")
        self.assertEqual(len(error.run.trace.intervals), 2)
        self.assertEqual(headroom.read_trace(path).completion, "failed")
        self.assertIsInstance(error.__cause__, KeyError)

    def test_no_placement_at_all(self):
        small = scenario({f"device.{i}.memory": "1 MiB" for i in range(3)})
        error = self.fails(headroom.InfeasibleError, "desk", headroom.simulate, small)
        self.assertTrue(error.fields)


class Replay(ModuleTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "run.h5"
        self.program("simulate", self.scenario_file(), "--policy", "greedy", "--trace", self.path)

    def test_verifies(self):
        result = headroom.replay(self.path)
        self.assertTrue(result)
        self.assertEqual((result.policy, result.differences, result.as_recorded), ("greedy", [], 0))
        self.assertRegex(str(result), r"^greedy: identical, \d+ decisions$")
        self.assertEqual(result.intervals, len(headroom.read_trace(self.path).intervals))

    def test_finds_what_differs(self):
        import h5py
        with h5py.File(self.path, "r+") as file:
            rows = file["tokens"][:]
            rows["end"][-1] += 1
            file["tokens"][:] = rows
        result = headroom.replay(self.path)
        self.assertFalse(result)
        self.assertIn("tokens", result.differences[0])
        self.assertFalse(result.decision_differs)

    def test_counterfactuals_are_those_of_the_program(self):
        printed = self.program_json("replay", self.path, "--policy", "ring", "--no-trace")["policies"][1]
        run = headroom.replay(self.path, "ring", self.folder / "ring.h5")
        figures = {name: value for name, value in run.summary.items() if name not in WALL_FIGURES}
        self.assertEqual(figures, {name: printed[name] for name in figures})
        own = headroom.replay(self.path, lambda problem: headroom.decide(problem, "ring").placement)
        np.testing.assert_array_equal(own.trace.tokens, run.trace.tokens)
        self.assertEqual(headroom.read_trace(self.folder / "ring.h5").attributes["recorded_policy"], "greedy")
        self.fails(headroom.InputError, "recorded run", headroom.replay, self.path, "ring", self.path, force=True)

    def test_own_policies_are_asked_only_if_they_are_given(self):
        path = self.folder / "own.h5"
        asked = []

        def own(problem):
            asked.append(problem.context)
            return headroom.decide(problem, "greedy").placement
        headroom.simulate(scenario(), own, trace=path)
        decisions = len(asked)
        asked.clear()
        result = headroom.replay(path)
        self.assertTrue(result, result.differences)
        self.assertEqual((asked, result.as_recorded), ([], decisions))
        result = headroom.replay(path, recorded_policy=own)
        self.assertTrue(result, result.differences)
        self.assertEqual((len(asked), result.as_recorded), (decisions, 0))

        def own(problem):  # of the same name and file, but another function
            return headroom.decide(problem, "round_robin").placement
        result = headroom.replay(path, recorded_policy=own)
        self.assertFalse(result)
        self.assertTrue(result.decision_differs)
        self.assertIn("not a function of its problem", str(result))
        self.fails(headroom.InputError, "greedy", headroom.replay, self.path, recorded_policy=own)

    def test_wrong_input(self):
        self.fails(headroom.InputError, "missing.h5", headroom.replay, self.folder / "missing.h5")
        self.fails(headroom.InputError, "fleet.toml", headroom.replay, self.folder / "fleet.toml")
        self.fails(headroom.InputError, "did you mean ring", headroom.replay, self.path, "rings")


class Plan(ModuleTest):
    def test_is_that_of_the_program(self):
        names = ["resource_aware", "paper", "ring", "exact"]
        printed = self.program_json("plan", self.scenario_file(), "--policy", ",".join(names))
        plan = headroom.plan(scenario(), names)
        self.assertEqual(list(plan), names)
        for of in printed["policies"]:
            decision = plan[of["policy"]]
            self.assertEqual(decision.placement.tolist(), of["placement"])
            self.assertEqual(decision.inference_ns, of["inference_ns"])
            self.assertEqual(decision.objective_s, of["objective_s"])
            self.assertEqual(decision.gap, of["gap"])
            self.assertEqual(decision.explanation, of["reason"])
            self.assertEqual(decision.devices["resident_bytes"].tolist(),
                             [device["resident_bytes"] for device in of["devices"]])
        self.assertEqual(plan.bound_s, printed["bound_s"])
        self.assertIn("ring", str(plan))

    def test_with_a_previous_placement(self):
        printed = self.program_json("plan", self.scenario_file(), "--policy", "resource_aware", "--previous", "ring",
                                    "--at", 8)["policies"][0]
        first = headroom.plan(scenario(), "ring")["ring"]
        for previous in ("ring", first, first.placement, first.placement.tolist()):
            decision = headroom.plan(scenario(), "resource_aware", previous, 8)["resource_aware"]
            self.assertEqual(decision.migration_ns, printed["migration_ns"])
            self.assertEqual([move["bytes"] for move in decision.moves],
                             [move["sent_bytes"] for move in printed["moves"]])

    def test_own_functions_among_others(self):
        def mine(problem):
            return headroom.decide(problem, "ring").placement
        plan = headroom.plan(scenario(), [mine, "ring"])
        self.assertEqual(list(plan), ["mine", "ring"])
        self.assertEqual(plan["mine"].objective_s, plan["ring"].objective_s)
        self.assertEqual(plan["mine"].gap, plan["ring"].gap)
        self.fails(headroom.InputError, "2 times", headroom.plan, scenario(), [mine, mine])

        def fails(problem):
            return 1 / 0
        error = self.fails(headroom.InputError, "ZeroDivisionError", headroom.plan, scenario(), [mine, fails])
        self.assertIsInstance(error.__cause__, ZeroDivisionError)


if __name__ == "__main__":
    main()
