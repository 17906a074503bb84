#!/usr/bin/env python3
"""resource_aware is at or below every other policy on a slow network, and stays where staying fits.

tests/runtime/offline/never_behind_test.cpp has the same property for 500 random fleets.
"""
import json
import unittest

from headroom import ROOT, Case, main

WINDOW = ROOT.parent / "shared/cases/window.toml"

# A model that fills half of a mixed fleet, so that several devices have to share it.
LLAMA = """
[model]
preset = "llama-2-13b"
weight_type = "q4_0"
[workload]
prompt_tokens = {prompt}
[controller]
interval = {interval}
[[device]]
name = "pi-1"
profile = "raspberry-pi-5-4gb"
[[device]]
name = "pi-2"
profile = "raspberry-pi-5-4gb"
[[device]]
name = "orange"
profile = "orange-pi-5-4gb"
[[device]]
name = "phone"
profile = "snapdragon-8-gen-3-8gb"
[network]
bandwidth = "{bandwidth}"
latency = "{latency}"
"""

# For some tokens `near` has much less memory, in which all blocks still fit. Caches grow, so later
# they need more than that, but by then `near` has all its memory again.
DIP = """
[model]
shape = { layers = 2, heads = 4, width = 128, ffn_width = 512, vocab = 64, context = 1024, weight_type = "f32" }
[workload]
prompt_tokens = 60
prefill_chunk = 4
tokens = 80
stop_at_eos = false
[controller]
interval = 4
[[device]]
name = "near"
compute = "1 GFLOP/s"
memory = "4000000 B"
storage_bandwidth = "100 MB/s"
source = true
[[device]]
name = "spare"
compute = "0.5 GFLOP/s"
memory = "4000000 B"
storage_bandwidth = "100 MB/s"
[network]
bandwidth = "10 Mbit/s"
latency = "1 ms"
[[event]]
at_token = 4
device = "near"
kind = "memory"
factor = 0.62
"""
RETURN = """
[[event]]
at_token = 12
device = "near"
kind = "memory"
factor = 1.0
"""


def rows_ahead(plan, but=()):
    """Returns the rows of a plan whose objective is below that of resource_aware, save those of `but`."""
    rows = {row["policy"]: row["objective_s"] for row in plan["policies"] if row["feasible"]}
    return {name: value for name, value in rows.items()
            if name not in but and value < rows["resource_aware"]}


class NeverBehind(Case):
    def llama(self, **values):
        """Returns the plan for LLAMA with these values, after a check that there is much to compare with."""
        result = self.headroom("plan", self.scenario(LLAMA.format(**values)), "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        plan = json.loads(result.stdout)
        feasible = {row["policy"] for row in plan["policies"] if row["feasible"]}
        self.assertLessEqual({"resource_aware", "edgeshard", "dynamic_layer", "exact"}, feasible)
        return plan

    def moves(self, scenario):
        result = self.headroom("simulate", scenario, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["blocks_moved"]

    def test_every_row_on_slow_links(self):
        """Contiguous layers need 410 ms per token at 20 Mbit/s and 533 ms at 5 Mbit/s."""
        for bandwidth in ("20 Mbit/s", "5 Mbit/s"):
            with self.subTest(bandwidth=bandwidth):
                plan = self.llama(bandwidth=bandwidth, latency="1 ms", prompt=400, interval=1)
                self.assertEqual(rows_ahead(plan), {})

    def test_every_row_but_exact_at_other_latencies_and_lengths(self):
        for bandwidth in ("20 Mbit/s", "5 Mbit/s"):
            for latency, prompt in (("1 ms", 16), ("5 ms", 16), ("70 ms", 256)):
                with self.subTest(bandwidth=bandwidth, latency=latency, prompt=prompt):
                    plan = self.llama(bandwidth=bandwidth, latency=latency, prompt=prompt, interval=8)
                    self.assertEqual(rows_ahead(plan, but=("exact",)), {})

    def test_a_row_ahead_would_be_found(self):
        plan = {"policies": [
            {"policy": "resource_aware", "feasible": True, "objective_s": 2.0},
            {"policy": "ring", "feasible": True, "objective_s": 1.5},
            {"policy": "greedy", "feasible": True, "objective_s": 2.0},
            {"policy": "galaxy", "feasible": False}]}
        self.assertEqual(rows_ahead(plan), {"ring": 1.5})
        self.assertEqual(rows_ahead(plan, but=("ring",)), {})

    def test_blocks_stay_after_memory_has_returned(self):
        self.assertEqual(self.moves(self.scenario(DIP + RETURN)), 0)

    def test_blocks_would_move_if_memory_did_not_return(self):
        self.assertGreater(self.moves(self.scenario(DIP)), 0)

    @unittest.skipUnless(WINDOW.exists(), f"{WINDOW} is not there")
    def test_the_shared_case_of_a_moment_with_less_memory(self):
        self.assertEqual(self.moves(WINDOW), 0)


if __name__ == "__main__":
    main()
