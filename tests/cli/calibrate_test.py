#!/usr/bin/env python3
"""scripts/calibrate: finds figures that were planted, says which ones the rows do not determine, and refuses bad input.
The rows are made by the program itself, for a device whose figures are known."""
import json
import subprocess
import sys
import tomllib

from headroom import BINARY, ROOT, Case, main

sys.path.insert(0, str(ROOT / "scripts"))
import speeds  # noqa: E402  (its folder comes first)

TRUTH = {"memory_bandwidth": "8 GB/s", "operation_overhead": "250 us", "message_overhead": "180 us",
         "rates.q4_0.compute": "20 GFLOP/s", "rates.q4_0.prefill_compute": "90 GFLOP/s"}
SMALL = "{ layers = 8, heads = 8, width = 512, ffn_width = 2048, vocab = 8000, context = 2048 }"
LARGE = "{ layers = 4, heads = 16, width = 2048, ffn_width = 8192, vocab = 8000, context = 2048 }"
KINDS = [  # of rows: model, weights, phase, devices
    (SMALL, "f16", "decode", 1), (LARGE, "f16", "decode", 1), (SMALL, "q4_0", "decode", 1),
    (LARGE, "q4_0", "decode", 1), (LARGE, "q4_0", "prompt", 1), (SMALL, "q4_0", "decode", 2),
    (LARGE, "q4_0", "decode", 4)]
OWN = ("memory_bandwidth", "operation_overhead", "message_overhead")
ENTRY = """[box]
title = "Box"
compute = { value = "100 GFLOP/s", kind = "measured", how = "x", source = "y" }
ram = { choices = ["8 GiB", "4 GiB"], source = "y" }
reserve = "1 GiB"
memory_bandwidth = { value = "3 GB/s", kind = "open", note = "kept" }
storage_bandwidth_unknown = "nothing found"
operation_overhead = { value = "600 us", kind = "open" }
"""
OPEN = ("--open", "message_overhead=60us", "--open", "rates.q4_0.compute=55 GFLOP/s",
        "--open", "rates.q4_0.prefill_compute")


def device_lines(weights):
    """The true device, as a scenario describes it."""
    lines = ['compute = "100 GFLOP/s"', 'memory = "7 GiB"', *(f'{key} = "{TRUTH[key]}"' for key in OWN)]
    if weights == "q4_0":
        lines += ["[device.rates.q4_0]",
                  *(f'{key} = "{TRUTH[f"rates.q4_0.{key}"]}"' for key in ("compute", "prefill_compute"))]
    return "\n".join(lines)


def made_rows():
    """The rows of KINDS with the speeds that the program predicts for the true device."""
    rows = [speeds.Row(device="box-8gb" if n > 1 else "box", weights=weights, tokens_per_s=1.0, source="made",
                       shape=shape, phase=phase, devices=n) for shape, weights, phase, n in KINDS]
    found = speeds.Predictor(str(BINARY), 2).speeds(rows, [device_lines(row.weights) for row in rows])
    return list(zip(rows, found))


def toml_of(rows, scale=None):
    """A table of the rows; the speed of row i is multiplied by scale[i]."""
    return "\n".join(
        f'[[speed]]\ndevice = "{row.device}"\nshape = {row.shape}\nweights = "{row.weights}"\nphase = "{row.phase}"\n'
        f'devices = {row.devices}\ntokens_per_s = {speed * (scale or {}).get(i, 1.0)}\nsource = "made {i}"\n'
        for i, (row, speed) in enumerate(rows))


