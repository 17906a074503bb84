#!/usr/bin/env python3
"""scripts/headroom_trace.py: its tables are those that h5py reads; unreadable files are reported."""
import fcntl
import io
import importlib.util
import shutil
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np

import small_traces
from headroom import main
from small_traces import SCRIPTS, headroom_trace, page_of, raw


class Module(small_traces.Traces):
    def assert_equal_to_h5py(self, path):
        tables, placements, pool = raw(path)
        trace = headroom_trace.open_trace(path)
        self.assertEqual(set(trace.names), set(tables))
        for name, expected in tables.items():
            got = trace.table(name)
            self.assertEqual(len(got), len(expected), name)
            self.assertEqual(list(trace.units(name)), list(expected.dtype.names))
            for column in expected.dtype.names:
                values = expected[column].tolist()
                if expected.dtype[column].kind == "S":
                    values = [value.decode() for value in values]
                self.assertEqual(got[column].tolist(), values, f"{name}.{column}")
        for row, text in zip(tables["requests"], trace.table("requests")["text"]):
            place = slice(row["text_offset"], row["text_offset"] + row["text_length"])
            self.assertEqual(text, pool[place].decode())
        self.assertTrue(np.array_equal(trace.placement(), placements))

    def test_tables_are_those_of_h5py(self):
        for path in self.traces():
            with self.subTest(path.name):
                self.assert_equal_to_h5py(path)
        self.assert_equal_to_h5py(self.killed())

    def test_another_value_would_be_seen(self):
        copy = shutil.copy(self.shared / "one.h5", self.folder)
        trace = headroom_trace.open_trace(copy)
        trace.table("tokens")["end"][3] += 1
        self.assertNotEqual(trace.table("tokens")["end"].tolist(), raw(copy)[0]["tokens"]["end"].tolist())

    def test_rows_beyond_the_last_commit_are_ignored(self):
        copy = Path(shutil.copy(self.shared / "one.h5", self.folder))
        self.altered.add(copy)
        with h5py.File(copy, "r+") as file:
            rows = file["intervals"][:]
            rows[-1] = np.zeros((), rows.dtype)  # as a killed run leaves it
            file["intervals"][:] = rows
            expected = int(rows[-2]["rows_tokens"])
            self.assertLess(expected, len(file["tokens"]))
        trace = headroom_trace.open_trace(copy)
        self.assertEqual((len(trace), len(trace.table("tokens"))), (len(rows) - 1, expected))

    def test_helpers(self):
        trace = headroom_trace.open_trace(self.shared / "several.h5")
        self.assertEqual(trace.sequences(), list(range(6)))
        self.assertEqual(trace.text(0)[0], "Once there was")
        self.assertEqual(trace.scenario["workload"]["sequences"], 3)
        self.assertEqual(list(trace.input_files.values()), [(self.shared / "several.toml").read_text()])
        self.assertEqual(set(trace.named("intervals", "policy")), {"ring"})
        self.assertEqual(trace.policy_versions(), [trace.attributes["policy_version"]] * len(trace))
        self.assertEqual(trace.units("tokens")["end"], "ns")
        late = trace.latency()
        for sequence in trace.sequences():
            ends = trace.tokens_of(sequence)["end"]
            own = late[late["sequence"] == sequence]["latency_ns"]
            self.assertEqual(own.tolist(), [-1, *np.diff(ends).tolist()])
        tokens = sum(len(trace.rows_of("tokens", i)) for i in range(len(trace)))
        self.assertEqual(tokens, len(trace.table("tokens")))
        rows = trace.table("resources")
        for row in rows[:: max(1, len(rows) // 7)]:
            self.assertEqual(trace.memory()["peak"][row["interval"], row["device"]], row["memory_peak_bytes"])
        self.assertEqual(trace.device_of("embed"), ["d0"] * len(trace))
        self.assertRaises(IndexError, trace.rows_of, "tokens", len(trace))

    def test_control_sequences_are_escaped(self):
        evil = "a\x1b[2J\r\x7f\x9b31m\u202e\udc9b\n\té"
        terminal, file = io.StringIO(), io.StringIO()
        terminal.isatty = lambda: True
        self.assertEqual(headroom_trace.visible(evil, terminal),
                         "a\\x1b[2J\\x0d\\u007f\\u009b31m\\u202e\\x9b\n\té")
        self.assertEqual(headroom_trace.visible(evil, file), evil)

    def test_frames(self):
        trace = headroom_trace.open_trace(self.shared / "one.h5")
        if importlib.util.find_spec("pandas"):
            frame = trace.frame("intervals")
            self.assertEqual(frame["reason"].tolist(), trace.named("intervals", "reason").tolist())
        else:
            with self.assertRaisesRegex(headroom_trace.TraceError, "python3-pandas"):
                trace.frame("intervals")

    def test_versions(self):
        for version in (3, 2, 6):
            copy = shutil.copy(self.shared / "one.h5", self.folder / f"v{version}.h5")
            with h5py.File(copy, "r+") as file:
                file.attrs["schema_version"] = np.int64(version)
                for name in ("model", "layers", "prompts"):
                    del file[name]
            if version == 3:
                self.assert_equal_to_h5py(copy)
                self.assertEqual(page_of(self.folder, copy, "-o", "old.html").returncode, 0)
            else:
                with self.assertRaisesRegex(headroom_trace.TraceError, f"version {version};.* 3 to 5"):
                    headroom_trace.open_trace(copy)

    def test_files_that_are_no_traces(self):
        whole = (self.shared / "one.h5").read_bytes()
        (self.folder / "text.h5").write_text("hello")
        (self.folder / "empty.h5").write_bytes(b"")
        with h5py.File(self.folder / "foreign.h5", "w") as file:
            file["x"] = [1]
        cases = {"missing.h5": "No such file", "text.h5": "not an HDF5 file", "empty.h5": "is empty",
                 "foreign.h5": "not a trace of headroom", ".": "Is a directory"}
        for part in (1, 2, 3):
            (self.folder / f"cut{part}.h5").write_bytes(whole[:len(whole) * part // 4])
            cases[f"cut{part}.h5"] = "truncated or damaged"
        for name, why in cases.items():
            with self.assertRaisesRegex(headroom_trace.TraceError, why):
                headroom_trace.open_trace(self.folder / name)
            if name not in ("missing.h5", "foreign.h5", "cut2.h5"):
                continue
            told = page_of(self.folder, name, "-o", "x.html")
            self.assertEqual(told.returncode, 2)
            self.assertRegex(told.stderr, f"report: error: .*{why}")
            self.assertFalse((self.folder / "x.html").exists())

    def test_a_killed_trace_that_is_cut_is_given_up_soon(self):
        whole = self.killed().read_bytes()
        began = time.monotonic()
        for part in (1, 2):
            cut = self.folder / f"cut{part}.h5"
            self.altered.add(cut)
            cut.write_bytes(whole[:len(whole) * part // 5])
            with self.assertRaises(headroom_trace.TraceError):
                trace = headroom_trace.open_trace(cut)
                for name in trace.names:
                    trace.table(name)
        self.assertLess(time.monotonic() - began, 20)

    def test_a_trace_that_is_being_begun(self):
        with open(self.shared / "one.h5", "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # HDF5 holds this lock until readers are allowed
            with self.assertRaisesRegex(headroom_trace.TraceError, "try again"):
                headroom_trace.open_trace(self.shared / "one.h5")

    def test_the_example_runs(self):
        for trace in self.traces():
            told = subprocess.run([str(SCRIPTS / "examples/analyse.py"), str(trace)], text=True,
                                  capture_output=True, check=False)
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertIn("d0", told.stdout)


if __name__ == "__main__":
    main()
