"""The program that measures evaluate() works; times are not judged, because they vary on a shared machine."""
import re
import subprocess
import sys
import unittest

from support import ROOT, ModuleTest, main


class Bench(ModuleTest):
    def test_measures(self):
        done = subprocess.run([sys.executable, ROOT / "bench/python_evaluate.py", "--calls", "20", "--repeats", "1"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = re.findall(r"C\+\+ +([\d.]+) us +Python +([\d.]+) us +limit +([\d.]+) us", done.stdout)
        self.assertEqual(len(figures), 2)
        for cpp, _, limit in figures:
            self.assertAlmostEqual(float(limit), 2 * float(cpp) + 20, delta=0.2)


if __name__ == "__main__":
    main()
