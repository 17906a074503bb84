"""Follows docs/how-to/add-a-policy.md in a copy of the tree: what the page adds is compiled, linked and run.

To take seconds instead of minutes, only the files that the page touches are compiled; everything else
is linked from the build that is being tested.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import unittest

ROOT = pathlib.Path(os.environ["HEADROOM_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["HEADROOM_BINARY_DIR"])
PAGE = ROOT / "docs/how-to/add-a-policy.md"
MOST_FILES = 4


def steps(page):
    """Returns (file, language, code) for every code block of a numbered step; the step names the file."""
    found = []
    for step in re.split(r"^\d+\. ", page, flags=re.M)[1:]:
        names = re.findall(r"`(scheduler/[\w/]+\.\w+)`", step)
        for language, code in re.findall(r"^   ```(\w+)\n(.*?)^   ```$", step, flags=re.M | re.S):
            found.append((names[0], language, textwrap.dedent(code)))
    return found


def apply_diff(text, diff):
    """Inserts the lines that begin with + after the one line before them, which must be unique."""
    lines = text.splitlines()
    anchor, *added = diff.splitlines()
    assert anchor.startswith(" ") and all(line.startswith("+") for line in added), diff
    assert lines.count(anchor[1:]) == 1, f"not there once: {anchor[1:]!r}"
    at = lines.index(anchor[1:]) + 1
    lines[at:at] = [line[1:] for line in added]
    return "\n".join(lines) + "\n"


def follow(page, tree):
    """Applies the page to a copy of the tree and returns the files that it touches."""
    touched = []
    for name, language, code in steps(page):
        file = tree / name
        assert (language == "diff") == file.exists(), name
        file.write_text(apply_diff(file.read_text(), code) if language == "diff" else code)
        touched.append(name)
    return sorted(set(touched))


def command_for(target):
    commands = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", target], check=True,
                              capture_output=True, text=True).stdout.splitlines()
    return next(line for line in reversed(commands) if target in line)


def build(tree, files, out):
    """Compiles the files and links them with the rest of the tested build."""
    known = "scheduler/CMakeFiles/headroom_scheduler_policies.dir/policies/registry.cpp.o"
    command = command_for(known).replace(f"-I{ROOT}", f"-I{tree}")
    objects = []
    for name in files:
        made = out / (pathlib.Path(name).stem + ".o")
        one = command.replace(str(ROOT / "scheduler/policies/registry.cpp"), str(tree / name))
        subprocess.run(one.replace(known, str(made)), shell=True, check=True, cwd=BUILD)
        objects.append(str(made))
    link = command_for("bin/headroom").replace("-o bin/headroom", f"{' '.join(objects)} -o {out}/headroom")
    subprocess.run(link, shell=True, check=True, cwd=BUILD)
    return out / "headroom"


class PolicyPage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)
        self.tree = self.out / "tree"
        for name in ("scheduler", "src", "kernels"):
            shutil.copytree(ROOT / name, self.tree / name)
        # What CMake generates is found beside the sources of the build, not in the copy.
        self.page = PAGE.read_text()

    def run_it(self, binary, *arguments):
        return subprocess.run([binary, *arguments], capture_output=True, text=True, cwd=ROOT,
                              stdin=subprocess.DEVNULL)

    def test_a_policy_from_the_page_is_built_and_decides(self):
        touched = follow(self.page, self.tree)
        self.assertLessEqual(len(touched), MOST_FILES, touched)
        sources = [name for name in touched if name.endswith(".cpp")]
        listed = (self.tree / "scheduler/CMakeLists.txt").read_text()
        for source in sources:
            self.assertIn(source.removeprefix("scheduler/"), listed)
        binary = build(self.tree, sources, self.out)
        trace = self.out / "mine.h5"
        ran = self.run_it(binary, "simulate", "data/scenarios/demo.toml", "--policy", "fastest_first",
                          "--trace", trace)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        replayed = self.run_it(binary, "replay", trace)
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertIn("identical", replayed.stdout)
        planned = self.run_it(binary, "plan", "data/scenarios/demo.toml", "--policy", "fastest_first,greedy")
        self.assertIn("fastest_first", planned.stdout)

    def test_without_the_page_the_name_is_refused(self):
        ran = self.run_it(BUILD / "bin/headroom", "simulate", "data/scenarios/demo.toml",
                          "--policy", "fastest_first")
        self.assertEqual(ran.returncode, 2)
        self.assertIn("fastest_first", ran.stderr)

    def test_a_page_that_no_longer_matches_the_tree_fails(self):
        stale = self.page.replace('#include "scheduler/policies/exact.hpp"', '#include "scheduler/gone.hpp"')
        self.assertNotEqual(stale, self.page)
        with self.assertRaises(AssertionError):
            follow(stale, self.tree)

    def test_a_policy_that_does_not_compile_fails(self):
        broken = self.page.replace("return evaluate(problem, std::move(placement));", "return placement;")
        self.assertNotEqual(broken, self.page)
        follow(broken, self.tree)
        with self.assertRaises(subprocess.CalledProcessError), open(os.devnull, "w") as quiet:
            saved = os.dup(2)
            os.dup2(quiet.fileno(), 2)
            try:
                build(self.tree, ["scheduler/policies/fastest_first.cpp"], self.out)
            finally:
                os.dup2(saved, 2)
                os.close(saved)


if __name__ == "__main__":
    unittest.main()
