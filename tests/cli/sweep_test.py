#!/usr/bin/env python3
"""Sweeps: every cell is run once despite interrupts, and its trace does not depend on how it was run."""
import csv
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import time

import h5py
import numpy as np

from headroom import BINARY, MINIMAL, MPI_ENVIRONMENT, Case, main, scenario_text

POLICIES = ["resource_aware", "ring", "greedy"]
HOST_ATTRIBUTES = {"host", "wall_started"}
QUICK = f"""scenario = "{MINIMAL}"
folder = "out"
[set]
workload.tokens = 24
network.variation = {{ kind = "uniform", low = 0.0, high = 0.5, period = "20 ms" }}
[grid]
controller.policy = {json.dumps(POLICIES)}
controller.interval = [4, 8]
seed = [1, 2]
"""
CELLS = 12
# Three cells with a paced clock, of about a second each.
SLOW = """scenario = "scenario.toml"
command = "run"
folder = "out"
[grid]
seed = [1, 2, 3]
"""


def slow_scenario():
    head = '[clock]\nmode = "paced"\nscale = 1.0\n'
    return scenario_text(tokens=24, interval=2, head=head, compute="300 MFLOP/s")


def differences(a, b):
    """Returns the datasets and attributes in which two traces differ, except for wall-clock times and hosts."""
    with h5py.File(a, "r") as first, h5py.File(b, "r") as second:
        found = [f"attribute {name}" for name in {*first.attrs, *second.attrs} - HOST_ATTRIBUTES
                 if first.attrs.get(name) != second.attrs.get(name)]
        if set(first) != set(second):
            return found + ["datasets"]
        for name in first:
            x, y = first[name][:], second[name][:]
            columns = [c for c in x.dtype.names or [] if "wall" not in c and "rank_rss" not in c]
            if x.shape != y.shape or x.dtype != y.dtype:
                found.append(name)
            elif not (all(np.array_equal(x[c], y[c]) for c in columns) if x.dtype.names
                      else np.array_equal(x, y)):
                found.append(name)
        return found


