#!/usr/bin/env python3
"""Policy given: a placement from `plan --json`, a table or numbers of layers, in every command."""
import json
import os
import signal

import h5py
import numpy as np

from headroom import Case, committed, devices, main, scenario_text

SHAPE = """[model]
shape = { layers = 6, heads = 4, width = 64, ffn_width = 128, vocab = 256, context = 256 }
[workload]
prompt_tokens = 8
tokens = 12
[controller]
interval = 4
"""
GIVEN = ("--policy", "given")
KEY_NAMED = 'give controller.placement = "plan.json"'


def uneven(**options):
    """Three devices of different speed, so that the policies place differently."""
    text = devices(3, **options)
    return text.replace('"2 GFLOP/s"', '"1 GFLOP/s"', 1).replace('"64 MiB"', '"1 MiB"', 1)


def scenario_of(trace):
    with h5py.File(trace, "r") as file:
        return bytes(file["scenario"][()]).decode()


class Given(Case):
    def plan(self, *arguments, name=None, code=0):
        result = self.headroom("plan", self.folder / "scenario.toml", *arguments, "--json")
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        if name:
            (self.folder / name).write_text(result.stdout)
        return json.loads(result.stdout)

    def run_it(self, command, *arguments):
        result = self.headroom(command, *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def refused(self, *arguments, command="simulate", code=2):
        """Returns the message of an input that is refused."""
        result = self.headroom(command, self.folder / "scenario.toml", *arguments)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stderr

    def same_times(self, first, second):
        """Whether all tokens of two traces have the same times."""
        with h5py.File(first, "r") as a, h5py.File(second, "r") as b:
            return np.array_equal(a["tokens"][:], b["tokens"][:]) and np.array_equal(
                a["placements"][:], b["placements"][:])

    def test_has_the_times_of_the_policy_whose_plan_it_is(self):
        self.scenario(SHAPE + uneven())
        sliced = ("--set", "controller.granularity=sliced", "--set", "controller.slices=4")
        for policy, cut in (("ring", ()), ("edgeshard", sliced), ("galaxy", sliced), ("static", ())):
            plan = self.plan("--policy", policy, *cut, name="plan.json")["policies"][0]
            of_plan = ("--set", "controller.placement=plan.json", *cut)
            given = self.plan(*GIVEN, *of_plan)["policies"][0]
            for key in ("placement", "inference_ns", "round_ns", "objective_s", "batch", "devices"):
                self.assertEqual(given[key], plan[key], (policy, key))
            self.run_it("simulate", "scenario.toml", "--policy", policy, *cut, "--trace", "own.h5",
                        "--force")
            self.run_it("simulate", "scenario.toml", *GIVEN, *of_plan, "--trace", "given.h5",
                        "--force")
            self.assertTrue(self.same_times(self.folder / "own.h5",
                                            self.folder / "given.h5"), policy)
        # The twin: another policy has other times.
        self.run_it("simulate", "scenario.toml", "--policy", "round_robin", "--trace", "other.h5")
        self.assertFalse(self.same_times(self.folder / "other.h5", self.folder / "given.h5"))

    def test_a_table_and_layers_say_the_same_as_a_file(self):
        self.scenario(SHAPE + uneven())
        layers = ("--set", "controller.layers=[3,1,2]")
        plan = self.plan(*GIVEN, *layers, name="plan.json")
        self.assertEqual([d["blocks"] for d in plan["policies"][0]["devices"]], [20, 6, 12])
        table = "controller.placement={ d0 = 'L0-L2', d1 = 'L3', d2 = 'L4.g0-L5.g3, L5.proj-L5.ffn' }"
        for how in (("--set", table), ("--set", "controller.placement=plan.json")):
            again = self.plan(*GIVEN, *how)["policies"][0]
            self.assertEqual(again, plan["policies"][0])

    def test_a_plan_asks_it_where_it_is_given_and_starts_from_it(self):
        self.scenario(SHAPE + uneven())
        names = [policy["policy"] for policy in self.plan()["policies"]]
        self.assertFalse({"given", "custom"} & set(names), names)
        layers = ("--set", "controller.layers=[3,1,2]")
        self.assertEqual(self.plan(*layers)["policies"][-1]["policy"], "given")
        self.assertNotIn("given", [p["policy"] for p in self.plan("--policy", "all")["policies"]])
        moved = self.plan("--previous", "given", "--policy", "ring", *layers)
        self.assertEqual(moved["previous"]["origin"], "the first choice of given")

    def test_runs_on_both_transports_replays_and_needs_no_file_later(self):
        self.scenario(scenario_text(memory="2 MiB"))
        self.plan("--policy", "round_robin", name="plan.json")
        placement = ("--set", "controller.placement=plan.json")
        self.run_it("run", "scenario.toml", *GIVEN, *placement, "--trace", "mpi.h5")
        self.run_it("run", "scenario.toml", *GIVEN, *placement, "--trace", "one.h5",
                    "--transport", "inprocess")
        self.run_it("simulate", "scenario.toml", *GIVEN, *placement, "--trace", "simulated.h5")
        self.assertTrue(self.same_times(self.folder / "mpi.h5", self.folder / "one.h5"))
        (self.folder / "plan.json").unlink()
        self.assertIn("\nplacement = { d0 = ", scenario_of(self.folder / "one.h5"))
        for trace in ("mpi.h5", "one.h5", "simulated.h5"):
            self.assertIn(": identical: ", self.run_it("replay", trace).stdout)
        with h5py.File(self.folder / "one.h5", "r") as file:
            self.assertEqual(file.attrs["policy"], b"given")
            self.assertEqual(len(np.unique(file["placements"][:], axis=0)), 1)
        # What others would have done, and the other way round.
        self.run_it("replay", "one.h5", "--policy", "given,greedy", "--trace", "then.h5")
        self.assertTrue(self.same_times(self.folder / "then.given.h5", self.folder / "one.h5"))
        self.run_it("run", "scenario.toml", "--policy", "greedy", "--trace", "greedy.h5",
                    "--transport", "inprocess")
        self.run_it("replay", "greedy.h5", *GIVEN, "--set", "controller.layers=[2,1,1]",
                    "--trace", "layers.h5")
        self.assertIn("layers = [2, 1, 1]\n", scenario_of(self.folder / "layers.h5"))

    def test_is_resumed_without_its_file(self):
        text = scenario_text(tokens=40, interval=2, compute="100 MFLOP/s",
                             head='[clock]\nmode = "paced"\nscale = 0.5\n')
        self.scenario(text)
        self.plan("--policy", "ring", name="plan.json")
        trace = self.folder / "run.h5"
        process = self.start("run", "scenario.toml", *GIVEN, "--set",
                             "controller.placement=plan.json", "--trace", trace,
                             "--transport", "inprocess")
        self.wait_for_intervals(trace, 2)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
        (self.folder / "plan.json").unlink()
        self.run_it("run", "--resume", trace, "--clock", "virtual", "--transport", "inprocess")
        rows, tokens, placements = committed(trace)
        self.assertEqual(len([t for t in tokens if not t["is_prompt"]]), 40)
        self.assertEqual(len(np.unique(placements, axis=0)), 1)
        self.assertGreater(len(rows), 2)

    def test_is_an_axis_of_a_sweep(self):
        self.scenario(SHAPE + uneven())
        self.plan("--policy", "paper", name="paper.json")
        self.plan("--policy", "ring", name="ring.json")
        (self.folder / "layers.toml").write_text(
            'scenario = "scenario.toml"\nfolder = "out"\n[set]\ncontroller.policy = "given"\n'
            "[grid]\ncontroller.layers = [[6], [3, 1, 2], [2, 2, 2]]\n")
        (self.folder / "files.toml").write_text(
            'scenario = "scenario.toml"\nfolder = "files"\n[set]\ncontroller.policy = "given"\n'
            '[grid]\ncontroller.placement = ["paper.json", "ring.json"]\n')
        for sweep, cells in (("layers.toml", 3), ("files.toml", 2)):
            self.run_it("sweep", sweep, "--run-all")
            folder = self.folder / ("out" if cells == 3 else "files")
            traces = sorted(folder.rglob("*.h5"))
            self.assertEqual(len(traces), cells)
            with_times = {h5py.File(trace, "r")["tokens"][-1]["end"] for trace in traces}
            self.assertEqual(len(with_times), cells, "every cell has times of its own")
        (self.folder / "wrong.toml").write_text(
            'scenario = "scenario.toml"\nfolder = "out"\n[set]\ncontroller.policy = "given"\n'
            "[grid]\ncontroller.layers = [[6], [1, 1]]\n")
        result = self.headroom("sweep", "wrong.toml", "--run-all")
        self.assertEqual(result.returncode, 2)
        self.assertIn("wrong.toml:6:27: controller.layers = [1, 1] adds up to 2 layers, the model "
                      "has 6", result.stderr)

    def test_is_infeasible_while_there_is_no_room(self):
        self.scenario(SHAPE + devices(3, memory="400 KiB"))
        layers = ("--set", "controller.layers=[6]")
        plan = self.plan(*GIVEN, *layers, code=6)["policies"][0]
        self.assertIn("no room for the given placement found", plan["reason"])
        self.assertEqual([lack["device"] for lack in plan["shortages"]], ["d0"])
        self.assertIn("d0", self.refused(*GIVEN, *layers, code=6))
        self.plan(*GIVEN, "--set", "controller.layers=[2,2,2]")

    def test_stays_in_force_while_a_device_has_too_little_memory(self):
        events = "".join(f'[[event]]\nat_token = {token}\ndevice = "d1"\nkind = "memory"\n'
                         f"factor = {factor}\n" for token, factor in ((3, 0.1), (7, 1)))
        self.scenario(SHAPE + devices(3, memory="1 MiB", extra='storage_bandwidth = "40 MB/s"\n') + events)
        self.run_it("simulate", "scenario.toml", *GIVEN, "--set", "controller.layers=[2,2,2]",
                    "--trace", "trace.h5")
        rows, _, placements = committed(self.folder / "trace.h5")
        self.assertEqual([int(row["feasible"]) for row in rows], [1, 0, 1])
        self.assertEqual(len(np.unique(placements, axis=0)), 1)

    def test_refuses_what_does_not_suit_with_a_sentence(self):
        self.scenario(SHAPE + uneven())
        self.plan("--policy", "ring", name="plan.json")
        self.plan("--policy", "ring,greedy", name="two.json")
        self.plan("--policy", "ring", "--set", "controller.granularity=sliced", name="sliced.json")
        self.plan("--policy", "ring", "--set", "model.shape.layers=5", name="other.json")
        self.plan("--policy", "ring", "--set", "device.2.name=phone", name="fleet.json")
        self.plan("--policy", "greedy", "--set", "device.1.source=true", name="source.json")
        text = (self.folder / "plan.json").read_text()
        (self.folder / "cut.json").write_text(text[:len(text) // 2])
        (self.folder / "empty.json").write_text("")
        (self.folder / "far.json").write_text(
            json.dumps({**json.loads(text), "device_names": ["d0"]}))
        for name, parts in {
                "two": ("has 2 placements (ring, greedy), expected one", "--policy P --json"),
                "sliced": ("block 5 is L0.s0 there and L0.proj in the scenario", "granularity"),
                "other": ("lm_head there and L5.g0 in the scenario", "expected the scenario's model"),
                "fleet": ("has blocks on phone, which the fleet lacks; there are d0, d1, d2",),
                "source": ("has embed and 1 other block on a device that is not the source",
                           'controller.ends = "anywhere"'),
                "cut": ("is not a plan (parse error", "expected what headroom plan"),
                "empty": ("is empty", "was it written to its end?"),
                "far": ("has a block on device 2 but names 1 devices",),
                "none": ("cannot be read", "No such file"),
        }.items():
            error = self.refused(*GIVEN, "--set", f"controller.placement={name}.json")
            for part in parts:
                self.assertIn(part, error, name)
            self.assertIn("controller.placement", error, name)
        for value, part in {
                "layers=[1,2]": "= [1, 2] adds up to 3 layers, the model has 6",
                "layers=[1,1,2,2]": "has 4 numbers, expected at most one for each of 3 devices",
                "layers=6": "expected a number of layers for each device",
                "layers=[7,-1]": "controller.layers.1",
                "placement.d0=L0-L6": "names L6, which is no block of the model",
                "placement.d0=L0-L4": "has no device for L5.g0 and 5 other blocks",
                "placement.phone=L0-L5": "controller.placement.phone names no device",
                "placement=[]": "expected the path of a file",
        }.items():
            self.assertIn(part, self.refused(*GIVEN, "--set", "controller." + value), value)
        for command, arguments in (("simulate", GIVEN), ("plan", GIVEN), ("run", GIVEN),
                                   ("plan", ("--previous", "given"))):
            self.assertIn(KEY_NAMED, self.refused(*arguments, command=command), command)
        both = self.refused(*GIVEN, "--set", "controller.layers=[1,2]", "--set",
                            "controller.interval=0", "--set", "workload.tokens=0")
        for part in ("controller.layers", "controller.interval", "workload.tokens"):
            self.assertIn(part, both, "all problems at once")
        warned = self.run_it("simulate", "scenario.toml", "--set", "controller.layers=[6]",
                             "--no-trace").stderr
        self.assertIn("controller.layers has no effect: controller.policy is resource_aware", warned)

    def test_a_model_file_is_compared_before_anything_starts(self):
        self.scenario(scenario_text())
        self.plan("--policy", "ring", name="plan.json")
        for how in ((), ("--transport", "inprocess")):
            error = self.refused(*GIVEN, "--set", "controller.layers=[2,1]", *how, command="run")
            self.assertIn("controller.layers = [2, 1] adds up to 3 layers, the model has 4", error)
            error = self.refused(
                *GIVEN, "--set", "controller.placement=plan.json", *how, "--set",
                "controller.granularity=sliced", command="run")
            self.assertRegex(error, r"was made for other blocks: block \d+ is L0.proj there and L0.s0")

    def test_replay_sets_its_placement_only(self):
        self.scenario(SHAPE + uneven())
        self.run_it("simulate", "scenario.toml", "--trace", "trace.h5")
        for arguments, part in (
                (GIVEN, KEY_NAMED),
                ((*GIVEN, "--set", "controller.layers=[6,6]"), "adds up to 12 layers"),
                ((*GIVEN, "--set", "controller.layers=[6]", "--set", "seed=3"),
                 "--set seed=3: expected controller.placement=FILE or controller.layers=LIST"),
                (("--policy", "greedy", "--set", "controller.layers=[6]"), "with --policy given"),
                (("--set", "controller.layers=[6]"), "with --policy given")):
            result = self.headroom("replay", "trace.h5", *arguments, "--no-trace")
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(part, result.stderr)


if __name__ == "__main__":
    main()
