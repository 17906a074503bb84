#!/usr/bin/env python3
"""Untrusted traces: every command that reads traces refuses them at once with one sentence and exit code 2."""
import os
import shutil
import subprocess

import h5py
import numpy

from headroom import BINARY, Case, main, scenario_text


def replaced(file, name, **how):
    kind, shape = file[name].dtype, file[name].shape
    del file[name]
    return kind, shape, how


def external(file, folder):
    os.mkfifo(folder / "pipe")
    del file["tokens"]
    file["tokens"] = h5py.ExternalLink(str(folder / "pipe"), "/tokens")


def soft(file, _):
    del file["tokens"]
    file["tokens"] = h5py.SoftLink("/tokens")


def virtual_of_itself(file, _):
    kind, shape, _ = replaced(file, "complete")
    layout = h5py.VirtualLayout(shape=shape, dtype=kind)
    layout[...] = h5py.VirtualSource(".", "complete", shape=shape, dtype=kind)
    file.create_virtual_dataset("complete", layout)


def rows_elsewhere(file, folder):
    (folder / "secret").write_bytes(b"s" * 1000)
    del file["scenario"]
    file.create_dataset("scenario", shape=(1000,), dtype="u1",
                        external=[(str(folder / "secret"), 0, h5py.h5f.UNLIMITED)])


def huge_text(file, _):
    del file["scenario"]
    file.create_dataset("scenario", shape=(1 << 36,), dtype="u1", chunks=(1 << 20,), compression="gzip")


def column(table, name, value):
    def spoil(file, _):
        rows = file[table][...]
        rows[name][0] = value
        file[table][...] = rows
    return spoil


CASES = {
    "another file": (external, "names another file"),
    "a soft link": (soft, "has a soft link /tokens"),
    "a view of itself": (virtual_of_itself, "/complete is put together from other tables"),
    "rows elsewhere": (rows_elsewhere, "names another file"),
    "a huge text": (huge_text, "rows of /scenario"),
    "a block that is not there": (column("migrations", "block", 2**31 - 1), "a block in /migrations is 2147483647"),
    "a block before the first": (column("migrations", "block", -5), "a block in /migrations is -5"),
    "a width beyond all bounds": (column("model", "ffn_width", numpy.int64(2**63 - 1)), "a ffn_width in /model"),
}


class Untrusted(Case):
    def setUp(self):
        super().setUp()
        self.good = self.folder / "good.h5"
        slower = "".join(f'[[event]]\nat_token = {2 + 2 * d}\ndevice = "d{d}"\nkind = "compute"\nfactor = 0.02\n'
                         for d in range(2))
        self.path = self.scenario(scenario_text(tokens=8, interval=2, compute="100 MFLOP/s") + slower)
        self.summary(self.path, "--trace", self.good, "--transport", "inprocess")

    def spoilt(self, spoil):
        trace = self.folder / "spoilt.h5"
        shutil.copy(self.good, trace)
        self.altered.add(trace)
        with h5py.File(trace, "r+", libver="latest") as file:
            if "migrations" in file:
                self.assertGreater(len(file["migrations"]), 0, "nothing moved: the case is none")
            spoil(file, self.folder)
        return trace

    def run_at_once(self, *arguments):
        """Runs the program; ends it with SIGTERM if it takes too long."""
        return subprocess.run(["timeout", "-k", "2", "20", str(BINARY), *map(str, arguments)], cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_every_command_refuses_every_case_in_a_sentence(self):
        for name, (spoil, expected) in CASES.items():
            (self.folder / "pipe").unlink(missing_ok=True)
            trace = self.spoilt(spoil)
            for arguments in (("inspect", trace), ("inspect", trace, "--repair"), ("replay", trace),
                              ("export", trace, "--csv", "out"), ("run", "--resume", trace),
                              ("plan", self.path, "--policy", "greedy", "--previous", trace)):
                with self.subTest(case=name, command=arguments[0]):
                    result = self.run_at_once(*arguments)
                    self.assertEqual(result.returncode, 2, result.stderr)
                    self.assertIn(expected, result.stderr)
                    self.assertNotIn("HDF5 H5", result.stderr)
                    self.assertLess(len(result.stderr), 1500)
            (self.folder / "all").mkdir(exist_ok=True)
            shutil.copy(trace, self.folder / "all")
            self.altered.add(self.folder / "all" / trace.name)
            collected = self.run_at_once("collect", "all", "-o", "all.csv", "--force")
            self.assertIn("left out all/spoilt.h5", collected.stderr)

    def test_undamaged_files_are_read(self):
        self.assertEqual(self.run_at_once("inspect", self.good).returncode, 0)
        trace = self.spoilt(column("tokens", "logits_checksum", 7))  # every value is valid
        self.assertEqual(self.run_at_once("inspect", trace).returncode, 0)

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.folder / "pipe")
        for arguments in (("replay", "pipe"), ("export", "pipe", "--csv", "out"), ("run", "--resume", "pipe")):
            result = self.run_at_once(*arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("no ordinary file", result.stderr)

    def test_messages_of_hdf5_appear_only_with_verbose(self):
        cut = self.folder / "cut.h5"
        cut.write_bytes(self.good.read_bytes()[:20_000])
        self.altered.add(cut)
        short = self.run_at_once("inspect", cut).stderr
        self.assertIn("it is cut short", short)
        self.assertNotIn("H5Fopen", short)
        self.assertIn("H5Fopen", self.run_at_once("inspect", cut, "--verbose").stderr)


if __name__ == "__main__":
    main()
