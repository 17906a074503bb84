#!/usr/bin/env python3
"""The figures of scripts/examples: axes, labels, intervals, formats. Summaries are written here, not by the program."""
import contextlib
import csv
import importlib.machinery
import importlib.util
import io
import itertools
import math
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import figure_check

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import drawing  # noqa: E402
import plotted  # noqa: E402

SETTINGS = ("file", "scenario", "policy", "interval", "seed", "devices", "model", "network.bandwidth")
BEGINNINGS = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF"}


def script(name):
    """A script without an ending, as a module."""
    path = ROOT / "scripts/examples" / name
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


plot_summary = script("plot_summary")


class Numbers(unittest.TestCase):
    def test_an_axis_is_logarithmic_from_two_decades_on(self):
        self.assertTrue(plotted.spans_decades([1, 100]))
        self.assertTrue(plotted.spans_decades([0, 1, 100]))
        self.assertFalse(plotted.spans_decades([1, 99]))
        self.assertFalse(plotted.spans_decades([-1, 1, 1000]))
        self.assertFalse(plotted.spans_decades([0, 5]))
        self.assertFalse(plotted.spans_decades([]))

    def test_ticks_of_a_logarithmic_axis(self):
        for low, high in ((1, 100), (0.9, 110), (3, 4e3), (1e-9, 1e9), (2e-7, 3e2), (5, 5e5)):
            ticks = plotted.log_ticks(low, high)
            self.assertTrue(2 <= len(ticks) <= 8, (low, high, ticks))
            self.assertTrue(all(low * 0.999 <= tick <= high * 1.001 for tick in ticks), (low, high, ticks))
        self.assertEqual(plotted.log_ticks(0.9, 110), [1, 2, 5, 10, 20, 50, 100])

    def test_numbers_are_written_out(self):
        self.assertEqual([plotted.number(value) for value in (0, 0.5, 1000, 250000, 1e6, 2e7, 1e-5)],
                         ["0", "0.5", "1000", "250000", "10⁶", "2·10⁷", "10⁻⁵"])

    def test_means_have_the_intervals_of_student(self):
        mean, low, high = plotted.mean_interval([1.0, 2.0, 3.0])
        self.assertAlmostEqual(mean, 2)
        self.assertAlmostEqual(high - mean, 4.303 / math.sqrt(3))
        self.assertAlmostEqual(mean - low, 4.303 / math.sqrt(3))
        mean, low, high = plotted.mean_interval([1.0, 10.0, 100.0], geometric=True)
        self.assertAlmostEqual(mean, 10)
        self.assertAlmostEqual(low * high, 100)
        self.assertGreater(low, 0)
        _, low, high = plotted.mean_interval([1.0, 3.0] * 50)
        self.assertAlmostEqual((high - low) / 2, 1.984 * math.sqrt(100 / 99) / 10, places=3)
        self.assertEqual(plotted.mean_interval([7.0])[0], 7.0)


