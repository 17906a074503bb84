"""What the tests of the module share: scenarios, and the program to compare with."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ["HEADROOM_BINARY"]

if os.environ.get("HEADROOM_PYTHON_MODULE") == "0":
    print("this build has no Python module: CMake found no pybind11")
    sys.exit(0)

import headroom  # noqa: E402

FLEET = """
[model]
file = "{root}/data/models/stories.gguf"
[workload]
prompts = ["Once there was"]
tokens = 24
stop_at_eos = false
[controller]
interval = 4
[network]
bandwidth = "100 Mbit/s"
latency = "100 us"
[[device]]
name = "desk"
compute = "20 MFLOP/s"
memory = "64 MiB"
[[device]]
name = "phone"
compute = "30 MFLOP/s"
memory = "64 MiB"
[[device]]
name = "board"
compute = "10 MFLOP/s"
memory = "64 MiB"
[[event]]
at_token = 6
device = "phone"
kind = "compute"
factor = 0.05
"""


def scenario_text():
    return FLEET.format(root=ROOT)


def scenario(overrides=None):
    return headroom.Scenario.from_text(scenario_text(), overrides)


class ModuleTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def program(self, *arguments, code=0):
        """Runs the program in the test's folder and returns what it prints."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def program_json(self, *arguments):
        return json.loads(self.program(*arguments, "--json").stdout)

    def scenario_file(self):
        path = self.folder / "fleet.toml"
        path.write_text(scenario_text())
        return path

    def fails(self, error, pattern, call, *arguments, **keywords):
        with self.assertRaisesRegex(error, pattern) as caught:
            call(*arguments, **keywords)
        return caught.exception


def main():
    unittest.main(verbosity=2)
