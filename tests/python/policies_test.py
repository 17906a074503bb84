"""Functions as policies: what they get, and every kind of bad answer."""
import functools
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np
from support import ModuleTest, headroom, main, scenario


def on_source(problem):
    return np.full(len(problem), problem.source)


class Good(ModuleTest):
    def test_every_kind_of_integers(self):
        expected = headroom.simulate(scenario(), on_source).trace.tokens
        for kind in (list, tuple, np.int8, np.int64, np.uint16, np.dtype(">i4"), "strided"):
            def answer(problem, kind=kind):
                if kind == "strided":
                    return np.zeros(2 * len(problem), np.int32)[::2]
                return kind([0] * len(problem)) if kind in (list, tuple) else np.zeros(len(problem), kind)
            with self.subTest(kind=str(kind)):
                np.testing.assert_array_equal(headroom.simulate(scenario(), answer).trace.tokens, expected)

    def test_every_kind_of_callable(self):
        class Policy:
            def __call__(self, problem):
                return on_source(problem)

            def method(self, problem):
                return on_source(problem)
        for function, name in ((Policy(), "Policy"), (Policy().method, "method"), (lambda p: on_source(p), "lambda"),
                               (functools.partial(on_source), "partial")):
            self.assertEqual(headroom.simulate(scenario(), function).policy, name)

    def test_the_version_is_a_hash_of_the_file(self):
        folder = Path(tempfile.mkdtemp(dir=self.folder))

        def version(text):
            (folder / "mine.py").write_text(text)
            names = {}
            exec(compile(text, str(folder / "mine.py"), "exec"), names)
            return headroom.simulate(scenario(), names["mine"]).trace.attributes["policy_version"]
        first = version("def mine(problem):\n    return [0] * len(problem)\n")
        self.assertRegex(first, "^[0-9a-f]{16}$")
        self.assertEqual(first, version("def mine(problem):\n    return [0] * len(problem)\n"))
        self.assertNotEqual(first, version("def mine(problem):\n    return [0] * len(problem)  # the same\n"))
        typed = {}
        exec("def mine(problem):\n    return [0] * len(problem)\n", typed)
        self.assertEqual(headroom.simulate(scenario(), typed["mine"]).trace.attributes["policy_version"], "python")

    def test_a_problem_can_be_kept(self):
        kept = []

        def keep(problem):
            kept.append(problem)
            return headroom.decide(problem, "resource_aware").placement
        run = headroom.simulate(scenario(), keep)
        del run
        self.assertIsNone(kept[0].previous)
        self.assertGreater(len(kept), 4)
        for before, problem in zip(kept, kept[1:]):
            self.assertGreater(problem.context, before.context)
            again = headroom.decide(problem, "resource_aware").placement
            self.assertEqual(headroom.validate(problem, again), [])
            self.assertEqual(problem.blocks["name"][0], "embed")
        with self.assertRaises(ValueError):
            kept[1].previous[0] = 1

    def test_problems_are_those_of_the_controller(self):
        """The decisions of a kept problem are those that the trace has."""
        kept = []

        def keep(problem):
            kept.append(problem)
            return headroom.decide(problem, "resource_aware").placement
        run = headroom.simulate(scenario(), keep)
        for problem, interval, placement in zip(kept, run.trace.intervals, run.trace.placements):
            decision = headroom.evaluate(problem, placement)
            self.assertEqual(decision.inference_ns, interval["predicted_inference_ns"])
            self.assertEqual(decision.migration_ns, interval["predicted_migration_ns"])
            self.assertEqual(problem.clock_ns, interval["t_dec"])

    def test_several_threads(self):
        results = {}

        def work(name):
            results[name] = headroom.simulate(scenario(), on_source if name % 2 else "ring").trace.tokens["end"][-1]
        threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(results.values())), 2)
        self.assertEqual(len(results), 6)

    def test_other_threads_go_on_during_a_long_call(self):
        large = headroom.Scenario.from_file("thousand.toml")
        counted, done = [0], threading.Event()

        def count():
            while not done.is_set():
                counted[0] += 1
        thread = threading.Thread(target=count)
        thread.start()
        headroom.plan(large, "resource_aware")
        done.set()
        thread.join()
        self.assertGreater(counted[0], 10_000)


