#!/usr/bin/env python3
"""What a new user tries first: the catalogue, presets, prompts, policies and --set."""
import json
import re

import h5py

from headroom import ROOT, Case, main, scenario_text

SIZE = re.compile(r"-[0-9]+gb$")
HOME = ROOT / "data/scenarios/home.toml"


class DayOne(Case):
    def text(self, *arguments):
        result = self.headroom("run", *arguments, "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout, result.stderr

    def test_a_fleet_from_the_catalogue_runs(self):
        summary = self.summary(HOME, "--trace", "home.h5", "--tokens", 12)
        self.assertEqual(summary["sequences"][0]["sampled_tokens"], 12)
        result = self.headroom("inspect", HOME)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_catalogue_is_shown_and_every_name_in_it_works(self):
        shown = self.headroom("inspect", "--devices")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        result = self.headroom("inspect", "--devices", "--json")
        catalogue = json.loads(result.stdout)
        self.assertGreaterEqual(len(catalogue["devices"]), 18)
        for kind in ("devices", "networks"):
            for entry in catalogue[kind]:
                self.assertIn(SIZE.sub("", entry["name"]), shown.stdout)
        for network in catalogue["networks"]:
            self.assertEqual(network["nic_bytes_per_s"] is not None, "ethernet" in network["name"])
            self.assertEqual(network["medium_bytes_per_s"] is not None, "wifi" in network["name"])
        for device in catalogue["devices"]:
            for rates in device["rates"].values():
                self.assertTrue(any(rates.values()), device["name"])
            for key in ("compute_flop_per_s", "memory_bandwidth_bytes_per_s"):
                self.assertTrue(device[key]["source"], device["name"])
        text = scenario_text(0, head="").split("[network]")[0]
        for network in catalogue["networks"]:
            text_of_all = text + f'[network]\npreset = "{network["name"]}"\n' + "".join(
                f'[[device]]\nprofile = "{device["name"]}"\n' for device in catalogue["devices"])
            result = self.headroom("inspect", self.scenario(text_of_all), "--json")
            self.assertEqual(result.returncode, 0, result.stderr)

    def test_costs_of_real_devices_are_shown(self):
        costs = ["fleet.compute_scale=0.5", "fleet.bandwidth_scale=2", "fleet.latency_scale=3"]
        text = scenario_text(3).replace("[network]", "[network]\nloss = 0.01\nretransmit_timeout = \"200 ms\"\n"
            'jitter = { kind = "uniform", low = "1 ms", high = "2 ms" }\n'
            'medium = [{ members = ["d0", "d2"], capacity = "8 Mbit/s" }]') + "\n".join([
            '[[device]]', 'name = "board"', 'compute = "4 GFLOP/s"', 'memory = "1 GB"', 'egress = "16 Mbit/s"',
            'operation_overhead = "20 us"', 'message_overhead = "1 ms"', '[device.rates.q4_0]',
            'compute = "8 GFLOP/s"', 'prefill_compute = "10 GFLOP/s"', '[fleet]',
            *(scale.removeprefix("fleet.").replace("=", " = ") for scale in costs)]) + "\n"
        path = self.scenario(text)
        shown = self.headroom("inspect", path)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        table = shown.stdout.split("\n(after scaling")[0]
        for part in ("board   32.0 Mbit/s        -    40.0 us      2.00 ms                q4_0 4/-/5",
                     "loss: 0.01 of all transmissions, sent again after 600 ms", "jitter: uniform, 3.00 ms to 6.00 ms",
                     "medium of 16.0 Mbit/s, shared by d0, d2"):
            self.assertIn(part, table)
        result = json.loads(self.headroom("inspect", path, "--json").stdout)
        board = result["devices"][3]
        self.assertEqual(board["rates"], {"q4_0": {"compute_flop_per_s": 4_000_000_000,
            "memory_bandwidth_bytes_per_s": None, "prefill_compute_flop_per_s": 5_000_000_000}})
        self.assertEqual((board["operation_overhead_ns"], board["message_overhead_ns"]), (40_000, 2_000_000))
        self.assertEqual((board["egress_bytes_per_s"], board["ingress_bytes_per_s"]), (4_000_000, None))
        self.assertEqual([device["medium"] for device in result["devices"]], [0, None, 0, None])
        network = result["network"]
        self.assertEqual(network["media"], [{"members": ["d0", "d2"], "capacity_bytes_per_s": 2_000_000}])
        self.assertEqual((network["loss"], network["retransmit_timeout_ns"]), (0.01, 600_000_000))
        self.assertEqual(network["jitter"], {"kind": "uniform", "low_ns": 3_000_000, "high_ns": 6_000_000})

    def test_prompts_from_the_command_line_and_from_a_file(self):
        path = self.scenario(scenario_text(2, tokens=4))
        out, _ = self.text(path, "--prompt", "One day", "--prompt", "Once there was")
        first, second = out.strip("\n").split("\n\n")
        self.assertTrue(first.startswith("One day"), out)
        self.assertTrue(second.startswith("Once there was"), out)
        (self.folder / "prompt.txt").write_text("One day\n")
        out, _ = self.text(path, "--prompt-file", "prompt.txt")
        self.assertEqual(out.strip("\n"), first)

    def test_warnings_go_to_stderr_and_do_not_end_the_run(self):
        event = '[[event]]\nat_token = 900\ndevice = "d0"\nkind = "compute"\nfactor = 0.5\n'
        _, quiet = self.text(self.scenario(scenario_text(2, tokens=4)))
        self.assertNotIn("warning", quiet)
        _, loud = self.text(self.scenario(scenario_text(2, tokens=4) + event))
        self.assertIn("headroom: warning: event.0", loud)

    def test_the_published_policy_under_both_cost_profiles(self):
        path = self.scenario(scenario_text(3))
        for profile in ("physical", "paper"):
            trace = self.folder / f"{profile}.h5"
            self.summary(path, "--policy", "paper", "--trace", trace,
                         "--set", f"controller.cost_profile={profile}")
            with h5py.File(trace) as file:
                self.assertTrue((file["intervals"]["paper_delay_s"] > 0).all())
        short = self.headroom("run", path, "--set", "controller.cost_profile=paper",
                              "--set", "controller.t_budget=1 ns")
        self.assertEqual(short.returncode, 6, short.stderr)
        for words in ("t_budget", "d0", "needs"):
            self.assertIn(words, short.stderr)

    def test_weights_everywhere_load_instead_of_being_sent(self):
        # The source slows down after 6 tokens, so that blocks leave it.
        event = '[[event]]\nat_token = 6\ndevice = "d0"\nkind = "compute"\nfactor = 0.01\n'
        path = self.scenario(
            scenario_text(3, extra='storage_bandwidth = "400 MB/s"\n') + event)
        loaded = {}
        for weights in ("move", "everywhere"):
            trace = self.folder / f"{weights}.h5"
            self.summary(path, "--trace", trace, "--set", f"controller.weights={weights}")
            with h5py.File(trace) as file:
                moves = file["migrations"][()]
            self.assertGreater(len(moves), 0)
            loaded[weights] = moves["loaded_bytes"].sum()
        self.assertEqual(loaded["move"], 0)
        self.assertGreater(loaded["everywhere"], 0)


if __name__ == "__main__":
    main()
