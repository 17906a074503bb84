#!/usr/bin/env python3
"""headroom simulate: the trace of a run without weights, comparison of policies, large fleets."""
import csv
import json
import resource

import h5py

from headroom import DEMO, MODEL, ROOT, Case, devices, main, scenario_text
from small_traces import headroom_trace

from report_parts import figures as report_figures

PRESET = '[model]\npreset = "gpt2"\n[workload]\nprompt_tokens = [5, 9]\ntokens = 6\n'
POLICIES = "greedy,round_robin,static"
# Device a has a quarter less memory for a while. That would not suffice later, when it has all of it again.
MOMENT = '''
[model]
shape = { layers = 1, heads = 4, width = 256, ffn_width = 1024, vocab = 32, context = 512, weight_type = "f32" }
[workload]
prompt_tokens = 100
prefill_chunk = 1
tokens = 64
stop_at_eos = false
[controller]
policy = "resource_aware"
interval = 8
[[device]]
name = "a"
compute = "0.46 GFLOP/s"
memory = "6000000 B"
source = true
[[device]]
name = "b"
compute = "0.2 GFLOP/s"
memory = "6000000 B"
[network]
bandwidth = "20 Mbit/s"
latency = "200 us"
[[event]]
at_token = 8
device = "a"
kind = "memory"
factor = 0.775
[[event]]
at_token = 16
device = "a"
kind = "memory"
factor = 1
'''


def rows(path, table, *columns):
    """Returns columns of a table of a trace."""
    with h5py.File(path, "r") as file:
        return [tuple(row[c] for c in columns) for row in file[table][:]]


