#!/usr/bin/env python3
"""A trace is readable while it grows, after kill -9 at any moment, and after a normal end."""
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

import h5py

from headroom import BINARY, Case, committed, main, scenario_text


class Trace(Case):
    def long_run(self, name, sequences=1):
        """Starts a paced run, which lasts long, with a decision every two tokens."""
        head = '[clock]\nmode = "paced"\nscale = 1.0\n'
        text = scenario_text(tokens=200, interval=2, head=head, compute="100 MFLOP/s")
        path = self.scenario(text.replace(
            "tokens = 200", f"tokens = 200\nrepeat = {2 * sequences}\nsequences = {sequences}"
        ).replace("interval = 2", 'interval = 2\npolicy = "ring"') if sequences > 1 else text)
        trace = self.folder / name
        return self.start("run", path, "--trace", trace), trace

    def listens(self, process):
        """Whether main() has begun: from there on the program blocks or handles SIGINT."""
        status = Path(f"/proc/{process.pid}/status").read_text()
        masks = re.findall(r"^Sig(?:Blk|Cgt):\s*(\w+)", status, re.MULTILINE)
        return any(int(mask, 16) >> (signal.SIGINT - 1) & 1 for mask in masks)

    def test_readable_during_the_run(self):
        process, trace = self.long_run("during.h5")
        try:
            self.wait_for_intervals(trace, 3)
            first, tokens, _ = committed(trace)
            self.assertGreater(len(tokens), 0)
            self.wait_for_intervals(trace, len(first) + 2)
        finally:
            self.kill(process)

    def test_every_committed_interval_survives_kill_9(self):
        generator = random.Random(5)
        for attempt in range(6):
            process, trace = self.long_run(f"killed-{attempt}.h5")
            self.wait_for_intervals(trace, 1)
            time.sleep(generator.uniform(0, 0.4))
            before, _, _ = committed(trace)
            self.kill(process)
            rows, tokens, placements = committed(trace)
            self.assertGreaterEqual(len(rows), len(before))
            self.assertEqual(len(placements), len(rows))
            sampled = tokens[tokens["is_prompt"] == 0]
            self.assertEqual(len(sampled), int(rows["tokens"].sum()))
            self.assertTrue((sampled["end"][1:] >= sampled["end"][:-1]).all())
            inspected = self.headroom("inspect", trace)
            self.assertEqual(inspected.returncode, 0, inspected.stderr)
            self.assertIn("running", inspected.stdout)

    @unittest.skipUnless(shutil.which("h5clear"), "hdf5-tools is not installed")
    def test_repair_makes_an_ordinary_file(self):
        process, trace = self.long_run("repair.h5")
        self.wait_for_intervals(trace, 2)
        self.kill(process)
        with self.assertRaises(OSError):
            h5py.File(trace, "r").close()
        result = self.headroom("inspect", trace, "--repair")
        self.assertEqual(result.returncode, 0, result.stderr)
        with h5py.File(trace, "r") as file:
            self.assertGreaterEqual(len(file["intervals"]), 2)

    @unittest.skipUnless(shutil.which("h5dump"), "hdf5-tools is not installed")
    def test_h5dump_reads_it_after_a_clean_end(self):
        trace = self.folder / "clean.h5"
        self.summary(self.scenario(scenario_text()), "--trace", trace)
        dump = subprocess.run(["h5dump", "-d", "/tokens", str(trace)], text=True,
                              capture_output=True, check=False)
        self.assertEqual(dump.returncode, 0, dump.stderr)
        self.assertIn("logits_checksum", dump.stdout)

    def test_interrupts_close_the_trace(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)):
            process, trace = self.long_run(f"signal-{number}.h5")
            self.wait_for_intervals(trace, 2)
            os.kill(process.pid, number)
            _, errors = process.communicate(timeout=20)
            self.assertEqual(process.returncode, code, errors)
            self.assertIn("headroom: closing the trace", errors)
            self.assertTrue(errors.endswith(f"trace: {trace} (interrupted, closed)\n"), errors)
            for noise in ("error", "mpirun", "rank"):
                self.assertNotIn(noise, errors)
            with h5py.File(trace, "r") as file:
                self.assertEqual(int(file["complete"][0]), 2)
                self.assertGreaterEqual(len(file["intervals"]), 2)

    def test_a_closed_terminal_closes_the_trace(self):
        """The kernel sends SIGHUP, and all further output is lost."""
        path = self.scenario(scenario_text(
            tokens=200, interval=2, head='[clock]\nmode = "paced"\n', compute="100 MFLOP/s"))
        for transport in ("mpi", "inprocess"):
            trace = self.folder / f"terminal-{transport}.h5"
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(BINARY, ["headroom", "run", str(path), "--trace", str(trace),
                                  "--transport", transport])
            self.wait_for_intervals(trace, 2)
            os.close(terminal)
            _, status = os.waitpid(pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 143)
            with h5py.File(trace, "r") as file:
                self.assertEqual(int(file["complete"][0]), 2)

    def test_nohup_keeps_a_run_going(self):
        path = self.scenario(scenario_text(tokens=8, interval=2))
        for transport in ("mpi", "inprocess"):
            trace = self.folder / f"nohup-{transport}.h5"
            process = subprocess.Popen(
                ["nohup", str(BINARY), "run", str(path), "--trace", str(trace), "--transport",
                 transport, "--clock", "paced"], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.wait_for_intervals(trace, 1)
            os.kill(process.pid, signal.SIGHUP)
            self.assertEqual(process.wait(timeout=20), 0)

    def test_an_interrupt_records_all_that_are_in_flight(self):
        process, trace = self.long_run("several.h5", sequences=3)
        self.wait_for_intervals(trace, 3)
        os.kill(process.pid, signal.SIGINT)
        text, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, errors)
        self.assertEqual(re.findall(r"^\[sequence (\d)\]\nOnce there was", text, re.MULTILINE),
                         ["0", "1", "2"])
        with h5py.File(trace, "r") as file:
            requests, tokens = file["requests"][:], file["tokens"][:]
        self.assertEqual(list(requests["sequence"]), [0, 1, 2])
        sampled = tokens[tokens["is_prompt"] == 0]
        for row in requests:
            self.assertGreater(int((sampled["sequence"] == row["sequence"]).sum()), 2)
            self.assertLessEqual(row["first_token"], row["end"])

    def test_several_in_flight_survive_kill_9(self):
        process, trace = self.long_run("several-killed.h5", sequences=3)
        self.wait_for_intervals(trace, 3)
        self.kill(process)
        rows, tokens, _ = committed(trace)
        sampled = tokens[tokens["is_prompt"] == 0]
        self.assertEqual(len(sampled), int(rows["tokens"].sum()))
        self.assertEqual(set(sampled["sequence"]), {0, 1, 2})
        inspected = self.headroom("inspect", trace)
        self.assertEqual(inspected.returncode, 0, inspected.stderr)
        for part in ("running", "in 3 sequences", "sequences in flight"):
            self.assertIn(part, inspected.stdout)

    def test_an_interrupt_during_start_up_is_not_lost(self):
        """From the beginning of main() on. Earlier, while libraries are loaded, a signal ends any program."""
        for delay in (0, 0.01, 0.05, 0.2, 0.5):
            process, _ = self.long_run(f"early-{delay}.h5")
            self.wait_until(lambda started=process: self.listens(started), "main")
            time.sleep(delay)
            os.kill(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130, errors)

    def test_a_reader_that_exits_does_not_end_the_run(self):
        """`headroom run ... | head` prints no errors and leaves a complete trace."""
        path = self.scenario(scenario_text(tokens=100, interval=2))
        for name, transport, streams in (
                ("out", "mpi", {"stderr": subprocess.PIPE}),
                ("both", "mpi", {"stderr": subprocess.STDOUT}),
                ("alone", "inprocess", {"stderr": subprocess.PIPE}),
                ("same", "inprocess", {"stderr": subprocess.STDOUT})):
            trace = self.folder / f"{name}.h5"
            process = subprocess.Popen(
                [str(BINARY), "run", str(path), "--trace", str(trace), "--transport", transport],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **streams)
            process.stdout.read(5)
            process.stdout.close()
            errors = process.stderr.read().decode() if process.stderr else ""
            self.assertEqual(process.wait(timeout=20), 0, errors)
            for noise in ("mpirun", "SIGPIPE", "error"):
                self.assertNotIn(noise, errors)
            if process.stderr:
                process.stderr.close()
            with h5py.File(trace, "r") as file:
                self.assertEqual(int(file["complete"][0]), 1)
                self.assertEqual(int(file["intervals"]["tokens"].sum()), 100)

    def test_a_reader_of_stderr_that_exits_does_not_end_the_run(self):
        path = self.scenario(scenario_text(tokens=60, interval=2))
        for transport in ("mpi", "inprocess"):
            trace = self.folder / f"{transport}.h5"
            process = subprocess.Popen(
                [str(BINARY), "run", str(path), "--trace", str(trace), "--transport", transport],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE)
            process.stderr.read(5)
            process.stderr.close()
            self.assertEqual(process.wait(timeout=20), 0)
            with h5py.File(trace, "r") as file:
                self.assertEqual(int(file["complete"][0]), 1)

    def test_inspect_shows_placement_events_and_decisions(self):
        text = scenario_text() + (
            '[[event]]\nat_token = 6\ndevice = "d1"\nkind = "compute"\nfactor = 0.5\n')
        trace = self.folder / "seen.h5"
        self.summary(self.scenario(text), "--trace", trace, "--transport", "inprocess")
        shown = self.headroom("inspect", trace).stdout
        for part in ("placed at the end", "d1: compute x 0.5", "decision"):
            self.assertIn(part, shown)
        told = json.loads(self.headroom("inspect", trace, "--json").stdout)
        with h5py.File(trace, "r") as file:
            rows, placement = file["intervals"][:], file["placements"][-1]
            kinds = file["blocks"]["kind"]
        self.assertEqual([d["first_token"] for d in told["decision_table"]],
                         rows["first_token"].tolist())
        for index, device in enumerate(told["placement"]):
            self.assertEqual(device["group"], int(((placement == index) & (kinds == 1)).sum()))
        self.assertIn("d1: compute x 0.5", told["events"][0]["text"])

    def test_a_killed_rank_is_not_an_interrupt(self):
        process, trace = self.long_run("rank.h5")
        self.wait_for_intervals(trace, 2)
        ranks = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()
                 and self.environment_of(entry).get("OMPI_COMM_WORLD_RANK") == "2"
                 and self.is_ours(entry)]
        os.kill(int(ranks[0].name), signal.SIGKILL)
        _, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3, errors)
        self.assertIn("signal 9", errors)
        self.assertNotIn("interrupted", errors)
        self.assertEqual(errors.count("error:"), 1, errors)

    def environment_of(self, entry):
        try:
            pairs = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            return {}
        return dict(pair.decode(errors="replace").split("=", 1) for pair in pairs if b"=" in pair)


if __name__ == "__main__":
    main()
