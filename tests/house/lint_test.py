#!/usr/bin/env python3
"""The lint finds what it is there to find: one planted fault of each kind in a small house."""
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from lint_rooms import crowding, lint  # noqa: E402


class Lint(unittest.TestCase):
    def problems(self, path: str, text: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for room in ("src/base", "kernels", "scheduler"):
                (root / room).mkdir(parents=True)
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            (root / "CMakeLists.txt").write_text("sources: good.cpp\n")
            return lint(root)

    def test_this_house_is_in_order(self):
        self.assertEqual(lint(ROOT), [])

    def test_allowed_includes_pass(self):
        self.assertEqual(self.problems("src/model/good.cpp", '#include "kernels/kernels.hpp"\n'), [])
        self.assertEqual(self.problems("src/comm/mpi/good.cpp", "#include <mpi.h>\n"), [])
        self.assertEqual(self.problems("src/python/good.cpp", "#include <pybind11/stl.h>\n"), [])
        self.assertEqual(self.problems("src/python/good.cpp", '#include "trace/hdf5/writer.hpp"\n'), [])

    def test_forbidden_arrows_are_found(self):
        for path, header in [
            ("kernels/good.cpp", "scheduler/core/fleet.hpp"),
            ("scheduler/good.cpp", "kernels/kernels.hpp"),
            ("src/model/good.cpp", "scheduler/timing/timeline.hpp"),
            ("src/base/good.cpp", "trace/records/records.hpp"),
            ("src/runtime/good.cpp", "comm/mpi/mpi_session.hpp"),
            ("src/runtime/good.cpp", "trace/hdf5/writer.hpp"),
            ("src/runtime/good.cpp", "python/python_policy.hpp"),
            ("src/python/good.cpp", "cli/run/run_session.hpp"),
        ]:
            self.assertEqual(len(self.problems(path, f'#include "{header}"\n')), 1, (path, header))

    def test_arrows_between_storeys_that_point_upwards_are_found(self):
        for path, header in [
            ("scheduler/core/good.cpp", "scheduler/timing/timeline.hpp"),
            ("scheduler/search/good.cpp", "scheduler/policies/policy.hpp"),
            ("src/runtime/memory/good.cpp", "runtime/session/session.hpp"),
            ("src/trace/hdf5/library/good.cpp", "trace/hdf5/writer.hpp"),
            ("src/config/nowhere/good.cpp", "config/toml/values.hpp"),
            ("src/trace/include/headroom/good.hpp", "comm/mpi/mpi_session.hpp"),
        ]:
            self.assertEqual(len(self.problems(path, f'#include "{header}"\n')), 1, (path, header))
        for path, header in [
            ("scheduler/policies/good.cpp", "scheduler/core/fleet.hpp"),
            ("src/runtime/session/good.cpp", "runtime/memory/memory_model.hpp"),
            ("src/trace/hdf5/good.cpp", "trace/hdf5/library/handle.hpp"),
            ("src/cli/good.cpp", "cli/run/run_session.hpp"),
            ("src/trace/include/headroom/good.hpp", "trace/hdf5/reader.hpp"),
        ]:
            self.assertEqual(self.problems(path, f'#include "{header}"\n'), [], (path, header))

    def test_crowded_folders_are_found(self):
        def folder_of(count: int) -> list[Path]:
            return [Path(f"src/base/file{i}.hpp") for i in range(count)]
        self.assertEqual(crowding(folder_of(24)), [])
        self.assertEqual(len(crowding(folder_of(25))), 1)

    def test_owned_headers_and_habits_are_found(self):
        for text in ["#include <mpi.h>\n", "#include <hdf5.h>\n", "#include <pybind11/numpy.h>\n",
                     "#include <Python.h>\n", "#include <toml++/toml.h>\n",
                     "// FIX" + "ME later\n", "x" * 101 + "\n", "std::random_device device;\n"]:
            self.assertEqual(len(self.problems("src/runtime/good.cpp", text)), 1, text)

    def test_printing_past_the_screen_is_found(self):
        for text in ['fmt::print(stderr, "x");\n', 'std::cout << name;\n', "(void)std::fwrite(a, 1, 2, stdout);\n"]:
            self.assertEqual(len(self.problems("src/cli/good.cpp", text)), 1, text)
            self.assertEqual(self.problems("src/trace/good.cpp", text), [])
        self.assertEqual(self.problems("src/cli/good.cpp", 'say(stderr, "x");\n'), [])

    def test_unlisted_source_is_found(self):
        self.assertEqual(len(self.problems("src/base/lost.cpp", "\n")), 1)


if __name__ == "__main__":
    unittest.main()
