#!/usr/bin/env python3
"""scripts/report: its figures are those of the program, its pages are complete, and parts add up."""
import json
import os
import re
import shutil
import subprocess
import unittest
from unittest import mock
from xml.etree import ElementTree

import numpy as np

import page_check
import small_traces
from headroom import BINARY, ROOT, main, scenario_text
from small_traces import SCRIPTS, headroom_trace, page_of, raw

from report_parts import critical_path, labels, links, maps, page, svg, vocabulary, words
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


class Labels(unittest.TestCase):
    """What tells runs apart is in their labels, and nothing else."""

    BASE = {"seed": 1, "controller": {"policy": "ring", "interval": 8}, "network": {"bandwidth": "1250000 B/s"},
            "device": [{"name": "pi", "compute": "1 FLOP/s"}]}

    def of(self, *changes, paths=None):
        scenarios = [{**self.BASE, **change} for change in changes]
        return labels.labels(paths or [f"{i}.h5" for i in range(len(changes))], [labels.settings(s) for s in scenarios])

    def test_they_have_the_keys_that_differ(self):
        fast = {"network": {"bandwidth": "125000000 B/s"}}
        greedy = {"controller": {"policy": "greedy", "interval": 8}}
        self.assertEqual(self.of({}, greedy), ["ring", "greedy"])
        self.assertEqual(self.of({}, fast), ["bandwidth 10 Mbit/s", "bandwidth 1 Gbit/s"])
        self.assertEqual(self.of({}, {**greedy, "seed": 2}), ["ring, seed 1", "greedy, seed 2"])
        self.assertEqual(self.of({}, {"controller": {"policy": "ring"}}), ["interval 8", "interval none"])

    def test_fleets_are_counted_or_numbered(self):
        two = {"device": self.BASE["device"] * 2}
        slow = {"device": [{"name": "pi", "compute": "0 FLOP/s"}]}
        self.assertEqual(self.of({}, two), ["1 device", "2 devices"])
        self.assertEqual(self.of({}, slow, two), ["fleet 1", "fleet 2", "fleet 3"])

    def test_no_two_are_equal(self):
        self.assertEqual(self.of({}, {}, paths=["a/x.ring.h5", "a/x.other.h5"]), ["ring", "other"])
        self.assertEqual(self.of({}, {}, paths=["a/x.h5", "b/x.h5"]), ["x (1)", "x (2)"])
        self.assertEqual(self.of({}, {}, {"seed": 2}), ["seed 1 (0)", "seed 1 (1)", "seed 2"])
        many = {"workload": {"prompts": "a" * 99}}, {"workload": {"prompts": "a" * 99 + "b"}}
        self.assertEqual(self.of(*many, paths=["one.h5", "two.h5"]), ["one", "two"])
        long = self.of({}, {}, paths=["a" * 99 + ".h5", "a" * 99 + "b.h5"])
        self.assertEqual(len(set(long)), 2)
        self.assertLessEqual(max(map(len, long)), labels.LONGEST + 4)

    def test_runs_that_differ_in_seed_are_repetitions(self):
        def run(name, **change):
            return mock.Mock(label=name, settings=labels.settings({**self.BASE, **change}),
                             trace=mock.Mock(path=f"{name}.h5"))
        greedy = {"controller": {"policy": "greedy", "interval": 8}}
        runs = [run("a"), run("b", **greedy), run("c", seed=2), run("d", seed=3)]
        self.assertEqual([(label, [one.label for one in own]) for label, own in labels.repetitions(runs)],
                         [("ring", ["a", "c", "d"]), ("greedy", ["b"])])
        self.assertEqual([label for label, _ in labels.repetitions(runs[:2])], ["a", "b"])