class Bad(ModuleTest):
    def refused(self, answer, pattern, error=headroom.InputError, overrides=None):
        def bad(problem):
            return answer(problem)
        caught = self.fails(error, pattern, headroom.simulate, scenario(overrides), bad)
        self.assertIn("policy bad", str(caught))
        return caught

    def test_exceptions_have_their_own_traceback(self):
        def clumsy(problem):
            return [1, 2][len(problem)]
        error = self.refused(clumsy, "IndexError: list index out of range")
        self.assertRegex(str(error), r"^policy bad at context \d+: failed")
        self.assertIn("policies_test.py", str(error))
        self.assertIn("in clumsy", str(error))
        self.assertNotIn("_headroom", str(error))
        self.assertIsInstance(error.__cause__, IndexError)

        class Rude(Exception):
            def __str__(self):
                raise RuntimeError("no text")

        def rude(problem):
            raise Rude
        self.refused(rude, "Rude")

        def leaves(problem):
            raise SystemExit(3)
        self.refused(leaves, "SystemExit: 3")

    def test_none(self):
        self.refused(lambda problem: None, "returned no placement", headroom.InfeasibleError)
        calls = []

        def later(problem):
            calls.append(problem)
            return on_source(problem) if len(calls) == 1 else None
        run = headroom.simulate(scenario(), later)  # the previous placement stays
        self.assertEqual(run.summary["decisions_infeasible"], len(calls) - 1)
        self.assertEqual(run.summary["blocks_moved"], 0)

    def test_wrong_lengths(self):
        self.refused(lambda problem: [0] * (len(problem) - 1), "42 blocks|for each of")
        self.refused(lambda problem: [0] * (len(problem) + 1), "for each of")
        self.refused(lambda problem: [], "with shape")
        self.refused(lambda problem: np.zeros(0, np.int32), r"int32 with shape \(0,\)")

    def test_wrong_types(self):
        self.refused(lambda problem: np.zeros(len(problem)), r"an array of float64 with shape \(\d+,\), expected")
        self.refused(lambda problem: np.zeros(len(problem), bool), "an array of bool")
        self.refused(lambda problem: np.zeros((len(problem), 1), int), r"int64 with shape \(\d+, 1\)")
        self.refused(lambda problem: [0.5] * len(problem), "float64")
        self.refused(lambda problem: "0" * len(problem), "a value of type str")
        self.refused(lambda problem: 7, "a value of type int")
        self.refused(lambda problem: {0: 1}, "a value of type dict")
        self.refused(lambda problem: [[0], [0, 1]], "a value of type list")
        self.refused(lambda problem: [None] * len(problem), "object")

    def test_devices_that_do_not_exist(self):
        self.refused(lambda problem: [problem.devices] * len(problem), "device 3")
        self.refused(lambda problem: [-1] * len(problem), "device -1|-1")
        self.refused(lambda problem: [2**40] * len(problem), "device 1099511627776")
        self.refused(lambda problem: np.full(len(problem), 2**64 - 1, np.uint64), "-1")

    def test_not_on_the_source(self):
        self.refused(lambda problem: [1] * len(problem), "embed")

    def test_too_much_memory(self):
        error = self.refused(on_source, "desk", headroom.InfeasibleError, {"device.desk.memory": "1 MiB"})
        self.assertIn("placement by bad", str(error))

    def test_no_policy_at_all(self):
        self.fails(headroom.InputError, "did you mean greedy", headroom.simulate, scenario(), "gredy")
        self.fails(headroom.InputError, "type int", headroom.simulate, scenario(), 3)
        self.fails(headroom.InputError, "the function that decides", headroom.simulate, scenario(), "custom")

    def test_the_wrong_number_of_arguments(self):
        error = self.fails(headroom.InputError, "TypeError", headroom.simulate, scenario(), lambda: None)
        self.assertIsInstance(error.__cause__, TypeError)


if __name__ == "__main__":
    main()
