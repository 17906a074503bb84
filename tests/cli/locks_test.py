#!/usr/bin/env python3
"""File systems on which locks fail: runs, readers, repairs and sweeps work, and recognise who writes a trace.

A preloaded library makes flock and fcntl fail with each of the errors that occur on NFS, on Lustre and in containers.
"""
import os
import signal
import subprocess
import unittest
from pathlib import Path

from headroom import BINARY, MINIMAL, MPI_ENVIRONMENT, ROOT, Case, main

LIBRARY = os.environ.get("HEADROOM_NO_LOCKS", "")
ENOLCK, ENOTSUPP, EIO, ENOSYS, EOPNOTSUPP = 37, 524, 5, 38, 95
MODULE = ROOT / "scripts/headroom_trace.py"
TITLE = "headroom writes the trace beside this file; no locks here tell it\n"
WARNING = "files cannot be locked here"


def without_locks(error=ENOLCK):
    return {"LD_PRELOAD": LIBRARY, "NO_LOCKS_ERRNO": str(error),
            "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}


@unittest.skipUnless(LIBRARY, "HEADROOM_NO_LOCKS names no library")
class WithoutLocks(Case):
    def begin(self, *arguments, error=ENOLCK):
        return subprocess.Popen(
            [str(BINARY), *map(str, arguments)], cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, **MPI_ENVIRONMENT, **without_locks(error)})

    def paced(self, trace="t.h5"):
        process = self.begin("run", MINIMAL, "--clock", "paced", "--set", "clock.scale=100",
                             "--interval", 1, "--transport", "inprocess", "--trace", trace)  # takes a minute
        self.wait_for_intervals(self.folder / trace, 2)
        return process

    def killed(self, trace="t.h5"):
        process = self.paced(trace)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return self.folder / trace

    def run_without(self, *arguments, error=ENOLCK):
        return self.headroom(*arguments, environment=without_locks(error))

    def sign(self, host=None, boot=None, process=None, started=None):
        """Changes the sign of life in the trace of a killed run."""
        file = self.folder / "t.h5.writer"
        title, *lines = file.read_text().splitlines()
        self.assertEqual(title + "\n", TITLE)
        lines = [host or lines[0], boot or lines[1], lines[2], str(process or lines[3]), started or lines[4]]
        file.write_text("\n".join([title, *lines]) + "\n")

    def test_every_error_that_locks_give(self):
        for error in (ENOLCK, ENOTSUPP, EIO, ENOSYS, EOPNOTSUPP):
            with self.subTest(error=error):
                name = f"t{error}.h5"
                result = self.run_without("simulate", MINIMAL, "--trace", name, error=error)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stderr.count(WARNING), 1, result.stderr)
                self.assertEqual([p.name for p in self.folder.glob("*.writer")], [])
                for arguments in (["inspect", name], ["replay", name], ["inspect", "--repair", name],
                                  ["export", name, "--csv", f"csv{error}"], ["collect", ".", "-o", f"c{error}.h5"]):
                    result = self.run_without(*arguments, error=error)
                    self.assertEqual(result.returncode, 0, result.stderr)
                shown = subprocess.run(
                    ["/usr/bin/python3", str(MODULE), name], cwd=self.folder, text=True, capture_output=True,
                    env={**os.environ, **without_locks(error)}, check=False)
                self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_ranks(self):
        result = self.run_without("run", MINIMAL, "--tokens", 8, "--trace", "t.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count(WARNING), 1, result.stderr)

    def test_a_trace_that_is_being_written(self):
        process = self.paced()
        self.addCleanup(process.kill)
        self.assertIn("its program runs still", self.run_without("inspect", "t.h5").stdout)
        for arguments, what in ((["inspect", "--repair", "t.h5"], "is being written"),
                                (["run", "--resume", "t.h5"], "still going on"),
                                (["simulate", MINIMAL, "--trace", "t.h5", "--force"], "is being written")):
            result = self.run_without(*arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(what, result.stderr)
        status = subprocess.run(
            ["/usr/bin/python3", "-c", "import headroom_trace; print(headroom_trace.open_trace('t.h5').status)"],
            cwd=self.folder, text=True, capture_output=True, check=False,
            env={**os.environ, **without_locks(), "PYTHONPATH": str(MODULE.parent)})
        self.assertEqual(status.stdout, "running\n", status.stderr)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, errors)
        self.assertFalse((self.folder / "t.h5.writer").exists())

    def test_a_killed_run_is_known_by_its_process(self):
        self.killed()
        self.assertTrue((self.folder / "t.h5.writer").exists())
        self.assertIn("(killed;", self.run_without("inspect", "t.h5").stdout)
        # Another process has the process id: an older one, or one that is not the writer.
        self.sign(process=os.getpid(), started="1")
        self.assertIn("(killed;", self.run_without("inspect", "t.h5").stdout)
        result = self.run_without("run", "--resume", "t.h5", "--clock", "virtual", "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse((self.folder / "t.h5.writer").exists())

    def test_a_twin_that_lives(self):
        """With the sign of life of a running process, everything that was allowed is refused."""
        self.killed()
        stat = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        self.sign(process=os.getpid(), started=stat[19])
        self.assertEqual(self.run_without("inspect", "--repair", "t.h5").returncode, 2)
        self.assertEqual(self.run_without("run", "--resume", "t.h5").returncode, 2)
        (self.folder / "t.h5").unlink()
        result = self.run_without("simulate", MINIMAL, "--trace", "t.h5")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("is being begun by another run", result.stderr)

    def test_a_writer_on_another_host(self):
        """The growth of the trace shows that it is alive. Without growth it is assumed dead, with a warning."""
        process = self.paced()
        self.sign(host="elsewhere", boot="other")
        result = self.run_without("inspect", "--repair", "t.h5")
        self.assertEqual(result.returncode, 2, result.stderr)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        result = self.run_without("inspect", "--repair", "t.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"headroom: warning: t.h5: was written by process \d+ on host elsewhere")
        self.assertIn("is an ordinary HDF5 file now", result.stderr)
        self.assertFalse((self.folder / "t.h5.writer").exists())

    def test_a_file_that_only_has_the_name(self):
        (self.folder / "t.h5.writer").write_text("my own notes\n")
        self.assertEqual(self.headroom("simulate", MINIMAL, "--trace", "t.h5").returncode, 0)
        result = self.run_without("simulate", MINIMAL, "--trace", "t.h5", "--force")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertEqual((self.folder / "t.h5.writer").read_text(), "my own notes\n")

    def test_hdf5_is_told_to_lock(self):
        self.headroom("simulate", MINIMAL, "--trace", "t.h5")
        result = self.headroom(
            "inspect", "t.h5", environment={**without_locks(), "HDF5_USE_FILE_LOCKING": "TRUE"})
        self.assertNotIn("another program", result.stderr)

    def test_jobs_that_share_a_sweep(self):
        """Together the jobs run all cells; a job skips a cell that the other one is running. If both start a cell at
        the same moment, it is run twice, as the warning says, and one of them may fail."""
        (self.folder / "s.toml").write_text(
            f'scenario = "{MINIMAL}"\ncommand = "run"\nfolder = "out"\n[set]\nclock.mode = "paced"\n'
            'workload.tokens = 200\n[grid]\nseed = [1, 2]\n')
        jobs = [self.begin("sweep", "s.toml", "--run-all")]
        self.wait_until(lambda: any((self.folder / "out").glob("*.writer")), "a cell that is being run")
        jobs.append(self.begin("sweep", "s.toml", "--run-all"))
        for job in jobs:
            _, errors = job.communicate(timeout=90)
            self.assertEqual(job.returncode, 0, errors)
            self.assertIn(WARNING, errors)
        self.assertEqual(len(list((self.folder / "out").glob("*.h5"))), 2)
        self.assertEqual(list((self.folder / "out").glob("*.writer")), [])


class WithLocks(Case):
    def test_no_messages_and_no_files_remain(self):
        result = self.headroom("simulate", MINIMAL, "--trace", "t.h5")
        self.assertNotIn(WARNING, result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["t.h5"])


if __name__ == "__main__":
    main()
