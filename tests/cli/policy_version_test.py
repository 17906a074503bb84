#!/usr/bin/env python3
"""Traces carry the version of their policy. Decisions of another version are replayed and resumed as recorded."""
import csv
import json

import h5py

from headroom import Case, main, scenario_text

# The device that `greedy` fills first loses memory, so that `greedy` moves blocks and `static` does not.
TEXT = scenario_text(tokens=16, interval=2, extra='storage_bandwidth = "40 MB/s"\n') + """
[[event]]
at_token = 6
device = "d0"
kind = "memory"
factor = 0.03
"""
OTHER = "7"
TAKEN = r"decisions taken as recorded: {} of {}, made by version 7 of policy static \(this program has version (\d+), "


def set_attribute(file, name, text):
    file.attrs.create(name, text.encode(), dtype=h5py.string_dtype("utf-8", len(text)))


class PolicyVersion(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.folder / "run.h5"
        result = self.headroom("run", self.scenario(TEXT), "--policy", "greedy", "--trace", self.trace,
                               "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)

    def relabel(self):
        """Makes the run of `greedy` one of another version of `static`, a name of the same length."""
        self.altered.add(self.trace)
        with h5py.File(self.trace, "r+") as file:
            text = file["scenario"][:].tobytes()
            self.assertEqual(text.count(b'"greedy"'), 1)
            at = text.index(b'"greedy"')
            file["scenario"][at:at + 8] = list(b'"static"')
            set_attribute(file, "policy", "static")
            del file.attrs["scenario_hash"]  # older traces lack it
            codes = file["intervals"].attrs["policy_codes"].tolist()
            rows = file["intervals"][:]
            rows["policy"] = codes.index(b"static")
            file["intervals"][:] = rows
            set_attribute(file, "policy_version", OTHER)

    def cut(self, intervals):
        """Truncates the trace like a kill after that many intervals."""
        with h5py.File(self.trace, "r+") as file:
            file["complete"][0] = 0
            file["intervals"].resize((intervals,))

    def wrong_time(self):
        with h5py.File(self.trace, "r+") as file:
            row = file["turns"][7]
            row["end"] += 1
            file["turns"][7] = row

    def replay(self, code=0):
        result = self.headroom("replay", self.trace)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        told = json.loads(self.headroom("replay", self.trace, "--json").stdout)
        self.assertEqual(told["exit_code"], code)
        return result.stdout, told

    def test_another_version_is_replayed_as_recorded(self):
        self.relabel()
        text, told = self.replay()
        every = told["intervals_recorded"]
        self.assertRegex(text, r"run.h5: identical, with decisions as recorded: \d+ decisions, ")
        self.assertRegex(text, TAKEN.format(every, every) + "which was not asked")
        self.assertRegex(text, "verified: that placements fit, .* times, migrations, bytes, memory")
        self.assertEqual(len(text.splitlines()), 2)
        self.assertTrue(told["identical"])
        self.assertEqual((told["decisions_as_recorded"], told["other_policy_versions"]), (every, [OTHER]))
        self.assertEqual(told["policy"], "static")
        self.assertIn(told["note"], text)

    def test_its_wrong_time_is_found(self):
        self.relabel()
        self.wrong_time()
        text, told = self.replay(2)
        self.assertRegex(text, r"\]\.end: ")
        self.assertIn("decisions taken as recorded: ", text)
        self.assertFalse(told["identical"])

    def test_decisions_of_the_same_version_are_asked_for(self):
        with h5py.File(self.trace, "r") as file:
            own = file.attrs["policy_version"].decode()
        text, told = self.replay()
        self.assertNotIn("as recorded", text)
        self.assertEqual((told["decisions_as_recorded"], told["policy_version"]), (0, own))
        self.assertNotIn("note", told)
        self.relabel()
        _, told = self.replay()
        with h5py.File(self.trace, "r+") as file:
            set_attribute(file, "policy_version", told["policy_version"])
        text, _ = self.replay(2)
        self.assertNotIn("as recorded", text)
        self.assertRegex(text, r"intervals\[\d+\]\.predicted_inference_ns: ")

    def test_a_trace_without_a_version_has_version_1(self):
        self.altered.add(self.trace)
        with h5py.File(self.trace, "r+") as file:
            own = file.attrs["policy_version"].decode()
            del file.attrs["policy_version"]
        _, told = self.replay()
        self.assertEqual(told["decisions_as_recorded"] == 0, own == "1")
        self.assertEqual(self.inspected()["parts"][0]["policy_version"], "1")

    def test_other_policies_are_asked(self):
        self.relabel()
        result = self.headroom("replay", self.trace, "--policy", "static,ring", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        policies = json.loads(result.stdout)["policies"]
        self.assertEqual([one["policy"] for one in policies], ["static (recorded, version 7)", "static", "ring"])
        self.assertNotEqual(policies[0]["virtual_time_ns"], policies[1]["virtual_time_ns"])
        for name in ("static", "ring"):
            with h5py.File(self.folder / f"run.under.{name}.h5", "r") as file:
                self.assertEqual(file.attrs["recorded_policy_version"].decode(), OTHER)
                self.assertNotEqual(file.attrs["policy_version"].decode(), OTHER)

    def inspected(self):
        return json.loads(self.headroom("inspect", self.trace, "--json").stdout)

    def test_a_resumed_run_goes_on_from_what_is_recorded(self):
        self.relabel()
        with h5py.File(self.trace, "r") as file:
            before = file["placements"][:4]
        self.cut(4)
        result = self.headroom("run", "--resume", self.trace, "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, "warning: .*" + TAKEN.format(4, 4) + ".*; version .* decides from here on")
        with h5py.File(self.trace, "r") as file:
            own = file.attrs["part_2_policy_version"].decode()
            self.assertTrue((file["placements"][:4] == before).all())
        text, told = self.replay()
        self.assertRegex(text, TAKEN.format(4, told["intervals_recorded"]))
        self.assertEqual([part["policy_version"] for part in self.inspected()["parts"]], [OTHER, own])
        shown = self.headroom("inspect", self.trace).stdout
        self.assertRegex(shown, r"\n  policy_version +7\n")
        self.assertRegex(shown, rf"\n  1 +0-3 .* 7\n  2 +4-\d+ .* {own}\n")
        self.exported(own)

    def exported(self, own):
        result = self.headroom("export", self.trace, "--perfetto", "out.json", "--csv", "tables")
        self.assertEqual(result.returncode, 0, result.stderr)
        events = json.loads((self.folder / "out.json").read_text())["traceEvents"]
        versions = [e["args"]["policy_version"] for e in events if "policy_version" in e.get("args", {})
                    and "reason" in e["args"]]
        self.assertEqual(versions[:5], [OTHER] * 4 + [own])
        with open(self.folder / "tables/attributes.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        self.assertIn(OTHER, [row[1] for row in rows if row[0] == "policy_version"])
        self.assertIn(own, [row[1] for row in rows if row[0] == "part_2_policy_version"])

    def test_what_follows_from_its_decisions_is_checked_before_a_run_is_resumed(self):
        self.relabel()
        self.cut(4)
        self.wrong_time()
        before = self.trace.read_bytes()
        result = self.headroom("run", "--resume", self.trace, "--transport", "inprocess")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("is damaged", result.stderr)
        self.assertEqual(self.trace.read_bytes(), before)

    def test_a_complete_run_is_closed(self):
        self.relabel()
        result = self.headroom("run", "--resume", self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, TAKEN.format(r"\d+", r"\d+"))
        self.assertNotIn("decides from here on", result.stderr)
        self.assertIn("nothing is left to do", result.stderr)


if __name__ == "__main__":
    main()
