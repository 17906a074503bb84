#!/usr/bin/env python3
"""The demo: heads are spread over devices and move when the fleet changes, and that makes the run faster.

Prints the figures that are checked.
"""
import json
import tomllib
import unittest

import h5py

from headroom import DEMO, Case, main


class Demo(Case):
    def run_policy(self, *options, name):
        """Returns the summary, or None if the run is infeasible."""
        result = self.headroom("run", DEMO, "--json", "--trace", f"{name}.h5", "--transport",
                               "inprocess", *options)
        if result.returncode == 6:
            return None
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def best_single_device(self):
        """Returns the time per output token of each device alone, for devices with enough memory."""
        scenario = tomllib.loads(DEMO.read_text())
        times = {}
        for device in scenario["device"]:
            alone = self.alone(scenario, device)
            result = self.run_alone(alone, device["name"])
            if result is not None:
                times[device["name"]] = result["time_per_output_token_ns"]
        return times

    def alone(self, scenario, device):
        """Returns the demo scenario with only one device and its events."""
        keep, blocks = [], DEMO.read_text().split("\n[[")
        for index, block in enumerate(blocks):
            if index == 0 or block.startswith(f'device]]\nname = "{device["name"]}"') or (
                    block.startswith("event]]") and f'"{device["name"]}"' in block):
                keep.append(block)
        text = "\n[[".join(keep).replace("source = true\n", "")
        return text.replace("../models/", f"{DEMO.parent.parent}/models/")

    def run_alone(self, text, name):
        path = self.folder / f"alone-{name}.toml"
        path.write_text(text)
        result = self.headroom("run", path, "--json", "--transport", "inprocess")
        if result.returncode == 6:
            return None
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_heads_spread_move_and_pay(self):
        ours = self.run_policy(name="ours")
        print(f"\nresource_aware   {ours['time_per_output_token_ns'] / 1e6:9.2f} ms per token")
        for policy in ("paper", "greedy", "round_robin", "static"):
            other = self.run_policy("--policy", policy, name=policy)
            self.assertEqual(other["text"], ours["text"])
            print(f"{policy:16} {other['time_per_output_token_ns'] / 1e6:9.2f} ms per token")
            self.assertLess(ours["time_per_output_token_ns"], other["time_per_output_token_ns"])
        singles = self.best_single_device()
        print("single devices that have the memory:",
              {name: f"{t / 1e6:.2f} ms" for name, t in singles.items()} or "none")
        for time in singles.values():
            self.assertLess(ours["time_per_output_token_ns"], time)
        self.assert_spread_and_moves()

    def assert_spread_and_moves(self):
        with h5py.File(self.folder / "ours.h5", "r") as file:
            blocks, placements = file["blocks"][:], file["placements"][:]
            migrations = file["migrations"][:]
        groups = blocks["kind"] == 1
        widest = max(len(set(placement[groups & (blocks["layer"] == layer)]))
                     for placement in placements for layer in set(blocks["layer"][groups]))
        moved = {int(row["interval"]) for row in migrations if groups[row["block"]]}
        print(f"one layer's groups on {widest} devices; {len(moved)} decisions moved groups")
        self.assertGreaterEqual(widest, 3)
        self.assertGreaterEqual(len(moved), 2)


if __name__ == "__main__":
    main()
