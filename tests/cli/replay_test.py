#!/usr/bin/env python3
"""headroom replay: traces replay as identical without the model, changes are detected, counterfactuals work."""
import json
import os
import shutil

import h5py
import numpy

from headroom import Case, DEMO, MODEL, main, make_version_4, scenario_text

TABLES = ("intervals", "placements", "resources", "link_state", "migrations", "turns", "tokens",
          "events", "ops", "messages")
# Columns that only a decoding run has: checksums of moved bytes, and wall-clock times.
OWN = {"checksum", "decision_wall_ns", "rank_rss_bytes"}

# Several prompts one after the other, changing loads, and a device that loses memory.
EVENTFUL = """
[[event]]
at_token = 9
device = "d0"
kind = "memory"
factor = 0.03
[[event]]
at = "150 ms"
link = ["d0", "d2"]
kind = "bandwidth"
factor = 0.2
"""


def eventful(**options):
    text = scenario_text(tokens=14, interval=3, extra='storage_bandwidth = "40 MB/s"\n',
                         **options) + EVENTFUL
    return text.replace('prompts = ["Once there was"]',
                        'prompts = ["Once there was", "One day", "There was"]\nsequences = 2\n'
                        'arrivals = ["0 s", "20 ms", "300 ms"]')


class Replay(Case):
    def trace(self, text, *options, name="trace.h5", command="run"):
        path = self.scenario(text)
        trace = self.folder / name
        how = ["--transport", "inprocess"] if command == "run" else []
        result = self.headroom(command, path, "--trace", trace, *how, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return trace

    def replay(self, trace, *options):
        result = self.headroom("replay", trace, *options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_needs_no_model_and_no_scenario(self):
        model = self.folder / "moved.gguf"
        shutil.copy(MODEL, model)
        trace = self.trace(eventful().replace(str(MODEL), str(model)), "--trace-ops")
        model.unlink()
        (self.folder / "scenario.toml").unlink()
        self.assertRegex(self.replay(trace),
                         r"identical: \d+ decisions, \d+ moves, 42 tokens, .* of virtual time")
        told = json.loads(self.replay(trace, "--json"))
        self.assertTrue(told["identical"])
        self.assertEqual((told["tokens"], told["completion"]), (42, "finished"))
        self.assertEqual(told["intervals"], told["intervals_recorded"])

    def test_of_every_kind_of_run_is_identical(self):
        head = '[clock]\nmode = "paced"\nscale = 0.2\n'
        for name, trace in (
                ("mpi", self.folder / "mpi.h5"),
                ("paced", self.trace(eventful(head=head), name="paced.h5")),
                ("simulated", self.trace(eventful(), name="simulated.h5", command="simulate"))):
            if name == "mpi":
                self.summary(self.scenario(eventful()), "--trace", trace)
            self.assertIn("identical", self.replay(trace))

    def flip(self, trace, interval, block):
        self.altered.add(trace)
        with h5py.File(trace, "r+") as file:
            device = int(file["placements"][interval, block])
            file["placements"][interval, block] = (device + 1) % 3
        return device

    def test_a_flipped_decision_is_caught(self):
        trace = self.trace(eventful())
        device = self.flip(trace, 2, 4)
        result = self.headroom("replay", trace)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("differs after 2 identical intervals", result.stdout)
        self.assertIn(f"intervals[2].placement[4]: L0.g3 on d{(device + 1) % 3} "
                      f"({(device + 1) % 3}) | d{device} ({device})", result.stdout)
        self.assertIn("recorded | derived", result.stdout)
        told = json.loads(self.headroom("replay", trace, "--json").stdout)
        self.assertEqual((told["identical"], told["exit_code"], told["intervals"]), (False, 2, 2))
        self.assertEqual(len(told["differences"]), 1)

    def test_a_changed_time_is_caught(self):
        trace = self.trace(eventful())
        self.altered.add(trace)
        with h5py.File(trace, "r+") as file:
            row = file["turns"][7]
            row["end"] += 1
            file["turns"][7] = row
        result = self.headroom("replay", trace)
        self.assertEqual(result.returncode, 2)
        self.assertIn("].end:", result.stdout)

    def tables(self, trace):
        with h5py.File(trace, "r") as file:
            return {name: file[name][:] for name in TABLES if name in file}

    def assert_same(self, one, other):
        one, other = self.tables(one), self.tables(other)
        self.assertEqual(one.keys(), other.keys())
        for name, rows in one.items():
            for column in rows.dtype.names or [None]:
                if column not in OWN:
                    a = rows[column] if column else rows
                    b = other[name][column] if column else other[name]
                    self.assertTrue(numpy.array_equal(a, b), f"{name}.{column}")

    def test_another_policy_is_what_a_run_under_it_is(self):
        trace = self.trace(eventful())
        out = self.replay(trace, "--policy", "greedy,ring")
        self.assertRegex(out, r"resource_aware \(recorded\)  +\d")
        for policy in ("greedy", "ring"):
            imagined = self.folder / f"trace.under.{policy}.h5"
            self.assertIn(f"trace: {imagined.name}", out)
            run = self.trace(eventful(), "--policy", policy, name=f"{policy}.h5")
            self.assert_same(run, imagined)
            with h5py.File(imagined, "r") as file:
                self.assertEqual(file.attrs["execution"].decode(), "counterfactual")
                self.assertEqual(file.attrs["recorded_policy"].decode(), "resource_aware")
                text = file["text_pool"][:].tobytes().decode()
            self.assertIn("Once there was", text)

    def test_a_simulation_can_be_replayed_under_another_policy(self):
        trace = self.trace(eventful(), command="simulate")
        self.assertRegex(self.replay(trace, "--policy", "ring"), r"\n  ring  +\d")
        self.assertIn("identical", self.replay(self.folder / "trace.under.ring.h5"))

    def test_results_for_programs(self):
        trace = self.trace(scenario_text())
        told = json.loads(self.replay(trace, "--policy", "ring", "--trace", "out.h5", "--json"))
        self.assertEqual([one["policy"] for one in told["policies"]],
                         ["resource_aware (recorded)", "ring"])
        self.assertTrue((self.folder / "out.h5").exists())

    def test_an_existing_trace_is_kept(self):
        trace = self.trace(scenario_text())
        other = self.folder / "other.h5"
        shutil.copy(trace, other)
        before = trace.read_bytes()
        for options, why in ((["--trace", other], "exists already"),
                             (["--trace", other, "--trace-ops"], "exists already"),
                             (["--trace", trace], "is the recorded run"),
                             (["--trace", trace, "--force"], "is the recorded run"),
                             (["--trace", MODEL, "--force"], "is no trace")):
            result = self.headroom("replay", trace, "--policy", "ring", *options)
            self.assertEqual(result.returncode, 2)
            self.assertIn(why, result.stderr)
            self.assertEqual(trace.read_bytes(), before)
            self.assertEqual(other.read_bytes(), before)

    def make_older(self, trace, version):
        self.altered.add(trace)
        with h5py.File(trace, "r+") as file:
            for name in ("model", "layers", "prompts"):
                del file[name]
            file.attrs.modify("schema_version", numpy.int64(version))

    def test_older_schema_versions(self):
        trace = self.trace(scenario_text())
        self.make_older(trace, 3)
        self.assertIn("finished", self.headroom("inspect", trace).stdout)
        result = self.headroom("replay", trace)
        self.assertEqual(result.returncode, 2)
        for part in ("schema version 3", "expected 5", "run the scenario again"):
            self.assertIn(part, result.stderr)
        with h5py.File(trace, "r+") as file:
            file.attrs.modify("schema_version", numpy.int64(2))
        for command in ("inspect", "replay"):
            result = self.headroom(command, trace)
            self.assertEqual(result.returncode, 2)
            self.assertIn("version 2; this program reads versions 3 to 5", result.stderr)

    def test_a_trace_of_version_4(self):
        trace = self.trace(eventful())
        make_version_4(trace)
        self.assertIn("identical", self.replay(trace))
        self.assertIn("finished", self.headroom("inspect", trace).stdout)
        self.assertEqual(self.headroom("export", trace, "--csv", self.folder / "tables").returncode, 0)

    def test_the_demo_is_replayed(self):
        trace = self.folder / "demo.h5"
        result = self.headroom("run", DEMO, "--trace", trace, "--trace-ops", "--tokens", "48",
                               "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("identical", self.replay(trace))

    def test_exit_codes_are_those_of_the_policies_asked(self):
        trace = self.trace(scenario_text())
        for policies in ("galaxy", "galaxy,mdi_ring"):  # they need another granularity
            result = self.headroom("replay", trace, "--policy", policies, "--json")
            self.assertNotEqual(result.returncode, 0, result.stdout)
            self.assertEqual(json.loads(result.stdout)["exit_code"], result.returncode)

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.folder / "pipe.h5")
        result = self.headroom("replay", "pipe.h5", timeout=10)
        self.assertEqual(result.returncode, 2)
        self.assertIn("is no ordinary file", result.stderr)
        (self.folder / "pipe.h5").unlink()

    def test_wrong_input(self):
        trace = self.trace(scenario_text())
        for arguments, parts in (
                (["missing.h5"], ["missing.h5", "cannot be opened"]),
                ([MODEL], ["is not an HDF5 file"]),
                ([], ["a trace (.h5) is missing"]),
                ([trace, "--policy", "rings"], ["did you mean 'ring'"]),
                ([trace, "--trace", "x.h5"], ["expected --policy with them"]),
                ([trace, "more.h5"], ["expected one TRACE only"]),
                ([trace, "--policy", "ring", "--trace", "no/x.h5"], ["no is not a directory"])):
            result = self.headroom("replay", *arguments)
            self.assertEqual(result.returncode, 2, result.stdout)
            for part in parts:
                self.assertIn(part, result.stderr)


if __name__ == "__main__":
    main()
