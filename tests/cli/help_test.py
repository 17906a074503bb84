#!/usr/bin/env python3
"""`headroom help`: the descriptions of scenarios, sweeps and commands."""
import re
import unittest

from headroom import ROOT, Case, main


class Help(Case):
    def text(self, *words):
        result = self.headroom("help", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def test_every_key_is_described(self):
        text = self.text("scenario")
        page = (ROOT / "docs/reference/scenario.md").read_text()
        keys = re.findall(r"^\| (`[^|]*|\*\*[^|]*) \|", page, re.MULTILINE)
        self.assertGreater(len(keys), 60)
        for key in keys:
            self.assertIn(key, text)
        for part in ("## Values", "## Keys", "## Command line", "## Sweeps", "kind = \"walk\""):
            self.assertIn(part, text)
        self.assertNotIn("resolved_text.cpp", text, "how the code is laid out helps nobody here")

    def test_page_and_help_have_the_same_keys(self):
        page = (ROOT / "docs/reference/scenario.md").read_text()
        text = self.text("scenario")
        self.assertEqual(page[page.index("## Values"):], text[text.index("## Values"):],
                         "docs/how-to/add-a-scenario-key.md says how the page is renewed")

    def test_commands_are_described_as_by_their_option(self):
        self.assertEqual(self.text(), self.headroom("--help").stdout)
        for command in ("run", "sweep", "inspect", "help"):
            self.assertEqual(self.text(command), self.headroom(command, "--help").stdout)

    def test_what_is_not_there(self):
        for words, parts in ((["scenari"], ("'scenari'", "did you mean 'scenario'?")),
                             (["scenario", "sweep"], ("unexpected argument 'sweep'", "TOPIC")),
                             (["--topic"], ("there is no option --topic",))):
            result = self.headroom("help", *words)
            self.assertEqual(result.returncode, 2)
            for part in (*parts, "headroom help --help"):
                self.assertIn(part, result.stderr)

    def test_errors_name_it(self):
        scenario = self.scenario("sed = 1")
        result = self.headroom("simulate", scenario)
        self.assertEqual(result.returncode, 2)
        self.assertIn("headroom help scenario describes every key and its units", result.stderr)
        self.assertIn("headroom help scenario", self.headroom("run", "--help").stdout)


if __name__ == "__main__":
    main()
