#!/usr/bin/env python3
"""scripts/report: its figures are those of the program, its pages are complete, and parts add up."""
import json
import os
import re
import shutil
import subprocess
import unittest
from xml.etree import ElementTree

import numpy as np

import page_check
import small_traces
from headroom import BINARY, ROOT, main
from small_traces import SCRIPTS, headroom_trace, page_of, raw

from report_parts import critical_path, links, maps, page, vocabulary, words
from report_parts.run import Run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class CriticalPath(unittest.TestCase):
    """The worked example of the manual: a turn over two devices, exact to the nanosecond."""

    OPS = [(0, 0, 0, 0, 0), (0, 0, 1, 0, 13568), (0, 1, 2, 1256000, 1262784), (0, 0, 3, 2390784, 2398976),
           (0, 1, 4, 3654976, 3679552), (0, 0, 5, 4935552, 4948352)]
    MESSAGES = [(0, 0, 1, 1, 0, 256, 0, 1256000), (0, 1, 0, 3, 0, 128, 1262784, 2390784),
                (0, 0, 1, 4, 0, 256, 2398976, 3654976), (0, 1, 0, 5, -1, 256, 3679552, 4935552)]

    def parts(self, ops, messages, end):
        return dict(critical_path.walk(critical_path._Batch(ops, messages), 0, 0, end))

    def test_the_worked_example(self):
        self.assertEqual(self.parts(self.OPS, self.MESSAGES, 4948352), {
            ("compute", 0, 0): 8192 + 12800, ("compute", 1, 1): 6784 + 24576,
            ("transfer", 0, 1): 2 * 1256000, ("transfer", 1, 0): 1128000 + 1256000})

    def test_a_late_operation_is_waited_for(self):
        ops = [*self.OPS[:-1], (0, 0, 5, 4935552 + 500, 4948352 + 500)]
        self.assertEqual(self.parts(ops, self.MESSAGES, 4948352 + 500)["wait", 0, 0], 500)

    def test_a_message_behind_another_on_its_link(self):
        """Both leave at 10; the second waits for the link until 30, while its sender computes until 25."""
        ops = [(0, 1, 0, 0, 10), (0, 1, 1, 10, 25), (0, 0, 2, 60, 70)]
        messages = [(0, 1, 0, 1, 0, 8, 10, 40), (0, 1, 0, 2, 0, 8, 30, 60)]
        self.assertEqual(self.parts(ops, messages, 70), {
            ("compute", 0, 0): 10, ("transfer", 1, 0): 50, ("compute", 1, 1): 10})


class Parts(unittest.TestCase):
    def test_boxes_cover_a_grid_once(self):
        draw = np.random.default_rng(7)
        for _ in range(50):
            grid = draw.integers(0, 3, (draw.integers(1, 6), draw.integers(1, 6)))
            seen = np.full(grid.shape, -1)
            for row, rows, column, columns, value in maps.boxes(grid):
                part = seen[row:row + rows, column:column + columns]
                self.assertTrue((part == -1).all())
                part[:] = value
            self.assertTrue(np.array_equal(seen, grid))

    def test_tokens_make_up_the_text_or_are_not_shown(self):
        pieces = [b"", " a".encode(), "é".encode()[:1], "é".encode()[1:], b" b"]
        self.assertEqual(vocabulary.split(pieces, [0, 1, 2, 3, 4], "aé b".encode()), ["", "a", "", "é", " b"])
        self.assertIsNone(vocabulary.split(pieces, [0, 1, 4], b"other"))
        self.assertIsNone(vocabulary.split(pieces, [-1], b""))

    def test_words(self):
        self.assertEqual([words.duration(n) for n in (0, 999, 56368356, 9316084824, 10**12, -1, 2**63 - 1)],
                         ["0", "999 ns", "56.4 ms", "9.32 s", "16.7 min", "–", "never"])
        self.assertEqual([words.size(n) for n in (0, 1023, 686368, 3452928)],
                         ["0 B", "1023 B", "670 KiB", "3.29 MiB"])
        self.assertEqual(words.clean('<a "b">\x00'), "&lt;a &quot;b&quot;&gt;\ufffd")


