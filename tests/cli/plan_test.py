#!/usr/bin/env python3
"""headroom plan: whether the model fits, how fast it runs, and which device limits it."""
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import unittest

import h5py

from headroom import BINARY, DEMO, Case, devices, main, scenario_text

# Where the time of a step goes: first what a device does, then its messages.
PARTS = ("compute", "memory", "overhead", "transfer", "latency", "wait", "idle")
# A message overhead has no linear form; two boards of the demo have one.
NO_MESSAGE_OVERHEAD = ("--set", 'device.orange-pi-5.message_overhead="0 ns"',
                       "--set", 'device.raspberry-pi-5.message_overhead="0 ns"')
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
                    self.assertEqual(sum(device[f"{part}_ns"] for part in PARTS), step,
                                     (policy["policy"], device))
                for part in policy["critical_path"]:
                    on_device = part["kind"] == "device"
                    self.assertEqual(part["from"] == part["to"], on_device)
                    parts = PARTS[:3] if on_device else PARTS[3:5]
                    self.assertEqual(sum(part[f"{name}_ns"] for name in parts), part["time_ns"])
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
        self.assertIn("greedy: no placement: ", result.stdout)

    def test_policies_without_a_placement_are_named_once(self):
        scenario = self.scenario('[controller]\nends = "anywhere"\n[model]\n'
                                 'preset = "llama-2-70b"\n' + devices(200, memory="40 MiB"))
        text = self.headroom("plan", scenario).stdout
        self.assertIn("too little", text)
        self.assertIn("resource_aware, greedy, round_robin", text, "one reason, told once")
        self.assertLess(max(map(len, text.splitlines())), 600)
        plan = self.plan(scenario, code=6)
        self.assertGreater(max(len(policy["reason"]) for policy in plan["policies"]), 600,
                           "JSON shortens nothing")

    def test_a_source_too_small_for_its_pinned_blocks_is_named(self):
        small = devices(3, memory="8 GiB").replace("8 GiB", "40 MiB", 1)
        scenario = self.scenario(PRESET + small)
        text = self.headroom("plan", scenario, "--policy", "resource_aware").stdout
        self.assertIn("pinned to the source", text)
        self.assertIn('controller.ends = "anywhere"', text)
        plan = self.plan(scenario, "--policy", "resource_aware", "--set", "controller.ends=anywhere")
        self.assertTrue(plan["policies"][0]["feasible"])

    def test_a_fleet_with_zero_rates_is_not_a_memory_shortage(self):
        still = "".join(f'[[event]]\nat = "0 s"\ndevice = "d{d}"\nkind = "compute"\nfactor = 0.0\n'
                        for d in range(2))
        scenario = self.scenario(PRESET + devices(2, memory="4 GiB") + still)
        text = self.headroom("plan", scenario, "--policy", "greedy,exact").stdout
        self.assertIn("no token would ever end", text)
        self.assertIn("a step never ends", text)
        for part in ("nan", "no placement fits", "more memory"):
            self.assertNotIn(part, text)
        moving = self.scenario(PRESET + devices(2, memory="4 GiB"))
        self.assertNotIn("no token would ever end", self.headroom("plan", moving).stdout)

    def test_a_policy_that_does_not_apply_is_not_a_memory_shortage(self):
        scenario = self.scenario(PRESET + devices(2, memory="4 GiB"))
        result = self.headroom("plan", scenario, "--policy", "galaxy")
        self.assertEqual(result.returncode, 6)
        self.assertIn("galaxy: no placement: ", result.stdout)
        self.assertNotIn("more memory", result.stdout)

    def test_an_interval_beyond_the_models_context_is_named(self):
        scenario = self.scenario(PRESET + devices(2, memory="4 GiB"))
        note = "the model's context is 1024"
        self.assertIn(note, self.headroom("plan", scenario, "--interval", 2000).stdout)
        self.assertNotIn(note, self.headroom("plan", scenario, "--interval", 1000).stdout)

    def test_costs_of_the_paper_are_shown_beside_physical_ones(self):
        text = self.headroom("plan", DEMO, "--set", "controller.cost_profile=paper",
                             "--previous", "greedy").stdout
        for part in ("cost profile paper: ", "paper's D_T", "paper's D_mig"):
            self.assertIn(part, text)

    def test_printed_tables(self):
        scenario = self.scenario(PRESET + devices(3, memory="200 MiB"))
        result = self.headroom("plan", scenario, "--policy", "greedy,round_robin")
        self.assertEqual(result.returncode, 0, result.stderr)
        for part in ("policy", "per token", "fullest device", "holds back most", "weights, cache",
                     "buffers", *PARTS, "of a token's time",
                     "needed: ", "there is: ", "above optimum"):
            self.assertIn(part, result.stdout)
        self.assertNotIn("\x1b", result.stdout, "colours belong on a terminal")

    def test_overheads_are_named(self):
        costs = 'operation_overhead = "30 us"\nmessage_overhead = "200 us"\n'
        given = devices(3, memory="200 MiB", extra=costs)
        policy = self.plan(self.scenario(PRESET + given), "--policy", "round_robin")["policies"][0]
        for device in policy["devices"]:
            overhead = device["overhead_ns"]
            self.assertGreater(overhead, 0)
            # Both overheads are multiples of 10 us, and nothing else is counted with them.
            self.assertEqual(overhead % 10_000, 0)
        on_path = [part["overhead_ns"] for part in policy["critical_path"] if part["kind"] == "device"]
        self.assertGreater(sum(on_path), 0)
        text = self.headroom("plan", self.scenario(PRESET + given), "--policy", "round_robin").stdout
        self.assertRegex(text, r"of a token's time \d+ % is compute, \d+ % memory, [1-9]\d* % overhead, ")

    def test_both_tables_agree_on_what_holds_a_token_back(self):
        for name in ("demo", "home"):
            for policy in ("greedy", "round_robin", "edgeshard", "dynamic_layer"):
                text = self.headroom("plan", DEMO.parent / f"{name}.toml", "--policy", policy,
                                     "--full").stdout
                said = re.search(rf"^  {policy} .*  (\S+) (\d+) %$", text, re.M).groups()
                table = text[text.index("holds back\n"):]
                shares = re.findall(r"^  (\S+)  .* (\d+) %$", table, re.M)
                most = max(int(share) for _, share in shares)
                self.assertIn(said, [(device, share) for device, share in shares if int(share) == most])

    def test_a_placement_far_above_the_bound_is_shown_as_a_ratio(self):
        two = devices(2, memory="1 GiB", compute="10 GFLOP/s")
        scenario = self.scenario(PRESET + two.replace("10 GFLOP/s", "100 kFLOP/s", 1))
        result = self.headroom("plan", scenario, "--policy", "greedy,round_robin,exact",
                               "--set", 'controller.ends="anywhere"')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"greedy .* [\de.+]+×  ")
        self.assertRegex(result.stdout, r"exact .* 0\.0 %  ")

    def test_the_root_bound_is_shown_where_exact_has_none(self):
        for profile in ("physical", "paper"):
            scenario = self.scenario(PRESET + devices(34, memory="150 MiB"))
            profile_set = ("--set", f"controller.cost_profile={profile}")
            text = self.headroom("plan", scenario, "--policy", "greedy,resource_aware", *profile_set)
            self.assertIn("(root bound); resource_aware is at most ", text.stdout)
            plan = self.plan(scenario, "--policy", "greedy,resource_aware", *profile_set)
            self.assertEqual((plan["bound_by"], plan["proven"]), ("root bound", False))
            for policy in plan["policies"]:
                self.assertAlmostEqual(policy["objective_s"] / plan["bound_s"] - 1, policy["gap"])
                self.assertGreaterEqual(policy["gap"], -1e-9)
            more = self.plan(scenario, "--policy", "greedy,resource_aware", "--bound", *profile_set)
            self.assertGreaterEqual(more["bound_s"], plan["bound_s"] * (1 - 1e-9))

    def test_a_large_fleet_has_a_root_bound_if_asked(self):
        scenario = self.scenario(PRESET + devices(70, memory="150 MiB"))
        self.assertIn("--bound computes one",
                      self.headroom("plan", scenario, "--policy", "greedy").stdout)
        plan = self.plan(scenario, "--policy", "resource_aware", "--bound")
        self.assertEqual(plan["bound_by"], "root bound")
        self.assertLess(plan["policies"][0]["gap"], 1)
        plan = self.plan(DEMO, "--policy", "resource_aware", "--bound")
        self.assertEqual((plan["bound_by"], plan["proven"]), ("exact", True))

    def test_the_exported_programme_names_devices_and_has_a_header(self):
        for profile in ("physical", "paper"):
            name = self.folder / f"{profile}.lp"
            result = self.headroom("plan", DEMO, "--policy", "resource_aware", "--previous", "greedy",
                                   "--set", f"controller.cost_profile={profile}", *NO_MESSAGE_OVERHEAD,
                                   "--export-lp", name)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"wrote {name}", result.stdout)
            text = name.read_text()
            for part in (f"cost profile {profile}", "raspberry_pi_5 = raspberry-pi-5",
                         "Minimize", "Subject To", "General", "Binary", " ffn_L0_laptop\n", "End\n"):
                self.assertIn(part, text)
            self.assertEqual("d_mig" in text, profile == "physical")
            self.assertLess(max(map(len, text.splitlines())), 200)
        again = ("plan", DEMO, "--policy", "greedy", *NO_MESSAGE_OVERHEAD, "--export-lp", name)
        self.assertEqual(self.headroom(*again).returncode, 2)
        self.assertEqual(self.headroom(*again, "--force").returncode, 0)
        plan = self.plan(DEMO, "--policy", "greedy", *NO_MESSAGE_OVERHEAD, "--export-lp", name, "--force")
        self.assertEqual(plan["lp_file"], str(name))

    def test_what_is_no_linear_programme_is_refused(self):
        capped = devices(2, memory="4 GiB") + 'egress = "10 MB/s"\n'
        for fleet, fault in ((capped, "egress or ingress caps"),
                             (devices(33, memory="4 GiB"), "33 devices, expected at most 32")):
            result = self.headroom("plan", self.scenario(PRESET + fleet), "--policy", "greedy",
                                   "--export-lp", self.folder / "no.lp")
            self.assertEqual(result.returncode, 2)
            self.assertIn(fault, result.stderr)
            self.assertFalse((self.folder / "no.lp").exists())

    @unittest.skipIf(shutil.which("glpsol") is None, "glpsol (Debian: glpk-utils) is not there")
    def test_glpsol_finds_the_optimum_that_exact_proves(self):
        scenario = self.scenario(scenario_text(count=2, memory="6 MiB"))
        name = self.folder / "x.lp"
        plan = self.plan(scenario, "--policy", "exact", "--export-lp", name)
        self.assertTrue(plan["proven"])
        subprocess.run(["glpsol", "--lp", name, "-o", self.folder / "x.out"], check=True,
                       capture_output=True, timeout=100)
        found = re.search(r"Objective: +objective = ([0-9.e+]+)", (self.folder / "x.out").read_text())
        self.assertAlmostEqual(float(found[1]) / 1e3 / plan["bound_s"], 1, places=5)

    def test_moves_add_up_to_the_migration_and_the_objective(self):
        for weights in ("move", "everywhere"):
            scenario = self.scenario(
                scenario_text(memory="1500 KiB", interval=40, extra='storage_bandwidth = "9 MB/s"\n')
                .replace("[controller]", f'[controller]\nweights = "{weights}"'))
            plan = self.plan(scenario, "--previous", "round_robin", "--at", 20)
            self.assertEqual(plan["previous"]["origin"], "the first choice of round_robin")
            for policy in plan["policies"]:
                self.assertIn("stay", policy)
                if policy["feasible"]:
                    self.assertEqual(move_faults(plan, policy), [], policy["policy"])
            self.assertTrue(any(policy.get("moves") for policy in plan["policies"]), weights)

    def test_twin_moves_that_do_not_add_up_are_found(self):
        scenario = self.scenario(scenario_text(memory="1500 KiB", interval=40))
        plan = self.plan(scenario, "--previous", "round_robin", "--policy", "resource_aware")
        policy = plan["policies"][0]
        self.assertEqual(move_faults(plan, policy), [])
        for damage in (lambda p: p["moves"].pop(),
                       lambda p: p["moves"][0].update(to=p["moves"][0]["from"]),
                       lambda p: p.update(migration_ns=p["migration_ns"] + 1),
                       lambda p: p.update(objective_s=p["objective_s"] + 1e-3)):
            damaged = json.loads(json.dumps(policy))
            damage(damaged)
            self.assertNotEqual(move_faults(plan, damaged), [])

    def test_from_a_trace_the_plan_is_what_the_run_decided(self):
        trace = self.folder / "t.h5"
        result = self.headroom("simulate", DEMO, "--trace", trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        with h5py.File(trace, "r") as file:
            intervals, placements = file["intervals"][:], file["placements"][:]
        moved = [i for i in range(1, len(intervals)) if intervals[i]["moves"] > 0]
        self.assertTrue(moved)
        for i in moved[:2]:
            plan = self.plan(DEMO, "--policy", "resource_aware", "--previous", trace,
                             "--at", intervals[i]["first_token"])
            policy = plan["policies"][0]
            self.assertEqual(plan["previous"]["placement"], list(placements[i - 1]))
            self.assertEqual(policy["placement"], list(placements[i]))
            self.assertEqual(policy["migration_ns"], intervals[i]["predicted_migration_ns"])
            self.assertEqual(policy["inference_ns"], intervals[i]["predicted_inference_ns"])
            self.assertEqual(policy["stay"]["inference_ns"], intervals[i]["kept_inference_ns"])
        plan = self.plan(DEMO, "--policy", "greedy", "--previous", trace)
        self.assertEqual(plan["at"], intervals["tokens"].sum(), "by default at the trace's end")
        self.assertEqual(plan["previous"]["placement"], list(placements[-1]))

    def test_from_a_plan_goes_on_one_interval_later(self):
        scenario = self.scenario(scenario_text(memory="1500 KiB"))
        first = self.plan(scenario, "--policy", "greedy", "--at", 6)
        (self.folder / "plan.json").write_text(json.dumps(first))
        plan = self.plan(scenario, "--policy", "resource_aware", "--previous", "plan.json")
        self.assertEqual(plan["at"], 10)
        self.assertEqual(plan["previous"]["placement"], first["policies"][0]["placement"])

    def test_printed_migrations(self):
        scenario = self.scenario(scenario_text(memory="1500 KiB", interval=40))
        arguments = ("plan", scenario, "--policy", "resource_aware", "--previous", "round_robin")
        result = self.headroom(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        for part in ("from the first choice of round_robin", "migration", "with 40 tokens",
                     "staying put", "there after", "for migration and 40 tokens", " -> "):
            self.assertIn(part, result.stdout)
        without = self.headroom("plan", scenario, "--policy", "resource_aware").stdout
        for part in ("staying put", "there after", "migration"):
            self.assertNotIn(part, without, "there is nothing to migrate from")
        self.assertIn("layer 0: ", self.headroom(*arguments, "--full").stdout)

    def test_many_moves_are_folded_by_route_and_listed_on_demand(self):
        scenario = self.scenario('[model]\npreset = "llama-2-7b"\n[controller]\ninterval = 400\n'
                                 + devices(4, memory="8 GiB"))
        arguments = ("plan", scenario, "--policy", "greedy", "--previous", "round_robin")
        folded, full = (self.headroom(*arguments, *more).stdout for more in ((), ("--full",)))
        self.assertIn("--full lists them layer by layer", folded)
        self.assertNotIn("layer 7: ", folded)
        self.assertIn("layer 7: ", full)
        self.assertNotIn("--full", full)

    def test_full_lists_every_device(self):
        scenario = self.scenario(PRESET + devices(40, memory="200 MiB"))
        folded = self.headroom("plan", scenario, "--policy", "round_robin").stdout
        full = self.headroom("plan", scenario, "--policy", "round_robin", "--full").stdout
        self.assertIn("--full lists all", folded)
        self.assertNotIn("--full lists all", full)
        for device in range(40):
            self.assertIn(f"\n  d{device} ", full)
        self.assertEqual(sum(f"\n  d{device} " in folded for device in range(40)), 16)
        plan = self.plan(scenario, "--policy", "round_robin")
        self.assertEqual(len(plan["policies"][0]["devices"]), 40, "JSON folds nothing")

    def test_tables_fit_a_terminal(self):
        for width in (80, 200):
            lines = self.on_a_terminal(width, "plan", DEMO, "--previous", "round_robin")
            too_long = [line for line in lines if line.startswith("  ") and len(line) > width
                        and ": " not in line]
            self.assertEqual(too_long, [])
            self.assertEqual(any("a wider terminal also shows" in line for line in lines),
                             width == 80)

    def on_a_terminal(self, width, *arguments):
        """Runs the program on a terminal of the given width; returns its lines without colours."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        with subprocess.Popen([str(BINARY), *map(str, arguments)], cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=follower, stderr=follower) as run:
            os.close(follower)
            text = b""
            try:
                while part := os.read(leader, 4096):
                    text += part
            except OSError:  # the program has closed the terminal
                pass
            self.assertEqual(run.wait(), 0)
        os.close(leader)
        return re.sub(r"\x1b\[\d*m", "", text.decode()).replace("\r", "").splitlines()


def move_faults(plan, policy):
    """Returns what is wrong with the moves of a policy; an empty list if nothing is."""
    found = []
    before, after = plan["previous"]["placement"], policy["placement"]
    names = plan["device_names"]
    expected = [(plan["block_names"][b], names[old], names[new])
                for b, (old, new) in enumerate(zip(before, after)) if old != new]
    if [(move["block"], move["from"], move["to"]) for move in policy["moves"]] != expected:
        found.append("the moves are not those from the one placement to the other")
    if policy["migration_ns"] != max((move["end_ns"] for move in policy["moves"]), default=0):
        found.append("the migration does not end with its last move")
    whole = policy["migration_ns"] + plan["steps"] * policy["inference_ns"]
    if abs(policy["objective_s"] * 1e9 - whole) > 1:
        found.append("the objective is not migration and steps")
    return found


if __name__ == "__main__":
    main()
