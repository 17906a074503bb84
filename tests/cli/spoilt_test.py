#!/usr/bin/env python3
"""scripts/report and scripts/headroom_trace.py on damaged traces: they succeed, or print one sentence and exit with 2.

Each test damages a small trace in a dataset, a column, an attribute or a text and gives it to both programs. They run
in a child process, because a damaged file may crash it, which counts as a failure. HEADROOM_SPOILT=all (ctest -R
cli.spoilt_all) tries all damages; otherwise a random selection is tried.
"""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import traceback

import h5py
import numpy as np

import small_traces
from headroom import main
from small_traces import SCRIPTS, headroom_trace

SENTENCE = re.compile(r"\A(report|headroom_trace): error: [^\n]{20,}\n\Z")
EXTREMES = (-2**63, -5, -1, 0, 2**31 - 1, 2**63 - 1)
SECONDS = 150
ALL = os.environ.get("HEADROOM_SPOILT") == "all"
DRAWN = 40  # cases per kind; there are about 1700 in all


def drawn(cases):
    """Returns all cases, or a random selection of them."""
    cases = list(cases)
    return cases if ALL else random.Random(7).sample(cases, min(DRAWN, len(cases)))


def report_program():
    loader = importlib.machinery.SourceFileLoader("report_program", str(SCRIPTS / "report"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("report_program", loader))
    loader.exec_module(module)
    return module


REPORT = report_program()


def told(program, *arguments):
    """Runs one of the two programs in this process; returns exit code and standard error."""
    errors = io.StringIO()
    sys.argv = [program, *map(str, arguments)]
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = REPORT.main() if program == "report" else headroom_trace.main(sys.argv[1:])
        except BaseException:  # like the interpreter
            code = 1
            traceback.print_exc(file=errors)
    return code, errors.getvalue()


def faults(code, text):
    """Returns what is wrong with the result for a damaged trace."""
    if code == 0:
        return [] if "Traceback" not in text else ["a traceback"]
    return [] if code == 2 and SENTENCE.match(text) else [f"exit code {code}: {text[-900:]}"]


def replaced(file, name, data, **options):
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=data, **options)
    for key, value in attributes.items():
        file[name].attrs[key] = value


def virtual_of_itself(file, name):
    shape, kind = file[name].shape, file[name].dtype
    layout = h5py.VirtualLayout(shape=shape, dtype=kind)
    layout[...] = h5py.VirtualSource(".", name, shape=shape, dtype=kind)
    del file[name]
    file.create_virtual_dataset(name, layout)


