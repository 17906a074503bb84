#!/usr/bin/env python3
"""Terminals never get control sequences from a model, a prompt or a name; files and pipes get the raw bytes."""
import json
import os
import pty
import re
import subprocess
import threading

from headroom import BINARY, MODEL, MPI_ENVIRONMENT, Case, devices, main, scenario_text

# Clears the screen, sets the title, moves the cursor back, an 8-bit CSI, reverses the text direction.
EVIL = "A\x1b[2J\x1b]0;title\x07B\rC\bD\x7fE\u009b31mF\u202eG"
SHOWN = r"A\x1b[2J\x1b]0;title\x07B\x0dC\x08D\u007fE\u009b31mF\u202eG"
OURS = re.compile("\x1b\\[(0|1|2|33|34|1;31|1;33)m|\r\x1b\\[K")


class OnTerminal:
    """Runs a program on a pseudo-terminal; has its output and exit code."""

    def __init__(self, arguments, folder, streams=("stdout", "stderr"), timeout=60, environment=None):
        ours, theirs = pty.openpty()
        others = {name: subprocess.DEVNULL for name in ("stdout", "stderr")}
        process = subprocess.Popen(
            list(map(str, arguments)), cwd=folder, stdin=subprocess.DEVNULL,
            **{**others, **{name: theirs for name in streams}},
            env={**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "100", **(environment or {})})
        os.close(theirs)
        pieces = []

        def read():
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    return
                if not piece:
                    return
                pieces.append(piece)
        reader = threading.Thread(target=read)
        reader.start()
        try:
            self.code = process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            process.wait()
            reader.join(timeout=20)
            os.close(ours)
        self.bytes = b"".join(pieces).replace(b"\r\n", b"\n")
        self.text = self.bytes.decode("utf-8", errors="surrogateescape")


