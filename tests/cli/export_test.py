#!/usr/bin/env python3
"""headroom export: the Perfetto JSON and the CSV files have the contents of the trace.

`trace_events` checks the JSON. Twin tests show that it rejects faults that an exporter could have.
"""
import copy
import csv
import json
import math
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import h5py

import errors_test
import trace_events
from errors_test import Expected
from headroom import BINARY, DEMO, ROOT, Case, main, scenario_text

INDEX = {"devices": "device", "blocks": "block", "layers": "layer"}
OF_INTERVALS = ("turns", "tokens", "requests", "ops", "messages", "events")
FIXED = ("devices", "links", "blocks", "model", "layers", "prompts")
GROWING = ("intervals", "resources", "link_state", "migrations", *OF_INTERVALS)


def read_csv(path):
    """Returns (header, rows) as texts in Latin-1, so that any bytes can be compared."""
    with open(path, newline="", encoding="latin-1") as file:
        rows = list(csv.reader(file, strict=True))
    return rows[0], rows[1:]


def plain(value):
    """Converts a cell of h5py to a plain Python value."""
    return value.decode("latin-1") if isinstance(value, bytes) else value.item()


def expected_rows(trace, name):
    """Returns the (header, rows) expected in the file of a table, read from the trace."""
    dataset, rows = trace[name], trace.rows(name)
    columns = [c for c in dataset.dtype.names
               if not c.startswith("rows_") and not c.endswith("_offset")]
    units = dict(zip(dataset.dtype.names, [u.decode() for u in dataset.attrs["units"]]))
    pool = trace["text_pool"][:].tobytes().decode("latin-1")
    header = [c.removesuffix("_length") for c in columns]
    table = []
    for row in rows:
        cells = []
        for column in columns:
            value = plain(row[column])
            if column.endswith("_length"):
                at = int(row[column.replace("_length", "_offset")])
                value = pool[at:at + value]
            elif units[column] == "code":
                value = dataset.attrs[f"{column}_codes"][value].decode()
            cells.append(value)
        table.append(cells)
    if name == "intervals" or name in INDEX:
        header = [INDEX.get(name, "interval"), *header]
        table = [[i, *cells] for i, cells in enumerate(table)]
    elif name in OF_INTERVALS:
        header = ["interval", *header]
        table = [[i, *cells] for i, cells in zip(intervals_of(trace, name), table)]
    return header, table


def intervals_of(trace, name):
    """Returns the interval of each row of a table, derived from the commit records."""
    done, first = [], 0
    for index, row in enumerate(trace.rows("intervals")):
        end = int(row[f"rows_{name}"])
        done += [index] * (end - first)
        first = end
    return done


def same(cell, value):
    if isinstance(value, float):
        return float(cell) == value or (math.isnan(value) and cell == "nan")
    return cell == (for_spreadsheets(value) if isinstance(value, str) else str(value))


def for_spreadsheets(text):
    """Returns the text, with an apostrophe in front if a spreadsheet would take it for a formula."""
    try:
        float(text)
    except ValueError:
        return "'" + text if text.lstrip("\t\r").startswith(tuple("=+-@")) else text
    return text


def csv_faults(folder, trace):
    """Returns the differences between the CSV files and the trace."""
    faults = []
    there = [name for name in (*FIXED, *GROWING) if name in trace]
    for name in there:
        header, rows = read_csv(folder / f"{name}.csv")
        names, expected = expected_rows(trace, name)
        if header != names or len(rows) != len(expected):
            faults.append(f"{name}: {header}, {len(rows)} rows, not {names}, {len(expected)} rows")
            continue
        for number, (found, wanted) in enumerate(zip(rows, expected)):
            if len(found) != len(wanted) or not all(map(same, found, wanted)):
                faults.append(f"{name}, row {number}: {found}, not {wanted}")
    files = {path.stem for path in folder.glob("*.csv")}
    more = {"placements", "attributes", "columns"}
    if files != {*there, *more}:
        faults.append(f"files: {sorted(files)}")
    return faults + placement_faults(folder, trace) + unit_faults(folder, trace, there)