class Page(small_traces.Traces):
    def page(self, *traces):
        return page.render([headroom_trace.open_trace(self.folder / trace) for trace in traces])

    def test_pages_are_whole_and_lead_nowhere(self):
        for traces in ([t] for t in self.traces()):
            read = page_check.read(self.page(*traces))
            self.assertEqual(read.problems, [], traces)
            self.assertIn("How fast was it?", read.headings)
        read = page_check.read(self.page(*self.traces()))
        self.assertEqual(read.problems, [])
        self.assertEqual(read.headings[0], "What differs?")
        self.assertEqual(page_check.read(self.page(*self.traces() * 3)).problems, [])
        self.assertEqual(page_check.read(self.page(self.killed())).problems, [])

    def test_faults_would_be_seen(self):
        text = self.page(self.shared / "one.h5")
        for what, there, instead in (
                ("outside", "<h1>", '<img src="https://example.org/x.png"><h1>'),
                ("import", "<style>", "<style>@import 'x.css';"), ("script", "<script>", "<script>fetch('x');"),
                ("tag", "</h2>", ""), ("svg", "</svg>", "<path></svg>"), ("number", ' x="', ' x="nan" y2="')):
            self.assertIn(there, text)
            self.assertNotEqual(page_check.read(text.replace(there, instead, 1)).problems, [], what)

    def told(self, trace):
        return json.loads(self.headroom("inspect", trace, "--json").stdout)

    def test_figures_are_those_of_the_program(self):
        compared = 0
        for trace in [*self.traces(), self.killed()]:
            text, told = self.page(trace), self.told(trace)
            data = json.loads(re.search(r'id="figures">(.*?)</script>', text, re.DOTALL)[1])[0]
            shown = page_check.read(text).figures
            for name, value in data.items():
                if name in told:
                    expected = -1 if told[name] is None else told[name]
                    self.assertEqual(value, expected, f"{trace.name}: {name}")
                    for cell in shown.get(name, []):
                        self.assertEqual(float(cell), expected, f"{trace.name}: {name}")
                        compared += 1
            run = Run(headroom_trace.open_trace(trace), "", 0)
            for name in ("sequences", "devices"):
                self.assertEqual(len(run.figures[name]), len(told[name]))
                for mine, its in zip(run.figures[name], told[name]):
                    for key in set(mine) & set(its):
                        if its[key] is not None:  # the arrival is unknown for a sequence that has not ended
                            self.assertEqual(mine[key], its[key], f"{trace.name}: {name}.{key}")
            moved = sum(int(link.migrated.sum()) for link in links.links_of(run).values())
            sent = sum(int(link.bytes.sum()) for link in links.links_of(run).values())
            self.assertEqual((moved, sent - moved), (told["bytes_migrated"], told["bytes_activations"]))
        self.assertGreater(compared, 30)

    def test_the_parts_of_the_time_add_up(self):
        for name in ("one", "simulated", "single"):
            shown = page_check.read(self.page(self.shared / f"{name}.h5")).figures
            parts = [sum(float(value) for value in shown.get(part, [])) for part in (
                "prefill_ns", "decode_ns", "migration_ns", "between_ns")]
            self.assertEqual(sum(parts), float(shown["virtual_time_ns"][0]), name)
            for row in ("prefill", "decode"):
                kinds = [float(v) for kind in ("compute", "transfer", "wait")
                         for v in shown.get(f"{row}_{kind}_ns", [])]
                self.assertEqual(sum(kinds), sum(float(v) for v in shown.get(f"{row}_ns", [])))
        self.assertIn("Coarse:", self.page(self.shared / "plain.h5"))

    def test_tokens_are_told_apart(self):
        trace = headroom_trace.open_trace(self.shared / "one.h5")
        read = page_check.read(self.page(self.shared / "one.h5"))
        self.assertEqual(len(read.tokens), len(trace.tokens_of(0)))
        self.assertEqual("".join(read.tokens), trace.text(0)[1])

    def test_the_same_trace_gives_the_same_bytes(self):
        for trace in (self.shared / "one.h5", self.shared / "several.h5"):
            pages = set()
            for seed in ("1", "2"):
                told = page_of(self.folder, trace, "-o", "-", environment={"PYTHONHASHSEED": seed})
                pages.add(told.stdout)
            self.assertEqual(len(pages), 1, trace)
        self.assertNotEqual(self.page(self.shared / "one.h5"), self.page(self.shared / "plain.h5"))

    def test_the_commands_repeat_the_run(self):
        (self.folder / "bin").mkdir()
        (self.folder / "bin/headroom").symlink_to(BINARY)
        (self.folder / "scripts").symlink_to(SCRIPTS)
        for name in ("one", "simulated"):
            text = self.page(self.shared / f"{name}.h5")
            lines = re.search(r'class="commands">(.*?)</pre>', text, re.DOTALL)[1]
            for entity, letter in (("&quot;", '"'), ("&#x27;", "'"), ("&gt;", ">"), ("&amp;", "&")):
                lines = lines.replace(entity, letter)
            done = subprocess.run(["sh", "-ec", lines], cwd=self.folder, text=True, capture_output=True, check=False,
                                  env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"})
            self.assertEqual(done.returncode, 0, done.stderr)
            first, again = raw(self.shared / f"{name}.h5")[0], raw(self.folder / f"{name}.again.h5")[0]
            for table in ("tokens", "turns", "migrations", "ops", "link_state"):
                self.assertEqual(first[table].tolist(), again[table].tolist(), table)

    def test_a_large_fleet_gives_a_small_page(self):
        path = ROOT / "data/scenarios/thousand.toml"
        result = self.headroom("simulate", path, "--tokens", 16, "--trace", "large.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        text = self.page("large.h5")
        self.assertEqual(page_check.read(text).problems, [])
        self.assertLess(len(text), 1_000_000)
        self.assertIn("devices of 1000", text)

    def test_what_is_there_is_not_lost(self):
        trace = shutil.copy(self.shared / "one.h5", self.folder / "t.h5")
        mine = self.folder / "page.html"
        mine.write_text("mine")
        before = trace.read_bytes()
        for arguments, why in (((trace, "-o", mine), "--force"), ((trace, "-o", trace), "one of the traces"),
                               ((trace, "-o", trace, "--force"), "one of the traces"),
                               ((trace, "-o", self.folder), "is a directory"),
                               ((trace, "-o", self.folder / "no/x.html"), "cannot be written"),
                               ((), "TRACE")):
            told = page_of(self.folder, *arguments)
            self.assertIn(told.returncode, (2, 3), arguments)
            self.assertIn(why, told.stderr)
        self.assertEqual((mine.read_text(), trace.read_bytes()), ("mine", before))
        self.assertEqual(page_of(self.folder, trace, "-o", mine, "--force").returncode, 0)
        self.assertEqual(page_of(self.folder, trace, "-o", mine).returncode, 0, "a page of ours is replaced")
        self.assertEqual([p.name for p in self.folder.glob(".*")], [])

    def test_a_picture_of_one_run(self):
        one, other = self.shared / "one.h5", self.shared / self.traces()[-1]
        drawn = page_of(self.folder, one, "-o", self.folder / "one.svg")
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        text = (self.folder / "one.svg").read_text()
        root = ElementTree.fromstring(text)  # it is well-formed
        labels = "".join(root.itertext())
        for label in ("time per token", "layer 3", headroom_trace.open_trace(one).device_names[0]):
            self.assertIn(label, labels)
        self.assertNotIn("var(", text, "colours are those of the page only inside the page")
        self.assertEqual(page_of(self.folder, one, "-o", self.folder / "one.svg").returncode, 0, "it is replaced")
        refused = page_of(self.folder, one, other, "-o", self.folder / "two.svg")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("one run", refused.stderr)

    def test_a_python_without_h5py_says_what_to_install(self):
        for script in ("report", "headroom_trace.py"):
            told = subprocess.run(["/usr/bin/python3", "-S", str(SCRIPTS / script), "x.h5"], text=True,
                                  capture_output=True, check=False)
            self.assertIn("python3-h5py", told.stderr)
            self.assertNotEqual(told.returncode, 0)

    @unittest.skipUnless(CHROMIUM, "chromium is not installed")
    def test_a_browser_shows_it(self):
        (self.folder / "page.html").write_text(self.page(self.shared / "one.h5"), encoding="utf-8")

        def browser(*options):
            return subprocess.run(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/profile",
                 "--window-size=1100,3000", *options, (self.folder / "page.html").as_uri()],
                capture_output=True, timeout=60, check=False)
        picture = self.folder / "page.png"
        browser(f"--screenshot={picture}")
        self.assertGreater(picture.stat().st_size, 80_000)  # an empty one has 13 kB
        document = browser("--dump-dom").stdout.decode()
        self.assertIn('<div id="tip"', document)
        self.assertIn("data-tip=", document)


if __name__ == "__main__":
    main()
