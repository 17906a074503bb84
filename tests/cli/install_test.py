#!/usr/bin/env python3
"""The installed program: in any folder, after being moved, and without the checkout it was built from."""
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py

from headroom import BINARY, MODEL, MPI_ENVIRONMENT, ROOT, Case, main, scenario_text

BUILD = BINARY.parent.parent
SCENARIOS = sorted(path.name for path in (ROOT / "data/scenarios").glob("*.toml"))
# Runs a command with the checkout and the build hidden behind empty folders.
HIDDEN = ["unshare", "--map-root-user", "--mount", "sh", "-ec",
          'mount -t tmpfs none "$1"; [ ! -e "$2" ] || mount -t tmpfs none "$2"; shift 2; exec "$@"',
          "sh", str(ROOT), str(BUILD)]


def can_hide():
    return subprocess.run([*HIDDEN, "true"], capture_output=True, check=False).returncode == 0


class Installed(Case):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="headroom-install-")
        cls.addClassCleanup(cls.place.cleanup)
        first, cls.prefix = Path(cls.place.name) / "first", Path(cls.place.name) / "moved"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", first], check=True,
                       capture_output=True)
        first.rename(cls.prefix)
        cls.data = cls.prefix / "share/headroom"
        cls.hide = HIDDEN if can_hide() else []

    def installed(self, *words, **options):
        """Runs the installed program in the folder of the test, with the checkout hidden."""
        return subprocess.run(
            [*self.hide, str(self.prefix / "bin/headroom"), *map(str, words)], cwd=self.folder,
            text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
            **options)

    def succeeds(self, *words):
        result = self.installed(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_the_checkout_is_hidden(self):
        if not self.hide:
            self.skipTest("no mount namespaces for this user: the checkout stays in sight")
        for path in (MODEL, BINARY):
            words = [*self.hide, "test", "-e", str(path)]
            self.assertEqual(subprocess.run(words, check=False).returncode, 1, path)

    def test_runs_an_installed_scenario_by_its_name(self):
        result = self.succeeds("run", "demo.toml", "--tokens", 6, "--trace", "demo.h5")
        self.assertIn(f"headroom: demo.toml is not in this folder; using "
                      f"{self.data}/scenarios/demo.toml\n", result.stderr)
        self.assertEqual(result.stderr.count("is not in this folder"), 1, "told once")
        self.assertEqual(result.stdout.strip(), "One fine spring day, a little puppy named Mia was")
        with h5py.File(self.folder / "demo.h5") as trace:
            self.assertEqual(len(trace["devices"]), 5)

    def test_every_command_finds_scenarios_and_models(self):
        for words in (["simulate", "home.toml", "--tokens", 4, "--trace", "home.h5"],
                      ["plan", "minimal.toml", "--policy", "greedy"],
                      ["inspect", "requests.toml"], ["inspect", "stories.gguf"],
                      ["inspect", "--devices"], ["--version"],
                      ["run", "--model", "stories.gguf", "--devices", 2, "--tokens", 2,
                       "--transport", "inprocess"]):
            with self.subTest(words):
                self.succeeds(*words)
        self.assertEqual(sorted(p.name for p in (self.data / "scenarios").iterdir()),
                         sorted(p.name for p in (ROOT / "data/scenarios").iterdir()))

    def test_scenarios_elsewhere_name_the_installed_model(self):
        text = scenario_text(2, tokens=2).replace(str(MODEL), "stories.gguf")
        mine = self.scenario(text)
        installed = self.data / "models/stories.gguf"
        for transport in ("mpi", "inprocess"):
            result = self.succeeds("run", mine, "--transport", transport, "--force",
                                   "--trace", "a.h5")
            self.assertEqual(result.stderr.count(
                f"model stories.gguf is not beside the scenario; using {installed}"), 1)
            with h5py.File(self.folder / "a.h5") as trace:
                self.assertIn(f'file = "{installed}"', bytes(trace["scenario"][()]).decode())
        shutil.copyfile(MODEL, self.folder / "stories.gguf")
        self.assertNotIn("not beside", self.succeeds("simulate", mine, "--trace", "b.h5").stderr)

    def test_sweeps_find_sweeps_scenarios_and_models_by_name(self):
        listed = json.loads(self.succeeds("sweep", "bandwidth.toml", "--list", "--json").stdout)
        self.assertGreater(len(listed["cells"]), 1)
        (self.folder / "mine.toml").write_text(
            '[model]\nfile = "stories.gguf"\n[[device]]\nprofile = "raspberry-pi-5"\n')
        for scenario in ("home.toml", "mine.toml"):
            sweep = self.folder / "sweep.toml"
            sweep.write_text(f'scenario = "{scenario}"\nfolder = "of-{scenario}"\n'
                             '[set]\n"workload.tokens" = 2\n[grid]\nseed = [1, 2]\n')
            self.assertIn("2 finished now", self.succeeds("sweep", sweep, "--run-all").stdout)
            again = self.succeeds("sweep", sweep, "--run-all")
            self.assertIn("2 finished before", again.stdout)
        self.assertNotIn("mine.toml is not beside", again.stderr)

    def test_installed_scripts_work(self):
        self.succeeds("simulate", "home.toml", "--tokens", 4, "--trace", "home.h5")
        self.succeeds("collect", ".", "-o", "summary.csv")
        for words in (["report", "home.h5", "-o", "page.html"], ["examples/analyse.py", "home.h5", "figure.pdf"],
                      ["examples/plot_summary", "summary.csv", "figure.svg", "--x", "seed"]):
            result = subprocess.run(
                [*self.hide, str(self.data / "scripts" / words[0]), *words[1:]], cwd=self.folder,
                text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater((self.folder / "page.html").stat().st_size, 1000)

    def test_what_is_here_comes_first(self):
        (self.folder / "demo.toml").write_text("seed = oops")
        result = self.installed("run", "demo.toml")
        self.assertEqual(result.returncode, 2)
        self.assertIn("error: demo.toml:1:", result.stderr)
        self.assertEqual(self.installed("run", "./home.toml").returncode, 2, "says a folder")

    def test_errors_list_the_available_names(self):
        result = self.installed("run", "dmeo.toml")
        self.assertEqual(result.returncode, 2)
        self.assertIn("dmeo.toml: there is no such scenario file; these come with the program and "
                      f"need no folder: {', '.join(SCENARIOS)}\n", result.stderr)
        result = self.installed("run", self.scenario(
            scenario_text(2).replace(str(MODEL), "gone.gguf")))
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"gone.gguf (paths start from the scenario's folder), nor one in "
                      f"{self.data}/models", result.stderr)

    def test_a_binary_without_its_data_says_so_plainly(self):
        lone = self.folder / "lone/bin/headroom"
        lone.parent.mkdir(parents=True)
        shutil.copy(self.prefix / "bin/headroom", lone)
        result = subprocess.run([*self.hide, str(lone), "run", "demo.toml"], cwd=self.folder,
                                text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("demo.toml: there is no such scenario file\n", result.stderr)

    def test_no_place_of_data_is_compiled_in(self):
        binary = (self.prefix / "bin/headroom").read_bytes()
        for place in (ROOT / "data", BUILD / "share", self.prefix / "share"):
            self.assertNotIn(str(place).encode(), binary)

    def test_runs_under_an_mpirun_of_the_users(self):
        result = subprocess.run(
            [*self.hide, "mpirun", "-q", "-n", "3", str(self.prefix / "bin/headroom"), "run",
             "minimal.toml", "--tokens", "2", "--json"], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
            env={"PATH": "/usr/bin:/bin", **MPI_ENVIRONMENT})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count("using"), 1)

    def test_licence_formats_and_scripts_come_along(self):
        for name in ("share/doc/headroom/LICENSE", "share/doc/headroom/README.md",
                     "share/doc/headroom/docs/reference/scenario.md",
                     "share/doc/headroom/docs/reference/trace.md",
                     "share/doc/headroom/docs/explanation/time.md",
                     "share/headroom/devices.toml", "share/headroom/scripts/README.md"):
            self.assertTrue((self.prefix / name).is_file(), name)
        for name in ("experiments", "story_model", "setup.sh", "demo"):
            self.assertFalse((self.data / "scripts" / name).exists(), name)


class FromTheBuild(Case):
    def test_a_build_finds_the_data_of_its_checkout(self):
        result = self.headroom("simulate", "home.toml", "--tokens", 2)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"using {ROOT}/data/scenarios/home.toml", result.stderr)


if __name__ == "__main__":
    main()