def placement_faults(folder, trace):
    blocks = [plain(name) for name in trace["blocks"]["name"]]
    devices = [plain(name) for name in trace["devices"]["name"]]
    expected = [[str(i), str(b), blocks[b], str(device), devices[device]]
                for i, placed in enumerate(trace.rows("placements"))
                for b, device in enumerate(placed)]
    _, rows = read_csv(folder / "placements.csv")
    return [] if rows == expected else ["placements differ"]


def unit_faults(folder, trace, tables):
    _, rows = read_csv(folder / "columns.csv")
    told = {(table, column): unit for table, column, unit in rows}
    faults = []
    for name in tables:
        units = [u.decode() for u in trace[name].attrs["units"]]
        for column, unit in zip(trace[name].dtype.names, units):
            if not column.startswith("rows_") and not column.endswith(("_offset", "_length")) \
                    and told.get((name, column)) != unit:
                faults.append(f"{name}.{column}: {told.get((name, column))}, not {unit}")
        header, _ = read_csv(folder / f"{name}.csv")
        faults += [f"{name}.{column} has no unit" for column in header
                   if (name, column) not in told]
    return faults


class Traces(Case):
    """A folder of traces that all tests of a class share."""

    @classmethod
    def setUpClass(cls):
        cls._traces = tempfile.TemporaryDirectory(prefix="headroom-export-")
        cls.traces = Path(cls._traces.name)
        cls.addClassCleanup(cls._traces.cleanup)

    @classmethod
    def recorded(cls, name, command, *arguments):
        path = cls.traces / f"{name}.h5"
        subprocess.run([str(BINARY), command, *map(str, arguments), "--trace", str(path), "--json"],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return path

    def exported(self, trace, *options):
        """Exports a trace; returns the folder of the CSV files and the parsed JSON."""
        folder, out = self.folder / "tables", self.folder / "out.json"
        result = self.headroom("export", trace, "--perfetto", out, "--csv", folder, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, "")
        return folder, trace_events.parse(out.read_text(encoding="utf-8")), result.stderr


class Export(Traces):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.demo = cls.recorded("demo", "run", DEMO, "--trace-ops", "--transport", "inprocess")
        cls.several = cls.recorded(
            "several", "run", ROOT / "data/scenarios/requests.toml", "--trace-ops",
            "--transport", "inprocess", "--set", "controller.batch=2")
        cls.plain = cls.recorded("plain", "run", DEMO, "--transport", "inprocess")
        cls.loaded = cls.recorded("loaded", "simulate", DEMO, "--trace-ops",
                                  "--set", 'controller.weights="everywhere"')

    def assert_right(self, trace, *options):
        folder, document, notes = self.exported(trace, *options)
        with trace_events.Committed(trace) as opened:
            self.assertEqual(trace_events.format_faults(document), [])
            self.assertEqual(trace_events.content_faults(document, opened), [])
            self.assertEqual(csv_faults(folder, opened), [])
            self.assertEqual((folder / "scenario.toml").read_bytes(),
                             opened["scenario"][:].tobytes())
        return document, notes

    def test_the_demo_with_migrations_and_paging(self):
        document, notes = self.assert_right(self.demo)
        names = {event["name"] for event in document["traceEvents"]}
        self.assertLessEqual({"paging", "migration under way", "overload"}, names)
        self.assertTrue(any(name.startswith("wait: ") for name in names))
        self.assertIn("ui.perfetto.dev", notes)
        self.assertNotIn("--trace-ops", notes)

    def test_several_sequences(self):
        document, _ = self.assert_right(self.several)
        self.assertIn("sequence 11 waits", {e["name"] for e in document["traceEvents"]})

    def test_weights_that_are_read_from_storage(self):
        document, _ = self.assert_right(self.loaded)
        self.assertTrue(any(event.get("args", {}).get("loaded_bytes", 0) > 0
                            for event in document["traceEvents"]))

    def test_without_operations_the_rest_is_there(self):
        document, notes = self.assert_right(self.plain)
        self.assertIn("--trace-ops", notes)
        self.assertNotIn("ops.csv", os.listdir(self.folder / "tables"))
        self.assertFalse(any(e["name"].startswith(("wait", "idle"))
                             for e in document["traceEvents"]))

    def test_a_trace_of_version_3(self):
        old = self.folder / "old.h5"
        shutil.copy(self.demo, old)
        with h5py.File(old, "r+", libver="latest") as file:
            for name in ("model", "layers", "prompts"):
                del file[name]
            file.attrs["schema_version"] = 3
        self.assert_right(old)

    def test_a_killed_run(self):
        head = '[clock]\nmode = "paced"\nscale = 1.0\n'
        path = self.scenario(scenario_text(tokens=200, interval=2, head=head,
                                           compute="100 MFLOP/s"))
        trace = self.folder / "killed.h5"
        process = self.start("run", path, "--trace", trace, "--trace-ops",
                             "--transport", "inprocess")
        deadline = time.monotonic() + 20
        while self.intervals(trace) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        document, notes = self.assert_right(trace)
        self.assertIn("was killed", notes)
        self.assertEqual(document["otherData"]["completion"], "running")

    def intervals(self, trace):
        try:
            with trace_events.Committed(trace) as opened:
                return len(opened.rows("intervals"))
        except OSError:
            return 0

    def test_no_cell_is_a_formula(self):
        prompts = ["=1+1", "+x", "- he said", "@you", "\t=1", "-7", "plain = text", "it's"]
        text = scenario_text(tokens=2).replace('["Once there was"]', json.dumps(prompts))
        result = self.headroom("run", self.scenario(text), "--trace", "f.h5", "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        folder, _, _ = self.exported("f.h5")
        with trace_events.Committed(self.folder / "f.h5") as opened:
            self.assertEqual(csv_faults(folder, opened), [])
        texts = sorted(row[-1] for row in read_csv(folder / "requests.csv")[1])
        self.assertEqual(len(texts), len(prompts))
        for prompt in prompts[:5]:
            self.assertTrue(any(t.startswith("'" + prompt) for t in texts), (prompt, texts))
        for prompt in prompts[6:]:
            self.assertTrue(any(t.startswith(prompt) for t in texts), (prompt, texts))
        for name, column in (("migrations", "checksum"), ("events", "device"), ("links", "from"),
                             ("blocks", "layer")):
            header, rows = read_csv(folder / f"{name}.csv")
            for row in rows:  # numbers stay numbers, and there are negative ones
                int(row[header.index(column)])
        header, rows = read_csv(folder / "blocks.csv")
        self.assertIn("-1", [row[header.index("layer")] for row in rows])

    def test_json_says_what_was_written(self):
        result = self.headroom("export", self.demo, "--perfetto", "a.json", "--csv", "t", "--json")
        told = json.loads(result.stdout)
        self.assertEqual(told["perfetto"]["bytes"], (self.folder / "a.json").stat().st_size)
        events = trace_events.parse((self.folder / "a.json").read_text())["traceEvents"]
        self.assertEqual(told["perfetto"]["events"], len(events))
        for file in told["csv"]["files"]:
            self.assertEqual(file["bytes"], (self.folder / file["file"]).stat().st_size)
        self.assertEqual(len(told["csv"]["files"]), len(os.listdir(self.folder / "t")))

    def test_force_leaves_no_table_of_another_trace(self):
        self.exported(self.demo)
        (self.folder / "tables/notes.txt").write_text("mine")
        self.assertIn("ops.csv", os.listdir(self.folder / "tables"))
        self.assert_right(self.plain, "--force")
        self.assertEqual((self.folder / "tables/notes.txt").read_text(), "mine")

    def test_a_pipe_takes_it(self):
        result = self.headroom("export", self.demo, "--perfetto", "/dev/stdout")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(trace_events.format_faults(trace_events.parse(result.stdout)), [])

    def test_a_link_stays_a_link(self):
        (self.folder / "link.json").symlink_to("real.json")
        self.headroom("export", self.plain, "--perfetto", "link.json")
        self.assertTrue((self.folder / "link.json").is_symlink())
        self.assertGreater((self.folder / "real.json").stat().st_size, 1000)

    def test_a_disk_that_fills_up_leaves_what_was_there(self):
        (self.folder / "out.json").write_text("old")

        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        for where, *options in (["out.json", "--perfetto", "out.json", "--force"],
                                ["new/ops.csv", "--csv", "new"],
                                ["out.json", "--csv", "new", "--perfetto", "out.json", "--force"]):
            result = subprocess.run(
                [str(BINARY), "export", str(self.demo), *options], cwd=self.folder, text=True,
                stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=limited, check=False)
            self.assertEqual(errors_test.faults(result, Expected(
                "cannot be written: File too large", where, "expected room", "make room",
                code=3)), [])
            self.assertEqual(os.listdir(self.folder), ["out.json"])
            self.assertEqual((self.folder / "out.json").read_text(), "old")

    def test_an_interrupt_leaves_nothing(self):
        """The export blocks on a pipe without a reader until the signal arrives."""
        os.mkfifo(self.folder / "pipe")
        reader = os.open(self.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            process = self.start("export", self.demo, "--csv", "tables", "--perfetto", "pipe")
            time.sleep(0.5)
            for _ in range(40):
                os.kill(process.pid, signal.SIGINT)
                time.sleep(0.05)
                if process.poll() is not None:
                    break
            _, errors = process.communicate(timeout=20)
        finally:
            os.close(reader)
        self.assertEqual(process.returncode, 130, errors)
        self.assertEqual(os.listdir(self.folder), ["pipe"])

    def test_errors(self):
        (self.folder / "old.json").write_text("{}")
        (self.folder / "full").mkdir()
        (self.folder / "full/ops.csv").write_text("")
        (self.folder / "foreign.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
        h5py.File(self.folder / "other.h5", "w").close()
        cases = (
            ([self.demo], "where to is missing", "headroom export", "expected --perfetto", "--csv", 2),
            (["--perfetto", "a.json"], "is missing", "a trace", "expected one", "headroom export", 2),
            (["no.h5", "--perfetto", "a.json"], "there is no such file", "no.h5", "expected",
             "check the name", 2),
            ([DEMO, "--perfetto", "a.json"], "is no trace", str(DEMO), "expected one",
             "headroom run", 2),
            (["foreign.h5", "--csv", "t"], "cannot be read as a trace", "foreign.h5",
             "expected a whole trace", "copy it again", 2),
            (["other.h5", "--csv", "t"], "not a trace of ours", "other.h5",
             "expected a whole trace", "copy it again", 2),
            ([self.demo, "--perfetto", "old.json"], "exists already", "old.json",
             "expected a new name", "--force", 2),
            ([self.demo, "--perfetto", "full"], "is a folder", "full", "expected the name of a file",
             "give --perfetto full/trace.json", 2),
            ([self.demo, "--perfetto", "no/a.json"], "is not a folder", "no/a.json",
             "expected an existing one", "mkdir -p", 2),
            ([self.demo, "--perfetto", self.demo, "--force"], "is the trace itself", str(self.demo),
             "expected another file", "give another", 2),
            ([self.demo, "--csv", "old.json"], "is a file", "old.json", "expected a folder",
             "give another --csv", 2),
            ([self.demo, "--csv", "full"], "has ops.csv already", "full",
             "expected a folder without tables", "--force", 2),
            ([self.demo, "--csv", "no/t"], "is not a folder", "no/t", "expected an existing one",
             "mkdir -p", 2),
            ([self.demo, "--perfetto", "/dev/full"], "No space left on device", "/dev/full",
             "expected room", "make room", 3),
            ([self.demo, "--perfetto", "/proc/a.json"], "cannot be written", "/proc/a.json",
             "permission there", "ls -ld", 3),
            ([self.demo, "--csv", "/proc/t"], "cannot be made", "/proc/t",
             "expected one that you may write to", "ls -ld", 3),
        )
        before = sorted(os.listdir(self.folder))
        for arguments, what, where, expected, do, code in cases:
            with self.subTest(arguments=arguments):
                result = self.headroom("export", *arguments)
                self.assertEqual(
                    errors_test.faults(result, Expected(what, where, expected, do, code)), [])
                self.assertEqual(sorted(os.listdir(self.folder)), before)


class Twins(Traces):
    """Faults that the checks must detect, planted one at a time."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.demo = cls.recorded("short", "run", DEMO, "--trace-ops", "--transport", "inprocess",
                                "--tokens", 40)

    def planted(self, change):
        document = copy.deepcopy(self.document)
        change(document["traceEvents"])
        with trace_events.Committed(self.demo) as trace:
            return (trace_events.format_faults(document)
                    or trace_events.content_faults(document, trace))

    def first(self, events, process, phase="X"):
        tracks = trace_events.Tracks(events)
        return next(e for e in events if e["ph"] == phase and e.get("dur", 1) > 0
                    and tracks.processes[e["pid"]] == process)

    def test_every_planted_fault_is_found(self):
        _, self.document, _ = self.exported(self.demo)

        def moved(event, **keys):
            for key, value in keys.items():
                event[key] = event[key] + value

        nanosecond = trace_events.Decimal("0.001")
        faults = {
            "overlap": lambda e: moved(self.first(e, "devices"), dur=nanosecond),
            "overlap on a link": lambda e: moved(self.first(e, "links"), dur=1_000_000),
            "an operation less": lambda e: e.remove(self.first(e, "devices")),
            "a message less": lambda e: e.remove(self.first(e, "links")),
            "half a nanosecond": lambda e: moved(self.first(e, "links"), ts=nanosecond / 2),
            "a nanosecond": lambda e: moved(self.first(e, "links"), dur=-nanosecond),
            "other bytes": lambda e: moved(self.first(e, "links")["args"], bytes=1),
            "a counter": lambda e: moved(self.first(e, "memory", "C")["args"], B=1),
            "a counter less": lambda e: e.remove(self.first(e, "memory", "C")),
            "a turn less": lambda e: e.remove(self.first(e, "sequences")),
            "a decision less": lambda e: e.remove(self.first(e, "decisions", "i")),
            "an arrow's end less": lambda e: e.remove(self.first(e, "devices", "f")),
            "an arrow to nowhere": lambda e: moved(self.first(e, "devices", "f"), ts=nanosecond),
            "no name of a track": lambda e: e.remove(
                next(x for x in e if x["name"] == "thread_name")),
            "a time as text": lambda e: self.first(e, "links").update(ts="1"),
            "an unknown phase": lambda e: self.first(e, "links").update(ph="Q"),
        }
        for name, change in faults.items():
            with self.subTest(fault=name):
                self.assertNotEqual(self.planted(change), [])
        self.assertEqual(self.planted(lambda _: None), [])
        for text in ('{"a": NaN}', '{"a": 1, "a": 2}', '{"a": 1,}', '{"a": .5}'):
            with self.assertRaises(ValueError):
                trace_events.parse(text)

    def test_a_changed_cell_is_found(self):
        folder, _, _ = self.exported(self.demo)
        for name, old, new in (("ops", "\n0,0,0,1,", "\n0,0,0,2,"), ("requests", "puppy", "kitten"),
                               ("intervals", "kept", "moved"), ("placements", "laptop", "lapdog"),
                               ("columns", "FLOP/s", "B/s"), ("tokens", "\n3,", "\n2,")):
            path = folder / f"{name}.csv"
            text = path.read_text(encoding="utf-8")
            self.assertIn(old, text)
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
            with trace_events.Committed(self.demo) as trace:
                self.assertNotEqual(csv_faults(folder, trace), [], name)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
