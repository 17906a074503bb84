#!/usr/bin/env python3
"""scripts/validate: the published speeds are predicted as the manual says, limits are kept, and mistakes are found."""
import json
import math
import subprocess
import sys
from unittest import mock

from headroom import BINARY, ROOT, Case, main

import figure_check

sys.path.insert(0, str(ROOT / "scripts"))
import drawing  # noqa: E402  (its folder comes first)
import speeds  # noqa: E402

PAGE = ROOT / "docs/explanation/accuracy.md"
ROW = """[[speed]]
device = "raspberry-pi-5-8gb"
model = "tinyllama-1.1b"
weights = "q8_0"
tokens_per_s = {speed}
devices = {devices}
source = "made"
series = "made"
"""
# What the published rows must keep; the page says so.
LIMITS = ("single=10", "distributed=15", "prompt=20", "off=2", "order=1")


def lines_missing_in(page, printed):
    """The lines of printed tables that the page does not have."""
    return [line for line in printed.splitlines() if line.startswith(("|", "- ")) and line not in page]


class Validate(Case):
    def validate(self, *arguments, code=0):
        done = subprocess.run([ROOT / "scripts/validate", "--headroom", BINARY, *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, timeout=250, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def rows(self, *pairs):
        """A table with rows of (speed, devices), and its name."""
        (self.folder / "rows.toml").write_text("".join(ROW.format(speed=s, devices=n) for s, n in pairs))
        return "rows.toml"

    def test_published_speeds_keep_the_limits_and_the_manual_has_the_tables(self):
        printed = self.validate(*(word for limit in LIMITS for word in ("--limit", limit))).stdout
        page = PAGE.read_text()
        self.assertEqual(lines_missing_in(page, printed), [])
        for limit in LIMITS:
            self.assertIn(limit, page)
        row = next(line for line in printed.splitlines() if "nanollama" in line)
        self.assertEqual(lines_missing_in(page.replace(row, row.replace("17.9", "17.8")), printed), [row])  # twin

    def test_the_readme_quotes_the_mean_errors(self):
        rows = json.loads(self.validate("--json").stdout)
        readme = " ".join((ROOT / "README.md").read_text().split())
        left_out = rows["summaries"][1]
        self.assertEqual(left_out["rows"], "Decode on one device, left out of the fits")
        for text in (f"by {rows['measured']['single']:.0f} % in the mean of the {rows['summaries'][0]['number']} speeds",
                     f"by {left_out['MAPE_percent']:.0f} % in the mean of {left_out['number']} that were left out",
                     f"devices by {rows['measured']['distributed']:.0f} %, and prompts by "
                     f"{rows['measured']['prompt']:.0f} %"):
            self.assertIn(text, readme)

    def test_a_limit_that_is_broken_gives_exit_code_1(self):
        right = self.prediction(1)
        table = self.rows((right / 1.2, 1))
        self.validate("--rows", table, "--limit", "single=20.1")
        done = self.validate("--rows", table, "--limit", "single=19.9", code=1)
        self.assertIn("limit broken: single is 20, above the limit of 19.9", done.stderr)
        table = self.rows((right / 1.6, 1))
        done = self.validate("--rows", table, "--limit", "off=0", code=1)
        self.assertIn("off is 1, above the limit of 0", done.stderr)
        self.assertIn("Off by a factor above 1.5", done.stdout)
        self.validate("--rows", table, "--limit", "off=1")

    def prediction(self, devices):
        result = json.loads(self.validate("--rows", self.rows((1.0, devices)), "--json").stdout)
        return result["rows"][0]["predicted"]

    def test_devices_in_another_order_than_published_are_found(self):
        one, two = self.prediction(1), self.prediction(2)
        self.assertNotEqual(one, two)
        self.validate("--rows", self.rows((one, 1), (two, 2)), "--limit", "order=0")
        done = self.validate("--rows", self.rows((two, 1), (one, 2)), "--limit", "order=0", code=1)
        self.assertRegex(done.stdout, r"- made: \d < \d published, but \d < \d predicted")

    def test_results_as_json_are_consistent(self):
        right = self.prediction(1)
        result = json.loads(self.validate("--rows", self.rows((right * 2, 1), (right / 1.5, 1)), "--json").stdout)
        self.assertEqual([round(row["ratio"], 6) for row in result["rows"]], [0.5, 1.5])
        self.assertAlmostEqual(result["measured"]["single"], 50)
        self.assertAlmostEqual(result["summaries"][0]["geometric_mean"], math.sqrt(0.75))
        self.assertEqual([row["class"] for row in result["rows"]], ["boards", "boards"])

    def test_bad_input_is_refused(self):
        self.assertIn("none.toml", self.validate("--rows", "none.toml", code=2).stderr)
        self.assertIn("is no NAME=VALUE", self.validate("--limit", "singel=3", code=2).stderr)
        table = self.rows((1, 1))
        self.assertIn("has no such row", self.validate("--rows", table, "--limit", "prompt=3", code=2).stderr)
        self.assertIn("ends in none of", self.validate("--plot", "x.gif", code=2).stderr)
        text = ROW.format(speed=1, devices=1).replace("raspberry-pi-5-8gb", "raspberry-pi-55")
        (self.folder / "rows.toml").write_text(text)
        self.assertIn("is not in the catalogue", self.validate("--rows", table, code=3).stderr)

    def test_the_figure_has_nothing_clipped(self):
        import importlib.machinery
        import importlib.util
        loader = importlib.machinery.SourceFileLoader("validate", str(ROOT / "scripts/validate"))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("validate", loader))
        loader.exec_module(module)
        rows = speeds.read_rows(ROOT / "data/published.toml")
        found = []

        def save(figure, path, real=drawing.save):
            found.append(figure_check.problems(figure))
            real(figure, path)
        with mock.patch.object(drawing, "save", save):
            module.draw(module.Results(rows, [row.tokens_per_s * 1.1 for row in rows]), self.folder / "plot.png")
        self.assertEqual(found, [[]])
        self.assertTrue((self.folder / "plot.png").read_bytes().startswith(b"\x89PNG"))


if __name__ == "__main__":
    main()