class Calibrate(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rows = made_rows()

    def setUp(self):
        super().setUp()
        self.write("entry.toml", ENTRY)
        self.write("rows.toml", toml_of(self.rows))

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def calibrate(self, *arguments, code=0, device="box", rows="rows.toml"):
        done = subprocess.run([ROOT / "scripts/calibrate", device, rows, "--entry", "entry.toml", "--headroom", BINARY,
                               *arguments], cwd=self.folder, capture_output=True, text=True, timeout=250, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def fitted(self, *arguments, **options):
        """The figures that were fitted, in base units, and what else the program says."""
        result = json.loads(self.calibrate("--json", *arguments, **options).stdout)
        return {one["figure"]: one["value"] for one in result["figures"]}, result

    def off(self, value, truth):
        """By which factor a figure is wrong."""
        sizes = {"GB/s": 1e9, "GFLOP/s": 1e9, "us": 1.0}
        (a, a_unit), (b, b_unit) = value.split(), truth.split()
        ratio = float(a) * sizes[a_unit] / (float(b) * sizes[b_unit])
        return max(ratio, 1 / ratio)

    def test_finds_planted_figures_and_a_twin_with_a_wrong_row_does_not(self):
        values, result = self.fitted(*OPEN)
        self.assertEqual(values.keys(), TRUTH.keys())
        for name, truth in TRUTH.items():
            self.assertLess(self.off(values[name], truth), 1.02, (name, values[name]))
        self.assertEqual(result["warnings"], [])
        self.assertTrue(all(0.995 < row["ratio"] < 1.005 for row in result["rows"]), result["rows"])
        self.write("rows.toml", toml_of(self.rows, {1: 1.3, 4: 0.7}))  # twin
        values, result = self.fitted(*OPEN)
        self.assertGreater(max(self.off(values[name], truth) for name, truth in TRUTH.items()), 1.1, values)
        self.assertFalse(all(0.995 < row["ratio"] < 1.005 for row in result["rows"]), result["rows"])

    def test_the_result_is_a_table_for_the_catalogue_that_says_what_was_fitted_with_what(self):
        self.calibrate(*OPEN, "-o", "new.toml")
        table = tomllib.loads((self.folder / "new.toml").read_text())["box"]
        old = tomllib.loads(ENTRY)["box"]
        self.assertEqual({key: table[key] for key in ("title", "compute", "ram", "reserve")},
                         {key: old[key] for key in ("title", "compute", "ram", "reserve")})
        self.assertEqual(table["memory_bandwidth"]["note"], "kept")
        for given in (table["memory_bandwidth"], table["operation_overhead"], table["message_overhead"],
                      table["rates"]["q4_0"]["compute"], table["rates"]["q4_0"]["prefill_compute"]):
            self.assertEqual(given["kind"], "fitted")
            self.assertIn("standard error", given["how"])
        self.assertEqual(table["rates"]["q4_0"]["prefill_compute"]["fitted_with"], "a shape q4_0 prompt")
        self.assertEqual(table["rates"]["q4_0"]["prefill_compute"]["source"], "made 4")
        self.assertIn("2 x a shape q4_0 decode", table["message_overhead"]["fitted_with"])
        self.assertNotIn("f16", table["rates"]["q4_0"]["compute"]["fitted_with"])
        printed = self.calibrate("--open", "message_overhead=60us").stdout
        self.assertEqual(tomllib.loads(printed).keys(), {"box"}, "the report below the table is comments")
        self.assertIn("# MAPE of the fitted rows:", printed)

    def test_warns_of_figures_that_the_rows_do_not_determine(self):
        done = self.calibrate(*OPEN, "--open", "rates.q8_0.compute")
        self.assertIn("warning: rates.q8_0.compute is not determined: no row's speed depends on it", done.stderr)
        self.assertEqual(done.stderr.count("not determined"), 1)
        self.write("rows.toml", toml_of(self.rows[:1]))
        said = self.calibrate().stderr
        self.assertIn("memory_bandwidth is not determined", said)
        self.assertIn("together with operation_overhead", said)

    def test_rows_for_checks_are_predicted_and_not_fitted_on(self):
        text = toml_of(self.rows[:2], {1: 0.5})
        self.write("rows.toml", text.replace('source = "made 1"', 'source = "made 1"\nuse = "check"'))
        self.write("entry.toml", ENTRY.replace('{ value = "600 us", kind = "open" }',
                                               '{ value = "250 us", kind = "measured", how = "x", source = "y" }'))
        values, result = self.fitted()
        self.assertLess(self.off(values["memory_bandwidth"], TRUTH["memory_bandwidth"]), 1.02)
        self.assertAlmostEqual(result["rows"][1]["ratio"], 2.0, delta=0.05)
        self.assertEqual([row["use"] for row in result["rows"]], ["fit", "check"])

    def test_a_csv_file_is_read_like_toml(self):
        head = "device,shape,weights,phase,devices,tokens_per_s,source\n"
        lines = [f'{row.device},"{row.shape}",{row.weights},{row.phase},{row.devices},{speed},made'
                 for row, speed in self.rows[:4]]
        self.write("rows.csv", head + "\n".join(lines) + "\n")
        self.write("rows.toml", toml_of(self.rows[:4]))
        self.assertEqual(self.fitted(rows="rows.csv")[0], self.fitted()[0])

    def test_bad_input_is_refused_with_all_mistakes(self):
        self.assertIn("has no table [bax]; it has box", self.calibrate(device="bax", code=2).stderr)
        self.assertIn('"bandwidth" is no figure that can be fitted', self.calibrate("--open", "bandwidth", code=2).stderr)
        self.assertIn('found "9 W"', self.calibrate("--open", "compute=9 W", code=2).stderr)
        self.assertIn("no program", self.calibrate("--headroom", "none", code=2).stderr)
        self.assertIn("new.toml: No such file", self.calibrate("-o", "none/new.toml", code=2).stderr)
        self.write("rows.toml", '[[speed]]\ndevice = "box"\ntoken_per_s = 3\nweights = "q9"\nsource = "s"\nmodel = "m"\n'
                   '[[speed]]\ndevice = "box"\nweights = "f16"\ntokens_per_s = -1\nsource = "s"\ndevices = 1.5\n')
        said = self.calibrate(code=2).stderr
        for text in ("[[speed]] 1: unknown key 'token_per_s'; did you mean 'tokens_per_s'?",
                     "[[speed]] 1: weights: expected one of f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q2_k, "
                     "q3_k, q4_k, q5_k, q6_k, iq4_nl, iq4_xs, mxfp4; found \"q9\"",
                     "[[speed]] 1: tokens_per_s is missing", "[[speed]] 2: give either model or shape",
                     "[[speed]] 2: tokens_per_s: expected a number above 0; found -1",
                     "[[speed]] 2: devices: expected a whole number above 0; found 1.5"):
            self.assertIn(text, said)
        self.write("rows.toml", toml_of(self.rows).replace('"box', '"bex'))
        self.assertIn("has no row for box", self.calibrate(code=2).stderr)
        self.write("rows.toml", toml_of(self.rows))
        self.write("entry.toml", ENTRY.replace('kind = "open"', 'kind = "measured"'))
        self.assertIn("no figure of [box] is open", self.calibrate(code=2).stderr)

    def test_a_model_that_does_not_fit_is_an_error_that_shows_the_scenario(self):
        self.write("rows.toml", '[[speed]]\ndevice = "box"\nmodel = "llama-2-70b"\nweights = "q4_0"\n'
                   'tokens_per_s = 1\nsource = "s"\n')
        said = self.calibrate(code=3).stderr
        self.assertIn("box, llama-2-70b q4_0, decode: headroom simulate ended with exit code", said)
        self.assertIn('preset = "llama-2-70b"', said)


if __name__ == "__main__":
    main()
