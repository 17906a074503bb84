#!/usr/bin/env python3
"""The scripts in scripts/slurm on a real Slurm with two fake nodes."""
import csv
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))
from cluster import SETUP, SLURM, Cluster, main_with_slurm  # noqa: E402
from headroom import BINARY, Case, main, scenario_text  # noqa: E402
from run_test import contents  # noqa: E402

RUN = SLURM / "run.sbatch"
OWN_POLICY = os.environ["HEADROOM_OWN_POLICY"]


def decoded(path):
    """What a trace says was decoded: position and id of all tokens, in order."""
    with h5py.File(path, "r") as trace:
        return [(row["position"], row["id"]) for row in trace["tokens"][:]]


def processes_of(*words):
    """Ids of processes whose command line has all the words."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if all(str(word).encode() in line for word in words):
            found.append(int(place.name))
    return found


class Slurm(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.stop)
        place = tempfile.TemporaryDirectory(prefix="headroom-slurm-")
        cls.addClassCleanup(place.cleanup)
        cls.limited = cls.begin_limited(Path(place.name))

    @classmethod
    def begin_limited(cls, folder):
        """A job that its time limit interrupts; it runs beside the other tests, because it takes
        a minute: Slurm looks at limits every half minute, and at its first look the limit of a
        minute is near enough for the signal. The whole run would take 36 s."""
        path = folder / "scenario.toml"
        path.write_text(cls.spread(tokens=60) + '[clock]\nmode = "paced"\nscale = 20\n')
        return folder, path, cls.submit_in(folder, "--time=1", "--signal=B:USR1@50", RUN, path,
                                           "--trace", "limit.h5")

    @staticmethod
    def spread(tokens=12):
        """Four devices of which none has the memory alone, and blocks that move between them."""
        load = 'load = { kind = "uniform", low = 0.0, high = 0.7, period = "5 ms" }\n'
        text = scenario_text(4, tokens=tokens, interval=3, memory="1300 KiB", extra=load)
        return text + '[[event]]\nat_token = 3\ndevice = "d0"\nkind = "compute"\nfactor = 0.02\n'

    @classmethod
    def submit_in(cls, folder, *words, launch="mpirun", nodes=2, tasks=4):
        """A job; what it prints goes to headroom-JOB.txt and headroom-JOB.log in the folder."""
        return cls.cluster.submit(
            f"--nodes={nodes}", f"--ntasks={tasks}", f"--ntasks-per-node={-(-tasks // nodes)}",
            *words, cwd=folder, environment={"HEADROOM": str(BINARY), "HEADROOM_LAUNCH": launch})

    def submit(self, *words, **options):
        return self.submit_in(self.folder, *words, **options)

    def printed(self, job, folder=None):
        """The text that was decoded, and everything else."""
        return tuple(((folder or self.folder) / f"headroom-{job}.{kind}").read_text()
                     for kind in ("txt", "log"))

    def assert_ended(self, job, state, code=0, folder=None):
        told = self.cluster.told(job)
        self.assertEqual((told["JobState"], told["ExitCode"]), (state, f"{code}:0"),
                         "".join(self.printed(job, folder)))
        return told

    def difference(self, one, other):
        """The first table column in which two traces of this test differ, or None."""
        first, second = contents(self.folder / one), contents(self.folder / other)
        self.assertEqual(first.keys(), second.keys())
        return next((column for column, values in first.items()
                     if values.tobytes() != second[column].tobytes()), None)

    def alone(self, *words, name="alone.h5"):
        result = self.headroom("run", *words, "--trace", name, "--transport", "inprocess")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_a_job_over_two_nodes_is_the_run_in_one_process(self):
        path = self.scenario(self.spread())
        text = self.alone(path, "--trace-ops")
        jobs = {launch: self.submit(RUN, path, "--trace", f"{launch}.h5", "--trace-ops",
                                    launch=launch) for launch in ("mpirun", "srun")}
        other = self.submit(RUN, path, "--trace", "other.h5", "--trace-ops", "--seed", "8")
        self.cluster.wait_for_jobs(*jobs.values(), other)
        for launch, job in jobs.items():
            told = self.assert_ended(job, "COMPLETED")
            self.assertEqual(told["NodeList"], "n[1-2]")
            self.assertEqual(text, self.printed(job)[0])
            self.assertIsNone(self.difference(f"{launch}.h5", "alone.h5"), launch)
            with h5py.File(self.folder / f"{launch}.h5") as trace:
                self.assertEqual(bytes(trace.attrs["transport"]), b"mpi")
                for table in ("messages", "migrations"):
                    pairs = {(row["from"] // 2, row["to"] // 2) for row in trace[table][:]}
                    self.assertTrue({(0, 1), (1, 0)} & pairs, f"{table} from node to node")
        self.assert_ended(other, "COMPLETED")
        self.assertIsNotNone(self.difference("other.h5", "alone.h5"))

    def test_wrong_jobs_are_reported(self):
        path = self.scenario(self.spread())
        cases = (
            ([RUN], 2, "a scenario is missing"),
            ([RUN, "--trace", "x.h5"], 2, "a scenario is missing"),
            ([RUN, "gone.toml"], 2, "gone.toml: there is no such scenario file"),
            ([RUN, path, "--trace", "x.h5"], 2, "sbatch --ntasks=4"))
        jobs = [(self.submit(*words, launch=launch, nodes=1, tasks=2), code, text)
                for words, code, text in cases for launch in ("mpirun", "srun")]
        jobs.append((self.submit(RUN, path, launch="prun"), 2, "expected mpirun or srun"))
        self.cluster.wait_for_jobs(*(job for job, _, _ in jobs))
        for job, code, text in jobs:
            self.assert_ended(job, "FAILED", code)
            told = self.printed(job)[1]
            self.assertIn(text, told)
            self.assertEqual(len(re.findall(r"(?<!srun: )error: ", told)), 1, told)

    def test_commands_in_a_shell_started_by_srun_are_not_ranks(self):
        path = self.scenario(self.spread())
        text = self.alone(path)
        leader, follower = pty.openpty()
        shell = subprocess.Popen(
            ["srun", "--mpi=pmix", "-n1", "--pty", "bash", "-c",
             f"{BINARY} run {path} --trace typed.h5 >typed.txt 2>typed.log; echo $? >typed.code"],
            stdin=follower, stdout=follower, stderr=follower, cwd=self.folder,
            env=self.cluster.environment)
        os.close(follower)
        try:
            shell.wait(timeout=90)
        finally:
            shell.kill()
            os.close(leader)
        self.assertEqual((self.folder / "typed.code").read_text(), "0\n",
                         (self.folder / "typed.log").read_text())
        self.assertEqual((self.folder / "typed.txt").read_text(), text)
        self.assertIsNone(self.difference("typed.h5", "alone.h5"))

    def test_cancelled_jobs_keep_their_traces_and_do_not_come_back(self):
        path = self.scenario(self.spread(tokens=60) + '[clock]\nmode = "paced"\nscale = 10\n')
        jobs = {(launch, how): self.submit(RUN, path, "--trace", f"{launch}-{how}.h5",
                                           launch=launch)
                for launch in ("mpirun", "srun") for how in ("asked", "killed")}
        for launch, how in jobs:
            self.cluster.wait_for("it decodes", (self.folder / f"{launch}-{how}.h5").exists)
        time.sleep(1)
        for (_, how), job in jobs.items():
            self.cluster.call("scancel", *(["--batch", "--signal=TERM"] if how == "asked" else []),
                              job)
        self.cluster.wait_for_jobs(*jobs.values())
        for (launch, how), job in jobs.items():
            if how == "asked":
                self.assert_ended(job, "FAILED", 143)
            else:
                self.assertEqual(self.cluster.told(job)["JobState"], "CANCELLED")
            self.assertEqual(self.cluster.told(job)["Restarts"], "0")
            # Killed under mpirun, a rank may be gone before the trace is closed.
            state = "interrupted" if (launch, how) != ("mpirun", "killed") else "[a-z]+"
            self.assertRegex(self.headroom("inspect", f"{launch}-{how}.h5").stdout,
                             f"^trace {launch}-{how}.h5: {state}.*\n")

    def test_z_at_the_time_limit_the_job_is_queued_again_and_goes_on(self):
        folder, path, job = self.limited
        self.alone(path, "--clock", "virtual")
        self.cluster.wait_for_jobs(job, seconds=200)
        told = self.assert_ended(job, "COMPLETED", folder=folder)
        log = self.printed(job, folder)[1]
        self.assertGreaterEqual(int(told["Restarts"]), 1, log)
        self.assertIn("interrupted after", log)
        self.assertIn("going on with limit.h5", log)
        self.assertEqual(decoded(folder / "limit.h5"), decoded(self.folder / "alone.h5"))

    def sweep(self):
        """Four cells of some seconds each."""
        self.scenario(self.spread(tokens=24) + '[clock]\nmode = "paced"\nscale = 5\n')
        path = self.folder / "sweep.toml"
        path.write_text('scenario = "scenario.toml"\ncommand = "run"\n[grid]\n'
                        '"controller.policy" = ["resource_aware", "greedy"]\nseed = [1, 2]\n')
        return path

    def rows(self, folder):
        with open(self.folder / folder / "summary.csv", newline="") as file:
            return sorted(csv.DictReader(file), key=lambda row: row["file"])

    def test_an_array_with_a_killed_task_gives_the_table_of_a_local_sweep(self):
        path = self.sweep()
        told = self.cluster.call(SLURM / "submit_sweep", path, "there", cwd=self.folder,
                                 environment={"HEADROOM": str(BINARY)})
        array, collect = re.match(r"array (\d+): 4 tasks for 4 cells; then job (\d+)", told).groups()
        self.cluster.wait_for("task 2 runs", lambda: processes_of("sweep", "--run", "2"))
        time.sleep(1)
        for process in processes_of("sweep", "--run", "2"):
            os.kill(process, signal.SIGKILL)
        self.cluster.call("scontrol", "requeue", f"{array}_2")
        self.cluster.wait_for_jobs(array, collect)
        self.assertEqual(self.cluster.told(f"{array}_2")["Restarts"], "1")
        here = subprocess.run(
            [str(BINARY), "sweep", path, "--out", "here", "--run-all", "-j", "4"],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(here.returncode, 0, here.stderr)
        self.assertEqual(self.headroom("collect", "here", "-o", "here/summary.csv").returncode, 0)
        self.assertEqual(len(self.rows("here")), 4)
        self.assertEqual(self.rows("there"), self.rows("here"))
        self.assertTrue((self.folder / "there/report.html").stat().st_size > 0)

    def test_the_cells_of_an_array_use_a_policy_from_a_file(self):
        self.scenario(self.spread(tokens=8))
        path = self.folder / "sweep.toml"
        path.write_text('scenario = "scenario.toml"\n[grid]\n"controller.policy" = ["greedy", "custom"]\n')
        told = self.cluster.call(SLURM / "submit_sweep", path, "there", "--policy", OWN_POLICY, cwd=self.folder,
                                 environment={"HEADROOM": str(BINARY)})
        self.cluster.wait_for_jobs(*re.match(r"array (\d+): 2 tasks for 2 cells; then job (\d+)", told).groups())
        self.assertEqual([row["policy"] for row in self.rows("there")], ["own", "greedy"])
        self.altered.add(self.folder / "there/custom.h5")  # its policy is not asked again


class Setup(unittest.TestCase):
    """What setup_test_cluster says to those who use it wrongly."""

    def says(self, code, fragment, *words):
        result = subprocess.run([SETUP, *words], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(fragment, result.stderr)

    def test_wrong_uses(self):
        self.says(2, "setup_test_cluster start DIR")
        self.says(2, "setup_test_cluster start DIR", "begin", "/tmp/nowhere")
        self.says(2, "not empty", "start", "/usr")
        self.says(2, "at most 80", "start", "/tmp/" + 90 * "x")
        self.says(2, "--nodes 'some'", "start", "/tmp/nowhere", "--nodes", "some")
        self.says(2, "no test cluster", "stop", "/tmp/nowhere")
        self.says(2, "no test cluster", "status", "/tmp/nowhere")


if __name__ == "__main__":
    main_with_slurm(main)
