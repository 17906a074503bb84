"""What the program's tests share: running the binary, scenarios, and reading traces with h5py."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

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


class Case(unittest.TestCase):
    """A test with a folder of its own, in which the program runs."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="headroom-cli-")
        self.folder = Path(self._folder.name)
        self.addCleanup(self._folder.cleanup)

    def headroom(self, *arguments, timeout=120, launcher=(), environment=None):
        """Runs the program to its end; never waits for input."""
        return subprocess.run(
            [*launcher, str(BINARY), *map(str, arguments)], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
            env={**os.environ, **(environment or {})}, check=False)

    def start(self, *arguments):
        """Starts the program in a session of its own, so that all of it can be killed."""
        return subprocess.Popen(
            [str(BINARY), *map(str, arguments)], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)

    def summary(self, *arguments, **options):
        """The JSON that a successful run prints."""
        result = self.headroom("run", *arguments, "--json", **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def scenario(self, text):
        path = self.folder / "scenario.toml"
        path.write_text(text)
        return path


def devices(count, memory="64 MiB", compute="2 GFLOP/s", extra=""):
    """Equal devices with a network between them, as a scenario's text."""
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
