#!/usr/bin/env python3
"""Resumed runs after a kill or an interrupt have the same text as an uninterrupted run."""
import json
import os
import shutil
import signal

import h5py

from headroom import Case, MODEL, committed, main, make_version_4, scenario_text

PACED = '[clock]\nmode = "paced"\nscale = {scale}\n'


def text_of(tokens=40, sequences=1, scale=0.5, **options):
    text = scenario_text(tokens=tokens, interval=2, head=PACED.format(scale=scale),
                         compute="100 MFLOP/s", **options)
    if sequences == 1:
        return text
    return text.replace('prompts = ["Once there was"]',
                        f'prompts = ["Once there was", "One day"]\nrepeat = {sequences}\n'
                        f"sequences = {sequences}")


def tokens_of(trace):
    """Returns (token id, checksum of the logits) by (sequence, position)."""
    _, tokens, _ = committed(trace)
    rows = {(int(t["sequence"]), int(t["position"])): (int(t["id"]), int(t["logits_checksum"]))
            for t in tokens}
    assert len(rows) == len(tokens), "a token twice"
    return rows


class Resume(Case):
    def broken_off(self, text, how=signal.SIGKILL, transport="inprocess", name="run.h5", after=2):
        """Ends a run with a signal after `after` intervals; returns its trace."""
        trace = self.folder / name
        process = self.start("run", self.scenario(text), "--trace", trace, "--transport", transport)
        self.wait_for_intervals(trace, after)
        if how == signal.SIGKILL:
            self.kill(process)
        else:
            os.kill(process.pid, how)
            process.communicate(timeout=20)
            self.assertEqual(process.returncode, 128 + how)
        return trace

    def resume(self, trace, *options):
        result = self.headroom("run", "--resume", trace, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def whole(self, text):
        """Returns text and trace of the uninterrupted run."""
        trace = self.folder / "whole.h5"
        result = self.headroom("run", self.scenario(text), "--trace", trace, "--force",
                               "--transport", "inprocess", "--clock", "virtual")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout, trace

    def test_continues_with_the_same_text(self):
        text = text_of()
        stdout, whole = self.whole(text)
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            for transport in ("inprocess", "mpi"):
                trace = self.broken_off(text, how, transport, f"{how}-{transport}.h5")
                kept = len(committed(trace)[0])
                result = self.resume(trace, "--transport", transport, "--clock", "virtual")
                self.assertEqual(result.stdout, stdout)
                self.assertIn(f"resuming {trace}: {kept} intervals", result.stderr)
                self.assertEqual(tokens_of(trace), tokens_of(whole))
                rows, _, _ = committed(trace)
                with h5py.File(trace, "r") as file:
                    codes = [c.decode() for c in file["intervals"].attrs["reason_codes"]]
                    self.assertEqual(int(file["complete"][0]), 1)
                self.assertEqual([codes[row["reason"]] for row in rows].count("resumed"), 1)
                self.assertEqual(codes[rows[kept]["reason"]], "resumed")
                self.assertIn("resumed 1 time", self.headroom("replay", trace).stdout)

    def test_several_sequences_in_flight_are_resumed(self):
        text = text_of(tokens=20, sequences=3)
        stdout, whole = self.whole(text)
        trace = self.broken_off(text, after=5)
        middle = self.folder / "middle.h5"
        shutil.copy(trace, middle)
        result = self.resume(trace, "--clock", "virtual")
        self.assertEqual(tokens_of(trace), tokens_of(whole))
        self.assertEqual(sorted(result.stdout.split("[sequence ")),
                         sorted(stdout.split("[sequence ")))
        with h5py.File(trace, "r") as file:
            self.assertEqual(sorted(file["requests"]["sequence"]), list(range(6)))

    def test_more_than_once(self):
        text = text_of(tokens=60)
        _, whole = self.whole(text)
        trace = self.broken_off(text)
        for _ in range(2):
            kept = len(committed(trace)[0])
            process = self.start("run", "--resume", trace, "--transport", "inprocess")
            self.wait_for_intervals(trace, kept + 2)
            self.kill(process)
        self.resume(trace, "--clock", "virtual")
        self.assertEqual(tokens_of(trace), tokens_of(whole))
        self.assertIn("resumed 3 times", self.headroom("replay", trace).stdout)

    def test_into_another_file_leaves_the_first_alone(self):
        trace = self.broken_off(text_of())
        before = trace.read_bytes()
        self.resume(trace, "--trace", "other.h5", "--clock", "virtual")
        self.assertEqual(trace.read_bytes(), before)
        self.assertIn("resumed 1 time", self.headroom("replay", "other.h5").stdout)

    def test_a_finished_trace_is_not_changed(self):
        stdout, whole = self.whole(text_of())
        before = whole.read_bytes()
        for transport in ("inprocess", "mpi"):
            result = self.resume(whole, "--transport", transport)
            self.assertIn("is finished already", result.stderr)
            self.assertEqual(result.stdout.strip(), stdout.strip())
        self.assertEqual(whole.read_bytes(), before)

    def test_a_finished_trace_shows_its_texts_again(self):
        for sequences in (1, 3):
            stdout, whole = self.whole(text_of(tokens=20, sequences=sequences))
            self.assertEqual("[sequence 2]" in stdout, sequences == 3)
            self.assertEqual(self.resume(whole).stdout, stdout)

    def test_a_trace_that_is_being_written_is_refused(self):
        trace = self.folder / "run.h5"
        process = self.start("run", self.scenario(text_of(scale=2)), "--trace", trace,
                             "--transport", "inprocess")
        try:
            self.wait_for_intervals(trace, 2)
            result = self.headroom("run", "--resume", trace)
            self.assertEqual(result.returncode, 2)
            self.assertIn("is still going on", result.stderr)
        finally:
            self.kill(process)

    def test_failures_lose_nothing(self):
        trace = self.broken_off(text_of())
        before = trace.read_bytes()
        if os.access("/dev/full", os.W_OK):
            result = self.headroom("run", "--resume", trace, "--trace", "/dev/full", "--force",
                                   "--transport", "inprocess")
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertIn("No space left on device", result.stderr)
        self.assertEqual(trace.read_bytes(), before)
        aside = self.folder / "run.h5.part"
        aside.write_bytes(b"somebody's notes")
        result = self.headroom("run", "--resume", trace, "--transport", "inprocess")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("run.h5.part is in the way", result.stderr)
        self.assertEqual(aside.read_bytes(), b"somebody's notes")
        self.assertEqual(trace.read_bytes(), before)
        # The leftover of a program that was killed while it wrote the new file.
        aside.write_bytes(b"\x89HDF\r\n\x1a\n and no more")
        self.resume(trace, "--clock", "virtual", "--transport", "inprocess")
        self.assertFalse((self.folder / "run.h5.part").exists())

    def test_a_forced_run_that_fails_keeps_the_old_trace(self):
        _, whole = self.whole(text_of())
        before = whole.read_bytes()
        path = self.scenario(text_of(memory="1 KiB"))
        result = self.headroom("run", path, "--trace", whole, "--force", "--transport", "inprocess")
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertEqual(whole.read_bytes(), before)
        self.assertEqual(sorted(p.name for p in self.folder.glob("whole*")), ["whole.h5"])

    def test_two_resumed_runs_do_not_overwrite_each_other(self):
        trace = self.broken_off(text_of())
        both = [self.start("run", "--resume", trace, "--transport", "inprocess", "--clock", "virtual")
                for _ in range(2)]
        for process in both:
            process.communicate(timeout=60)
        self.assertIn(0, [process.returncode for process in both])
        self.assertIn("resumed 1 time", self.headroom("replay", trace).stdout)
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_without_commits_resuming_repeats_the_run(self):
        _, whole = self.whole(text_of())
        trace = self.folder / "nothing.h5"
        shutil.copy(whole, trace)
        with h5py.File(trace, "r+") as file:
            file["complete"][0] = 0
            rows = file["intervals"][:]
            rows[:] = 0
            file["intervals"][:] = rows
        self.resume(trace, "--clock", "virtual", "--transport", "inprocess")
        self.assertEqual(tokens_of(trace), tokens_of(whole))

    def test_another_file_is_replaced_only_by_force(self):
        _, whole = self.whole(text_of())
        with h5py.File(whole, "r+") as file:
            file["complete"][0] = 0  # as if killed between the last commit and the end
        notes, other = self.folder / "notes.txt", self.folder / "other.h5"
        notes.write_text("precious")
        shutil.copy(whole, other)
        for out, options, why in ((notes, [], "exists already"), (notes, ["--force"], "is no trace"),
                                  (other, [], "exists already")):
            before = out.read_bytes()
            result = self.headroom("run", "--resume", whole, "--trace", out, *options)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(why, result.stderr)
            self.assertEqual(out.read_bytes(), before)
        self.resume(whole)
        with h5py.File(whole, "r") as file:
            self.assertEqual(int(file["complete"][0]), 1)

    def test_links_and_modes_are_kept(self):
        trace = self.broken_off(text_of())
        trace.chmod(0o600)
        link = self.folder / "latest.h5"
        link.symlink_to(trace.name)
        self.resume(link, "--clock", "virtual", "--transport", "inprocess")
        self.assertTrue(link.is_symlink())
        self.assertEqual(trace.stat().st_mode & 0o777, 0o600)
        self.assertIn("resumed 1 time", self.headroom("replay", trace).stdout)

    def test_the_model_may_have_moved_but_must_be_the_same(self):
        model = self.folder / "model.gguf"
        shutil.copy(MODEL, model)
        text = text_of().replace(str(MODEL), "model.gguf")
        trace = self.broken_off(text)
        model.rename(self.folder / "elsewhere.gguf")
        result = self.headroom("run", "--resume", trace)
        self.assertEqual(result.returncode, 2)
        self.assertIn("model.gguf", result.stderr)
        self.assertIn("--model MODEL.gguf", result.stderr)
        data = bytearray(MODEL.read_bytes())
        data[-100] ^= 1
        (self.folder / "other.gguf").write_bytes(data)
        for transport in ("inprocess", "mpi"):
            result = self.headroom("run", "--resume", trace, "--model", "other.gguf",
                                   "--transport", transport)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("is not the model of the run that goes on", result.stderr)
        self.resume(trace, "--model", "elsewhere.gguf", "--clock", "virtual")

    def test_a_trace_of_version_4_goes_on(self):
        text = text_of()
        stdout, whole = self.whole(text)
        trace = self.broken_off(text, signal.SIGINT)
        make_version_4(trace)
        self.assertEqual(self.resume(trace, "--clock", "virtual").stdout, stdout)
        self.assertEqual(tokens_of(trace), tokens_of(whole))

    def test_kernels_with_other_results_are_refused(self):
        trace = self.broken_off(text_of())
        with h5py.File(trace, "r", libver="latest", swmr=True) as file:
            recorded = file.attrs["kernels"].decode()
        other = "reference" if recorded == "openblas" else "openblas"
        for options, environment in ((["--kernels", other], {}), ([], {"HEADROOM_KERNELS": other})):
            result = self.headroom("run", "--resume", trace, *options, environment=environment)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(f"was computed by {recorded} kernels, found {other}", result.stderr)
        self.resume(trace, "--clock", "virtual", "--transport", "inprocess")
        summary = self.headroom("inspect", trace, "--json").stdout
        self.assertEqual(json.loads(summary)["resumptions"], 1)

    def test_wrong_input(self):
        _, whole = self.whole(text_of())
        simulated = self.folder / "simulated.h5"
        self.headroom("simulate", self.scenario(text_of()), "--trace", simulated)
        for arguments, parts in (
                (["--resume", "missing.h5"], ["missing.h5", "cannot be opened"]),
                (["--resume", MODEL], ["is not an HDF5 file"]),
                (["--resume", whole, "scenario.toml"], ["--resume and SCENARIO"]),
                (["--resume", whole, "--policy", "ring"], ["--resume and --policy"]),
                (["--resume", whole, "--tokens", "9"], ["--resume and --tokens"]),
                (["--resume"], ["--resume: expected a value"])):
            result = self.headroom("run", *arguments)
            self.assertEqual(result.returncode, 2, result.stdout)
            for part in parts:
                self.assertIn(part, result.stderr)
        with h5py.File(simulated, "r+") as file:
            file["complete"][0] = 2
        self.altered.add(simulated)
        result = self.headroom("run", "--resume", simulated)
        self.assertEqual(result.returncode, 2)
        self.assertIn("was not decoded but simulated", result.stderr)


if __name__ == "__main__":
    main()