class Axes(unittest.TestCase):
    def test_a_scale_holds_all_values(self):
        for values in ([3, 4, 5], [0, 0.5], [1, 1000], [0, 2, 5000], [0, 0], []):
            scale = svg.Scale(*svg.whole(values)[:2], 100, 0, *svg.whole(values)[2:])
            places = [scale(value) for value in values]
            self.assertTrue(all(0 <= place <= 100 for place in places), (values, places))
            self.assertEqual(scale.log, len([value for value in values if value]) > 1 and max(values) >= 1000, values)
            self.assertEqual(places, sorted(places, reverse=True), values)
            self.assertTrue(all(0 <= scale(tick) <= 100 for tick in scale.ticks(6)), values)

    def test_zero_has_a_place_and_a_tick_on_a_logarithmic_axis(self):
        chart = svg.Chart(200, (0, 1), svg.whole([0, 2, 5000]), "x")
        chart.y_axis("time")
        self.assertEqual(chart.y(0), chart.y1)
        self.assertLess(chart.y(2), chart.y1 - 5)
        self.assertIn(">0</text>", chart.out())
        self.assertIn("time, logarithmic", chart.out())
        self.assertIsNone(page_check.clipped(chart.out()))


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
                ("tag", "</h2>", ""), ("svg", "</svg>", "<path></svg>"), ("number", ' x="', ' x="nan" y2="'),
                ("clipped", '<text x="', '<text x="2000'), ("clipped", 'class="dot" d="M', 'class="dot" d="M0 -40h0M')):
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

    def test_tokens_are_distinguishable(self):
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

    def test_existing_files_are_kept(self):
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

    def seeds(self, policy, seeds, *options):
        """Simulates a run for each seed; its load differs with the seed."""
        text = scenario_text(tokens=16, interval=4).replace(
            'name = "d1"', 'load = { kind = "uniform", low = 0.0, high = 0.6, period = "1 ms" }\nname = "d1"')
        (self.folder / "seeds.toml").write_text(text)
        names = [f"{policy}{len(options)}{seed}.h5" for seed in seeds]
        for name, seed in zip(names, seeds):
            done = self.headroom("simulate", "seeds.toml", "--policy", policy, "--set", f"seed={seed}", *options,
                                 "--trace", name)
            self.assertEqual(done.returncode, 0, done.stderr)
        return names

    def test_repeated_runs_have_means_and_intervals(self):
        text = self.page(*self.seeds("ring", (1, 2, 3)), *self.seeds("greedy", (1, 2)))
        self.assertEqual(page_check.read(text).problems, [])
        for words_ in ("ring, seed 1", "greedy, seed 2", "ring (n = 3)", "greedy (n = 2)", "only in seed, n = 3;",
                       "With fewer than 3 repetitions"):
            self.assertIn(words_, text)
        self.assertEqual(text.count('class="interval"'), 3, "three figures, one group of three")
        alone = self.page("ring01.h5", "greedy01.h5")
        self.assertNotIn('class="interval"', alone)
        self.assertNotIn("seed 1", alone.partition("<details")[0], "the seed does not differ")

    def test_axes_are_logarithmic_where_runs_span_decades(self):
        fast = self.seeds("ring", (1,))
        slow = self.seeds("ring", (1,), "--set", "fleet.compute_scale=0.001")
        text = self.page(*fast, *slow)
        self.assertEqual(page_check.read(text).problems, [])
        self.assertTrue("time per output token, logarithmic" in text)
        self.assertFalse("logarithmic" in self.page(*fast))

    def test_formats_follow_the_ending(self):
        trace = self.shared / "one.h5"
        (self.folder / "mine.txt").write_text("mine")
        for name in ("one.jpg", "one", "one.html.txt", "mine.txt"):
            told = page_of(self.folder, trace, "-o", name, "--force")
            self.assertEqual(told.returncode, 2)
            self.assertIn(f"{name}: expected a name that ends in .html (a page), or in .svg, .pdf or .png", told.stderr)
        if shutil.which("rsvg-convert"):
            for name, begin in (("one.pdf", b"%PDF"), ("one.png", b"\x89PNG")):
                pictures = set()
                for _ in range(2):
                    told = page_of(self.folder, trace, "-o", name, "--force")
                    self.assertEqual(told.returncode, 0, told.stderr)
                    pictures.add((self.folder / name).read_bytes())
                self.assertEqual(len(pictures), 1, "the same run has the same picture")
                self.assertTrue(pictures.pop().startswith(begin))
        told = page_of(self.folder, trace, "-o", "two.pdf", environment={"PATH": str(self.folder)})
        self.assertEqual(told.returncode, 3)
        self.assertIn("librsvg2-bin, or name a .svg", told.stderr)
        self.assertFalse((self.folder / "two.pdf").exists())

    def test_a_picture_of_one_run(self):
        one, other = self.shared / "one.h5", self.shared / self.traces()[-1]
        drawn = page_of(self.folder, one, "-o", self.folder / "one.svg")
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        text = (self.folder / "one.svg").read_text()
        root = ElementTree.fromstring(text)  # it is well-formed
        labels = "".join(root.itertext())
        for label in ("time per token", "layer 3", headroom_trace.open_trace(one).device_names[0]):
            self.assertIn(label, labels)
        self.assertIsNone(page_check.clipped(root))
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
