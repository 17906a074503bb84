#!/usr/bin/env python3
"""Standard input and pipes as scenario, prompt, sweep and plan: they are read only once."""
import json
import os
import subprocess

import h5py

from headroom import BINARY, MINIMAL, MODEL, MPI_ENVIRONMENT, Case, main, scenario_text

PROMPT = "One fine day"


class Input(Case):
    def fed(self, text, *arguments, launcher=()):
        """Runs the program with a text on standard input, through a pipe."""
        return subprocess.run(
            [*launcher, str(BINARY), *map(str, arguments)], cwd=self.folder, input=text, text=True,
            capture_output=True, timeout=60, env={**os.environ, **MPI_ENVIRONMENT}, check=False)

    def told(self, text, *arguments, **options):
        """Runs the program like fed(); returns its stdout."""
        result = self.fed(text, *arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, text, *arguments, parts):
        result = self.fed(text, *arguments)
        self.assertEqual(result.returncode, 2, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def through_a_pipe(self, text, *arguments):
        """Runs the program with the name of a pipe, such as bash's <(...) creates, as its last argument."""
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as feed:
            feed.write(text)
        try:
            return subprocess.run(
                [str(BINARY), *map(str, arguments), f"/dev/fd/{reading}"], cwd=self.folder,
                text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                pass_fds=[reading], check=False)
        finally:
            os.close(reading)

    def test_a_prompt_that_comes_through_a_pipe_is_the_prompt(self):
        path = self.scenario(scenario_text(2, tokens=4))
        run = ("run", path, "--trace", "t.h5", "--force")
        wanted = self.told("", *run, "--prompt", PROMPT)
        self.assertTrue(wanted.startswith(PROMPT), wanted)
        self.assertNotEqual(wanted, self.told("", *run))
        for name in ("-", "/dev/stdin"):
            self.assertEqual(self.told(PROMPT, *run, "--prompt-file", name), wanted, name)
        self.assertEqual(self.told(PROMPT, *run, "--set", "workload.prompt_file=-"), wanted)
        piped = self.through_a_pipe(PROMPT, *run, "--prompt-file")
        self.assertEqual((piped.returncode, piped.stdout), (0, wanted), piped.stderr)
        self.assertEqual(self.told(
            PROMPT, *run, "--prompt-file", "-", launcher=["mpirun", "-q", "-n", "2"]), wanted)
        alone = (*run[:-2], "alone.h5", "--transport", "inprocess", "--prompt-file", "-")
        self.assertEqual(self.told(PROMPT, *alone), wanted)
        with h5py.File(self.folder / "t.h5") as mpi, h5py.File(self.folder / "alone.h5") as alone:
            for name in ("scenario", "input_files"):
                if name in mpi:
                    self.assertEqual(bytes(mpi[name][()]), bytes(alone[name][()]), name)

    def test_a_scenario_that_comes_through_a_pipe(self):
        text = scenario_text(2, tokens=4)
        wanted = self.told("", "run", self.scenario(text), "--trace", "a.h5")
        self.assertEqual(self.told(text, "run", "-", "--trace", "b.h5"), wanted)
        piped = self.through_a_pipe(text, "run", "--trace", "c.h5")
        self.assertEqual((piped.returncode, piped.stdout), (0, wanted), piped.stderr)
        self.assertEqual(self.told(text, "run", "-", "--trace", "d.h5",
                                   launcher=["mpirun", "-q", "-n", "2"]), wanted)
        self.told(text, "run", "-")
        self.assertEqual(len(list(self.folder.glob("stdin-*.h5"))), 1)
        self.assertIn("2 devices", self.told(text, "plan", "-", "--policy", "greedy"))
        self.assertIn("2 devices", self.told(text, "inspect", "-"))
        piped = self.through_a_pipe(text, "inspect")
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertIn("ring", self.told(text, "simulate", "-", "--policy", "greedy,ring"))
        self.refused('[devcie]\n', "run", "-", parts=("stdin:1:", "unknown key 'devcie'"))

    def test_paths_of_a_scenario_on_standard_input_start_here(self):
        (self.folder / "here.gguf").symlink_to(MODEL)
        text = scenario_text(2, tokens=4).replace(str(MODEL), "here.gguf")
        self.told(text, "run", "-", "--trace", "a.h5")

    def test_a_sweep_on_standard_input(self):
        text = f'scenario = "{MINIMAL}"\n[grid]\nseed = [1, 2]\n'
        self.assertEqual(len(json.loads(self.told(text, "sweep", "-", "--list", "--json"))["cells"]), 2)
        path = self.folder / "sweep.toml"
        path.write_text(f'{text}[set]\nworkload.prompt_file = "-"\n')
        self.refused(PROMPT, "sweep", path, "--list", parts=(
            "standard input", "each cell of a sweep", "expected an ordinary file"))

    def test_a_plan_on_standard_input(self):
        path = self.scenario(scenario_text(2, tokens=4))
        plan = self.told("", "plan", path, "--policy", "greedy", "--json")
        asked = ("plan", path, "--policy", "greedy", "--json", "--previous")
        (self.folder / "plan.json").write_text(plan)
        wanted = json.loads(self.told("", *asked, "plan.json"))["policies"]
        self.assertEqual(json.loads(self.told(plan, *asked, "-"))["policies"], wanted)
        piped = self.through_a_pipe(plan, *asked)
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertEqual(json.loads(piped.stdout)["policies"], wanted)

    def test_standard_input_can_be_used_for_one_thing(self):
        text = scenario_text(2)
        self.refused(text, "run", "-", "--prompt-file", "-", parts=(
            "standard input", "for the scenario and for the prompts", "expected one of them",
            "give the other as a file"))
        self.refused(text, "plan", "-", "--previous", "-", parts=("for the scenario and for --previous",))
        path = self.scenario(text)
        for arguments in (("run", "--resume", "-"), ("replay", "-"), ("export", "-", "--csv", "x"),
                          ("run", "--model", "-", "--devices", 2)):
            self.refused("", *arguments, parts=("is no model or trace", "expected a file"))
        model = MODEL.read_bytes()[:2000].decode("latin-1")
        self.refused(model, "run", "-", parts=("a GGUF model", "give the file"))
        self.refused("", "run", path, "--handed-over", parts=("--handed-over", "headroom run SCENARIO"))

    def test_prompts_are_not_taken_for_options_of_mpirun(self):
        path = self.scenario(scenario_text(2, tokens=3))
        for number, prompt in enumerate((":", "-n", "--app x", "--hostfile")):
            said = self.told("", "run", path, f"--prompt={prompt}", "--trace", f"{number}.h5")
            self.assertTrue(said.startswith(prompt), said)
        self.told("", "run", path, "--prompt", ":", "--trace", ":")
        self.assertTrue((self.folder / ":").exists())

    def test_a_byte_order_mark_is_no_part_of_a_prompt(self):
        path = self.scenario(scenario_text(2, tokens=4))
        run = ("run", path, "--transport", "inprocess", "--trace", "t.h5", "--force", "--prompt-file")
        (self.folder / "plain.txt").write_text(f"{PROMPT}\nMia\n", "utf-8")
        (self.folder / "marked.txt").write_text(f"{PROMPT}\nMia\n", "utf-8-sig")
        for lines in ("false", "true"):
            more = ("--set", f"workload.prompt_lines={lines}")
            self.assertEqual(self.told("", *run, "marked.txt", *more),
                             self.told("", *run, "plain.txt", *more))

    def test_megabytes_of_prompts_reach_rank_0_as_they_are(self):
        """The prompts exceed the context of the model. The error says how many tokens the rank has counted."""
        path = self.scenario(scenario_text(2, tokens=4).replace('prompts = ["Once there was"]\n', ""))
        text = "".join(f"Mia {number} \u00e4\\\"\n" for number in range(100_000))
        asked = ("run", path, "--trace", "t.h5", "--prompt-file", "-")
        results = [self.fed(text, *asked, *more)
                   for more in ((), ("--transport", "inprocess"))]
        self.assertIn("tokens, but the model's context is 256", results[0].stderr)
        self.assertEqual(*((result.returncode, result.stdout, result.stderr) for result in results))


if __name__ == "__main__":
    main()
