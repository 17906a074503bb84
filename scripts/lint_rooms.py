#!/usr/bin/env python3
"""Checks the structure of the code: which room and which storey may include which, and some rules of style.

A room may include itself and the rooms listed for it in ALLOWED. Inside of a room that has storeys
(STOREYS, from the lowest), a folder may include itself and those below it. No folder has more than
MOST_FILES source files. Only src/comm/mpi includes <mpi.h>, only src/trace/hdf5 includes <hdf5.h>,
only kernels includes <cblas.h>. Every source file is listed in a CMakeLists.txt.

usage: lint_rooms.py [ROOT]     prints `FILE:LINE: problem` lines; exit code 1 if there are any
"""
import re
import sys
from collections import Counter
from pathlib import Path

# room -> other rooms whose headers it may include
ALLOWED = {
    "base": set(),
    "kernels": {"base"},
    "scheduler": {"base"},
    "comm": {"base"},
    "trace": {"base", "scheduler"},
    "config": {"base", "scheduler"},
    "device": {"base", "scheduler"},
    "model": {"base", "kernels"},
    "runtime": {"base", "kernels", "scheduler", "config", "model", "device", "comm", "trace"},
    "cli": {"base", "kernels", "scheduler", "config", "model", "device", "comm", "trace", "runtime"},
    "python": {"base", "scheduler", "config", "trace", "runtime"},
}
# room -> its storeys from the lowest; "" are the files directly in the room's folder
STOREYS = {
    "scheduler": ["rates", "core", "timing", "cost", "explain", "layers", "construct", "exact", "bounds", "milp",
                  "search", "policies", "include"],
    "src/model": ["gguf", "architectures", "metadata", "decoder", "costs", "tokenizer"],
    "src/config": ["toml", "scenario", "sections", "reader", "sweep"],
    "src/trace": ["records", "analysis", "export", "hdf5", "include"],
    "src/trace/hdf5": ["library", ""],
    "src/runtime": ["messages", "memory", "setup", "device", "control", "offline", "session"],
    "src/cli": ["terminal", "input", "plugin", "launch", "run", "plan", "sweep", "trace", ""],
}
MOST_FILES = 24  # in one folder
# header prefix -> the only folder that may include it
OWNED = {
    "mpi.h": "src/comm/mpi",
    "hdf5.h": "src/trace/hdf5",
    "cblas.h": "kernels",
    "toml++/": "src/config",
    "CLI/": "src/cli/input",
    "pybind11/": "src/python",
    "Python.h": "src/python",
}
# folders of concrete implementations that only the program, the Python module and public headers may name
CONCRETE = ("comm/mpi/", "comm/inprocess/", "trace/hdf5/")
BANNED = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "left-over mark"),
    (re.compile(r"\bstd::random_device\b|[^_\w]rand\("), "random numbers come from base/random.hpp"),
    (re.compile(r"\bsystem_clock\b"), "wall-clock dates do not belong in results"),
    (re.compile(r"\bunordered_(map|set)\b.*:\s*\w+\)"), "iteration over an unordered container"),
]
# Output goes through src/cli/terminal/screen.hpp, which escapes control sequences.
PRINTS = re.compile(r"\bfmt::print\(|\bstd::(cout|cerr|printf|fprintf|puts|fputs|fwrite)\b")
MAY_PRINT = ("src/cli/terminal/screen.cpp", "src/cli/run/summary_text.cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(path: Path) -> str:
    """The room of a file; the path is relative to the root."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def include_problem(path: Path, quote: str, header: str) -> str | None:
    """The problem of one include of one file, or None."""
    for prefix, owner in OWNED.items():
        if header.startswith(prefix) and not str(path).startswith(owner + "/"):
            return f"only {owner} includes <{header}>"
    if quote == "<":
        return None
    room, other = room_of(path), header.split("/")[0]
    if other not in ALLOWED:
        return None if "/" not in header else f'"{header}" does not begin with a room'
    if other != room and other not in ALLOWED[room]:
        return f"{room} may not include {other} ({header})"
    own_folder = "/".join(path.parts[1:-1] if path.parts[0] == "src" else path.parts[:-1]) + "/"
    for folder in CONCRETE:
        own = own_folder.startswith((folder, "trace/include/")) or room in ("cli", "python")
        if header.startswith(folder) and not own:
            return f"only cli, python and {folder} itself may name {header}"
    return None


def storey_in(room: str, path: str) -> str | None:
    """The storey of a file of the room, or None if the file is not in the room."""
    if not path.startswith(room + "/"):
        return None
    folder = path[len(room) + 1:].rpartition("/")[0]
    return folder.split("/")[0]


def storey_problem(path: str, header: str) -> str | None:
    """The problem of an include within a room that has storeys, or None."""
    for room, storeys in STOREYS.items():
        here = storey_in(room, path)
        there = storey_in(room, header if room == "scheduler" else "src/" + header)
        if here is None or there is None:
            continue
        for storey in (here, there):
            if storey not in storeys:
                return f"{room} has no storey '{storey}' (STOREYS of this lint)"
        if storeys.index(there) > storeys.index(here):
            return f"{here or room} may not include {there or room}, which stands above it ({header})"
    return None


def crowding(files: list[Path]) -> list[str]:
    """One line for each folder with too many files."""
    counts = Counter(file.parent for file in files)
    return [f"{folder}:1: {count} source files, at most {MOST_FILES} in a folder"
            for folder, count in sorted(counts.items()) if count > MOST_FILES]


def lint(root: Path) -> list[str]:
    """All problems below a root, one line for each."""
    problems = []
    listed = "\n".join(p.read_text() for p in sorted(root.rglob("CMakeLists.txt"))
                       if "build" not in p.relative_to(root).parts)
    files = [p for folder in ("src", "kernels", "scheduler")
             for p in sorted((root / folder).rglob("*.[ch]pp"))]
    for file in files:
        path = file.relative_to(root)
        if file.suffix == ".cpp" and file.name not in listed:
            problems.append(f"{path}:1: not listed in any CMakeLists.txt")
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if len(line) > 100:
                problems.append(f"{path}:{number}: {len(line)} columns, at most 100")
            found = INCLUDE.match(line)
            problem = include_problem(path, *found.groups()) if found else None
            if found and not problem and found.group(1) == '"':
                problem = storey_problem(path.as_posix(), found.group(2))
            if problem:
                problems.append(f"{path}:{number}: {problem}")
            for pattern, why in BANNED:
                if pattern.search(line):
                    problems.append(f"{path}:{number}: {why}")
            if path.parts[:2] == ("src", "cli") and str(path) not in MAY_PRINT and PRINTS.search(line):
                problems.append(f"{path}:{number}: print with say() or put() of cli/terminal/screen.hpp")
    return problems + crowding([file.relative_to(root) for file in files])


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = lint(root)
    print("\n".join(problems) or "the house is in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