def obeyed(text):
    """Returns the control sequences of a text, except our own colours and cleared lines."""
    rest = OURS.sub("", text)
    return [c for c in rest if (ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0
            or 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069
            or 0xDC80 <= ord(c) <= 0xDCFF]


def evil_scenario(tokens=2, count=2, sequences=1):
    text = scenario_text(count=count, tokens=tokens).replace('["Once there was"]', json.dumps([EVIL]))
    if sequences > 1:
        text = text.replace("[workload]\n", f"[workload]\nrepeat = {sequences}\nsequences = {sequences}\n")
    return text


class Terminal(Case):
    def on_terminal(self, *arguments, **options):
        return OnTerminal([BINARY, *arguments], self.folder, **options)

    def assert_harmless(self, seen, *parts):
        self.assertEqual(obeyed(seen.text), [], seen.text)
        for part in parts:
            self.assertIn(part, seen.text)

    def test_streamed_text_is_shown_and_files_get_the_bytes(self):
        for sequences in (1, 2):
            scenario = self.scenario(evil_scenario(sequences=sequences))
            for transport in ("inprocess", "mpi"):
                run = ["run", scenario, "--transport", transport, "--force", "--trace"]
                seen = self.on_terminal(*run, "t.h5")
                self.assertEqual(seen.code, 0, seen.text)
                self.assert_harmless(seen, SHOWN)
                piped = subprocess.run([str(BINARY), *map(str, run), "u.h5"], cwd=self.folder, check=True,
                                       stdin=subprocess.DEVNULL, capture_output=True)
                self.assertIn(EVIL.encode(), piped.stdout)
                self.assertNotIn(SHOWN.encode(), piped.stdout)
        # One stream is a terminal, the other one a file.
        path = self.folder / "text.txt"
        seen = OnTerminal(["sh", "-c", f"'{BINARY}' run '{scenario}' --force --trace t.h5 "
                           f"--transport inprocess > '{path}'"], self.folder, streams=("stderr",))
        self.assert_harmless(seen, "trace: t.h5")
        self.assertIn(EVIL.encode(), path.read_bytes())

    def test_under_the_users_own_mpirun(self):
        scenario = self.scenario(evil_scenario())
        command = f"mpirun -n 2 '{BINARY}' run '{scenario}' --force --trace t.h5"
        seen = OnTerminal(["sh", "-c", command], self.folder, environment=MPI_ENVIRONMENT)
        self.assertEqual(seen.code, 0, seen.text)
        self.assert_harmless(seen, SHOWN)
        path = self.folder / "text.txt"
        seen = OnTerminal(["sh", "-c", f"{command} > '{path}'"], self.folder, streams=("stderr",),
                          environment=MPI_ENVIRONMENT)
        self.assertEqual(seen.code, 0, seen.text)
        self.assertIn(EVIL.encode(), path.read_bytes())

    def test_characters_that_come_in_pieces_are_whole(self):
        prompt = "Grüße, 世界 😀 שלום"
        text = scenario_text(count=1, tokens=2).replace('["Once there was"]', json.dumps([prompt], ensure_ascii=False))
        seen = self.on_terminal("run", self.scenario(text), "--transport", "inprocess", "--trace", "t.h5")
        self.assert_harmless(seen, prompt)

    def test_inspect_and_its_friends(self):
        scenario = self.scenario(evil_scenario().replace('"d1"', json.dumps("d\x1b[1m\u009b2J")))
        result = self.headroom("run", scenario, "--transport", "inprocess", "--trace", "t.h5", "--trace-ops")
        if result.returncode != 0:  # the program refuses such names
            self.assertEqual(result.returncode, 2)
            scenario = self.scenario(evil_scenario())
            result = self.headroom("run", scenario, "--transport", "inprocess", "--trace", "t.h5",
                                   "--trace-ops")
        self.assertEqual(result.returncode, 0, result.stderr)
        for arguments in (["inspect", "t.h5"], ["inspect", scenario], ["plan", scenario],
                          ["replay", "t.h5", "--policy", "static"], ["simulate", scenario, "--trace", "s.h5"],
                          ["run", "--resume", "t.h5"]):
            seen = self.on_terminal(*arguments)
            self.assertEqual(seen.code, 0, seen.text)
            self.assert_harmless(seen)
            if "t.h5" in arguments and arguments[0] != "replay":
                self.assertIn(SHOWN, seen.text)

    def test_json_stays_json(self):
        scenario = self.scenario(evil_scenario())
        for arguments in (["run", scenario, "--transport", "inprocess", "--trace", "t.h5", "--json"],
                          ["inspect", "t.h5", "--json"]):
            seen = self.on_terminal(*arguments, streams=("stdout",))
            self.assertEqual(seen.code, 0, seen.text)
            self.assert_harmless(seen)
            self.assertTrue(json.loads(seen.text)["text"].startswith(EVIL))

    def test_errors_and_warnings(self):
        evil_key = "x\x1b[2J\u009b"
        cases = (["run", f"no{EVIL}.toml"], ["inspect", f"no{EVIL}.h5"], [f"r{EVIL}n"],
                 ["run", self.scenario(evil_scenario()), f"--{EVIL}"],
                 ["run", self.scenario(evil_scenario()), "--set", f"model.{EVIL}=1"],
                 ["run", self.scenario(evil_scenario() + f'{json.dumps(evil_key)} = 1\n')],
                 ["run", "--model", MODEL, "--devices", "2", "--prompt-file", f"no{EVIL}"])
        for arguments in cases:
            seen = self.on_terminal(*arguments)
            self.assertEqual(seen.code, 2, seen.text)
            self.assert_harmless(seen, "error:")
        bytes_name = os.fsencode("no") + b"\x9b31m\xff.toml"
        seen = OnTerminal([BINARY, "run", os.fsdecode(bytes_name)], self.folder)
        self.assert_harmless(seen, r"\x9b31m\xff")

    def test_twin_the_checks_find_control_sequences(self):
        self.assertEqual(obeyed("\x1b[2mdim\x1b[0m\r\x1b[Kline\n\ttab é"), [])
        for text in (EVIL, "\x1b[31m", "\r", "\x9b", "\u202e", "\udc9b", "\x7f"):
            self.assertNotEqual(obeyed(text), [], repr(text))


if __name__ == "__main__":
    main()
