#!/usr/bin/env python3
"""The commands in the README print what it shows, apart from line breaks and [...]."""
import os
import re
import subprocess

import matplotlib.image
import numpy as np

from headroom import BINARY, MPI_ENVIRONMENT, ROOT, Case, main

COMMAND = "$ "


def session_of(page):
    """Returns the scenario and the session of a page: its indented lines from the scenario, if there is one, to the
    next heading. The session is a list of (command, what it prints)."""
    text = (ROOT / page).read_text()
    text = text[max(0, text.find("    [model]")):] + "\n## "
    text = text[:text.index("\n## ")]
    lines = [line[4:] for line in text.split("\n") if line.startswith("    ") or not line]
    scenario, session = "\n".join(lines).split(COMMAND, 1)
    parts = [part.split("\n", 1) for part in (COMMAND + session).split("\n" + COMMAND)]
    return scenario, [(part[0].removeprefix(COMMAND), part[1] if len(part) > 1 else "")
                      for part in parts]


def words(text):
    """Returns the text without white space, because line breaks do not matter."""
    return re.sub(r"\s+", "", text)


def first_missing(expected, printed):
    """Returns the first piece between two [...] that is not printed after the previous pieces; None if all are."""
    rest = words(printed)
    for piece in map(words, expected.split("[...]")):
        at = rest.find(piece)
        if at < 0:
            return piece
        rest = rest[at + len(piece):]
    return None


def colours_in(path):
    """Returns how many of the first line colours occur in a picture, each in at least a few pixels."""
    picture = np.round(255 * matplotlib.image.imread(path)[:, :, :3]).astype(int)
    count = 0
    for red, green, blue in ((0, 0x72, 0xB2), (0xE6, 0x9F, 0), (0, 0x9E, 0x73), (0xD5, 0x5E, 0)):
        count += int((picture == (red, green, blue)).all(axis=2).sum() > 100)
    return count


class Readme(Case):
    def run_line(self, command):
        environment = {**os.environ, **MPI_ENVIRONMENT,
                       "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120).stdout

    def assert_prints(self, session):
        for command, expected in session:
            printed = self.run_line(command)
            self.assertIsNone(first_missing(expected, printed), f"{command}\n{printed}")

    def setUp(self):
        super().setUp()
        for name in ("data", "scripts"):
            (self.folder / name).symlink_to(ROOT / name)

    def test_the_readme(self):
        scenario, session = session_of("README.md")
        (self.folder / "pis.toml").write_text(scenario)
        self.assertEqual(len(session), 1)
        self.assert_prints(session)

    def test_the_first_session(self):
        scenario, session = session_of("docs/tutorial/first-session.md")
        (self.folder / "mine.toml").write_text(scenario)
        self.assertGreaterEqual(len(session), 6)
        self.assert_prints(session)

    def test_several_sequences_at_once(self):
        _, session = session_of("docs/tutorial/several-sequences.md")
        self.assertGreaterEqual(len(session), 3)
        self.assert_prints(session)

    def test_from_a_question_to_a_figure(self):
        _, session = session_of("docs/tutorial/figure.md")
        self.assertEqual(len(session), 5)
        self.assert_prints(session)
        draw = session[-1][0]
        self.assertEqual(colours_in(self.folder / "figure.png"), 3)
        self.run_line(draw.replace("figure.png", "figure.svg"))
        words = (self.folder / "figure.svg").read_text()
        for word in ("resource_aware", "ring", "greedy", "bandwidth (Mbit/s)", "1000",
                     "time per output token (ms)"):
            self.assertIn(f">{word}<", words)
        self.run_line(draw.replace("figure.png", "one.png").replace("--by policy", "--by ''"))
        self.assertEqual(colours_in(self.folder / "one.png"), 1, "the counting can fail")

    def test_twin_the_comparison_finds_a_missing_line(self):
        self.assertIsNone(first_missing("a b\n[...] d", "x a\nb c d"))
        self.assertEqual(first_missing("a [...] c [...] b", "a b c"), "b")
        self.assertEqual(first_missing("12.7 ms", "12.8 ms"), "12.7ms")


if __name__ == "__main__":
    main()
