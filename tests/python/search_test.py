"""problem(), evaluate(), validate() and decide(): what a search of one's own uses."""
import unittest

import numpy as np
from support import ModuleTest, headroom, main, scenario


class Problem(ModuleTest):
    def setUp(self):
        super().setUp()
        self.problem = headroom.problem(scenario())

    def test_has_what_the_scenario_says(self):
        p = self.problem
        self.assertEqual((p.devices, p.source, p.interval, p.in_flight, p.layers), (3, 0, 4, 1, 4))
        self.assertEqual(p.horizon, p.context + p.interval)
        self.assertEqual(p.compute.tolist(), [20_000_000, 30_000_000, 10_000_000])
        self.assertEqual(p.memory.tolist(), [64 << 20] * 3)
        self.assertEqual(p.bandwidth[0, 1], 12_500_000)
        self.assertEqual(p.bandwidth[1, 1], headroom.UNLIMITED)
        self.assertEqual(p.latency.tolist(), [[0, 100_000, 100_000], [100_000, 0, 100_000], [100_000, 100_000, 0]])
        self.assertEqual((p.objective, p.cost_profile), ("latency", "physical"))
        self.assertEqual(len(p.sequences), 0)
        self.assertTrue((p.memory_bandwidth == headroom.UNLIMITED).all())

    def test_blocks(self):
        blocks = self.problem.blocks
        self.assertEqual(len(blocks), len(self.problem))
        self.assertEqual(blocks["kind"][0], "embed")
        self.assertEqual(blocks["kind"][-1], "lm_head")
        self.assertEqual(blocks["pinned"].sum(), 2)
        self.assertTrue((blocks["resident_bytes"] == blocks["weight_bytes"] + blocks["cache_bytes"]).all())
        groups = blocks[blocks["kind"] == "group"]
        self.assertTrue((groups["cache_bytes"] > 0).all())
        self.assertTrue((blocks["cache_bytes"][blocks["kind"] == "ffn"] == 0).all())
        first = blocks[(blocks["layer"] == 1) & (blocks["kind"] == "group")]
        self.assertEqual(first["group"].tolist(), list(range(len(first))))
        self.assertEqual(first["name"][2], "L1.g2")

    def test_resident_bytes_are_what_a_plan_counts(self):
        decision = headroom.plan(scenario(), "ring")["ring"]
        blocks = self.problem.blocks
        for device, row in enumerate(decision.devices):
            mine = blocks[decision.placement == device]
            self.assertEqual(mine["resident_bytes"].sum(), row["resident_bytes"])
            self.assertEqual(len(mine), row["blocks"])

    def test_several_sequences(self):
        several = headroom.problem(scenario().with_({"workload.repeat": 3, "workload.sequences": 3}))
        self.assertEqual(several.in_flight, 3)
        self.assertEqual(len(several.sequences), 3)
        self.assertEqual(several.objective, "throughput")

    def test_arrays_are_the_same_and_cannot_be_changed(self):
        self.assertIs(self.problem.compute, self.problem.compute)
        for array in (self.problem.compute, self.problem.blocks, self.problem.bandwidth):
            self.assertFalse(array.flags.writeable)
        with self.assertRaises(AttributeError):
            self.problem.context = 3

    def test_with_other_rates(self):
        p = self.problem
        fast = p.with_(compute=2 * p.compute, latency=np.zeros((3, 3), int))
        self.assertEqual(fast.compute.tolist(), [40_000_000, 60_000_000, 20_000_000])
        self.assertEqual(p.compute[0], 20_000_000)
        placement = headroom.decide(p, "ring").placement
        self.assertLess(headroom.evaluate(fast, placement).inference_ns, headroom.evaluate(p, placement).inference_ns)
        moved = p.with_(previous=[0] * len(p))
        self.assertGreater(headroom.evaluate(moved, placement).migration_ns, 0)
        self.assertEqual(headroom.evaluate(moved, [0] * len(p)).migration_ns, 0)
        self.assertIsNone(moved.with_(previous=None).previous)
        small = p.with_(memory=[1 << 20] * 3)
        self.assertTrue(headroom.validate(small, placement))
        self.fails(headroom.InputError, "compute: expected 3", p.with_, compute=[1, 2])
        self.fails(headroom.InputError, "negative", p.with_, compute=[1, 2, -3])
        self.fails(headroom.InputError, "context: cannot", p.with_, context=3)
        self.fails(headroom.InputError, "device 9", p.with_, previous=[9] * len(p))

    def test_costs_of_real_devices(self):
        p = self.problem
        self.assertEqual(p.rates.size, 0)
        self.assertEqual(p.media.size, 0)
        self.assertEqual(p.medium.tolist(), [-1] * 3)
        rates = {"q4_0": {"compute": "7 MFLOP/s"}, "f32": {"memory_bandwidth": "9 MB/s"}}
        p = headroom.problem(scenario().with_({
            "device.1.rates": rates, "device.1.operation_overhead": "20 us", "device.2.message_overhead": "1 ms",
            "network.medium": [{"members": [0, 2], "capacity": "8 Mbit/s"}]}))
        self.assertEqual(p.rates["device"].tolist(), [1, 1])
        self.assertEqual(p.rates["type"].tolist(), ["f32", "q4_0"])
        self.assertEqual(p.rates["compute"].tolist(), [p.compute[1], 7_000_000])
        self.assertEqual(p.rates["prefill_compute"].tolist(), [p.compute[1], 7_000_000])
        self.assertEqual(p.rates["memory_bandwidth"].tolist(), [9_000_000, p.memory_bandwidth[1]])
        self.assertEqual(p.operation_overhead.tolist(), [0, 20_000, 0])
        self.assertEqual(p.message_overhead.tolist(), [0, 0, 1_000_000])
        self.assertEqual((p.medium.tolist(), p.media.tolist()), ([0, -1, 0], [1_000_000]))
        slow = p.with_(media=[1000], message_overhead=[0, 0, 2_000_000])
        self.assertEqual((slow.media.tolist(), slow.message_overhead[2]), ([1000], 2_000_000))
        placement = headroom.decide(p, "ring").placement
        self.assertGreater(headroom.evaluate(slow, placement).inference_ns, headroom.evaluate(p, placement).inference_ns)
        self.fails(headroom.InputError, "media: expected 1 integers", p.with_, media=[1, 2])


