#!/usr/bin/env python3
"""Checks the manual: links between Markdown files, and what the code cites of the manual.

- A relative link in a Markdown file leads to a file or folder that exists; its #anchor is a heading there.
- A citation of a page from the root, such as `docs/….md#anchor`, in code, comments, build files or prose leads to
  a page and a heading likewise.
- A path in a code span of a page, such as `scripts/test`, is that of a file, of a folder, or of files without their
  endings, seen from the root or from the page.
- Nothing cites the two pages from which the manual was written, because they are not in the repository.

usage: lint_manual.py [ROOT]     prints `FILE:LINE: problem` lines; exit code 1 if there are any
"""
import re
import sys
from functools import lru_cache
from pathlib import Path

FOLDERS = ("docs", "src", "kernels", "scheduler", "scripts", "data", "tests", "bench")
CODE = {".cpp", ".hpp", ".py", ".txt", ".cmake", ".toml", ".sh", ""}
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
CITATION = re.compile(rf"(?<![\w/.])(?:{'|'.join(FOLDERS)})/[\w./-]+\.md(?:#[\w-]+)?")
SOURCES = {".cpp", ".hpp"}
SPAN = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*[\w/-])`")
ABSENT = re.compile(r"\b(?:design|systems)\.md\b")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub and Python-Markdown make it of plain words."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def prose_of(text: str) -> str:
    """The text without code blocks and code spans, with the same number of lines."""
    fenced = False
    lines = []
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        is_code = fenced or FENCE.match(line) or line.startswith("    ")
        lines.append("" if is_code else re.sub(r"`[^`]*`", "", line))
    return "\n".join(lines)


@lru_cache(maxsize=None)
def anchors_in(file: Path) -> frozenset[str]:
    """All anchors of a Markdown file; repeated headings get -1, -2, …"""
    found: dict[str, int] = {}
    anchors = set()
    fenced = False
    for line in file.read_text().splitlines():
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else HEADING.match(line)
        if heading:
            anchor = anchor_of(heading.group(1))
            count = found.get(anchor, 0)
            found[anchor] = count + 1
            anchors.add(anchor if count == 0 else f"{anchor}-{count}")
    return frozenset(anchors)


def target_problem(folder: Path, target: str) -> str | None:
    """The problem of a link's target as seen from a folder, or None."""
    path, _, anchor = target.partition("#")
    file = folder / path
    if not file.exists():
        return f"{target}: there is no {path}"
    if file.suffix in SOURCES:
        return f"{target}: the site of the manual has no sources; name the file in a code span"
    if anchor and file.suffix == ".md" and anchor not in anchors_in(file.resolve()):
        return f"{target}: {path} has no heading with the anchor {anchor}"
    return None


def link_problems(root: Path, file: Path) -> list[str]:
    """The problems of a Markdown file's relative links."""
    problems = []
    prose = prose_of(file.read_text())
    for link in LINK.finditer(prose):  # the text of a link may be on two lines
        target = link.group(1)
        if "://" in target or target.startswith("mailto:"):
            continue
        whole = file.name + target if target.startswith("#") else target
        problem = target_problem(file.parent, whole)
        if problem:
            number = prose.count("\n", 0, link.end()) + 1
            problems.append(f"{file.relative_to(root)}:{number}: {problem}")
    return problems


def path_problems(root: Path, file: Path) -> list[str]:
    """The problems of the paths in code spans of a page. What "new file" stands before must not exist yet."""
    problems = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        for span in SPAN.findall(line):
            if span.endswith(".md"):
                continue  # a citation
            places = (root / span, file.parent / span)
            there = any(p.exists() or list(p.parent.glob(p.name + ".*")) for p in places)
            new = f"new file `{span}`" in line
            if there == new:
                state = "is already" if new else "is no"
                problems.append(f"{file.relative_to(root)}:{number}: there {state} {span}")
    return problems


def citation_problems(root: Path, file: Path) -> list[str]:
    """The problems of the pages that a file cites from the root."""
    try:
        text = file.read_text()
    except UnicodeDecodeError:
        return []
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        prose = LINK.sub("", line) if file.suffix == ".md" else line
        found = [target_problem(root, target) for target in CITATION.findall(prose)]
        found += [f"{page} is not in the repository; cite the manual" for page in ABSENT.findall(line)]
        problems += [f"{file.relative_to(root)}:{number}: {problem}" for problem in found if problem]
    return problems


def lint(root: Path) -> list[str]:
    """All problems below a root, one line for each."""
    problems = []
    files = [p for p in sorted(root.glob("*")) if p.is_file()]
    files += [p for folder in FOLDERS for p in sorted((root / folder).rglob("*")) if p.is_file()]
    for file in files:
        if file.suffix == ".md":
            problems += link_problems(root, file) + path_problems(root, file)
        if file.suffix == ".md" or file.suffix in CODE and file.stat().st_size < 1_000_000:
            problems += citation_problems(root, file)
    return problems


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = lint(root)
    print("\n".join(problems) if problems else "the manual's links lead somewhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