class Simulate(Case):
    def simulate(self, *arguments, code=0):
        result = self.headroom("simulate", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def test_times_and_placements_are_those_of_the_run(self):
        scenario = self.scenario(scenario_text(memory="1500 KiB"))
        ran = self.headroom("run", scenario, "--transport", "inprocess", "--trace", "run.h5")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.simulate(scenario, "--trace", "simulated.h5")
        for table, columns in (
                ("tokens", ("sequence", "position", "start", "end", "is_prompt")),
                ("intervals", ("t_dec", "t_resume", "t_end", "moves", "predicted_inference_ns")),
                ("migrations", ("block", "from", "to", "bytes", "start", "end")),
                ("link_state", ("from", "to", "bytes")),
                ("resources", ("device", "memory_used_bytes", "memory_peak_bytes"))):
            self.assertEqual(rows(self.folder / "run.h5", table, *columns),
                             rows(self.folder / "simulated.h5", table, *columns), table)
        with h5py.File(self.folder / "simulated.h5", "r") as trace:
            self.assertEqual(trace.attrs["execution"].decode(), "simulated")
            sampled = trace["tokens"][:][trace["tokens"]["is_prompt"] == 0]
            self.assertEqual(set(sampled["id"]), {-1})

    def memory_of(self, trace):
        """Returns per device: peak, last budget, and (held, budget) of the interval with the largest ratio."""
        with h5py.File(self.folder / trace) as file:
            rows = file["resources"][:]
        told = []
        for device in sorted(set(rows["device"])):
            own = rows[rows["device"] == device]
            fullest = max(own, key=lambda row: row["memory_peak_bytes"] / row["memory_budget_bytes"])
            told.append((int(own["memory_peak_bytes"].max()), int(own["memory_budget_bytes"][-1]),
                         (int(fullest["memory_peak_bytes"]), int(fullest["memory_budget_bytes"]))))
        return told

    def test_peak_and_budget_are_what_their_names_say(self):
        scenario = self.scenario(MOMENT)
        ran = self.simulate(scenario, "--set", 'controller.memory_window="0 s"', "--trace", "t.h5")
        memory = self.memory_of("t.h5")
        self.assertGreater(memory[0][0], memory[0][2][0], "the peak is not that of the fullest interval")
        told = json.loads(self.headroom("inspect", "t.h5", "--json").stdout)["devices"]
        for device, (peak, budget, (fullest, then)) in zip(told, memory, strict=True):
            self.assertEqual((device["memory_peak_bytes"], device["memory_budget_bytes"]), (peak, budget))
            self.assertEqual((device["memory_fullest_bytes"], device["memory_fullest_budget_bytes"]),
                             (fullest, then))
            self.assertEqual(device["memory_peak_fraction"], fullest / then)
        peak, budget, (fullest, then) = memory[0]
        mib = [f"{value / 2**20:.2f} MiB" for value in (peak, budget, fullest, then)]
        row = rf"\n  a +\d+ +\d+ % +{mib[0]} +{mib[1]} +{100 * fullest / then:.0f} %\n"
        self.assertRegex(ran.stdout, row)
        shown = self.headroom("inspect", "t.h5").stdout
        self.assertRegex(shown, row)
        self.assertRegex(shown, rf"{mib[2]} of +{mib[3]}\n")
        self.assertEqual(self.headroom("collect", ".", "-o", "all.csv").returncode, 0)
        with open(self.folder / "all.csv", encoding="utf-8") as file:
            self.assertEqual([float(r["memory_peak_fraction"]) for r in csv.DictReader(file)], [fullest / then])
        with headroom_trace.open_trace(self.folder / "t.h5") as trace:
            for mine, its in zip(report_figures.of_run(trace)["devices"], told, strict=True):
                self.assertEqual(mine, {name: its[name] for name in mine})

    def test_a_reason_names_what_the_device_has_and_what_of_it_is_safe(self):
        scenario = self.scenario(MOMENT)
        # resource_aware keeps what fits, whatever is safe.
        self.assertNotIn("lacks", self.simulate(scenario, "--no-trace").stderr)
        layers = ("--set", 'controller.policy="dynamic_layer"')
        ran = self.simulate(scenario, *layers, "--trace", "t.h5")
        _, budget, (_, safe) = self.memory_of("t.h5")[0]
        self.assertRegex(
            ran.stderr, rf"because a lacks [0-9.]+ KiB of safe memory \(needs [0-9.]+ MiB, has "
            rf"{budget / 2**20:.2f} MiB, of which memory_window and memory_reserve leave "
            rf"{safe / 2**20:.2f} MiB\)")
        # Blocks move for no other reason.
        ran = self.simulate(scenario, *layers, "--set", 'controller.memory_window="0 s"', "--trace", "u.h5")
        self.assertNotIn("lacks", ran.stderr)
        # The memory is too small even without a reserve.
        poor = MOMENT.replace("0.775", "0.6").replace("memory = ", 'storage_bandwidth = "100 MB/s"\nmemory = ')
        ran = self.simulate(self.scenario(poor), "--trace", "v.h5")
        self.assertRegex(ran.stderr, r"because a lacks [0-9.]+ [KM]iB \(needs [0-9.]+ MiB, has 3\.43 MiB\)")

    def test_several_policies_are_compared_and_leave_a_trace_each(self):
        scenario = self.scenario(PRESET + devices(3, memory="200 MiB"))
        result = self.simulate(scenario, "--policy", POLICIES, "--trace", "out.h5")
        table = result.stdout.splitlines()
        for column in ("policy", "first token", "per token", "p95", "total", "decisions", "moved",
                       "bytes moved", "fullest device", "infeasible"):
            self.assertIn(column, table[0])
        for policy, line in zip(POLICIES.split(","), table[1:]):
            self.assertTrue(line.startswith(f"  {policy} "), line)
            with h5py.File(self.folder / f"out.{policy}.h5", "r") as trace:
                self.assertEqual(trace.attrs["policy"].decode(), policy)
                self.assertEqual(len(trace["requests"]), 2)

    def test_one_that_finds_nothing_does_not_end_the_others(self):
        # Round robin gives the small device as many blocks as the others.
        text = PRESET + devices(2, memory="400 MiB") + (
            '[[device]]\nname = "tiny"\ncompute = "1 GFLOP/s"\nmemory = "8 MiB"\n')
        scenario = self.scenario(text)
        both = self.simulate(scenario, "--policy", "static,round_robin", "--trace", "both.h5",
                             "--json")
        good, bad = json.loads(both.stdout)["policies"]
        self.assertEqual((good["policy"], good["exit_code"], good["sampled_tokens"]),
                         ("static", 0, 12))
        if bad["exit_code"] != 0:
            self.assertEqual(bad["exit_code"], 6)
            self.assertIn("no placement fits", bad["error"][0])
            self.simulate(scenario, "--policy", "round_robin", code=6)

    def test_summary_of_one_policy_as_text_and_json(self):
        scenario = self.scenario(PRESET + devices(3, memory="200 MiB"))
        text = self.simulate(scenario, "--trace", "a.h5")
        self.assertIn("time per output token", text.stdout)
        self.assertIn("trace: a.h5", text.stdout)
        self.assertIn("simulated without weights", text.stderr)
        summary = json.loads(self.simulate(scenario, "--trace", "b.h5", "--json").stdout)
        self.assertEqual(summary["sampled_tokens"], 12)
        self.assertEqual(summary["trace"], "b.h5")
        gaps = sorted(end - before for (s, p, end), (t, _, before) in zip(
            rows(self.folder / "b.h5", "tokens", "sequence", "position", "end")[1:],
            rows(self.folder / "b.h5", "tokens", "sequence", "position", "end"))
            if s == t and p > (5, 9)[s])
        self.assertEqual(len(gaps), 10)
        self.assertEqual(summary["time_per_output_token_p95_ns"], gaps[-1])  # rank 10 of 10

    def test_without_a_trace(self):
        scenario = self.scenario(PRESET + devices(3, memory="200 MiB"))
        traced = json.loads(self.simulate(scenario, "--trace", "a.h5", "--json").stdout)
        self.assertEqual(traced.pop("trace"), "a.h5")
        summary = json.loads(self.simulate(scenario, "--no-trace", "--json").stdout)
        self.assertIsNone(summary.pop("trace"))
        for result in (summary, traced):
            self.assertGreater(result.pop("decision_wall_mean_ms"), 0)
        self.assertEqual(summary, traced)
        text = self.simulate(scenario, "--no-trace").stdout
        self.assertIn("time per output token", text)
        self.assertNotIn("trace:", text)
        for command in (("simulate", scenario), ("replay", "a.h5")):
            table = self.headroom(*command, "--policy", POLICIES, "--no-trace")
            self.assertEqual(table.returncode, 0, table.stderr)
            self.assertIn("\n  round_robin ", table.stdout)
            self.assertNotIn("trace: out", table.stdout)
            self.assertNotIn(".under.", table.stdout)
        self.assertEqual([file.name for file in self.folder.glob("**/*.h5")], ["a.h5"])

    def test_inspect_reads_the_trace_and_the_scenario(self):
        scenario = self.scenario(PRESET + devices(3, memory="200 MiB"))
        self.simulate(scenario, "--trace", "a.h5")
        for file in ("a.h5", scenario):
            shown = self.headroom("inspect", file)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn("gpt2", shown.stdout)

    def test_model_file_and_scenario_options_work_as_in_a_run(self):
        result = self.simulate(DEMO, "--tokens", 9, "--interval", 3, "--seed", 5, "--policy", "greedy",
                               "--set", "device.0.load=0.5", "--prompt", "Once", "--prompt", "Two",
                               "--trace", "t.h5", "--trace-ops", "--json")
        self.assertEqual(json.loads(result.stdout)["sampled_tokens"], 18)
        with h5py.File(self.folder / "t.h5", "r") as trace:
            self.assertEqual(trace.attrs["interval"], 3)
            self.assertGreater(len(trace["ops"]), 18)

    def test_twenty_thousand_devices_need_no_gigabytes(self):
        result = self.headroom("simulate", "--model", MODEL, "--devices", 20000, "--tokens", 4,
                               "--trace", "all.h5", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(json.loads(result.stdout)["devices"]), 20000)
        # A table of device pairs alone would take 6 GiB. The value is in KiB, of the largest child so far.
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 2 << 20)

    def test_a_thousand_devices_take_seconds(self):
        result = self.simulate(ROOT / "data/scenarios/thousand.toml", "--tokens", 24,
                               "--trace", "t.h5", "--json")
        summary = json.loads(result.stdout)
        self.assertEqual(len(summary["devices"]), 1000)
        self.assertEqual(summary["decisions"], 3)


if __name__ == "__main__":
    main()