class Summary(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="headroom-plots-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def summary(self, figure, policies=("ring", "greedy"), bandwidths=(1e6, 1e7, 1e9), seeds=3, scenarios=("home",),
                first=0):
        """Writes a summary whose figure of a run is `figure(policy, bandwidth, seed)`; returns its path."""
        path = self.folder / "summary.csv"
        with open(path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow([*SETTINGS, "execution", "time_per_output_token_ns"])
            for scenario, policy, bandwidth, seed in itertools.product(scenarios, policies, bandwidths,
                                                                        range(first, first + seeds)):
                rows.writerow([f"{policy}-{bandwidth}-{seed}.h5", scenario, policy, 8, seed, 4, "stories",
                               int(bandwidth), "simulated", figure(policy, bandwidth, seed)])
        return path

    def drawn(self, summary, *arguments, name="figure.png"):
        """Draws; returns the figure as matplotlib has it."""
        kept = []

        def save(figure, path, real=drawing.save):
            kept.append(figure)
            self.assertEqual(figure_check.problems(figure), [])
            real(figure, path)
        with mock.patch.object(drawing, "save", save), contextlib.redirect_stdout(io.StringIO()), \
                mock.patch.object(sys, "argv", ["plot_summary", str(summary), str(self.folder / name),
                                                "--x", "bandwidth", *arguments]):
            plot_summary.main()
        return kept[0]

    def legend(self, figure):
        return [text.get_text() for legend in figure.legends for text in legend.get_texts()]

    def caption(self, figure):
        return " ".join(figure.texts[0].get_text().split())

    def test_axes_are_logarithmic_where_values_span_decades(self):
        figure = self.drawn(self.summary(lambda policy, bandwidth, seed: int(1e15 / bandwidth) + seed))
        axes = figure.axes[0]
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
        self.assertIn("Geometric means of n = 3 runs that differ in seed", self.caption(figure))
        figure = self.drawn(self.summary(lambda policy, bandwidth, seed: 5e6 + seed, bandwidths=(1e6, 2e6)))
        axes = figure.axes[0]
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("linear", "linear"))
        self.assertEqual(axes.get_ylabel(), "time per output token (ms)")
        self.assertIn("Means of n = 3", self.caption(figure))

    def test_zeros_have_a_tick_of_their_own(self):
        def some(policy, bandwidth, seed):
            return 0 if policy == "ring" else int(bandwidth) + seed
        axes = self.drawn(self.summary(some)).axes[0]
        self.assertEqual(axes.get_yscale(), "symlog")
        self.assertIn(0.0, axes.get_yticks())
        self.assertLess(axes.get_ylim()[0], 0)

    def test_few_runs_are_drawn_themselves(self):
        for seeds, bars in ((1, 0), (2, 0), (3, 2), (5, 2)):
            figure = self.drawn(self.summary(lambda policy, bandwidth, seed: 5e6 * (1 + seed), seeds=seeds))
            self.assertEqual(len(figure.axes[0].containers), bars, seeds)
            if seeds < 3:
                points = [line for line in figure.axes[0].lines if line.get_marker() not in ("", "None", None)]
                self.assertEqual(sum(len(line.get_xdata()) for line in points), 2 * 3 * seeds)
                self.assertIn("the runs themselves", self.caption(figure))
            else:
                self.assertIn(f"n = {seeds}", self.caption(figure))

    def test_labels_have_what_differs(self):
        def some(policy, bandwidth, seed):
            return 1e6 + bandwidth + seed
        one = self.drawn(self.summary(some))
        self.assertEqual(self.legend(one), ["ring", "greedy"])
        self.assertEqual(one.legends[0].get_title().get_text(), "policy")
        both = self.drawn(self.summary(some, scenarios=("home", "office")))
        self.assertEqual(self.legend(both), ["home, ring", "home, greedy", "office, ring", "office, greedy"])
        self.assertEqual(self.legend(self.drawn(self.summary(some, policies=("ring",)))), [])
        averaged = self.drawn(self.summary(some, scenarios=("home", "office")), "--by", "policy")
        self.assertIn("n = 6 runs that differ in scenario and seed", self.caption(averaged))
        seeds = self.drawn(self.summary(some, policies=("ring",)), "--by", "seed")
        self.assertEqual(self.legend(seeds), ["0", "1", "2"])
        close = self.drawn(self.summary(some, policies=("ring",), first=7_000_000), "--by", "seed")
        self.assertEqual(self.legend(close), ["7000000", "7000001", "7000002"])

    def test_many_lines_are_told_apart_or_refused(self):
        def some(policy, bandwidth, seed):
            return 1e6 + bandwidth + seed
        policies = [f"policy{i}" for i in range(20)]
        figure = self.drawn(self.summary(some, policies=policies))
        looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines
                 if line.get_marker() in list(drawing.MARKERS)}
        self.assertEqual((len(self.legend(figure)), len(looks)), (20, 20))
        with self.assertRaisesRegex(SystemExit, "40 lines are too many.*--by .now policy, seed"):
            self.drawn(self.summary(some, policies=policies, seeds=2), "--by", "policy,seed")

    def test_formats_follow_the_ending(self):
        summary = self.summary(lambda policy, bandwidth, seed: 5e6)
        for ending, begin in BEGINNINGS.items():
            self.drawn(summary, name="figure" + ending)
            self.assertTrue((self.folder / f"figure{ending}").read_bytes().startswith(begin), ending)
        ElementTree.parse(self.folder / "figure.svg")
        first = (self.folder / "figure.pdf").read_bytes()
        self.drawn(summary, name="figure.pdf")
        self.assertEqual(first, (self.folder / "figure.pdf").read_bytes(), "the same summary gives the same bytes")
        for name in ("figure.jpg", "figure", "figure.png.bak"):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as end:
                self.drawn(summary, name=name)
            self.assertEqual(end.exception.code, 2)
            self.assertIn("expected a name that ends in .png, .svg or .pdf", said.getvalue())

    def test_faults_of_a_figure_would_be_seen(self):
        def faults(change):
            figure, axes = drawing.plt.subplots(layout="constrained")
            styles = [{**drawing.look(i), "label": f"line {i}"} for i in range(2)]
            for style in styles:
                axes.plot([1, 2, 3], [1, 2, 1000], **style)
            drawing.scale(axes.xaxis, [1, 2, 3])
            drawing.scale(axes.yaxis, [1, 2, 1000])
            change(figure, axes, styles)
            drawing.legend_below(figure, [drawing.handle(style) for style in styles], "A caption.", "lines")
            found = figure_check.problems(figure)
            drawing.plt.close(figure)
            return found
        self.assertEqual(faults(lambda *_: None), [])
        for what, change, words in (
                ("clipped", lambda figure, axes, styles: axes.set_ylim(1, 900), "is clipped"),
                ("bar", lambda figure, axes, styles: axes.errorbar([2], [500], [600]), "is clipped"),
                ("small", lambda figure, axes, styles: axes.set_xlabel("tiny", fontsize=4), "too small"),
                ("canvas", lambda figure, axes, styles: figure.text(0.95, 0.5, "too long for it"), "on the canvas"),
                ("over", lambda figure, axes, styles: [axes.text(2, 10, word) for word in ("one", "two")], "is over"),
                ("twice", lambda figure, axes, styles: styles[1].update(label="line 0"), "there twice")):
            self.assertIn(words, " ".join(faults(change)), what)


if __name__ == "__main__":
    unittest.main(verbosity=2)
