#!/usr/bin/env python3
"""Links and citations of the manual lead somewhere, and the lint finds those that do not."""
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "scripts" / "site"))
from lint_manual import anchor_of, lint  # noqa: E402
from pages import for_mkdocs  # noqa: E402

# In pieces, so that the lint does not take the paths below for citations.
DOCS = "docs"
SCHEDULER = "scheduler"
ABSENT = "design" + ".md"


class Manual(unittest.TestCase):
    def problems(self, path: str, text: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "docs").mkdir()
            (root / "docs" / "here.hpp").write_text("")
            (root / "docs" / "time.md").write_text("# Time\n\n## Rates and `finish`\n\n## Rates\n## Rates\n")
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            return lint(root)

    def test_this_manual_is_in_order(self):
        self.assertEqual(lint(ROOT), [])

    def test_the_site_keeps_code_in_the_steps_of_a_list(self):
        page = "1. Write:\n\n   ```cpp\n   int a;\n\n   ```\n2. Build.\n\nThen:\n\n    run it\n"
        self.assertEqual(for_mkdocs(page), "1. Write:\n\n    ```cpp\n    int a;\n\n    ```\n\n2. Build.\n\n"
                         "Then:\n\n    run it\n")

    def test_anchors_are_those_of_github(self):
        self.assertEqual(anchor_of("Rates and `finish`"), "rates-and-finish")
        self.assertEqual(anchor_of("What holds, and why"), "what-holds-and-why")

    def test_good_links_pass(self):
        self.assertEqual(self.problems(f"{DOCS}/a.md", "[t](time.md#rates-and-finish) [u](time.md#rates-1)\n"
                                       "[v](https://example.org) [w](#here)\n# Here\n`[x](no.md)`\n"), [])
        self.assertEqual(self.problems("scheduler/a.hpp", f"// Source: {DOCS}/time.md#rates.\n"), [])
        self.assertEqual(self.problems("scheduler/a.hpp", f"// See ../{DOCS}/away.md and README.md.\n"), [])

    def test_paths_of_a_page_are_there(self):
        self.assertEqual(self.problems(f"{DOCS}/a.md", f"`{DOCS}/time` `{DOCS}/` `build/x` `a.hpp`\n"), [])
        self.assertEqual(len(self.problems(f"{DOCS}/a.md", "`scheduler/gone.hpp` `src/gone/`\n")), 2)

    def test_a_page_may_name_files_that_a_reader_writes(self):
        self.assertEqual(self.problems(f"{DOCS}/a.md", "a new file `scheduler/mine.hpp`\n"), [])
        self.assertEqual(len(self.problems(f"{DOCS}/a.md", f"a new file `{DOCS}/time`\n")), 1)

    def test_broken_links_and_citations_are_found(self):
        for path, text in [
            (f"{DOCS}/a.md", "[t](missing.md)\n"),
            (f"{DOCS}/a.md", "[two\nlines](missing.md)\n"),
            (f"{DOCS}/a.md", "[t](time.md#no-such-heading)\n"),
            (f"{DOCS}/a.md", "[t](#no-such-heading)\n"),
            ("README.md", f"[t]({DOCS}/time.md#rates-2)\n"),
            (f"{DOCS}/a.md", "[t](here.hpp)\n"),
            ("scheduler/a.hpp", f"// Source: {DOCS}/space.md.\n"),
            ("scheduler/a.hpp", f"// Source: {DOCS}/time.md#durations.\n"),
            ("tests/README.md", f"`{DOCS}/space.md` says more.\n"),
            ("scripts/a.py", f"# see {SCHEDULER}/README.md\n"),
            ("scheduler/a.hpp", f"// Source: {ABSENT} §4.\n"),
            ("README.md", f"Semantics: `{ABSENT}`\n"),
        ]:
            self.assertEqual(len(self.problems(path, text)), 1, (path, text))


if __name__ == "__main__":
    unittest.main()