class Sweep(Case):
    def sweep(self, text=QUICK, name="sweep.toml"):
        path = self.folder / name
        path.write_text(text)
        return path

    def run_all(self, sweep, *arguments, code=0):
        result = self.headroom("sweep", sweep, "--run-all", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def states(self, sweep, *arguments):
        result = self.headroom("sweep", sweep, "--list", "--json", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [cell["state"] for cell in json.loads(result.stdout)["cells"]]

    def names(self, folder="out", end=""):
        """Returns the files in the folder except the lock file."""
        return sorted(path.name for path in (self.folder / folder).glob(f"[!.]*{end}"))

    def begun(self):
        """Returns how many partial traces have more than a header."""
        return sum((self.folder / "out" / name).stat().st_size > 20000
                   for name in self.names(end=".partial"))

    def collected(self, folder="out"):
        """Returns the text of the collected table."""
        out = self.folder / "collected.csv"
        result = self.headroom("collect", folder, "-o", out, "--force")
        self.assertEqual(result.returncode, 0, result.stderr)
        return out.read_text()

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"60 s were not enough for: {what}")
            time.sleep(0.005)

    def assert_same_traces(self, folder, other):
        names = self.names(folder, ".h5")
        self.assertEqual(names, self.names(other, ".h5"))
        for name in names:
            self.assertEqual(
                differences(self.folder / folder / name, self.folder / other / name), [], name)


class Cells(Sweep):
    def test_the_list_has_every_combination_in_order(self):
        result = self.headroom("sweep", self.sweep(), "--list", "--json")
        cells = json.loads(result.stdout)["cells"]
        self.assertEqual(
            [cell["name"] for cell in cells],
            [f"{policy}-interval{interval}-seed{seed}"
             for policy in POLICIES for interval in (4, 8) for seed in (1, 2)])
        self.assertEqual([cell["index"] for cell in cells], list(range(CELLS)))
        self.assertEqual(cells[3]["settings"]["seed"], "2")
        self.assertFalse((self.folder / "out").exists(), "a list makes no folder")

    def test_cells_do_not_depend_on_how_they_were_run(self):
        sweep = self.sweep()
        self.run_all(sweep, "-j", 1)
        self.run_all(sweep, "-j", 4, "--out", "four")
        for index in reversed(range(CELLS)):
            result = self.headroom("sweep", sweep, "--run", index, "--out", "single",
                                   environment={"SLURM_ARRAY_TASK_ID": str(index)})
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_same_traces("out", "four")
        self.assert_same_traces("out", "single")
        text = self.collected()
        self.assertEqual(text, self.collected("four"))
        self.assertEqual(text, self.collected("single"))
        self.assertEqual(len(text.splitlines()), CELLS + 1)
        self.assertEqual(self.names(), self.names(end=".h5"), "nothing but traces is left")

    def test_the_comparison_finds_a_difference(self):
        sweep = self.sweep()
        self.run_all(sweep)
        a, b = (self.folder / f"out/ring-interval4-seed{seed}.h5" for seed in (1, 2))
        self.assertIn("scenario", differences(a, b))
        self.assertIn("tokens", differences(a, b))

    def test_a_cell_is_the_command_with_its_settings(self):
        self.run_all(self.sweep())
        result = self.headroom(
            "simulate", MINIMAL, "--tokens", 24, "--policy", "greedy", "--interval", 8,
            "--seed", 2, "--set",
            'network.variation={ kind = "uniform", low = 0.0, high = 0.5, period = "20 ms" }',
            "--trace", "by-hand.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(differences(self.folder / "by-hand.h5",
                                     self.folder / "out/greedy-interval8-seed2.h5"), [])

    def test_run_decodes_over_both_transports(self):
        self.scenario(scenario_text(tokens=6))
        text = ('scenario = "scenario.toml"\ncommand = "run"\ntransport = "{}"\n'
                'trace_ops = true\n[grid]\nseed = [1, 2]\n')
        for transport in ("inprocess", "mpi"):
            sweep = self.sweep(text.format(transport))
            self.run_all(sweep, "--out", transport)
            self.assertEqual(self.states(sweep, "--out", transport), ["finished"] * 2)
        for seed in (1, 2):
            a, b = (self.folder / transport / f"seed{seed}.h5" for transport in ("inprocess", "mpi"))
            self.assertEqual(differences(a, b), ["attribute transport"])
            with h5py.File(a) as file:
                self.assertIn("ops", file)
                self.assertEqual(file.attrs["execution"], b"decoded")

    def test_under_mpirun_the_copies_share_the_cells(self):
        sweep = self.sweep()
        result = self.headroom("sweep", sweep, "--run-all",
                               launcher=["mpirun", "-q", "-n", "2"], environment=MPI_ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.states(sweep), ["finished"] * CELLS)
        self.assertEqual(len(re.findall(r"finished in", result.stderr)), CELLS)

    def test_a_sweep_that_grows_keeps_what_it_has(self):
        self.run_all(self.sweep())
        sweep = self.sweep(QUICK.replace("seed = [1, 2]", "seed = [1, 2, 3]"))
        self.assertEqual(self.states(sweep).count("finished"), CELLS)
        result = self.run_all(sweep)
        self.assertIn("6 finished now, 12 finished before", result.stdout)


