"""Shared by the tests of the program: running the binary, scenarios, and reading traces with h5py."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py
import numpy

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ["HEADROOM_BINARY"])
MODEL = ROOT / "data/models/stories.gguf"
DEMO = ROOT / "data/scenarios/demo.toml"
MINIMAL = ROOT / "data/scenarios/minimal.toml"

MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}


def committed(path):
    """Returns the rows of the commit table and the committed tokens, read with HDF5's SWMR."""
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        rows = file["intervals"][:]
        promised = int(rows["rows_tokens"][-1]) if len(rows) else 0
        tokens = file["tokens"][:promised]
        placements = file["placements"][:int(rows["rows_placements"][-1])] if len(rows) else []
    return rows, tokens, placements


def is_trace(path):
    """Whether the file is a trace of the current schema version that can be replayed."""
    try:
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            return file.attrs.get("schema_version") == 5
    except (OSError, RuntimeError):
        return False


def make_version_4(path):
    """Gives a trace the /model of schema version 4, with the bytes of a cached number and without later columns."""
    with h5py.File(path, "r+", libver="latest") as file:
        row = file["model"][:]
        names = row.dtype.names[:row.dtype.names.index("head_width")]
        old = numpy.zeros(1, [("kv_bytes", "<i8")] + [(name, row.dtype[name]) for name in names])
        old["kv_bytes"] = 4
        for name in names:
            old[name] = row[name]
        attributes = {key: value for key, value in file["model"].attrs.items() if key.endswith("_codes")}
        del file["model"]
        file["model"] = old
        for key, value in attributes.items():
            if key.removesuffix("_codes") in names:
                file["model"].attrs[key] = value
        file.attrs["schema_version"] = numpy.int64(4)


class Case(unittest.TestCase):
    """A test with a temporary folder, in which the program runs."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="headroom-cli-")
        self.folder = Path(self._folder.name)
        self.addCleanup(self._folder.cleanup)
        self.altered = set()  # traces that the test has damaged
        self.addCleanup(self.expect_replayable)

    def expect_replayable(self):
        """Checks that every trace in the folder of the test replays as identical."""
        for path in sorted(self.folder.rglob("*.h5")):
            if path in self.altered or not is_trace(path):
                continue
            result = self.headroom("replay", path)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertRegex(result.stdout, ": identical: |nothing to compare")

    def headroom(self, *arguments, timeout=120, launcher=(), environment=None):
        """Runs the program to its end, with empty standard input."""
        return subprocess.run(
            [*launcher, str(BINARY), *map(str, arguments)], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
            env={**os.environ, **(environment or {})}, check=False)

    def start(self, *arguments):
        """Starts the program in a new session, so that the whole job can be killed."""
        return subprocess.Popen(
            [str(BINARY), *map(str, arguments)], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)

    def wait_for_intervals(self, trace, count):
        def there():
            try:
                return len(committed(trace)[0]) >= count
            except OSError:
                return False
        self.wait_until(there, f"{count} intervals")

    def kill(self, process):
        """The whole job, mpirun and ranks, at once: ranks are sessions of their own children.

        All are stopped first: rank 0 would close the trace if it saw another one die before it.
        Parents die last: the system continues stopped children of a parent that has died.
        """
        job = [entry for entry in Path("/proc").iterdir()
               if entry.name.isdigit() and self.is_ours(entry)]
        job.sort(key=lambda entry: int(entry.name))
        for number, order in ((signal.SIGSTOP, job), (signal.SIGKILL, job[::-1])):
            for entry in order:
                try:
                    os.kill(int(entry.name), number)
                except ProcessLookupError:
                    pass  # the process has ended meanwhile
        process.communicate()
        # On a busy machine, a killed rank holds its lock on the trace until it is scheduled again.
        self.wait_until(lambda: not any(self.lives(entry) for entry in job), "killed processes")

    def is_ours(self, entry):
        """Whether the process runs in the folder of the test or names the folder on its command line."""
        try:
            here = (entry / "cwd").resolve() == self.folder.resolve()
        except OSError:
            return False
        return here or str(self.folder) in self.command_of(entry)

    def command_of(self, entry):
        try:
            return (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""

    def lives(self, entry):
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        return state not in "ZX"

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"20 s were not enough for: {what}")
            time.sleep(0.01)

    def summary(self, *arguments, **options):
        """Returns the JSON that a successful command prints."""
        result = self.headroom("run", *arguments, "--json", **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def scenario(self, text):
        path = self.folder / "scenario.toml"
        path.write_text(text)
        return path


def devices(count, memory="64 MiB", compute="2 GFLOP/s", extra=""):
    """Returns the scenario text for equal devices and the network between them."""
    text = '[network]\nbandwidth = "100 Mbit/s"\nlatency = "500 us"\n'
    for index in range(count):
        text += (f'[[device]]\nname = "d{index}"\ncompute = "{compute}"\n'
                 f'memory = "{memory}"\n{extra}')
    return text


def scenario_text(count=3, tokens=16, interval=4, head="", **options):
    return (f'{head}[model]\nfile = "{MODEL}"\n[workload]\nprompts = ["Once there was"]\n'
            f'tokens = {tokens}\nstop_at_eos = false\n[controller]\ninterval = {interval}\n'
            + devices(count, **options))


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
