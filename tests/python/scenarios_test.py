"""Scenarios from files, texts and dicts."""
import tomllib
import unittest

import numpy as np
from support import ROOT, ModuleTest, headroom, main, scenario, scenario_text


class Scenarios(ModuleTest):
    def test_text_file_and_dict_are_the_same(self):
        text = headroom.Scenario.from_text(scenario_text())
        self.assertEqual(str(headroom.Scenario.from_file(self.scenario_file())), str(text))
        self.assertEqual(headroom.Scenario.from_dict(tomllib.loads(scenario_text())), text)
        self.assertEqual(text.devices, ["desk", "phone", "board"])
        self.assertEqual((text.policy, text.interval), ("resource_aware", 4))

    def test_resolved_text_gives_the_same_scenario(self):
        self.assertEqual(headroom.Scenario.from_text(str(scenario())), scenario())

    def test_changes_are_those_of_set(self):
        changed = scenario().with_({"controller.interval": 7, "device.phone.memory": "32 MiB"}, seed=3)
        self.assertIn("interval = 7", str(changed))
        self.assertIn("seed = 3", str(changed))
        self.assertEqual(changed.interval, 7)
        self.assertEqual(changed.with_(seed=4).interval, 7)
        self.assertEqual(scenario({"seed": 3}), scenario().with_(seed=3))
        self.assertNotEqual(scenario(), changed)
        run = headroom.simulate(changed)
        path = self.folder / "set.h5"
        self.program("simulate", self.scenario_file(), "--set", "controller.interval=7", "--set",
                     "device.phone.memory=\"32 MiB\"", "--set", "seed=3", "--trace", path)
        np.testing.assert_array_equal(headroom.read_trace(path).tokens["end"], run.trace.tokens["end"])

    def test_values_of_every_type(self):
        document = {"model": {"preset": "llama-2-7b", "weight_type": "q4_0"},
                    "workload": {"prompt_tokens": np.array([4, 5]), "tokens": np.int64(3)},
                    "network": {"bandwidth": "1 Gbit/s", "latency": "1 ms",
                                "link": [{"from": 'a "b"', "to": "c", "bandwidth": "10 Mbit/s"}]},
                    "device": [{"name": 'a "b"', "profile": "raspberry-pi-5-8gb"},
                               {"name": "c", "profile": "raspberry-pi-5-8gb", "load": 0.25}],
                    "controller": {"look_ahead": True, "paper": {}}}
        read = headroom.Scenario.from_dict(document)
        self.assertEqual(read.devices, ['a "b"', "c"])
        self.assertIn("0.25", str(read))
        self.fails(headroom.InputError, r"model\.preset: .*type set", headroom.Scenario.from_dict,
                   {"model": {"preset": {1}}})

    def test_scenarios_that_come_with_headroom(self):
        demo = headroom.Scenario.from_file("demo.toml")
        self.assertEqual(len(demo.devices), 5)
        self.assertEqual(demo, headroom.Scenario.from_file(ROOT / "data/scenarios/demo.toml"))

    def test_mistakes_have_the_messages_of_the_program(self):
        path = self.folder / "wrong.toml"
        path.write_text(scenario_text().replace("interval = 4", "intervall = 4").replace("64 MiB", "64 Mib"))
        error = self.fails(headroom.InputError, "intervall", headroom.Scenario.from_file, path)
        printed = self.program("plan", path, code=2).stderr
        self.assertEqual(str(error) + "\n", printed.replace("headroom: error: ", ""))
        self.assertGreater(len(error.problems), 2)
        self.assertIsInstance(error, ValueError)
        missing = self.fails(headroom.InputError, "no such", headroom.Scenario.from_file, self.folder / "no.toml")
        self.assertEqual("headroom: error: " + str(missing) + "\n",
                         self.program("plan", self.folder / "no.toml", code=2).stderr)
        self.fails(headroom.InputError, "--set controller.interval=0", scenario, {"controller.interval": 0})
        self.fails(headroom.InputError, "no text", headroom.Scenario.from_file, ROOT / "data/models/stories.gguf")


if __name__ == "__main__":
    main()