class Resuming(Sweep):
    def test_finished_cells_are_skipped(self):
        sweep = self.sweep()
        self.run_all(sweep)
        times = {name: os.stat(self.folder / "out" / name).st_mtime_ns for name in self.names()}
        result = self.run_all(sweep)
        self.assertIn("12 cells: 12 finished before", result.stdout)
        result = self.headroom("sweep", sweep, "--run", 5)
        self.assertEqual(result.returncode, 0)
        self.assertIn("finished already", result.stdout)
        self.assertEqual(times, {name: os.stat(self.folder / "out" / name).st_mtime_ns
                                 for name in self.names()})

    def test_kill_9_in_the_middle_changes_nothing_in_the_end(self):
        sweep = self.sweep()
        self.run_all(sweep, "--out", "calm")
        for kills in range(3):
            process = self.start("sweep", sweep, "--run-all", "-j", 2)
            self.wait_until(lambda: len(self.names(end=".h5")) >= 3 * (kills + 1) or
                            process.poll() is not None, "three cells more")
            process.kill()
            process.communicate()
        self.assertGreaterEqual(self.states(sweep).count("finished"), 9)
        self.run_all(sweep)
        self.assert_same_traces("out", "calm")
        self.assertEqual(self.collected(), self.collected("calm"))
        self.assertEqual(self.names(), self.names(end=".h5"), "nothing but traces is left")

    def test_a_half_written_cell_is_redone(self):
        self.scenario(slow_scenario())
        sweep = self.sweep(SLOW)
        process = self.start("sweep", sweep, "--run", 1)
        self.wait_until(lambda: self.begun() == 1, "a partial trace")
        self.assertEqual(self.states(sweep), ["to do", "running", "to do"])
        process.kill()
        process.communicate()
        self.wait_until(lambda: self.states(sweep)[1] == "half written", "the end of the child")
        self.assertEqual(self.headroom("collect", "out").returncode, 2, "there is nothing yet")
        self.run_all(sweep, "-j", 3)
        self.assertEqual(self.names(), ["seed1.h5", "seed2.h5", "seed3.h5"])
        self.run_all(sweep, "-j", 3, "--out", "calm")
        self.assert_same_traces("out", "calm")

    def test_an_interrupt_is_passed_on_and_the_rest_is_done_later(self):
        self.scenario(slow_scenario())
        sweep = self.sweep(SLOW)
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.start("sweep", sweep, "--run-all", "-j", 2)
            self.wait_until(lambda: self.states(sweep).count("running") == 2, "two cells")
            self.wait_until(lambda: self.begun() == 2, "two traces")
            process.send_signal(number)
            out, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, errors)
            self.assertIn("the same command goes on", out)
            self.assertNotIn("failed", out)
            self.assertEqual(set(self.states(sweep)), {"half written", "to do"})
        self.run_all(sweep, "-j", 3)
        self.assertEqual(self.states(sweep), ["finished"] * 3)

    def test_a_changed_cell_is_redone_and_the_old_trace_kept(self):
        self.run_all(self.sweep())
        sweep = self.sweep(QUICK.replace("tokens = 24", "tokens = 20"))
        self.assertEqual(self.states(sweep), ["changed"] * CELLS)
        result = self.run_all(sweep)
        self.assertIn("not of this cell as it is now", result.stderr)
        self.assertEqual(len(self.names(end=".h5.old-1")), CELLS)
        self.assertEqual(self.states(sweep), ["finished"] * CELLS)
        with h5py.File(self.folder / "out/ring-interval4-seed1.h5.old-1") as file:
            self.assertEqual(file.attrs["tokens"], 24)

    def test_cells_that_only_look_finished_are_redone(self):
        sweep = self.sweep()
        self.run_all(sweep)
        names = self.names()
        (self.folder / "out" / names[0]).write_bytes(b"no trace")
        whole = (self.folder / "out" / names[1]).read_bytes()
        (self.folder / "out" / names[1]).write_bytes(whole[:len(whole) // 2])
        with h5py.File(self.folder / "out" / names[2], "r+") as file:
            file["complete"][0] = 2
        self.assertEqual(self.states(sweep).count("changed"), 3)
        self.run_all(sweep)
        self.assertEqual(self.states(sweep), ["finished"] * CELLS)
        self.assertEqual(len(self.names(end=".h5.old-1")), 3)

    def test_traces_of_no_cell_are_reported(self):
        self.run_all(self.sweep())
        sweep = self.sweep(QUICK.replace("seed = [1, 2]", "seed = [1]"))
        result = self.run_all(sweep)
        self.assertIn("6 files are in out of no cell of this sweep", result.stderr)


class Sharing(Sweep):
    def test_two_jobs_do_each_cell_once(self):
        sweep = self.sweep(QUICK.replace("seed = [1, 2]", "seed = [1, 2, 3, 4]"))
        jobs = [self.start("sweep", sweep, "--run-all", "-j", 2) for _ in range(2)]
        ended = [job.communicate(timeout=120) for job in jobs]
        self.assertEqual([job.returncode for job in jobs], [0, 0])
        done = [name for _, errors in ended for name in re.findall(r", (\S+): finished in", errors)]
        self.assertEqual(len(done), 2 * CELLS)
        self.assertEqual(len(set(done)), 2 * CELLS)
        self.assertEqual(self.states(sweep), ["finished"] * 2 * CELLS)

    def test_a_waiting_job_takes_over_from_a_dead_one(self):
        self.scenario(slow_scenario())
        sweep = self.sweep(SLOW.replace("[1, 2, 3]", "[1]"))
        first = self.start("sweep", sweep, "--run", 0)
        self.wait_until(lambda: self.names(end=".partial"), "a cell under way")
        second = self.start("sweep", sweep, "--run-all")
        time.sleep(0.3)
        self.assertIsNone(second.poll())
        first.kill()
        first.communicate()
        _, errors = second.communicate(timeout=60)
        self.assertEqual(second.returncode, 0, errors)
        self.assertIn("by another job, waiting", errors)
        self.assertIn("seed1: finished in", errors)
        self.assertEqual(self.names(), ["seed1.h5"])

    def test_a_waiting_job_skips_finished_cells(self):
        self.scenario(slow_scenario())
        sweep = self.sweep(SLOW.replace("[1, 2, 3]", "[1]"))
        first = self.start("sweep", sweep, "--run", 0)
        self.wait_until(lambda: self.names(end=".partial"), "a cell under way")
        second = self.headroom("sweep", sweep, "--run", 0)
        self.assertEqual(first.wait(60), 0)
        first.communicate()
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn("finished already", second.stdout)


class Failing(Sweep):
    TEXT = f"""scenario = "{MINIMAL}"
folder = "out"
[[case]]
name = "tight fleet"
device.laptop.memory = "200 KiB"
[[case]]
name = "as it is"
[grid]
controller.policy = ["ring", "greedy"]
"""

    def test_a_failed_cell_stops_no_other(self):
        sweep = self.sweep(self.TEXT)
        result = self.run_all(sweep, code=6)
        self.assertEqual(self.states(sweep), ["failed", "failed", "finished", "finished"])
        self.assertIn("2 finished now, 2 failed", result.stdout)
        self.assertIn("no placement fits: policy ring", result.stdout)
        record = json.loads((self.folder / "out/tight-fleet-ring.failed.json").read_text())
        self.assertEqual(record["exit_code"], 6)
        self.assertIn("no placement fits", record["error"][0])
        rows = list(csv.DictReader(self.collected().splitlines()))
        self.assertEqual([(row["file"], row["completion"], row["exit_code"]) for row in rows],
                         [("tight-fleet-ring.failed.json", "failed", "6"),
                          ("tight-fleet-greedy.failed.json", "failed", "6"),
                          ("as-it-is-ring.h5", "finished", "0"),
                          ("as-it-is-greedy.h5", "finished", "0")])
        self.assertIn("no placement fits", rows[1]["error"])
        self.assertEqual(rows[1]["device.laptop.memory"], "200 KiB")
        self.assertEqual(rows[1]["time_per_output_token_ns"], "")

    def test_a_failed_cell_is_retried(self):
        self.run_all(self.sweep(self.TEXT), code=6)
        sweep = self.sweep(self.TEXT.replace("200 KiB", "2 MiB"))
        self.assertEqual(self.states(sweep)[:2], ["to do", "to do"], "it was another scenario")
        self.run_all(sweep)
        self.assertEqual(self.states(sweep), ["finished"] * 4)
        self.assertEqual(self.names(), self.names(end=".h5"), "records and logs are gone")

    def test_the_process_of_a_cell_may_die(self):
        self.scenario(slow_scenario())
        sweep = self.sweep(SLOW)
        process = self.start("sweep", sweep, "--run-all", "-j", 1)
        self.wait_until(lambda: self.names(end=".partial"), "a cell under way")
        children = (f"/proc/{process.pid}/task/{process.pid}/children")
        with open(children) as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        out, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGKILL, errors)
        self.assertIn("was ended by signal 9", out)
        self.assertNotIn("perhaps memory", out)
        self.assertEqual(self.states(sweep), ["failed", "finished", "finished"])

    def test_what_was_decoded_before_a_failure_is_kept(self):
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

        self.scenario(scenario_text(tokens=200, interval=2))
        self.sweep('scenario = "scenario.toml"\nfolder = "out"')
        result = subprocess.run(
            [str(BINARY), "sweep", "sweep.toml", "--run-all"], cwd=self.folder, text=True,
            capture_output=True, timeout=60, preexec_fn=limited, check=False)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("headroom inspect out/scenario.failed.h5", result.stdout)
        self.assertNotIn(".partial", result.stdout)
        self.assertEqual(self.headroom("inspect", "out/scenario.failed.h5").returncode, 0)
        row, = csv.DictReader(self.collected().splitlines())
        self.assertEqual((row["file"], row["completion"], row["exit_code"]),
                         ("scenario.failed.json", "failed", "3"))
        self.assertGreater(int(row["sampled_tokens"]), 0)
        self.run_all("sweep.toml")
        self.assertEqual(self.names(), ["scenario.h5"])

    def test_json_has_all_results(self):
        result = self.run_all(self.sweep(self.TEXT), "--json", code=6)
        told = json.loads(result.stdout)
        self.assertEqual(told["exit_code"], 6)
        self.assertEqual([cell["end"] for cell in told["cells"]],
                         ["failed", "failed", "finished", "finished"])
        self.assertEqual(told["cells"][0]["exit_code"], 6)


class Collecting(Sweep):
    def test_csv_and_hdf5_have_the_same_contents(self):
        self.run_all(self.sweep())
        rows = list(csv.DictReader(self.collected().splitlines()))
        self.assertEqual(self.headroom("collect", "out", "-o", "s.h5").returncode, 0)
        with h5py.File(self.folder / "s.h5") as file:
            table, units = file["summary"][:], file["summary"].attrs["units"]
        self.assertEqual(list(rows[0]), list(table.dtype.names))
        self.assertEqual(len(units), len(table.dtype.names))
        for row, values in zip(rows, table):
            for name, value in zip(table.dtype.names, values):
                text = value.decode() if isinstance(value, bytes) else f"{value}"
                if table.dtype[name].kind == "f":
                    self.assertEqual(float(row[name]), value, name)
                else:
                    self.assertEqual(row[name], text, name)

    def test_the_figures_are_those_of_inspect(self):
        self.run_all(self.sweep())
        rows = list(csv.DictReader(self.collected().splitlines()))
        for row in rows[::5]:
            shown = self.headroom("inspect", f"out/{row['file']}", "--json")
            told = json.loads(shown.stdout)
            for name in ("time_to_first_token_ns", "time_per_output_token_p95_ns", "tokens_per_s",
                         "virtual_time_ns", "blocks_moved", "bytes_migrated", "bytes_activations",
                         "sampled_tokens", "decisions", "time_migrating_ns"):
                self.assertEqual(float(row[name]), told[name], name)
            most = max(device["memory_peak_fraction"] for device in told["devices"])
            self.assertAlmostEqual(float(row["memory_peak_fraction"]), most, places=12)

    def test_keys_that_differ_are_columns(self):
        self.run_all(self.sweep(QUICK + 'network.latency = ["1 ms", "20 ms"]\n'))
        rows = list(csv.DictReader(self.collected().splitlines()))
        self.assertEqual({row["network.latency"] for row in rows}, {"1 ms", "20 ms"})
        self.assertEqual({row["interval"] for row in rows}, {"4", "8"})
        self.assertEqual({row["devices"] for row in rows}, {"3"})
        self.assertEqual({row["scenario"] for row in rows}, {"minimal"})
        self.assertNotIn("network.bandwidth", rows[0])

    def test_the_order_and_the_spelling_are_those_of_the_sweep(self):
        axes = {"seed": ["3", "1"], "device.0.memory": ["4GiB", "512 MiB", "1 GiB"],
                "network.bandwidth": ["1 Gbit/s", "10 Mbit/s"], "controller.policy": ["ring", "greedy"]}
        lists = {key: f"[{', '.join(values)}]" if key == "seed" else json.dumps(values)
                 for key, values in axes.items()}
        text = (f'scenario = "{MINIMAL}"\nfolder = "out"\n[set]\nworkload.tokens = 2\n[grid]\n'
                + "".join(f"{key} = {values}\n" for key, values in lists.items()))
        sweep = self.sweep(text)
        self.run_all(sweep, "-j", 4)
        rows = list(csv.DictReader(self.collected().splitlines()))
        columns = ["seed", "device.laptop.memory", "network.bandwidth", "policy"]
        self.assertEqual(list(rows[0])[:7], ["file", "scenario", *columns, "interval"])
        self.assertEqual([tuple(row[name] for name in columns) for row in rows],
                         list(itertools.product(*axes.values())))
        cells = json.loads(self.headroom("sweep", sweep, "--list", "--json").stdout)["cells"]
        self.assertEqual([row["file"] for row in rows], [f"{cell['name']}.h5" for cell in cells])
        told = json.loads(self.headroom("collect", "out", "--json").stdout)["rows"]
        self.assertEqual([row["device.laptop.memory"] for row in told],
                         [row["device.laptop.memory"] for row in rows])
        shown = self.headroom("collect", "out").stdout.splitlines()
        self.assertRegex(shown[0], r"^  seed +memory +bandwidth +policy +first token")
        self.assertRegex(shown[1], r"^  3 +4GiB +1 Gbit/s +ring ")

    def test_values_of_another_scenario_are_not_taken_from_the_sweep(self):
        text = QUICK + '[[case]]\nname = "slow"\nnetwork.bandwidth = "10 Mbit/s"\n'
        self.run_all(self.sweep(text))
        record = self.folder / "out/.sweep.toml"
        self.assertEqual(record.read_text(), text)
        record.write_text(text.replace("10 Mbit/s", "20 Mbit/s"))
        self.headroom("simulate", MINIMAL, "--trace", "out/0-foreign.h5")
        rows = list(csv.DictReader(self.collected().splitlines()))
        self.assertEqual({row["network.bandwidth"] for row in rows[:-1]}, {"1250000 B/s"})
        self.assertEqual(rows[-1]["file"], "0-foreign.h5", "what is of no cell comes last")

    def test_without_its_sweep_a_folder_is_sorted_by_file(self):
        self.run_all(self.sweep(QUICK + 'network.latency = ["20 ms", "1 ms"]\n'))
        (self.folder / "out/.sweep.toml").write_text("no = sweep")
        result = self.headroom("collect", "out", "--json")
        self.assertIn("left out out/.sweep.toml", result.stderr)
        rows = json.loads(result.stdout)["rows"]
        self.assertEqual([row["file"] for row in rows], sorted(row["file"] for row in rows))
        self.assertEqual({row["network.latency"] for row in rows}, {1000000, 20000000})

    def test_texts_may_have_anything_in_them(self):
        prompts = ['Once, "there" was', "a\nb", "Ünicode"]
        text = (f'scenario = "{MINIMAL}"\nfolder = "out"\n[set]\nworkload.tokens = 2\n[grid]\n'
                f"workload.prompts = {json.dumps([[prompt] for prompt in prompts])}\n")
        self.run_all(self.sweep(text))
        rows = list(csv.DictReader(self.collected().splitlines(keepends=True)))
        self.assertEqual({row["workload.prompts"] for row in rows},
                         {json.dumps([prompt], ensure_ascii=False) for prompt in prompts})
        self.headroom("collect", "out", "-o", "s.h5")
        with h5py.File(self.folder / "s.h5") as file:
            texts = {text.decode() for text in file["summary"]["workload.prompts"]}
        self.assertEqual(texts, {row["workload.prompts"] for row in rows})

    def test_traces_of_several_programs_are_reported(self):
        self.run_all(self.sweep())
        self.assertNotIn("versions of headroom", self.headroom("collect", "out").stderr)
        with h5py.File(self.folder / "out/ring-interval4-seed1.h5", "r+") as file:
            file.attrs.create("program_commit", b"abc", dtype=h5py.string_dtype("utf-8", 3))
        told = self.headroom("collect", "out").stderr  # sorted by the name of the commit
        self.assertRegex(told, r"2 versions of headroom: .*\b11 from ")
        self.assertRegex(told, r"\b1 from .*\(abc\)")

    def test_any_folder_of_traces_will_do(self):
        for policy in POLICIES:
            self.headroom("simulate", MINIMAL, "--policy", policy, "--trace", f"{policy}.h5")
        self.scenario(slow_scenario())
        killed = self.start("run", "scenario.toml", "--transport", "inprocess", "--trace", "killed.h5")
        self.wait_until(lambda: (self.folder / "killed.h5").exists() and
                        (self.folder / "killed.h5").stat().st_size > 20000, "a trace")
        time.sleep(0.2)
        killed.kill()
        killed.communicate()
        h5py.File(self.folder / "foreign.h5", "w").close()
        (self.folder / "half.h5").write_bytes((self.folder / "ring.h5").read_bytes()[:3000])
        result = self.headroom("collect", ".", "-o", "summary.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        again = self.headroom("collect", ".", "--json")
        rows = json.loads(again.stdout)["rows"]
        self.assertEqual([(row["file"], row["completion"]) for row in rows],
                         [("greedy.h5", "finished"), ("killed.h5", "killed"),
                          ("resource_aware.h5", "finished"), ("ring.h5", "finished")])
        for name in ("foreign.h5", "half.h5"):
            self.assertIn(f"left out ./{name}", again.stderr)
        self.assertNotIn("summary.h5", again.stderr, "its own tables are passed over")
        self.assertIn("killed", self.headroom("collect", ".").stdout)

    def test_no_trace_is_ever_overwritten(self):
        self.run_all(self.sweep())
        trace = self.folder / "out/ring-interval4-seed1.h5"
        before = trace.read_bytes()
        result = self.headroom("collect", "out", "-o", trace, "--force")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(trace.read_bytes(), before)

    def test_a_table_that_cannot_be_written_leaves_the_old_one(self):
        self.run_all(self.sweep())
        for name in ("summary.csv", "summary.h5"):
            self.assertEqual(self.headroom("collect", "out", "-o", name).returncode, 0)
            before = (self.folder / name).read_bytes()
            result = subprocess.run(
                ["bash", "-c", f"ulimit -f 1; trap '' XFSZ; '{BINARY}' collect out -o {name} --force"],
                cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertEqual((self.folder / name).read_bytes(), before)
            self.assertEqual([path.name for path in self.folder.glob(f"{name}~*")], [])


if __name__ == "__main__":
    main()
