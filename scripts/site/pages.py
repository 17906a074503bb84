#!/usr/bin/env python3
"""Writes mkdocs.yml for the copied pages: pages.py SITE. The menu is that of docs/README.md, plus the README of each
room; titles are the pages' own. Only scripts/site/build calls it."""
import json
import re
import sys
from pathlib import Path

SECTIONS = (("Tutorial", "docs/tutorial"), ("How to", "docs/how-to"), ("Explanation", "docs/explanation"),
            ("Reference", "docs/reference"))
ROOMS = ("src/base", "kernels", "scheduler", "src/config", "src/model", "src/device", "src/comm", "src/trace",
         "src/runtime", "src/cli", "tests", "scripts", "bench", "data")


def order(pages: Path) -> list[str]:
    """Returns the pages of the manual in the order in which docs/README.md names them."""
    links = re.findall(r"\]\(([\w/-]+\.md)\)", (pages / "docs/README.md").read_text())
    return [f"docs/{link}" for link in dict.fromkeys(links)]


def menu(root: Path) -> list[dict[str, object]]:
    named = order(root)
    parts: list[dict[str, object]] = [{"Headroom": "README.md"}, {"The manual": "docs/README.md"}]
    for title, folder in SECTIONS:
        pages = sorted((p.relative_to(root).as_posix() for p in (root / folder).glob("*.md")),
                       key=lambda page: (named.index(page) if page in named else len(named), page))
        parts.append({title: pages})
    parts.append({"Questions": "docs/faq.md"})
    parts.append({"Rooms": [f"{room}/README.md" for room in ROOMS]})
    parts.append({"Project": ["CONTRIBUTING.md", "CHANGELOG.md", "bench/RESULTS.md", "docs/cite.md"]})
    parts.append({"API": "api/index.html"})
    return parts


def for_mkdocs(text: str) -> str:
    """Returns a page with what belongs to a numbered step indented by four spaces: Python-Markdown, other than
    GitHub, takes three for the end of the list."""
    lines = []
    in_step = False
    for line in text.splitlines():
        if re.match(r"\d+\. ", line):
            if in_step and lines[-1].startswith("    "):
                lines.append("")  # or the next step would go on with this paragraph
            in_step = True
        elif line and not line.startswith("   "):
            in_step = False
        lines.append(" " + line if in_step and line.startswith("   ") else line)
    return "\n".join(lines) + "\n"


def main() -> None:
    site = Path(sys.argv[1])
    for page in site.glob("pages/**/*.md"):
        page.write_text(for_mkdocs(page.read_text()))
    settings = {
        "site_name": "Headroom", "docs_dir": str(site / "pages"), "site_dir": str(site / "html"), "use_directory_urls": False,
        "theme": {"name": "material", "font": False, "features": ["navigation.top", "navigation.indexes"],
                  "palette": {"scheme": "default", "primary": "blue grey", "accent": "orange"}},
        "markdown_extensions": ["tables", "toc", "admonition", "sane_lists", "pymdownx.superfences"], "plugins": ["search"], "nav": menu(site / "pages"),
    }
    (site / "mkdocs.yml").write_text(json.dumps(settings, indent=1))  # JSON is YAML


if __name__ == "__main__":
    main()
