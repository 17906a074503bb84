#!/usr/bin/env python3
"""`headroom help`: the list of commands and topics, and their descriptions; the manual has the same list."""
import re
import unittest

from headroom import ROOT, Case, main


def listed(text, heading):
    """Returns {name: summary} of a section of `headroom help`."""
    section = re.search(rf"^{heading}:\n((?:  .*\n)+)", text, re.MULTILINE).group(1)
    return dict(re.match(r"  (\S+) +(\S.*)", line).groups() for line in section.splitlines())


def commands_of_page(page):
    """Returns the rows of the table of commands of docs/reference/command-line.md."""
    section = page.split("\n## Commands\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]*)` \| (.*) \|$", section, re.MULTILINE)


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

    def test_every_listed_command_and_topic_is_described(self):
        text = self.text()
        self.assertEqual(text, self.headroom("--help").stdout)
        commands = listed(text, "Commands")
        self.assertGreater(len(commands), 8)
        for command, summary in commands.items():
            self.assertEqual(self.text(command), self.headroom(command, "--help").stdout)
            self.assertTrue(self.text(command).startswith(f"{summary}\nUsage: headroom {command} "))
        topics = listed(text, "Topics")
        self.assertIn("scenario", topics)
        for topic in topics:
            self.assertGreater(len(self.text(topic)), 1000)

    def test_the_manual_lists_the_same_commands(self):
        rows = []
        for command, summary in listed(self.text(), "Commands").items():
            argument = re.search(r"^Usage: .* \[(\w+)\]$", self.text(command), re.MULTILINE).group(1)
            rows.append((f"{command} {argument}", summary))
        page = (ROOT / "docs/reference/command-line.md").read_text()
        self.assertEqual(commands_of_page(page), rows,
                         "the table of commands in docs/reference/command-line.md needs these rows")
        self.assertNotEqual(commands_of_page(page.replace("| `sweep SWEEP` |", "| `sweep` |")), rows)

    def test_every_command_is_known_to_errors(self):
        names = ", ".join(listed(self.text(), "Commands"))
        for words in ([], ["xyzzyplugh"]):
            result = self.headroom(*words)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"expected one of: {names}", result.stderr)
        self.assertIn("did you mean 'collect'?", self.headroom("colect").stderr)

    def test_what_is_not_there(self):
        for words, parts in ((["scenari"], ("'scenari'", "did you mean 'scenario'?")),
                             (["simulat"], ("'simulat'", "did you mean 'simulate'?")),
                             (["xyzzyplugh"], ("expected one of: scenario, policies, run, simulate", "give one of them")),
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
