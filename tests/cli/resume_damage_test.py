#!/usr/bin/env python3
"""Traces that were damaged after their run: `--resume` refuses them, or continues with the same result if the damage
does not matter. With HEADROOM_DAMAGE=all (the Long suite), more rows and values of each column are damaged.
"""
import json
import os
import re
import shutil

import h5py
import numpy

from headroom import Case, main, scenario_text

ALL = os.environ.get("HEADROOM_DAMAGE") == "all"
TABLES = ("intervals", "resources", "link_state", "migrations", "turns", "tokens", "requests",
          "events", "ops", "messages")
# Columns that differ between equal runs: wall-clock times, and positions of texts in the pools.
OWN = {"checksum", "decision_wall_ns", "rank_rss_bytes", "text_offset"}
KEPT = 7

# Four sequences, two of them in flight, changing loads, and a device that loses memory and pages.
SCENARIO = scenario_text(
    tokens=10, interval=2, compute="100 MFLOP/s", extra='storage_bandwidth = "40 MB/s"\n'
).replace('prompts = ["Once there was"]',
          'prompts = ["Once there was", "One day"]\nrepeat = 2\nsequences = 2\ntemperature = 0.5'
          ) + """
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


def cut(trace, intervals):
    """Truncates the trace like a kill after that many intervals."""
    with h5py.File(trace, "r+") as file:
        file["complete"][0] = 0
        file["intervals"].resize((intervals,))


def commits(trace):
    with h5py.File(trace, "r") as file:
        return file["intervals"][:]


def set_attribute(file, name, text):
    file.attrs.create(name, text.encode(), dtype=h5py.string_dtype("utf-8", len(text)))


def after(trace, kept):
    """Returns all that the run recorded after the first `kept` intervals."""
    rows = commits(trace)
    result = {}
    with h5py.File(trace, "r") as file:
        for name in TABLES:
            table = file[name][kept if name == "intervals" else int(rows[f"rows_{name}"][kept - 1]):]
            for column in table.dtype.names:
                if column not in OWN and not column.startswith("rows_"):
                    result[name, column] = table[column].tolist()
        result["placements"] = file["placements"][kept:].tolist()
        result["texts"] = file["text_pool"][int(rows["rows_text_pool"][kept - 1]):].tolist()
    return result


def others(value, dtype):
    """Returns other values that the column could have."""
    if dtype.kind == "S":
        return [value + b"x" if len(value) < dtype.itemsize else b"?" + value[1:]]
    if dtype.kind == "f":
        return [value + 1.0] + ([float("nan"), -value] if ALL else [])
    info = numpy.iinfo(dtype)
    extremes = [info.max, info.max // 2, 0, info.min, value - 1] if ALL else []
    values = [value + 1 if value < info.max else value - 1, *extremes]
    return [v for v in dict.fromkeys(values) if v != value and info.min <= v <= info.max]


class Damage(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.folder / "good.h5"
        result = self.headroom("run", self.scenario(SCENARIO), "--trace", self.trace,
                               "--trace-ops", "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(len(commits(self.trace)), KEPT + 1)

    def resume(self, trace, out=None):
        options = ["--trace", out, "--force"] if out else []
        return self.headroom("run", "--resume", trace, "--transport", "inprocess", *options)

    def spoil(self, name, column, row, value):
        bad = self.folder / "bad.h5"
        shutil.copy(self.trace, bad)
        self.altered.add(bad)
        with h5py.File(bad, "r+") as file:
            if column:
                changed = file[name][row]
                changed[column] = value
                file[name][row] = changed
            else:
                flat = file[name][:].reshape(-1)
                flat[row] = value
                file[name][...] = flat.reshape(file[name].shape)
        return bad

    def cases(self):
        """Yields dataset, column, row, type and value of everything that is to be damaged."""
        with h5py.File(self.trace, "r") as file:
            last = file["intervals"][-1]
            for name, table in file.items():
                rows = int(last[f"rows_{name}"]) if f"rows_{name}" in last.dtype.names else len(table)
                count = rows * (table.shape[1] if table.ndim == 2 else 1)
                for column in table.dtype.names or [None]:
                    for row in sorted({0, count // 2, count - 1} if ALL else {count - 1}):
                        if count > 0:
                            value = table[row][column] if column else table[:].reshape(-1)[row]
                            yield name, column, row, (table.dtype[column] if column else table.dtype), value

    def test_every_column_is_refused_or_does_not_matter(self):
        cut(self.trace, KEPT)
        good, out = self.folder / "went_on.h5", self.folder / "out.h5"
        whole = self.resume(self.trace, good)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        expected = after(good, KEPT)
        refused = went_on = 0
        for name, column, row, dtype, value in self.cases():
            for other in others(value if dtype.kind == "S" else value.item(), dtype):
                if (column, other) == ("rows_placements", 0):
                    continue  # a kill leaves the same state: the last row is not counted
                with self.subTest(f"{name}.{column}[{row}]: {other!r} for {value!r}"):
                    bad = self.spoil(name, column, row, other)
                    before = bad.read_bytes()
                    result = self.resume(bad, out)
                    self.altered.add(out)
                    self.assertEqual(bad.read_bytes(), before)
                    if result.returncode == 2:
                        refused += 1
                        self.assertRegex(result.stderr, r"bad\.h5: ")
                    else:
                        went_on += 1
                        self.assertEqual(result.returncode, 0, result.stderr)
                        self.assertEqual(result.stdout, whole.stdout)
                        self.assertTrue(after(out, KEPT) == expected, "went on in another way")
        self.assertGreater(refused, 100)
        self.assertGreater(went_on, 1)  # at least the wall-clock columns do not matter

    def test_a_token_outside_the_vocabulary_is_bad_input(self):
        cut(self.trace, KEPT)
        with h5py.File(self.trace, "r") as file:
            vocabulary = int(file["model"]["vocabulary"][0])
            row = int(file["intervals"]["rows_tokens"][-1]) - 1
        for token in (vocabulary, -1, 2**31 - 1):
            result = self.resume(self.spoil("tokens", "id", row, token))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertRegex(result.stderr, f"{token}, expected one from ")

    def test_a_changed_token_is_found_by_all_devices_together(self):
        cut(self.trace, KEPT)
        with h5py.File(self.trace, "r") as file:
            row = int(file["intervals"]["rows_tokens"][-1]) - 4
            token = int(file["tokens"][row]["id"])
        bad = self.spoil("tokens", "id", row, token + 1)
        before = bad.read_bytes()
        result = self.headroom("run", "--resume", bad)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("the trace that the run goes on from is damaged: sequence ", result.stderr)
        self.assertEqual(bad.read_bytes(), before)
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_sizes_that_cannot_be_counted_are_bad_input(self):
        cut(self.trace, KEPT)
        for column, value in (("width", 2**62), ("vocabulary", 2**63 - 1), ("context", 2**40),
                              ("layers", 2**31 - 1), ("kv_type", 2**31 - 1), ("kv_type", 4),
                              ("head_width", 2**60), ("window", 2**60)):
            bad = self.spoil("model", column, 0, value)
            for command in (["replay", bad], ["run", "--resume", bad]):
                result = self.headroom(*command)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn("damaged", result.stderr)

    def test_a_changed_scenario_is_found(self):
        cut(self.trace, KEPT)
        bad = self.folder / "bad.h5"
        shutil.copy(self.trace, bad)
        self.altered.add(bad)
        with h5py.File(bad, "r+") as file:
            text = file["scenario"][:].tobytes()
            at = text.index(b"temperature = 0.5") + len("temperature = 0.")
            file["scenario"][at] = ord("4")
        result = self.resume(bad)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("is damaged: /scenario", result.stderr)

    def test_an_unfinished_trace_cannot_be_marked_as_finished(self):
        cut(self.trace, KEPT)
        with h5py.File(self.trace, "r+") as file:
            file["complete"][0] = 1
        self.altered.add(self.trace)
        result = self.resume(self.trace)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("is damaged", result.stderr)

    def test_the_first_difference_is_named(self):
        cut(self.trace, KEPT)
        bad = self.spoil("turns", "end", 7, 12345)
        result = self.resume(bad)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertRegex(result.stderr, r"--resume \S*bad.h5: is damaged")
        self.assertRegex(result.stderr, r"intervals\[\d+\]\.turns\[\d+\]\.end: 12345 \| \d+")
        self.assertIn("nothing was changed", result.stderr)

    def test_another_version_may_have_decided_otherwise(self):
        cut(self.trace, KEPT)
        bad = self.spoil("intervals", "predicted_inference_ns", 3, 12345)
        with h5py.File(bad, "r+") as file:
            set_attribute(file, "program_commit", "0123456")
        result = self.resume(bad)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("another version of headroom wrote it", result.stderr)
        self.assertIn("intervals[3].predicted_inference_ns: 12345 |", result.stderr)

    def test_every_part_records_its_program(self):
        cut(self.trace, KEPT)
        with h5py.File(self.trace, "r+") as file:
            set_attribute(file, "program_commit", "0123456")
            set_attribute(file, "clock", "paced")
        result = self.resume(self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        cut(self.trace, KEPT + 1)
        self.assertEqual(self.resume(self.trace).returncode, 0)
        with h5py.File(self.trace, "r") as file:
            self.assertEqual(file.attrs["clock"].decode(), "paced")
            self.assertEqual(file.attrs["part_2_clock"].decode(), "virtual")
            commit = file.attrs["part_3_program_commit"].decode()
        self.assertNotEqual(commit, "0123456")
        parts = json.loads(self.headroom("inspect", self.trace, "--json").stdout)["parts"]
        self.assertEqual([part["first_interval"] for part in parts], [0, KEPT, KEPT + 1])
        self.assertEqual([part["program_commit"] for part in parts], ["0123456", commit, commit])
        self.assertEqual([part["clock"] for part in parts], ["paced", "virtual", "virtual"])
        shown = self.headroom("inspect", self.trace).stdout
        self.assertRegex(shown, rf"\n  1 +0-{KEPT - 1} +\S+ +0123456 +paced ")
        self.assertRegex(shown, rf"\n  2 +{KEPT}-{KEPT} +\S+ +{re.escape(commit)} +virtual ")
        self.assertNotIn("part_2", shown)
        self.assertIn("identical", self.headroom("replay", self.trace).stdout)


if __name__ == "__main__":
    main()
