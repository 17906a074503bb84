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


def _points(path):
    """The points of the commands M, L, H, V, h, v, m and l of a path."""
    x = y = 0.0
    for letter, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if letter in "MLml":
            for right, down in zip(values[::2], values[1::2]):
                x, y = (right, down) if letter in "ML" else (x + right, y + down)
                yield x, y
        elif letter in "HhVv":
            for value in values:
                x = value if letter == "H" else x + value if letter == "h" else x
                y = value if letter == "V" else y + value if letter == "v" else y
                yield x, y


def _corners(element):
    """Points that the element reaches; the width of a text is estimated, rather too small than too large."""
    kind = element.tag.rpartition("}")[2]
    number = {name: float(element.get(name, 0)) for name in ("x", "y", "width", "height") if kind in ("rect", "text")}
    if kind == "rect":
        yield from ((number["x"], number["y"]), (number["x"] + number["width"], number["y"] + number["height"]))
    elif kind == "text":
        wide = 4.5 * len("".join(element.itertext()))
        look = element.get("class", "").split()
        left = number["x"] - (wide if "end" in look else wide / 2 if "mid" in look else 0)
        yield from ((left, number["y"]), (left + wide, number["y"]))
    elif kind == "path":
        yield from _points(element.get("d", ""))


def clipped(svg, slack=3):
    """The first element that leaves the view box of an SVG, or None."""
    root = svg if isinstance(svg, ElementTree.Element) else ElementTree.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox").split())

    def search(element, right, down):
        moved = re.match(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        if moved:
            right, down = right + float(moved[1]), down + float(moved[2])
        for x, y in _corners(element):
            if not (-slack <= x + right <= width + slack and -slack <= y + down <= height + slack):
                return ElementTree.tostring(element, encoding="unicode")[:200]
        return next(filter(None, (search(child, right, down) for child in element)), None)
    return search(root, 0.0, 0.0)


def read(text):
    """Parses a page; returns its figures (name -> values), headings, tokens and problems."""
    page = _Page()
    page.feed(text)
    page.close()
    if page.open:
        page.problems.append(f"never closed: {page.open}")
    for part in re.findall(r"<svg\b.*?</svg>", text, re.DOTALL):
        try:
            if outside := clipped(part):
                page.problems.append(f"an SVG is clipped: {outside}")
        except ElementTree.ParseError as error:
            page.problems.append(f"an SVG is no XML: {error}")
        except ValueError as error:
            page.problems.append(f"an SVG has no coordinates: {error}")
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
