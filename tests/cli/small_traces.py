"""Small traces of all kinds, for the tests of scripts/headroom_trace.py and scripts/report."""
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py

from headroom import BINARY, ROOT, Case, scenario_text

SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))
import headroom_trace  # noqa: E402

SLOWER = '[[event]]\nat_token = 5\ndevice = "d1"\nkind = "compute"\nfactor = 0.1\n'


def page_of(folder, *arguments, environment=None):
    """Runs scripts/report."""
    return subprocess.run([str(SCRIPTS / "report"), *map(str, arguments)], cwd=folder, text=True, capture_output=True,
                          timeout=60, check=False, env={**os.environ, **(environment or {})})


def raw(path):
    """Returns the committed rows of every table, read with h5py alone as docs/reference/trace.md describes."""
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        done = file["intervals"][:]
        done = done[done["rows_placements"] > 0]
        tables = {"intervals": done}
        for name, data in file.items():
            if data.dtype.names and name != "intervals":
                counted = f"rows_{name}" in done.dtype.names
                tables[name] = data[: done[-1][f"rows_{name}"] if len(done) else 0] if counted else data[:]
        return tables, file["placements"][:len(done)], file["text_pool"][:].tobytes()


class Traces(Case):
    """Small traces of all kinds, created once per class."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(subprocess.run(["mktemp", "-d"], text=True, capture_output=True,
                                         check=True).stdout.strip())
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        text = scenario_text(tokens=16, interval=4) + SLOWER
        cls.make("run", "one", text, "--trace-ops", "--transport", "inprocess")
        cls.make("run", "plain", text, "--transport", "inprocess")
        several = scenario_text(tokens=10, interval=2).replace(
            "tokens = 10", "tokens = 10\nrepeat = 6\nsequences = 3\nprefill_chunk = 2").replace(
            "interval = 2", 'interval = 2\npolicy = "ring"')
        cls.make("run", "several", several, "--trace-ops", "--transport", "inprocess")
        cls.make("simulate", "simulated", text, "--set", 'controller.granularity="sliced"', "--trace-ops")
        cls.make("run", "single", text, "--tokens", "1", "--trace-ops", "--transport", "inprocess")

    @classmethod
    def make(cls, command, name, text, *options):
        (cls.shared / f"{name}.toml").write_text(text)
        done = subprocess.run([str(BINARY), command, f"{name}.toml", *options, "--trace", f"{name}.h5"],
                              cwd=cls.shared, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise AssertionError(done.stderr)

    def traces(self):
        return sorted(self.shared.glob("*.h5"))

    def killed(self):
        """Returns the trace of a run that was ended by kill -9."""
        head = '[clock]\nmode = "paced"\n'
        path = self.scenario(scenario_text(tokens=200, interval=2, head=head, compute="100 MFLOP/s"))
        trace = self.folder / "killed.h5"
        process = self.start("run", path, "--trace", trace, "--transport", "inprocess")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if len(headroom_trace.open_trace(trace)) >= 2:
                    break
            except headroom_trace.TraceError:
                pass  # the header is being written
            time.sleep(0.05)
        first = headroom_trace.open_trace(trace)
        self.assertEqual(first.status, "running")
        time.sleep(0.5)
        self.assertGreater(len(headroom_trace.open_trace(trace)), len(first), "two at once are of two moments")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return trace