def external_storage(file, name):
    shape, kind = file[name].shape, file[name].dtype
    del file[name]
    file.create_dataset(name, shape, kind, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def instead(file, name, link):
    del file[name]
    file[name] = link


def structures(name, fifo):
    """Returns the ways in which a dataset can be replaced by something else."""
    yield "missing", lambda f: f.__delitem__(name)
    yield "a group", lambda f: (f.__delitem__(name), f.create_group(name))
    yield "a link to nowhere", lambda f: instead(f, name, h5py.SoftLink("/nothing"))
    yield "a link to itself", lambda f: instead(f, name, h5py.SoftLink("/" + name))
    yield "a link to a pipe", lambda f: instead(f, name, h5py.ExternalLink(fifo, "/x"))
    yield "virtual", lambda f: virtual_of_itself(f, name)
    yield "elsewhere", lambda f: external_storage(f, name)
    yield "reals", lambda f: replaced(f, name, np.ones(f[name].shape))
    yield "texts", lambda f: replaced(f, name, np.array([b"x"] * 3))
    yield "texts of any length", lambda f: replaced(f, name, np.array(["x"], object), dtype=h5py.string_dtype())
    yield "one number", lambda f: replaced(f, name, 3)
    yield "nothing", lambda f: replaced(f, name, h5py.Empty("i4"))
    yield "without rows", lambda f: replaced(f, name, f[name][:0])
    yield "half of it", lambda f: replaced(f, name, f[name][:len(f[name]) // 2])
    yield "huge", lambda f: (f.__delitem__(name), f.create_dataset(name, (1 << 36,), "u1", chunks=(1 << 20,)))
    yield "packed and huge", lambda f: (
        f.__delitem__(name), f.create_dataset(name, (1 << 36,), "u1", chunks=(1 << 20,), compression="gzip"))


def without_column(file, name, column):
    rows = file[name][:]
    replaced(file, name, rows[[c for c in rows.dtype.names if c != column]].copy())


def of_other_type(file, name, column):
    rows = file[name][:]
    kinds = [(c, "S3" if c == column and rows.dtype[c].kind != "S" else "f4" if c == column else rows.dtype[c])
             for c in rows.dtype.names]
    replaced(file, name, np.zeros(len(rows), kinds))


def set_value(file, name, column, value, last):
    rows = file[name][:]
    if len(rows):
        rows[column][-1 if last else 0] = np.int64(value).astype(rows.dtype[column]) \
            if rows.dtype[column].kind in "iu" else b"\xff\xfe" if rows.dtype[column].kind == "S" else np.nan
        file[name][...] = rows


def set_text(file, text):
    replaced(file, "scenario", np.frombuffer(text, np.uint8))


TEXTS = (b"", b"\xff\xfe\x00", b"model = ", b"model = 3", b"event = 3", b"[[event]]\nkind = 3\n", b"a = " + b"[" * 20000,
         b'[[event]]\nkind = "compute"\nat = "x"\n', b'[[event]]\nkind = "compute"\nat_token = "x"\ndevice = 7\n',
         b'[[event]]\nlink = [1, 2]\nfactor = "x"\n', b"[model]\nfile = 3\n", b"[controller]\ninterval = []\n",
         b"[workload]\nprompts = 3\n", b"device = 3\n[fleet]\ncompute_scale = 'x'\n")


def attributes(holder):
    for key in list(holder.attrs):
        yield key, "missing", lambda f, h=holder.name, k=key: f[h].attrs.__delitem__(k)
        for value in (np.int64(-3), np.array([b"\xff"] * 2), np.float64("nan"), h5py.Empty("i4"), b"\xff\xfe"):
            yield key, repr(value), lambda f, h=holder.name, k=key, v=value: f[h].attrs.__setitem__(k, v)


class Spoilt(small_traces.Traces):
    def answers(self, trace):
        """Returns the results of both programs, run in a child process that may crash."""
        found = []
        for program, *arguments in (("report", trace, "-o", self.folder / "p.html", "--force"),
                                    ("headroom_trace", trace), ("headroom_trace", trace, "requests"),
                                    ("headroom_trace", trace, "scenario")):
            found += [f"{program}: {fault}" for fault in faults(*told(program, *arguments))]
        return found

    def in_child(self, trace):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            text = "\n".join(self.answers(trace)) or "fine"
            os.write(writing, text.encode(errors="replace")[:60000])
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8", errors="replace") as answer:
            text = answer.read()
        status = os.waitpid(child, 0)[1]
        return text if status == 0 else f"ended by signal {status & 127}"

    def try_one(self, what, change, source="one.h5"):
        copy = self.folder / "spoilt.h5"
        shutil.copy(self.shared / source, copy)
        self.altered.add(copy)
        try:
            with h5py.File(copy, "r+", libver="latest") as file:
                change(file)
        except (TypeError, ValueError, OSError, KeyError):
            return  # this damage is not possible for this dataset
        self.tried += 1
        if (answer := self.in_child(copy)) != "fine":
            self.found.append(f"{what}: {answer}")

    def setUp(self):
        super().setUp()
        self.tried, self.found = 0, []
        self.fifo = str(self.folder / "fifo")
        os.mkfifo(self.fifo)

    def expect_no_faults(self, at_least):
        self.assertEqual(self.found[:5], [], f"{len(self.found)} of {self.tried}")
        self.assertGreaterEqual(self.tried, at_least)

    def names(self):
        with h5py.File(self.shared / "one.h5") as file:
            return {name: data.dtype.names or () for name, data in file.items()}

    def test_datasets(self):
        for what, change in drawn((f"/{name}: {what}", change) for name in self.names()
                                  for what, change in structures(name, self.fifo)):
            self.try_one(what, change)
        self.expect_no_faults(30)

    def test_columns(self):
        """Every column is missing, of another type, or has extreme values."""
        columns = [(name, column) for name, columns in self.names().items() for column in columns]
        for name, column in drawn(columns):
            self.try_one(f"/{name}.{column} missing", lambda f, n=name, c=column: without_column(f, n, c))
            self.try_one(f"/{name}.{column} retyped", lambda f, n=name, c=column: of_other_type(f, n, c))
        for (name, column), value, last in drawn(
                (column, value, last) for column in columns for value in EXTREMES for last in (False, True)):
            self.try_one(f"/{name}.{column} = {value} ({last})",
                         lambda f, n=name, c=column, v=value, e=last: set_value(f, n, c, v, e))
        self.expect_no_faults(100)

    def test_texts_and_attributes(self):
        for text in TEXTS:
            self.try_one(f"scenario {text[:40]!r}", lambda f, t=text: set_text(f, t))
        with h5py.File(self.shared / "one.h5") as file:
            cases = [(f"{holder.name} @{key} {what}", change) for holder in (file, *file.values())
                     for key, what, change in attributes(holder)]
        for what, change in drawn(cases):
            self.try_one(what, change)
        self.expect_no_faults(45)

    def test_bytes(self):
        """Truncated files, and files with changed bytes."""
        whole = (self.shared / "plain.h5").read_bytes()
        draw = random.Random(11)
        copy = self.folder / "spoilt.h5"
        self.altered.add(copy)
        for number in range(500 if ALL else DRAWN):
            data = bytearray(whole)
            if number < 10:
                del data[len(whole) * number // 10:]
            else:
                for _ in range(draw.choice((1, 3, 40))):
                    data[draw.randrange(len(data))] = draw.randrange(256)
            copy.write_bytes(data)
            self.tried += 1
            if (answer := self.in_child(copy)) != "fine":
                self.found.append(f"bytes {number}: {answer}")
        self.expect_no_faults(DRAWN)

    def test_pages_and_tracebacks_are_distinguished(self):
        self.assertEqual(self.in_child(self.shared / "one.h5"), "fine")
        self.assertEqual(faults(2, "report: error: x.h5: is damaged: it has no /tokens\n"), [])
        self.assertNotEqual(faults(1, "Traceback (most recent call last):\n"), [])
        self.assertNotEqual(faults(2, "report: error: x.h5: is damaged\nreport: error: once more\n"), [])
        self.assertNotEqual(faults(3, "report: error: x.h5: is damaged: it has no /tokens\n"), [])

    def test_the_module_alone_is_enough(self):
        """The module works when copied to another folder without the rest of the project."""
        alone = self.folder / "alone"
        alone.mkdir()
        shutil.copy(SCRIPTS / "headroom_trace.py", alone)
        shown = subprocess.run(["/usr/bin/python3", alone / "headroom_trace.py", self.shared / "one.h5", "tokens"],
                               cwd=alone, text=True, capture_output=True, check=False)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertTrue(shown.stdout.startswith("sequence [id]\t"))

    def test_outputs_that_cannot_be_written(self):
        trace = self.shared / "one.h5"
        for program, *arguments in (("headroom_trace.py", trace, "tokens"), ("report", trace, "-o", "-")):
            for to, code, said in ((">&-", 3, "closed"), ("> /dev/full", 3, "No space left"), ("| head -c 1", 0, "")):
                shown = subprocess.run(
                    ["bash", "-c", f'set -o pipefail; "$@" {to}', "bash", str(SCRIPTS / program), *map(str, arguments)],
                    text=True, capture_output=True, check=False)
                self.assertEqual(shown.returncode, code, shown.stderr)
                self.assertIn(said, shown.stderr)
                self.assertNotIn("Traceback", shown.stderr)


if __name__ == "__main__":
    main()
