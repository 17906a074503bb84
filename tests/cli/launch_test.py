#!/usr/bin/env python3
"""Starting mpirun, and jobs that end without a message of their own: limits, kills, other launchers."""
import ctypes
import os
import platform
import resource
import signal
import struct
import subprocess
import time
import unittest
from pathlib import Path

from headroom import BINARY, MPI_ENVIRONMENT, Case, main, scenario_text

SIGN = "\x01"
SHELL_OF_SRUN = {"PMIX_RANK": "0", "PMIX_NAMESPACE": "slurm.pmix.7.0", "PMIX_SERVER_URI2": "nowhere",
                 "PMI_RANK": "0", "PMI_SIZE": "1", "SLURM_PTY_PORT": "4711",
                 "SLURM_STEP_NUM_TASKS": "1"}
SYSTEM_CALL = {"x86_64": 310, "aarch64": 270}  # process_vm_readv


def forbid_reading_other_processes():
    """Makes process_vm_readv fail with EPERM, as the seccomp profile of a container does."""
    def instruction(code, jump_true, jump_false, k):
        return struct.pack("HBBI", code, jump_true, jump_false, k)
    number = SYSTEM_CALL[platform.machine()]
    filters = (instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, number)
               + instruction(0x06, 0, 0, 0x00050001) + instruction(0x06, 0, 0, 0x7FFF0000))
    memory = ctypes.create_string_buffer(filters)
    program = ctypes.create_string_buffer(struct.pack("HL", 4, ctypes.addressof(memory)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) != 0:  # PR_SET_SECCOMP
        os._exit(77)


class Launch(Case):
    def begin(self, *arguments, environment=None, **options):
        path = self.scenario(scenario_text(3, tokens=200, interval=4))
        return subprocess.Popen(
            [str(BINARY), "run", str(path), *map(str, arguments)], cwd=self.folder, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})}, **options)

    def end(self, process, timeout=60):
        """Waits for the process; returns its exit code, its stderr and how long it took."""
        started = time.monotonic()
        try:
            _, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return process.returncode, errors, time.monotonic() - started

    def long_run(self, name):
        trace = self.folder / name
        process = self.begin("--clock", "paced", "--set", "clock.scale=60", "--trace", trace)
        self.wait_for_intervals(trace, 2)
        return process

    def processes(self, name):
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
                and self.is_ours(entry) and self.command_of(entry).split("\0")[0].endswith(name)]

    def rank(self, number):
        for process in self.processes("headroom"):
            if f"OMPI_COMM_WORLD_RANK={number}".encode() in Path(
                    f"/proc/{process}/environ").read_bytes().split(b"\0"):
                return process
        raise AssertionError(f"there is no rank {number}")

    def fake_mpirun(self, script):
        """Creates a fake mpirun; returns its folder, to be put first on the PATH."""
        place = self.folder / "fake"
        place.mkdir()
        (place / "mpirun").write_text(f"#!/bin/sh\n{script}\n")
        (place / "mpirun").chmod(0o755)
        return {"PATH": f"{place}:{os.environ['PATH']}"}

    def test_an_mpirun_that_starts_no_rank_is_not_waited_for(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (28, 28))
        process = self.begin(preexec_fn=few)
        code, errors, _ = self.end(process)
        self.assertEqual(code, 3, errors)
        for part in ("mpirun has started no rank", "expected 3 ranks", "open files (ulimit -n) 28",
                     "--transport inprocess"):
            self.assertIn(part, errors)
        self.assertEqual(self.processes("mpirun"), [])

    def test_waiting_for_missing_ranks_can_be_interrupted(self):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            process = self.begin(
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (28, 28)))
            self.wait_until(lambda: self.processes("mpirun"), "mpirun")
            time.sleep(0.5)
            process.send_signal(number)
            ended, errors, seconds = self.end(process)
            self.assertEqual(ended, code, errors)
            self.assertIn("interrupted before the ranks were up", errors)
            self.assertLess(seconds, 8)
            self.assertEqual(self.processes("mpirun"), [])

    def test_lack_of_memory_is_named(self):
        for megabytes in (150, 250):
            size = megabytes << 20
            process = self.begin(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)))
            code, errors, _ = self.end(process, 100)
            self.assertIn(code, (0, 3), errors)
            if code == 3:
                self.assertIn("headroom: error: ", errors)

    def test_a_killed_mpirun_is_not_reported_as_lack_of_memory(self):
        for number, words in ((signal.SIGKILL, "mpirun was ended by signal 9"),
                              (signal.SIGTERM, "in the middle of the run")):
            process = self.long_run(f"mpirun-{number.value}.h5")
            os.kill(self.processes("mpirun")[0], number)
            code, errors, _ = self.end(process)
            self.assertEqual(code, 3, errors)
            self.assertIn(words, errors)
            for wrong in ("a rank was", "perhaps memory", "expected it to start the ranks"):
                self.assertNotIn(wrong, errors)
            self.wait_until(lambda: not self.processes("headroom"), "ranks")

    def test_a_killed_rank_is_not_reported_as_lack_of_memory(self):
        process = self.long_run("rank.h5")
        killed = self.rank(1)
        os.kill(killed, signal.SIGKILL)
        code, errors, _ = self.end(process)
        self.assertEqual(code, 3, errors)
        self.assertIn(f"device 1 (process {killed}) was ended by signal 9", errors)
        self.assertNotIn("perhaps memory", errors)
        self.assertEqual(errors.count("error:"), 1, errors)

    def test_a_rank_that_was_asked_to_end_reports_it(self):
        for number in (0, 2):
            process = self.long_run(f"asked-{number}.h5")
            os.kill(self.rank(number), signal.SIGTERM)
            code, errors, _ = self.end(process)
            self.assertEqual(code, 3, errors)
            self.assertIn(f"the rank of device {number} was asked to end", errors)
            self.assertIn(f"from process {os.getpid()}", errors)
            self.assertEqual(errors.count("error:"), 1, errors)

    def test_what_mpirun_is_given(self):
        environment = self.fake_mpirun('echo "$@"; env; exit 7')
        process = self.begin("--prompt", "a secret", "--trace", "named.h5", environment=environment)
        said, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 3, errors)
        words = said.splitlines()[0]
        self.assertEqual(words, f"-q -n 3 {BINARY.resolve()} run --handed-over")
        for line in ("OMPI_MCA_rmaps_base_oversubscribe=1",  # Open MPI 4
                     "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe",  # Open MPI 5
                     "PRTE_MCA_hwloc_default_binding_policy=none"):
            self.assertIn(line, said.splitlines())
        self.assertIn("mpirun ended with code 7, expected it to start the ranks", errors)

    def test_a_run_that_another_version_hands_over_is_refused(self):
        other = b"headroom 0.0.1 (other)"
        body = struct.pack("=Q", len(other)) + other + b"what only that version can read"
        result = subprocess.run(
            ["mpirun", "-q", "-n", "1", BINARY, "run", "--handed-over"], cwd=self.folder, timeout=60,
            input=struct.pack("=QQ", 0x68656164726F6F6D, len(body)) + body,
            capture_output=True, env={**os.environ, **MPI_ENVIRONMENT}, check=False)
        self.assertEqual(result.returncode, 3, result.stderr)
        for part in (b"started by headroom 0.0.1 (other)", b"install the same program on all hosts"):
            self.assertIn(part, result.stderr)

    def test_an_mpirun_of_another_mpi_is_refused(self):
        for name in ("PMI_SIZE", "MV2_COMM_WORLD_SIZE"):
            for transport in ("mpi", "inprocess"):
                process = self.begin("--transport", transport, environment={name: "3", "PMI_RANK": "0"})
                code, errors, _ = self.end(process)
                self.assertEqual(code, 2, errors)
                for part in ("3 copies", "another MPI", "expected Open MPI", "give: headroom run"):
                    self.assertIn(part, errors)
        self.assertEqual(list(self.folder.glob("*.h5")), [])

    def test_a_shell_started_by_srun_is_not_a_rank(self):
        path = self.scenario(scenario_text(2, tokens=4))
        for transport in ("mpi", "inprocess"):
            result = self.headroom("run", path, "--trace", f"{transport}.h5", "--transport", transport,
                                   environment=SHELL_OF_SRUN)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(result.stdout.startswith("Once there was"), result.stdout)
            self.assertNotIn(SIGN, result.stdout + result.stderr)
        self.assertEqual(len(list(self.folder.glob("*.h5"))), 2)

    @unittest.skipUnless(platform.machine() in SYSTEM_CALL, "the filter knows other processors")
    def test_no_warnings_where_memory_of_other_processes_is_protected(self):
        path = self.scenario(scenario_text(2, tokens=1))
        prompts = [f"--prompt=Once there was a {number} " * 10 for number in range(30)]
        said = {}
        for name, more in (("ours", {}), ("forced", {"OMPI_MCA_btl_vader_single_copy_mechanism": "cma"})):
            said[name] = subprocess.run(
                [str(BINARY), "run", str(path), "--trace", f"{name}.h5", *prompts],
                cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                preexec_fn=forbid_reading_other_processes, env={**os.environ, **more}, check=False)
        if said["forced"].returncode == 77:
            self.skipTest("this user may not filter system calls")
        self.assertEqual(said["ours"].returncode, 0, said["ours"].stderr)
        self.assertNotIn("Read -1", said["ours"].stdout + said["ours"].stderr)
        self.assertIn("Read -1", said["forced"].stdout + said["forced"].stderr)


if __name__ == "__main__":
    main()
