#!/usr/bin/env python3
"""headroom plan: will it fit, how fast, which device holds me back."""
import json

import h5py

from headroom import DEMO, Case, devices, main, scenario_text

PRESET = '[model]\npreset = "gpt2"\n'


class Plan(Case):
    def plan(self, *arguments, code=0):
        result = self.headroom("plan", *arguments, "--json")
        self.assertEqual(result.returncode, code, result.stderr)
        return json.loads(result.stdout)

    def test_times_of_every_device_and_of_the_critical_path_add_up(self):
        for scenario in (DEMO, self.scenario(PRESET + devices(4, memory="150 MiB"))):
            plan = self.plan(scenario, "--policy", "greedy,round_robin,resource_aware")
            for policy in plan["policies"]:
                self.assertTrue(policy["feasible"], policy)
                step = policy["inference_ns"]
                for device in policy["devices"]:
                    self.assertEqual(
                        sum(device[f"{part}_ns"] for part in ("compute", "transfer", "wait", "idle")),
                        step, (policy["policy"], device))
                self.assertEqual(sum(part["time_ns"] for part in policy["critical_path"]), step)
                self.assertEqual(len(policy["placement"]), plan["blocks"])
                self.assertEqual(sum(d["blocks"] for d in policy["devices"]), plan["blocks"])

    def test_first_decision_of_a_simulation_is_what_was_planned(self):
        scenario = self.scenario(scenario_text(memory="1500 KiB"))
        plan = self.plan(scenario, "--policy", "greedy")["policies"][0]
        result = self.headroom("simulate", scenario, "--policy", "greedy", "--tokens", 4,
                               "--trace", "t.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        with h5py.File(self.folder / "t.h5", "r") as trace:
            self.assertEqual(list(trace["placements"][0]), plan["placement"])
            self.assertEqual(trace["intervals"][0]["predicted_inference_ns"], plan["inference_ns"])

    def test_memory_is_within_the_budget_with_buffers_apart(self):
        plan = self.plan(self.scenario(PRESET + devices(4, memory="150 MiB")), "--policy", "greedy")
        for device in plan["policies"][0]["devices"]:
            self.assertLessEqual(device["resident_bytes"] + device["buffer_bytes"],
                                 device["budget_bytes"])
            self.assertEqual(device["buffer_bytes"] > 0, device["blocks"] > 0)

    def test_all_policies_that_apply_are_asked(self):
        plan = self.plan(self.scenario(PRESET + devices(2, memory="300 MiB")))
        names = [policy["policy"] for policy in plan["policies"]]
        for name in ("resource_aware", "greedy", "round_robin", "paper"):
            self.assertIn(name, names)
        for policy in plan["policies"]:
            self.assertTrue(policy["feasible"] or policy["reason"], policy)

    def test_a_later_context_needs_more_memory(self):
        scenario = self.scenario(PRESET + devices(2, memory="300 MiB"))

        def held(at):
            plan = self.plan(scenario, "--policy", "greedy", "--at", at)
            return sum(device["resident_bytes"] for device in plan["policies"][0]["devices"])
        self.assertGreater(held(500), held(0))

    def test_nothing_fits_is_an_answer_with_its_reason(self):
        scenario = self.scenario('[model]\npreset = "llama-2-70b"\n' + devices(2, memory="8 GiB"))
        plan = self.plan(scenario, "--policy", "greedy,round_robin", code=6)
        for policy in plan["policies"]:
            self.assertFalse(policy["feasible"])
            self.assertTrue(policy["reason"])
        result = self.headroom("plan", scenario, "--policy", "greedy")
        self.assertEqual(result.returncode, 6)
        self.assertIn("greedy finds nothing: ", result.stdout)

    def test_tables_for_people(self):
        scenario = self.scenario(PRESET + devices(3, memory="200 MiB"))
        result = self.headroom("plan", scenario, "--policy", "greedy,round_robin")
        self.assertEqual(result.returncode, 0, result.stderr)
        for part in ("policy", "per token", "fullest device", "held back most by", "weights, cache",
                     "buffers", "compute", "transfer", "wait", "idle", "of a token's time"):
            self.assertIn(part, result.stdout)
        self.assertNotIn("\x1b", result.stdout, "colours belong on a terminal")


if __name__ == "__main__":
    main()
