#!/usr/bin/env python3
"""Standard streams that are closed, full or limited: traces stay complete, and lost output is an error."""
import subprocess
import unittest

import h5py

from headroom import BINARY, MINIMAL, Case, main

CLOSED = "it is closed"


class Streams(Case):
    def through_shell(self, redirections, *arguments, limit=""):
        """Runs the program through a shell with the given redirections."""
        return subprocess.run(
            ["bash", "-c", f'{limit} "$@" {redirections}', "bash", str(BINARY), *map(str, arguments)],
            cwd=self.folder, text=True, capture_output=True, timeout=120, check=False)

    def expect_whole(self, name, tokens=None):
        """Checks that the trace is finished and contains no printed output."""
        path = self.folder / name
        self.assertEqual(path.read_bytes()[:8], b"\x89HDF\r\n\x1a\n")
        self.assertNotIn(b"time to first token", path.read_bytes())
        with h5py.File(path) as file:
            self.assertEqual(file["complete"].attrs["codes"][file["complete"][0]], b"finished")
            self.assertGreater(len(file["tokens"]), 0)

    def test_a_simulation_writes_nothing_into_its_trace(self):
        for number, closed in enumerate((">&- 2>&-", "<&- >&- 2>&-", "<&- >&-", ">&-")):
            with self.subTest(closed=closed):
                result = self.through_shell(closed, "simulate", MINIMAL, "--trace", f"s{number}.h5")
                self.assertEqual(result.returncode, 3, "a table that nobody can get is not told")
                self.expect_whole(f"s{number}.h5")
                if "2>&-" not in closed:
                    self.assertIn("standard output could not be written: " + CLOSED, result.stderr)
                    self.assertIn("expected a place", result.stderr)

    def test_a_run_whose_output_has_no_reader(self):
        for transport in ("mpi", "inprocess"):
            for closed in (">&-", "<&- >&- 2>&-"):
                with self.subTest(transport=transport, closed=closed):
                    name = f"{transport}{len(closed)}.h5"
                    result = self.through_shell(
                        closed, "run", MINIMAL, "--tokens", 6, "--transport", transport, "--trace", name)
                    self.assertEqual(result.returncode, 3, result.stderr)
                    self.expect_whole(name)
                    if "2>&-" not in closed:
                        self.assertIn(CLOSED, result.stderr)

    def test_a_run_without_standard_error_is_correct(self):
        expected = self.headroom("run", MINIMAL, "--tokens", 6, "--trace", "all.h5").stdout
        for transport in ("mpi", "inprocess"):
            for closed in ("2>&-", "<&-", "<&- 2>&-"):
                with self.subTest(transport=transport, closed=closed):
                    name = f"{transport}{len(closed)}.h5"
                    result = self.through_shell(
                        closed, "run", MINIMAL, "--tokens", 6, "--transport", transport, "--trace", name)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual(result.stdout, expected)
                    self.expect_whole(name)

    def test_exports_and_pages_of_help(self):
        self.headroom("simulate", MINIMAL, "--trace", "t.h5")
        result = self.through_shell(
            "<&- >&- 2>&-", "export", "t.h5", "--csv", "tables", "--perfetto", "t.json")
        self.assertEqual(result.returncode, 0, "nothing was to be printed on standard output")
        self.assertTrue((self.folder / "tables/tokens.csv").read_text().startswith("interval,sequence"))
        self.assertTrue((self.folder / "t.json").read_text().startswith("{"))
        self.assertEqual(self.through_shell(">&- 2>&-", "collect", ".", "-o", "c.csv").returncode, 3)
        self.assertTrue((self.folder / "c.csv").read_text().startswith("file,"))
        for arguments in (["inspect", "t.h5"], ["inspect", "t.h5", "--json"], ["replay", "t.h5"],
                          ["plan", MINIMAL], ["--help"], ["run", "--help"], ["--version"]):
            for to in (">&-", "> /dev/full"):
                with self.subTest(arguments=arguments, to=to):
                    result = self.through_shell(to, *arguments)
                    self.assertEqual(result.returncode, 3, result.stderr)
                    self.assertRegex(result.stderr, r"\Aheadroom: error: .*could not be written")
                    self.assertIn("expected", result.stderr)

    def test_a_limit_of_file_sizes_is_an_error_with_a_sentence(self):
        """If the program did not ignore SIGXFSZ, it would end with code 153."""
        mpi, inprocess = ("--transport", "mpi"), ("--transport", "inprocess")
        for arguments in (("simulate", MINIMAL), ("run", MINIMAL, *inprocess), ("run", MINIMAL, *mpi)):
            with self.subTest(arguments=arguments):
                result = self.through_shell("", *arguments, "--trace", "t.h5", limit="ulimit -f 8;")
                self.assertEqual(result.returncode, 3, result.stderr)
                what = "limit of file sizes" if mpi[1] in arguments else "trace t.h5: could not be written"
                self.assertRegex(result.stderr, f"(?m)^headroom: error: .*{what}")
                self.assertIn("ulimit -f", result.stderr)
        self.headroom("simulate", MINIMAL, "--trace", "t.h5")
        result = self.through_shell("> out.txt", "inspect", "t.h5", "--json", limit="ulimit -f 1;")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("could not be written", result.stderr)


if __name__ == "__main__":
    main()
