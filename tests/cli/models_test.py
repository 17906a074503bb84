"""Damaged models, unusual models, and files that are no models: the messages about them."""
import json
import struct

from gguf_file import GgufFile
from headroom import MODEL, Case, main, scenario_text

EMBEDDING = "token_embd.weight"


class Models(Case):
    def spoilt(self, change, name="model.gguf"):
        model = GgufFile(MODEL)
        change(model)
        model.write(self.folder / name)
        return name

    def run_model(self, name, *arguments):
        return self.headroom("run", "--model", name, "--devices", 2, "--tokens", 4, "--force",
                             *arguments)

    def test_rewriting_a_model_changes_no_answer(self):
        name = self.spoilt(lambda model: None)
        arguments = ("--devices", 2, "--tokens", 8, "--transport", "inprocess")
        texts = {json.loads(self.headroom("run", "--model", model, *arguments, "--json",
                                          "--force").stdout)["text"] for model in (MODEL, name)}
        self.assertEqual(len(texts), 1)

    def test_a_weight_that_is_not_finite_refuses_the_model(self):
        def spoil(model):
            columns, rows = model.tensors[EMBEDDING][0]
            raw = model.tensors[EMBEDDING][2]
            row = len(raw) // rows
            struct.pack_into("<e", raw, (rows - 1) * row, float("nan"))  # the row of a token that does not occur
            struct.pack_into("<e", raw, (rows - 1) * row + 34, float("inf"))
            self.last = rows - 1
        name = self.spoilt(spoil)
        wanted = f"{EMBEDDING} has 2 block scales, the first in row {self.last}"
        sliced = ("--set", "controller.granularity=sliced", "--set", "controller.slices=4")
        for arguments in ((), ("--transport", "inprocess"), sliced):
            result = self.run_model(name, *arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(wanted, result.stderr)
            self.assertIn(name, result.stderr)
            self.assertEqual(result.stdout, "")
        result = self.headroom("inspect", name)
        self.assertIn("headroom cannot run it", result.stdout)
        self.assertIn(wanted, result.stdout)
        self.assertEqual(list(self.folder.glob("*.h5")), [], "nothing was decoded")

    def test_numbers_that_overflow_end_the_run(self):
        def spoil(model):
            raw = model.tensors["blk.0.ffn_norm.weight"][2]
            raw[:] = struct.pack("<f", 3e38) * (len(raw) // 4)
        name = self.spoilt(spoil)
        for transport in ("mpi", "inprocess"):
            result = self.run_model(name, "--transport", transport)
            self.assertEqual(result.returncode, 5, result.stderr)
            self.assertRegex(result.stderr, r"L0\.\w+ on device \d \(device-\d\) yields .* for token "
                                            r"\d+ of sequence 0 \(layer 0, turn 0\), expected finite")

    def test_files_that_are_not_models_are_refused_in_a_sentence(self):
        for kind, what in (("adapter", "an adapter (LoRA)"), ("mmproj", "a projector (mmproj)"),
                           ("imatrix", "an importance matrix (imatrix)")):
            name = self.spoilt(lambda model, kind=kind: model.set_text("general.type", kind))
            for command in (("run", "--model", name, "--devices", 2),
                            ("simulate", "--model", name, "--devices", 2)):
                result = self.headroom(*command)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(f"{name}: it is {what}", result.stderr)
            self.assertIn(f"it is {what}", self.headroom("inspect", name).stdout)

    def test_models_that_cannot_run_are_planned_and_simulated(self):
        def rename(model):
            model.set_text("general.architecture", "strange")
            for key in [key for key in model.metadata if key.startswith("llama.")]:
                model.metadata["strange." + key.removeprefix("llama.")] = model.metadata.pop(key)
        name = self.spoilt(rename)
        why = 'headroom run cannot run it: the architecture is "strange"'
        plan = self.headroom("plan", "--model", name, "--devices", 2)
        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertIn(why, plan.stderr)
        times = {}
        for model in (name, MODEL):
            result = self.headroom("simulate", "--model", model, "--devices", 2, "--tokens", 4, "--no-trace", "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(why in result.stderr, model == name)
            times[model] = [each["end_ns"] for each in json.loads(result.stdout)["sequences"]]
        self.assertEqual(times[name], times[MODEL], "the same costs")
        self.assertEqual(self.run_model(name).returncode, 2)
        told = json.loads(self.headroom("inspect", name, "--json").stdout)
        self.assertTrue(told["can_plan"])
        self.assertGreater(told["blocks"], 10)
        self.assertIn("plan and simulate know what it costs", self.headroom("inspect", name).stdout)

    def test_lengths_replace_prompts_that_no_tokenizer_reads(self):
        name = self.spoilt(lambda model: model.set_text("tokenizer.ggml.model", "other"))
        arguments = ("--model", name, "--devices", 2, "--tokens", 4, "--no-trace")
        result = self.headroom("simulate", *arguments)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("give workload.prompt_tokens instead of prompts", result.stderr)
        lengths = ("--set", "workload.prompt_tokens=5")
        self.assertEqual(self.headroom("simulate", *arguments, *lengths).returncode, 0)
        result = self.headroom("run", *arguments, *lengths)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("a run needs their text: give prompts", result.stderr)

    def test_the_context_of_the_scenario_replaces_that_of_the_file(self):
        for command in ("run", "simulate"):
            arguments = (command, "--model", MODEL, "--devices", 2, "--no-trace", "--set", "model.context=16")
            result = self.headroom(*arguments, "--tokens", 20)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("the model's context is 16", result.stderr)
            result = self.headroom(*arguments, "--tokens", 8)
            self.assertEqual(result.returncode, 0, result.stderr)

    def test_unusual_metadata_is_accepted(self):
        def spoil(model):
            model.set_u32("tokenizer.ggml.eos_token_id", 99999)
            del model.metadata["tokenizer.ggml.scores"]
        name = self.spoilt(spoil)
        for transport in ("mpi", "inprocess"):
            result = self.run_model(name, "--transport", transport)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stderr.count("warning: "), 1, result.stderr)
            self.assertRegex(result.stderr, r"warning: .*model\.gguf: tokenizer\.ggml\.eos_token_id is "
                                            r"99999, but there are \d+ tokens")
        self.assertIn("eos_token_id", self.headroom("inspect", name).stderr)

    def test_default_devices_are_named_and_times_depend_on_the_stored_weights(self):
        def wide(model):
            for tensor in model.tensors.values():
                if tensor[1] == 8:
                    tensor[1], tensor[2] = 0, bytes(4 * tensor[0][0] * tensor[0][1])
        self.spoilt(wide, "wide.gguf")
        self.spoilt(lambda model: None, "narrow.gguf")
        times = {}
        for name in ("wide", "narrow"):
            result = self.headroom("simulate", "--model", f"{name}.gguf", "--devices", 1, "--tokens", 8,
                                   "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("every device is a Raspberry Pi 5 (60.4 GFLOP/s", result.stderr)
            times[name] = json.loads(result.stdout)["virtual_time_ns"]
        self.assertGreater(times["wide"], 2 * times["narrow"], times)
        scenario = self.scenario(scenario_text(2))
        self.assertNotIn("every device is", self.headroom("run", scenario, "--tokens", 2).stderr)


if __name__ == "__main__":
    main()
