#!/usr/bin/env python3
"""What a user sees when something is wrong: one clear message, the right exit code, no MPI noise."""
import unittest

from headroom import MINIMAL, MODEL, MPI_ENVIRONMENT, Case, main, scenario_text


class Errors(Case):
    def fails(self, code, *fragments, arguments, launcher=(), environment=None):
        result = self.headroom(*arguments, launcher=launcher, environment=environment, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr)
        for fragment in fragments:
            self.assertIn(fragment, result.stderr)
        for noise in ("MPI_ABORT", "mpirun", "PMIX", "btl", "core dumped"):
            if not launcher:
                self.assertNotIn(noise, result.stderr)
        return result

    def test_missing_scenario_and_missing_model(self):
        self.fails(2, "nowhere.toml", arguments=["run", "nowhere.toml"])
        self.fails(2, "no-model.gguf", arguments=["run", "--model", "no-model.gguf", "--devices", 2])

    def test_all_problems_at_once_with_line_and_key(self):
        text = scenario_text().replace("interval = 4", "intervall = 4").replace(
            '"64 MiB"', '"64 MHz"').replace("stories.gguf", "gone.gguf")
        result = self.fails(2, "intervall", "did you mean", "64 MHz", "gone.gguf",
                            arguments=["run", self.scenario(text)])
        self.assertGreaterEqual(result.stderr.count("error:"), 5)

    def test_planned_features_say_so(self):
        text = scenario_text().replace("interval = 4", 'interval = 4\npolicy = "exact"')
        self.fails(2, "planned", arguments=["run", self.scenario(text)])
        self.fails(2, "planned", arguments=["run", MINIMAL, "--policy", "galaxy"])

    def test_command_line_mistakes(self):
        self.fails(2, "--help", arguments=["run"])
        self.fails(2, "--help", arguments=["fly"])
        self.fails(2, "--help", arguments=["run", MINIMAL, "--tokens", "many"])
        self.fails(2, "not both", arguments=["run", MINIMAL, "--model", MODEL, "--devices", 2])
        self.fails(2, "kernels 'fast' are unknown", arguments=["run", MINIMAL, "--kernels", "fast"])

    def test_budget_too_small_names_each_device_and_what_it_lacks(self):
        path = self.scenario(scenario_text(memory="600 KiB"))
        for transport in ("mpi", "inprocess"):
            result = self.fails(6, "no placement fits", "device 0 (d0) has 600 KiB", "less than",
                                arguments=["run", path, "--transport", transport])
            self.assertEqual(result.stdout, "")

    def test_rank_count_must_be_the_device_count(self):
        path = self.scenario(scenario_text(3))
        self.fails(2, "3 devices", "2 ranks", "mpirun -n 3", arguments=["run", path],
                   launcher=["mpirun", "-q", "-n", "2"], environment=MPI_ENVIRONMENT)

    def test_existing_trace_is_kept_without_force(self):
        path = self.scenario(scenario_text())
        kept = self.folder / "kept.h5"
        kept.write_text("precious")
        for transport in ("mpi", "inprocess"):
            self.fails(2, "--force", "kept.h5",
                       arguments=["run", path, "--trace", kept, "--transport", transport])
        self.assertEqual(kept.read_text(), "precious")

    def test_unwritable_trace_path(self):
        path = self.scenario(scenario_text())
        result = self.headroom("run", path, "--trace", self.folder / "no/such/folder/t.h5")
        self.assertIn(result.returncode, (2, 3), result.stderr)
        self.assertIn("no/such/folder", result.stderr)

    def test_overload_fail_names_the_device_and_closes_the_trace(self):
        text = scenario_text(tokens=30).replace("interval = 4", 'interval = 4\noverload = "fail"')
        text += '[[event]]\nat_token = 6\ndevice = "d1"\nkind = "memory"\nfactor = 0.0001\n'
        text += '[[event]]\nat_token = 6\ndevice = "d0"\nkind = "memory"\nfactor = 0.0001\n'
        text += '[[event]]\nat_token = 6\ndevice = "d2"\nkind = "memory"\nfactor = 0.0001\n'
        path = self.scenario(text)
        for transport in ("mpi", "inprocess"):
            trace = self.folder / f"{transport}.h5"
            self.fails(6, "may not page", arguments=["run", path, "--trace", trace, "--transport",
                                                     transport])
            inspected = self.headroom("inspect", trace)
            self.assertEqual(inspected.returncode, 0, inspected.stderr)
            self.assertIn("failed", inspected.stdout)

    def test_rate_zero_for_ever_is_stuck(self):
        text = scenario_text(tokens=30)
        for name in ("d0", "d1", "d2"):
            text += f'[[event]]\nat_token = 5\ndevice = "{name}"\nkind = "compute"\nfactor = 0.0\n'
        for transport in ("mpi", "inprocess"):
            self.fails(5, "never", arguments=["run", self.scenario(text), "--transport", transport])


if __name__ == "__main__":
    main()
