"""The example runs, and the how-to page can be followed."""
import doctest
import os
import re
import subprocess
import sys
import unittest

from support import ROOT, ModuleTest, headroom, main

PAGE = ROOT / "docs/how-to/your-own-policy-in-python.md"


def code_of(page):
    """The code blocks of a page, without their indentation."""
    return [re.sub(r"(?m)^    ", "", block).strip("\n") + "\n"
            for block in re.findall(r"(?m)(?:^    .*\n(?:\n+(?=    ))?)+", page)]


def failed_lines(page):
    """What doctest says about the lines with >>> of a page; "" if all print what the page shows."""
    test = doctest.DocTestParser().get_doctest("\n".join(line[4:] if line.startswith("    ") else "" for line in
                                                         page.splitlines()) + "\n", {}, "page", None, 0)
    said = []
    doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        test, out=said.append)
    return "".join(said)


class Examples(ModuleTest):
    def run_python(self, *arguments, code=0):
        done = subprocess.run([sys.executable, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True,
                              timeout=120, env={**os.environ, "MPLCONFIGDIR": str(self.folder)})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_the_example_ends_in_a_figure(self):
        out = self.run_python(ROOT / "docs/examples/python_policy.py", "figure.png")
        self.assertTrue((self.folder / "figure.png").read_bytes().startswith(b"\x89PNG"))
        times = {name: float(seconds) for name, seconds in
                 re.findall(r"^(\w+): 128 tokens in ([\d.]+) s", out, re.MULTILINE)}
        self.assertEqual(list(times), ["hill_climb", "resource_aware", "paper"])
        self.assertLess(times["resource_aware"], times["hill_climb"])
        self.assertLess(times["hill_climb"], times["paper"])

    def test_the_how_to_page(self):
        blocks = code_of(PAGE.read_text())
        files = {"mine.py": next(block for block in blocks if "def decide" in block),
                 "compare.py": next(block for block in blocks if "savefig" in block)}
        for name, text in files.items():
            (self.folder / name).write_text(text)
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        self.assertEqual(failed_lines(PAGE.read_text()), "")
        self.assertIn("Expected", failed_lines(PAGE.read_text().replace("42 blocks", "43 blocks")))
        self.program("simulate", "demo.toml", "--policy", "mine.py", "--trace", "mine.h5")
        from mine import decide
        run = headroom.simulate(headroom.Scenario.from_file("demo.toml"), decide)
        self.assertEqual(headroom.read_trace(self.folder / "mine.h5").tokens["end"].tolist(),
                         run.trace.tokens["end"].tolist())
        out = self.run_python("compare.py")
        self.assertTrue((self.folder / "compare.png").exists())
        shown = next(block for block in blocks if "$ python3 compare.py" in block)
        for line in shown.splitlines()[1:]:
            if line.strip():
                self.assertIn(line.rstrip(), [printed.rstrip() for printed in out.splitlines()])


if __name__ == "__main__":
    main()
