#!/usr/bin/env python3
"""A run across three hosts that share nothing but a network."""
import os
import re
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))
from fake_hosts import FakeHosts, main_in_own_world  # noqa: E402
from headroom import BINARY, MODEL, main, scenario_text  # noqa: E402
from run_test import contents  # noqa: E402

NAMES = ("alpha", "beta", "gamma")
SLOTS = 2
HAS_AVX2 = " avx2 " in Path("/proc/cpuinfo").read_text()


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosts = FakeHosts(NAMES, SLOTS)
        cls.addClassCleanup(cls.hosts.stop)

    def setUp(self):
        self.folder = self.hosts.folder / self.id().rsplit(".", 1)[-1]
        self.folder.mkdir()
        self.model = self.hosts.disk / "stories.gguf"
        for name in NAMES:
            shutil.copyfile(MODEL, self.hosts.own_disk(name) / "stories.gguf")
        self.scenario = self.folder / "scenario.toml"
        self.scenario.write_text(self.spread().replace(str(MODEL), str(self.model)))

    def spread(self):
        """A scenario that needs all devices and moves blocks between hosts."""
        load = 'load = { kind = "uniform", low = 0.0, high = 0.7, period = "5 ms" }\n'
        text = scenario_text(len(NAMES) * SLOTS, tokens=12, interval=3, memory="900 KiB",
                             extra=load)
        for device in ("d1", "d2"):
            text += (f'[[event]]\nat_token = 3\ndevice = "{device}"\nkind = "compute"\n'
                     'factor = 0.02\n')
        return text

    def words(self, name, *options):
        """The program's own command line, its trace in this test's folder."""
        return [BINARY, "run", self.scenario, "--trace", self.folder / name, "--trace-ops",
                *options]

    def across(self, name, *options):
        return self.hosts.mpirun("-n", len(NAMES) * SLOTS, *self.words(name, *options))

    def each_host(self, name, options, prefixes=None):
        """Every host with options of its own."""
        words = []
        for host in NAMES:
            words += [":"] if words else []
            words += ["-n", SLOTS, "--host", f"{self.hosts.address(host)}:{SLOTS}",
                      *(prefixes or {}).get(host, []), *self.words(name, *options.get(host, []))]
        return self.hosts.mpirun(*words)

    def alone(self):
        """The same scenario in one process, on the first host."""
        words = [*self.hosts.enter(NAMES[0]), *self.words("alone.h5", "--transport", "inprocess")]
        result = subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, text=True,
                                capture_output=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def difference(self, one, other):
        """The first table column in which two traces of this test differ, or None."""
        first, second = contents(self.folder / one), contents(self.folder / other)
        self.assertEqual(first.keys(), second.keys())
        return next((column for column, values in first.items()
                     if values.tobytes() != second[column].tobytes()), None)

    def assert_hosts_worked_together(self, name):
        """Activations and blocks with their caches went from host to host."""
        with h5py.File(self.folder / name) as trace:
            for table, least in (("messages", 3), ("migrations", 1)):
                rows = trace[table][:]
                pairs = {(int(a) // SLOTS, int(b) // SLOTS)
                         for a, b in zip(rows["from"], rows["to"])}
                self.assertGreaterEqual(len({(a, b) for a, b in pairs if a != b}), least, table)

    def fails(self, result, code, *fragments):
        self.assertEqual(result.returncode, code, result.stderr)
        for fragment in fragments:
            self.assertRegex(result.stderr, fragment)
        self.assertEqual(len(re.findall("headroom: error", result.stderr)), 1, result.stderr)
        self.assertEqual(list(self.folder.glob("*.h5")), [], "nothing ran, so there is no trace")

    def test_a_run_across_hosts_is_the_run_in_one_process(self):
        result = self.across("across.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("hosts alpha (devices 0-1), beta (devices 2-3), gamma (devices 4-5)",
                      result.stdout + result.stderr)
        self.assertEqual(result.stdout.splitlines()[0], self.alone().stdout.splitlines()[0])
        self.assertIsNone(self.difference("across.h5", "alone.h5"))
        self.assert_hosts_worked_together("across.h5")
        with h5py.File(self.folder / "across.h5") as across, \
                h5py.File(self.folder / "alone.h5") as alone:
            self.assertEqual(across.attrs["model_hash"], alone.attrs["model_hash"])
            self.assertIn(b"gamma (devices 4-5)", bytes(across.attrs["host"]))
        other = self.across("other.h5", "--seed", 8)
        self.assertEqual(other.returncode, 0, other.stderr)
        self.assertIsNotNone(self.difference("other.h5", "alone.h5"))

    def test_mixed_levels_use_the_lowest_and_say_so(self):
        result = self.each_host("mixed.h5", {"beta": ["--kernels", "reference"]})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.alone()
        self.assertIsNone(self.difference("mixed.h5", "alone.h5"))
        with h5py.File(self.folder / "mixed.h5") as trace:
            self.assertEqual(bytes(trace.attrs["kernels"]), b"reference")
            note = bytes(trace.attrs.get("kernels_note", b"")).decode()
        if HAS_AVX2:
            self.assertIn("the most that host beta (devices 2-3) offers", note)
            self.assertRegex(note, r"; avx.* would run on host alpha \(devices 0-1\), host gamma ")
            self.assertIn(note, result.stdout + result.stderr)

    def test_openblas_on_one_host_only_is_refused(self):
        self.fails(self.each_host("a.h5", {"beta": ["--kernels", "openblas"],
                                           "gamma": ["--kernels", "reference"]}),
                   2, r"host beta \(devices 2-3\) must use openblas", r"host gamma .* must not")
        other_core = {"beta": ["env", "OPENBLAS_CORETYPE=Nehalem"]}
        self.fails(self.each_host("b.h5", {"alpha": ["--kernels", "openblas"]}, other_core),
                   2, "Nehalem on host beta", "OPENBLAS_CORETYPE")

    def test_a_damaged_copy_is_refused_at_once(self):
        with open(self.hosts.own_disk("beta") / "stories.gguf", "r+b") as model:
            model.seek(-1000, os.SEEK_END)
            byte = model.read(1)[0]
            model.seek(-1000, os.SEEK_END)
            model.write(bytes([byte ^ 1]))
        start = time.monotonic()
        result = self.across("damaged.h5")
        self.assertLess(time.monotonic() - start, 20)
        self.fails(result, 2, "not the same everywhere",
                   rf"host alpha \(devices 0-1\), host gamma \(devices 4-5\): {self.model}.*hash",
                   rf"host beta \(devices 2-3\): {self.model}.*hash")

    def test_missing_copies_are_all_named_at_once(self):
        for missing in (("beta", "gamma"), ("alpha",)):
            for name in missing:
                (self.hosts.own_disk(name) / "stories.gguf").unlink()
            self.fails(self.across("missing.h5"), 2, str(self.model), "No such file",
                       *(f"on .*host {name} " for name in missing),
                       "its own copy of the model at the same path")
            for name in missing:
                shutil.copyfile(MODEL, self.hosts.own_disk(name) / "stories.gguf")

    def test_another_program_on_a_host_is_refused(self):
        result = self.hosts.mpirun(
            "-n", 2, *self.words("a.h5"), ":", "-n", 1, BINARY.parent / "test_other_program")
        self.fails(result, 3, "device 2.*headroom 0.0.1 .other.*install the same program")

    def fault(self, name, what, rank=5):
        """A paced run whose rank does something to itself a second after it has begun."""
        self.scenario.write_text(
            scenario_text(len(NAMES) * SLOTS, tokens=100, interval=4, memory="900 KiB",
                          compute="50 MFLOP/s", head='[clock]\nmode = "paced"\n')
            .replace(str(MODEL), str(self.model)))
        fault = self.folder / "fault.sh"
        fault.write_text(
            f'if [ "$OMPI_COMM_WORLD_RANK" = {rank} ]; then\n'
            f"    (until [ -s {self.folder / name} ]; do sleep 0.1; done; sleep 1; {what}) &\n"
            'fi\nexec "$@"\n')
        return self.hosts.mpirun("-x", "HEADROOM_SILENCE=4", "-n", len(NAMES) * SLOTS,
                                 "sh", fault, *self.words(name))

    def test_a_rank_that_is_stopped_on_another_host_is_named(self):
        result = self.fault("stopped.h5", "kill -STOP $$")
        self.assertEqual(result.returncode, 5, result.stderr)
        told = re.findall("headroom: error: .*", result.stderr)
        self.assertEqual(len(told), 1, result.stderr)
        self.assertRegex(told[0], r"but device 5 \(d5\) has given no sign of life for 4.00 s")


if __name__ == "__main__":
    main_in_own_world(main)
