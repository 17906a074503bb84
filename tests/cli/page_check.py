"""Checks a page of scripts/report: it is one well-formed file; also reads the figures that it shows."""
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta", "br", "link", "img", "input", "hr"}
OUTSIDE = ("src", "href", "srcset", "action", "poster", "data", "xlink:href")


class _Page(HTMLParser):
    """Checks the tags of a page. SVG is checked by an XML parser."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.problems, self.open, self.figures, self.headings, self.tokens = [], [], {}, [], []
        self._heading = self._token = None

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        for name in OUTSIDE:
            if name in values:
                self.problems.append(f"<{tag} {name}={values[name]!r}> leads out of the page")
        if tag in ("link", "iframe", "object", "embed"):
            self.problems.append(f"<{tag}> in a page of its own")
        if tag == "data" and values.get("class") == "figure":
            self.figures.setdefault(values["data-name"], []).append(values["value"])
        if tag == "span" and values.get("class", "").split(" ")[0] == "t":
            self._token = ""
        if tag == "h2":
            self._heading = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data):
        if self._heading is not None:
            self._heading += data
        if self._token is not None:
            self._token += data

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1] if self.open else 'nothing'}")
            return
        self.open.pop()
        if tag == "h2":
            self.headings.append(self._heading)
            self._heading = None
        if tag == "span" and self._token is not None:
            self.tokens.append(self._token)
            self._token = None


def read(text):
    """Parses a page; returns its figures (name -> values), headings, tokens and problems."""
    page = _Page()
    page.feed(text)
    page.close()
    if page.open:
        page.problems.append(f"never closed: {page.open}")
    for part in re.findall(r"<svg\b.*?</svg>", text, re.DOTALL):
        try:
            ElementTree.fromstring(part)
        except ElementTree.ParseError as error:
            page.problems.append(f"an SVG is no XML: {error}")
        if re.search(r'\b(nan|inf)\b', re.sub(r">[^<]*<", "><", part)):
            page.problems.append("an SVG has coordinates that are no numbers")
    if "<svg" not in text:
        page.problems.append("no picture")
    style = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    for outside in re.findall(r"@import|url\(", style):
        page.problems.append(f"{outside} in the style")
    script = "".join(re.findall(r"<script>(.*?)</script>", text, re.DOTALL))
    for outside in re.findall(r"fetch\(|XMLHttpRequest|import\(|https?:", script):
        page.problems.append(f"{outside} in the script")
    return page
