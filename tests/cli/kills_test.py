#!/usr/bin/env python3
"""Kills runs at random moments. The trace of a killed run can be inspected, replayed, exported and repaired, and the
resumed run has the same text. ctest -R kills or HEADROOM_KILLS=N runs more kills.
"""
import os
import random
import shutil
import subprocess

import h5py

from headroom import Case, committed, main
from resume_test import text_of, tokens_of

KILLS = int(os.environ.get("HEADROOM_KILLS", "200"))


class Kills(Case):
    def expect_usable(self, trace, number):
        """Checks that every command that reads traces accepts this one."""
        csv, perfetto = self.folder / "csv", self.folder / "out.json"
        for command in (["inspect", trace], ["replay", trace],
                        ["export", trace, "--csv", csv, "--perfetto", perfetto, "--force"]):
            result = self.headroom(*command)
            self.assertEqual(result.returncode, 0, f"{number}: {command[0]}: {result.stderr}")
        if shutil.which("h5clear"):
            copy = self.folder / "repaired.h5"
            shutil.copy(trace, copy)
            result = self.headroom("inspect", copy, "--repair")
            self.assertEqual(result.returncode, 0, f"{number}: {result.stderr}")
            with h5py.File(copy, "r") as file:
                self.assertGreaterEqual(len(file["intervals"]), len(committed(trace)[0]))
            copy.unlink()

    def kill_at(self, moment, *arguments):
        """Kills the run after `moment` seconds. Returns whether it was still running."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=moment)
            return False
        except subprocess.TimeoutExpired:
            self.kill(process)
            return True

    def is_readable(self, trace):
        try:
            committed(trace)
            return True
        except (OSError, KeyError):
            return False

    def test_at_random_moments(self):
        generator = random.Random(11)
        cases = []
        for sequences in (1, 3):
            text = text_of(tokens=24, sequences=sequences)
            whole = self.folder / f"whole-{sequences}.h5"
            path = self.folder / f"case-{sequences}.toml"
            path.write_text(text)
            result = self.headroom("run", path, "--trace", whole, "--clock", "virtual",
                                   "--transport", "inprocess")
            self.assertEqual(result.returncode, 0, result.stderr)
            cases.append((path, tokens_of(whole)))
        kills = committed_at_kill = resumed = 0
        trace = self.folder / "run.h5"
        while kills < KILLS:
            path, expected = generator.choice(cases)
            transport = generator.choice(["inprocess", "inprocess", "mpi"])
            trace.unlink(missing_ok=True)
            arguments = ["run", path, "--trace", trace, "--transport", transport]
            running = self.kill_at(generator.uniform(0.02, 1.5), *arguments)
            while running and kills < KILLS:
                kills += 1
                print(f"\r{kills} of {KILLS}", end="", flush=True)
                if not trace.exists() or not self.is_readable(trace):
                    break  # before the first decision, or while the file was being laid out
                self.expect_usable(trace, kills)
                committed_at_kill += len(committed(trace)[0]) > 0
                again = ["run", "--resume", trace, "--transport", transport]
                running = self.kill_at(generator.uniform(0.02, 1.5), *again)
                resumed += 1
            if trace.exists() and self.is_readable(trace):
                result = self.headroom("run", "--resume", trace, "--clock", "virtual",
                                       "--transport", transport)
                self.assertEqual(result.returncode, 0, f"{kills}: {result.stderr}")
                self.assertEqual(tokens_of(trace), expected, f"kill {kills}")
                self.assertIn("identical", self.headroom("replay", trace).stdout)
        print(f"\r{kills} kills: {committed_at_kill} with committed intervals, "
              f"{resumed} runs resumed and killed again or finished")
        self.assertGreater(committed_at_kill, KILLS // 4)


if __name__ == "__main__":
    main()
