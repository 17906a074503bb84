"""The scripts of docs/how-to/compare-policies.md on three fleets: what they draw, count and print."""
import csv
import os
import re
import subprocess
import sys
import unittest

from support import ROOT, ModuleTest, headroom, main

EXAMPLES = ROOT / "docs/examples"
PAGE = ROOT / "docs/how-to/compare-policies.md"
POLICIES = '''
import headroom

def same(problem):
    return headroom.decide(problem, "resource_aware").placement

def none(problem):
    return None if problem.devices > {fewest} else headroom.decide(problem, "resource_aware").placement
'''
ROW = re.compile(r"^(\S+) +([\d.]+) +([\d.]+)–([\d.]+) +([\d.]+) +(\d+) +(\d+) / (\d+) / (\d+) +(\d+)$", re.MULTILINE)


class Compare(ModuleTest):
    def run_script(self, name, *words, code=0):
        done = subprocess.run([sys.executable, EXAMPLES / name, *map(str, words)], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, env={**os.environ, "MPLCONFIGDIR": str(self.folder)})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def compared(self, policy, code=0):
        """The rows of the table after a sweep with this policy, by name, and all that was printed."""
        self.program("sweep", "fleets/sweep.toml", "--policy", policy, "--run-all", "-j", "2", code=code)
        self.program("collect", "fleets/traces", "-o", "summary.csv", "--force")
        out = self.run_script("compare_policies.py", "summary.csv", "figure.png")
        self.assertTrue((self.folder / "figure.png").read_bytes().startswith(b"\x89PNG"))
        return {row[0]: [float(value) for value in row[1:]] for row in ROW.findall(out)}, out

    def test_equal_seeds_draw_equal_fleets(self):
        for folder, seed in (("one", 1), ("again", 1), ("other", 2)):
            self.run_script("fleets.py", folder, 2, seed)
        texts = {folder: (self.folder / folder / "fleet-001.toml").read_text() for folder in ("one", "again", "other")}
        self.assertEqual(texts["one"], texts["again"])
        self.assertNotEqual(texts["one"], texts["other"])

    def test_counts_what_the_summary_says(self):
        self.run_script("fleets.py", "fleets", 3)
        devices = [len(headroom.Scenario.from_file(self.folder / f"fleets/fleet-00{i}.toml").devices) for i in range(3)]
        (self.folder / "mine.py").write_text(POLICIES.format(fewest=min(devices)))
        rows, out = self.compared("mine.py:same")
        with open(self.folder / "summary.csv", newline="") as file:
            times = {(row["scenario"], row["policy"]): int(row["time_per_output_token_ns"])
                     for row in csv.DictReader(file)}
        fleets = sorted({fleet for fleet, _ in times})
        fastest = [times[fleet, "resource_aware"] <= 1.001 * min(times[one] for one in times if one[0] == fleet)
                   for fleet in fleets]  # loads change, so another policy can be faster in the end
        self.assertEqual(rows["mine.same"], [1, 1, 1, 1, sum(fastest), 0, 3, 0, 0])  # in every fleet as the reference
        self.assertIn("mine.same is nowhere slower than resource_aware", out)
        ratios = sorted(times[fleet, "paper"] / times[fleet, "resource_aware"] for fleet, policy in times
                        if policy == "paper")
        self.assertEqual([rows["paper"][0], rows["paper"][3]], [round(ratios[1], 3), round(ratios[2], 2)])
        self.assertEqual(rows["paper"][5:], [0, 0, 3, 0])
        # Where a policy has no placement, it has no run. The sweep ends with the code of that cell.
        fail = sum(count > min(devices) for count in devices)
        self.assertIn(fail, (1, 2))
        rows, out = self.compared("mine.py:none", code=6)
        first = sum(best for best, count in zip(fastest, devices) if count <= min(devices))
        self.assertEqual(rows["mine.none"][4:], [first, 0, 3 - fail, 0, fail])
        self.assertEqual(out.count("(no run)"), fail)

    def test_the_page_is_about_these_scripts(self):
        page, script = PAGE.read_text(), (EXAMPLES / "fleets.py").read_text()
        policies = re.search(r"POLICIES = (\[.*\])", script)[1]
        self.assertIn(f'"controller.policy" = {policies}', page)
        self.assertEqual([row[0] for row in ROW.findall(re.sub("(?m)^    ", "", page))][:7],
                         ["mine"] + re.findall(r'"(\w+)"', policies)[1:])


if __name__ == "__main__":
    main()
