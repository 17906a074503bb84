"""The installed module works in any folder, after being moved."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import PROGRAM, ModuleTest, main

CODE = """
import headroom
run = headroom.simulate(headroom.Scenario.from_file("demo.toml", {"workload.tokens": 9}),
                        lambda problem: headroom.decide(problem, "ring").placement)
print(headroom.__file__, headroom._headroom.__file__, run.summary["sampled_tokens"])
"""


class Installed(ModuleTest):
    def cannot_import(self, folder, pattern, *options):
        done = subprocess.run([sys.executable, *options, "-c", "import headroom"], cwd=self.folder, text=True,
                              capture_output=True, env={**os.environ, "PYTHONPATH": str(folder)}, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, f"ImportError: {pattern}")

    def test_works_where_it_was_moved_to(self):
        with tempfile.TemporaryDirectory(prefix="headroom-install-") as place:
            first, prefix = Path(place) / "first", Path(place) / "moved"
            subprocess.run(["cmake", "--install", Path(PROGRAM).parent.parent, "--prefix", first], check=True,
                           capture_output=True)
            first.rename(prefix)
            package = prefix / "lib/headroom/python/headroom"
            self.assertTrue((package / "py.typed").exists())
            done = subprocess.run([sys.executable, "-c", CODE], cwd=self.folder, capture_output=True, text=True,
                                  env={**os.environ, "PYTHONPATH": str(package.parent)}, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            file, native, tokens = done.stdout.split()
            self.assertEqual(file, str(package / "__init__.py"))
            self.assertEqual(Path(native).parent, package)
            self.assertEqual(tokens, "9")
            # Another Python says in a sentence what it lacks; -S leaves out the folder of NumPy.
            self.cannot_import(package.parent, "headroom needs NumPy, which .* does not have", "-S")
            Path(native).unlink()
            self.cannot_import(package.parent, "headroom is built for another Python than .* no _headroom in")
            self.assertFalse(any(path.is_symlink() for path in package.iterdir()))


if __name__ == "__main__":
    main()
