#!/usr/bin/env python3
"""The program reports a file as written only if it exists, and writes only to the intended places.

Traces are deleted or moved during their run, files vanish when they get their name, and links are planted under names
that could be guessed.
"""
import json
import os
import shutil
import subprocess
import unittest

from headroom import BINARY, MINIMAL, ROOT, Case, main

NO_LOCKS = os.environ.get("HEADROOM_NO_LOCKS", "")  # the library of tests/support/no_locks.c
REPORT = ROOT / "scripts/report"


class Gone(Case):
    """A paced run whose trace is removed after the second interval."""

    def run_without(self, take, *options, trace="t.h5", scale=40):
        process = self.start("run", MINIMAL, "--clock", "paced", "--set", f"clock.scale={scale}", "--interval", 1,
                             "--trace", trace, *options)
        self.wait_for_intervals(self.folder / trace, 2)
        take()
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def expect_told(self, result, what):
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stderr, rf"(?m)^headroom: error: trace .*{what}")
        self.assertNotIn("can be read", result.stderr)
        self.assertNotRegex(result.stderr + result.stdout, r"(?m)^trace: ")

    def test_deleted(self):
        for options in (["--transport", "inprocess"], ["--transport", "mpi"]):
            with self.subTest(options=options):
                result = self.run_without((self.folder / "t.h5").unlink, *options)
                self.expect_told(result, "t.h5 was deleted while it was written")

    def test_deleted_with_its_folder(self):
        (self.folder / "out").mkdir()
        result = self.run_without(
            lambda: shutil.rmtree(self.folder / "out"), "--transport", "inprocess", trace="out/t.h5")
        self.expect_told(result, "out/t.h5 was deleted")

    def test_moved(self):
        """The moved trace is complete, but not at the path that the program would print."""
        result = self.run_without(
            lambda: (self.folder / "t.h5").rename(self.folder / "moved.h5"), "--transport", "inprocess",
            scale=10)
        self.expect_told(result, "t.h5 is not the file that was written any more")
        self.assertIn("identical", self.headroom("replay", "moved.h5").stdout)

    def test_replaced(self):
        def replace():
            (self.folder / "t.h5").unlink()
            (self.folder / "t.h5").write_text("mine")
        self.expect_told(self.run_without(replace, "--transport", "inprocess", "--json"), "was deleted")
        self.assertEqual((self.folder / "t.h5").read_text(), "mine")

    def test_an_export_that_vanishes(self):
        if not NO_LOCKS:
            self.skipTest("HEADROOM_NO_LOCKS names no library")
        self.headroom("simulate", MINIMAL, "--trace", "t.h5")
        losing = {"LD_PRELOAD": NO_LOCKS, "LOSE_RENAMED": "1",
                  "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}
        for arguments in (["export", "t.h5", "--perfetto", "o.json"], ["export", "t.h5", "--csv", "o"],
                          ["collect", ".", "-o", "o.csv"], ["collect", ".", "-o", "c.h5"]):
            with self.subTest(arguments=arguments):
                result = self.headroom(*arguments, environment=losing)
                self.assertEqual(result.returncode, 3, result.stderr)
                self.assertRegex(result.stderr, r"(?m)^headroom: error: .*was written, but is not there")
                self.assertEqual(self.headroom(*arguments, "--force").returncode, 0)
        page = subprocess.run([str(REPORT), "t.h5"], cwd=self.folder, text=True, capture_output=True, check=False,
                              env={**os.environ, **losing})
        self.assertEqual(page.returncode, 3, page.stderr)
        self.assertRegex(page.stderr, r"\Areport: error: .*was written, but is not there")


class Planted(Case):
    """A file of a victim, and links to it under names that a run with a known process id could use."""

    def setUp(self):
        super().setUp()
        self.victim = self.folder / "victim"
        self.victim.write_text("mine")
        self.headroom("simulate", MINIMAL, "--trace", "t.h5")

    def run_over_links(self, names, *words):
        """Runs the program over planted links; $$ in a name stands for the process id of the program."""
        plant = "".join(f'ln -s "{self.victim}" "{name}"; ' for name in names)
        return subprocess.run(
            ["bash", "-c", plant + 'exec "$@"', "bash", *map(str, words)], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    def expect_unharmed(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.victim.read_text(), "mine")

    def test_temporary_names_cannot_be_guessed(self):
        host = os.uname().nodename
        self.expect_unharmed(self.run_over_links(
            ["o.json.part.$$"], BINARY, "export", "t.h5", "--perfetto", "o.json"))
        (self.folder / "csv").mkdir()
        self.expect_unharmed(self.run_over_links(
            ["csv/tokens.csv.part.$$"], BINARY, "export", "t.h5", "--csv", "csv"))
        for name in ("c.csv", "c.h5"):
            self.expect_unharmed(self.run_over_links(
                [f"{name}~{host}-$$"], BINARY, "collect", ".", "-o", name))
        self.expect_unharmed(self.run_over_links(
            [".p.html.$$.partial"], REPORT, "t.h5", "-o", "p.html"))
        self.assertTrue((self.folder / "p.html").read_text().startswith("<!DOCTYPE html>"))
        self.assertEqual((self.folder / "p.html").stat().st_mode & 0o777, 0o644)

    def test_links_in_the_place_of_tables(self):
        """Under names that the program chooses itself, a link is replaced like a file and not followed."""
        (self.folder / "csv").mkdir()
        (self.folder / "csv/tokens.csv").symlink_to(self.folder / "elsewhere")  # the target does not exist
        result = self.headroom("export", "t.h5", "--csv", "csv")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("has tokens.csv already", result.stderr)
        (self.folder / "csv/scenario.toml").symlink_to(self.victim)
        self.expect_unharmed(self.headroom("export", "t.h5", "--csv", "csv", "--force"))
        self.assertFalse((self.folder / "elsewhere").exists())
        self.assertFalse((self.folder / "csv/tokens.csv").is_symlink())

    def test_links_of_others_in_a_folder_for_everybody(self):
        """Like the kernel in /tmp, the program follows a link only if its user created it."""
        if os.geteuid() != 0:
            self.skipTest("only root can give a link another owner")
        shared = self.folder / "shared"
        shared.mkdir()
        shared.chmod(0o1777)
        (shared / "o.json").symlink_to(self.folder / "elsewhere")
        self.assertEqual(self.headroom("export", "t.h5", "--perfetto", shared / "o.json").returncode, 0)
        self.assertTrue((self.folder / "elsewhere").exists(), "one's own link is followed")
        (self.folder / "elsewhere").unlink()
        os.lchown(shared / "o.json", 65534, 65534)
        shared.chmod(0o1777)
        for arguments in (["export", "t.h5", "--perfetto", shared / "o.json"],
                          ["simulate", MINIMAL, "--trace", shared / "o.json"]):
            result = self.headroom(*arguments)
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertIn("is a link that another user has made", result.stderr)
        self.assertFalse((self.folder / "elsewhere").exists())

    def test_what_a_kill_has_left_is_replaced_and_not_reused(self):
        left = self.folder / "n.h5.part"
        left.write_bytes(b"\x89HDF half")
        os.link(left, self.folder / "second")
        self.assertEqual(self.headroom("simulate", MINIMAL, "--trace", "n.h5").returncode, 0)
        self.assertEqual((self.folder / "second").read_bytes(), b"\x89HDF half")

    def test_logs_of_cells(self):
        (self.folder / "s.toml").write_text(
            f'scenario = "{MINIMAL}"\ncommand = "simulate"\n[grid]\nseed = [1]\n')
        listed = json.loads(self.headroom("sweep", "s.toml", "--list", "--out", "out", "--json").stdout)
        cell = listed["cells"][0]["name"]
        (self.folder / "out").mkdir()
        (self.folder / f"out/{cell}.log").symlink_to(self.victim)
        self.expect_unharmed(self.headroom("sweep", "s.toml", "--run-all", "--out", "out"))


if __name__ == "__main__":
    main()
