#!/usr/bin/env python3
"""find_package(headroom) against an installation that was moved: the policy of the manual, and a program of one's own.

Both are built in a folder outside of the tree, as a user would.
"""
import ctypes
import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from headroom import BINARY, ROOT, Case, main, scenario_text

BUILD = BINARY.parent.parent
COMPILER = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)", (BUILD / "CMakeCache.txt").read_text(), re.M).group(1)
EXAMPLE = ROOT / "docs/examples/my_policy"
EXPORTS = {"headroom_plugin_abi", "headroom_plugin_open"}


def run(*words, **options):
    """Runs a command that has to succeed and returns its two outputs."""
    result = subprocess.run([str(word) for word in words], text=True, capture_output=True,
                            check=False, timeout=300, **options)
    assert result.returncode == 0, f"{words}\n{result.stdout}{result.stderr}"
    return result.stdout, result.stderr


def exported(library):
    """Returns the names of the symbols that a library defines for others."""
    table, _ = run("nm", "-D", "--defined-only", "--format=posix", library)
    return {line.split()[0] for line in table.splitlines()}


class Package(Case):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory(prefix="headroom package ")  # a name with spaces
        cls.addClassCleanup(place.cleanup)
        cls.place = Path(place.name)
        first, cls.prefix = cls.place / "first", cls.place / "moved"
        run("cmake", "--install", BUILD, "--prefix", first)
        first.rename(cls.prefix)
        cls.package = cls.prefix / "lib/cmake/headroom"
        installed = cls.prefix / "share/doc/headroom/docs/examples/my_policy"
        cls.example = cls.built(installed, "my_policy")
        cls.program = cls.built(ROOT / "tests/cli/package", "package_user")

    @classmethod
    def configure(cls, project, *options):
        """Configures a project and returns its build folder and what CMake prints."""
        build = project / "build"
        printed = run("cmake", "-S", project, "-B", build, "-G", "Ninja",
                      f"-DCMAKE_PREFIX_PATH={cls.prefix}", f"-DCMAKE_CXX_COMPILER={COMPILER}", *options)
        return build, "".join(printed)

    @classmethod
    def built(cls, source, name, *options):
        """Builds a copy of a project and returns the build folder."""
        project = cls.place / name
        shutil.copytree(source, project)
        build, _ = cls.configure(project, *options)
        run("cmake", "--build", build)
        return build

    def project(self, lines, source=""):
        """Writes a project into the folder of the test."""
        (self.folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(mine LANGUAGES CXX)\n" + lines)
        (self.folder / "mine.cpp").write_text(source)
        return self.folder

    def test_the_package_names_no_folder_of_the_build(self):
        files = [path for path in self.package.iterdir() if path.is_file()]
        self.assertGreaterEqual(len(files), 5)
        for path in files:
            for folder in (ROOT, BUILD, self.place / "first"):
                self.assertNotIn(str(folder), path.read_text(), path)

    def test_only_the_headers_that_are_needed_are_installed(self):
        include = self.prefix / "include/headroom"
        public = {path.name for path in include.glob("*.hpp")}
        self.assertEqual(public, {"kernels.hpp", "policy_plugin.hpp", "scheduler.hpp", "trace.hpp"})
        internal = {str(path.relative_to(include / "internal"))
                    for path in (include / "internal").rglob("*.hpp")}
        included = set()
        for path in include.rglob("*.hpp"):
            included |= set(re.findall(r'^#include "(.*)"', path.read_text(), re.M))
        self.assertEqual(internal, included)
        self.assertIn("scheduler/core/problem.hpp", internal)
        self.assertFalse([name for name in internal if name.startswith(("cli/", "runtime/"))])

    def test_a_public_header_may_only_include_what_is_installed(self):
        for name, text in (("src/base/ids.hpp", ""), ("src/base/block.hpp", '#include "base/ids.hpp"\n'),
                           ("src/base/unused.hpp", ""),
                           ("public/headroom/mine.hpp", '#include <vector>\n#include "base/block.hpp"\n')):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        words = ("cmake", f"-Dsource={self.folder}", f"-Dfolders={self.folder}/public",
                 f"-Ddestination={self.folder}/made", "-P", ROOT / "src/base/package_headers.cmake")
        run(*words)
        self.assertEqual(sorted(path.name for path in (self.folder / "made/base").iterdir()),
                         ["block.hpp", "ids.hpp"])
        (self.folder / "src/base/ids.hpp").write_text('#include "gone.hpp"\n')
        with self.assertRaisesRegex(AssertionError, r'includes "gone.hpp", expected a\s+header of this'):
            run(*words)

    def test_users_get_no_warning_flags(self):
        targets = (self.package / "headroom-targets.cmake").read_text()
        self.assertIn("-ffp-contract=off", targets)
        self.assertNotRegex(targets, r"-W(?!l,)")

    def test_the_policy_exports_the_plug_in_and_nothing_else(self):
        library = self.example / "my_policy.so"
        self.assertEqual(exported(library), EXPORTS)
        loaded = ctypes.CDLL(str(library))
        loaded.headroom_plugin_abi.restype = ctypes.c_char_p
        self.assertRegex(loaded.headroom_plugin_abi().decode(),
                         r"^headroom plug-in interface \d+, (gcc|clang) \d+, .*sizes( \d+)+$")

    def test_without_the_target_for_policies_more_is_exported(self):
        """The check above can fail: the same source with headroom::scheduler exports much more."""
        project = self.project("find_package(headroom REQUIRED COMPONENTS scheduler)\n"
                               "add_library(mine MODULE mine.cpp)\n"
                               "target_link_libraries(mine PRIVATE headroom::scheduler)\n",
                               "#include <headroom/policy_plugin.hpp>\n"
                               "static headroom::scheduler::Placement none("
                               "const headroom::scheduler::Problem&) { return {}; }\n"
                               'HEADROOM_POLICY("none", none)\n')
        build, _ = self.configure(project)
        run("cmake", "--build", build)
        names = exported(build / "libmine.so")
        self.assertLess(EXPORTS, names)
        self.assertTrue([name for name in names - EXPORTS if "headroom" in name])

    def answers(self, scenario, longer=0):
        """Returns the summary of a run, the plan of its first decision, and what package_user finds out about it."""
        headroom = self.prefix / "bin/headroom"
        trace = self.folder / "run.h5"
        summary = json.loads(run(headroom, "run", scenario, "--transport", "inprocess", "--force",
                                 "--trace", trace, "--json")[0])
        plan = json.loads(run(headroom, "plan", scenario, "--policy", "greedy,resource_aware",
                              "--json")[0])
        found = json.loads(run(self.program / "package_user", trace, plan["context"] + longer,
                               plan["interval"], plan["steps"], self.example / "my_policy.so")[0])
        return summary, plan, found

    def test_the_program_computes_what_the_command_line_says(self):
        summary, plan, found = self.answers(self.scenario(scenario_text(memory="1500 KiB")))
        for expected in plan["policies"]:
            mine = found[expected["policy"]]
            self.assertEqual(mine["placement"], expected["placement"])
            self.assertEqual(mine["inference_ns"], expected["inference_ns"])
            self.assertEqual(mine["objective_s"], expected["objective_s"])
            self.assertTrue(mine["feasible"])
        self.assertNotEqual(found["greedy"]["placement"], found["resource_aware"]["placement"])
        self.assertEqual(found["recorded"], found["resource_aware"])
        self.assertEqual(found["sampled_tokens"], summary["sampled_tokens"])
        self.assertEqual(found["virtual_time_ns"], summary["virtual_time_ns"])
        self.assertEqual(found["dot"], 1 * 5 + 2 * 6 + 3 * 7 + 4 * 8)

    def test_the_program_computes_other_times_for_another_context(self):
        """The comparison above can fail."""
        _, plan, found = self.answers(self.scenario(scenario_text(memory="1500 KiB")), longer=1)
        for expected in plan["policies"]:
            self.assertNotEqual(found[expected["policy"]]["inference_ns"], expected["inference_ns"])

    def test_the_policy_gives_layers_in_proportion_to_speed_within_memory(self):
        """The policy is loaded by its two functions, as the program loads it. Of 1500 KiB the source has room for one
        of the four layers beside its ends, and the other devices for two."""
        text = scenario_text(memory="1500 KiB")
        equal, fast_last = text, "3 GFLOP/s".join(text.rsplit("2 GFLOP/s", 1))
        for scenario, hosts in ((equal, [0, 1, 1, 2]), (fast_last, [0, 1, 2, 2]),
                                (text.replace("1500 KiB", "1 GiB"), [0, 0, 0, 0])):
            _, plan, found = self.answers(self.scenario(scenario))
            device_of = dict(zip(plan["block_names"], found["my_policy"]["placement"]))
            self.assertEqual(device_of, {block: 0 if block in ("embed", "lm_head")
                                         else hosts[int(block[1])] for block in device_of})
            self.assertTrue(found["my_policy"]["feasible"])

    def test_the_installed_program_compares_the_policy_with_others(self):
        told = json.loads(run(self.prefix / "bin/headroom", "simulate", self.scenario(scenario_text()), "--policy",
                              f"resource_aware,paper,{self.example / 'my_policy.so'}", "--no-trace", "--json")[0])
        self.assertEqual([one["policy"] for one in told["policies"]], ["resource_aware", "paper", "my_policy"])
        self.assertEqual([one["exit_code"] for one in told["policies"]], [0, 0, 0])

    def test_a_policy_needs_neither_hdf5_nor_openblas(self):
        _, text = self.configure(
            self.project("find_package(headroom REQUIRED COMPONENTS policy_plugin)\n"),
            "-DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON")
        self.assertNotIn("HDF5", text.replace("CMAKE_DISABLE_FIND_PACKAGE_HDF5", ""))

    def refused(self, lines, *options):
        """Returns what CMake says about a project that it cannot configure."""
        with self.assertRaises(AssertionError) as caught:
            self.configure(self.project(lines), *options)
        return " ".join(str(caught.exception).split())

    def test_what_is_missing_is_named(self):
        self.assertIn('"headroom" that is compatible with requested version "0.2"',
                      self.refused("find_package(headroom 0.2 REQUIRED)\n"))
        self.assertIn("no component oracle, expected one that this build has: kernels, scheduler, "
                      "policy_plugin, trace",
                      self.refused("find_package(headroom REQUIRED COMPONENTS oracle)\n"))
        self.assertIn("HDF5", self.refused("find_package(headroom REQUIRED COMPONENTS trace)\n",
                                           "-DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON"))

    def test_another_compiler_is_warned_of(self):
        other = "g++" if "clang" in COMPILER else "clang++"
        if not shutil.which(other):
            self.skipTest(f"there is no {other}")
        _, text = self.configure(
            self.project("find_package(headroom REQUIRED COMPONENTS policy_plugin)\n"),
            f"-DCMAKE_CXX_COMPILER={other}")
        self.assertIn("refuses a library of another compiler", " ".join(text.split()))


class Page(unittest.TestCase):
    """docs/how-to/your-own-policy.md says what the example and the headers do."""

    PAGE = (ROOT / "docs/how-to/your-own-policy.md").read_text()

    def test_excerpts_are_those_of_the_example(self):
        example = "".join((EXAMPLE / name).read_text() for name in ("CMakeLists.txt", "my_policy.cpp"))
        excerpts = re.findall(r"^```(?:cpp|cmake)\n(.*?)^```", self.PAGE, re.M | re.S)
        self.assertEqual(len(excerpts), 3)
        for excerpt in excerpts:
            for line in excerpt.splitlines():
                self.assertIn(line.strip(), example)

    def missing(self, page):
        """Returns the members of Problem that users of the page would not find."""
        header = (ROOT / "scheduler/core/problem.hpp").read_text()
        problem = header[header.index("struct Problem {"):].partition("\n};")[0]
        members = re.findall(r"^    [^/\[(]*?(\w+)(?: = [^;]*|\{\})?;", problem, re.M)
        assert {"blocks", "snapshot", "sequences", "paper", "stop"} <= set(members), members
        return [member for member in members if not re.search(rf"`{member}\b", page)]

    def test_the_table_has_every_member_of_a_problem(self):
        self.assertEqual(self.missing(self.PAGE), [])

    def test_a_member_that_the_table_lacks_is_found(self):
        self.assertEqual(self.missing(self.PAGE.replace("`buffers`", "")), ["buffers"])


if __name__ == "__main__":
    main()