class Judging(ModuleTest):
    def setUp(self):
        super().setUp()
        self.problem = headroom.problem(scenario())

    def test_evaluate_gives_what_policies_predict(self):
        policies = [policy for policy in headroom.policies() if headroom.decide(self.problem, policy).feasible]
        self.assertGreater(len(policies), 8)  # galaxy, for example, needs sliced layers
        for policy in policies:
            decision = headroom.decide(self.problem, policy)
            again = headroom.evaluate(self.problem, decision.placement, decision.batch)
            for name in ("inference_ns", "migration_ns", "round_ns", "objective_s", "paper_delay_s"):
                self.assertEqual(getattr(again, name), getattr(decision, name), (policy, name))
            self.assertTrue(again.feasible)
            self.assertEqual((decision.policy, again.policy), (policy, ""))
            self.assertIn("first", decision.explanation)

    def test_evaluate_says_whether_it_fits(self):
        tight = headroom.problem(scenario({"device.desk.memory": "1 MiB"}))
        all_on_source = [0] * len(tight)
        decision = headroom.evaluate(tight, all_on_source)
        self.assertFalse(decision.feasible)
        self.assertGreater(decision.inference_ns, 0)
        self.assertIn("does not fit", repr(decision))
        self.assertEqual(len(headroom.validate(tight, all_on_source)), 1)

    def test_validate(self):
        n = len(self.problem)
        self.assertEqual(headroom.validate(self.problem, [0] * n), [])
        self.assertEqual(len(headroom.validate(self.problem, [1] * n)), 2)  # embed and lm_head
        for wrong in ([0] * (n - 1), [3] * n, [-1] * n, [0.5] * n, None, "text"):
            self.assertTrue(headroom.validate(self.problem, wrong), wrong)

    def test_evaluate_refuses_what_cannot_be(self):
        n = len(self.problem)
        for wrong, pattern in (([0] * (n - 1), "expected one for each"), ([3] * n, "device 3"), ([-1] * n, "device -1"),
                               ([0.5] * n, "float64"), (None, "0 devices"), ("text", "type str")):
            self.fails(headroom.InputError, pattern, headroom.evaluate, self.problem, wrong)

    def test_a_search_of_ones_own_finds_the_optimum(self):
        """All placements of whole layers; exact can only be better, because it also cuts layers."""
        p = self.problem
        best = headroom.decide(p, "exact")
        layers = p.blocks["layer"]
        import itertools
        found = min(headroom.evaluate(p, np.where(layers < 0, p.source, np.array(hosts)[layers])).objective_s
                    for hosts in itertools.product(range(p.devices), repeat=p.layers))
        self.assertLessEqual(best.objective_s, found)
        self.assertTrue(best.proven)
        self.assertEqual(best.bound_s, best.objective_s)

    def test_an_infeasible_decision(self):
        tight = headroom.problem(scenario({f"device.{i}.memory": "1 MiB" for i in range(3)}))
        decision = headroom.decide(tight, "resource_aware")
        self.assertFalse(decision.feasible)
        self.assertIsNone(decision.placement)
        self.assertEqual(decision.objective_s, float("inf"))
        self.assertTrue(decision.explanation)

    def test_previous_by_name(self):
        ring = headroom.decide(self.problem, "ring").placement
        for previous in ("ring", ring):
            later = headroom.problem(scenario(), 8, previous)
            np.testing.assert_array_equal(later.previous, ring)
            self.assertEqual(later.context, self.problem.context + 8)
        self.fails(headroom.InputError, "no such policy", headroom.problem, scenario(), 8, "rings")
        self.fails(headroom.InputError, "at = -1", headroom.problem, scenario(), -1)
        self.fails(headroom.InputError, "--at", headroom.problem, scenario(), 10**6)
        slow = headroom.problem(scenario({"event.0": {"at": "1 s", "device": "phone", "kind": "compute",
                                                      "factor": 0.5}}), 8, "ring", clock_ns=2 * 10**9)
        self.assertEqual(slow.compute[1], 15_000_000)


if __name__ == "__main__":
    main()
