"""One picture of a run as an SVG file of its own: time per token, and which device holds which block."""
import re
from pathlib import Path

from report_parts import latency, maps
from report_parts.colours import HUES
from report_parts.run import Run
from report_parts.svg import LEFT, WIDTH, at
from report_parts.words import clean

MARK = "<!-- headroom scripts/report -->"
GAP = 14      # between two charts
KEY = 11.0    # width of the coloured square of a device in the legend
FONT = 'font-family="system-ui,DejaVu Sans,sans-serif"'


def _style(sheet: str, body: str) -> str:
    """Returns the rules of the page's style sheet that the picture uses."""
    rules = []
    plain = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    for selectors, rule in re.findall(r"([^{}]+)\{([^{}]*)\}", plain):
        used = [s for s in selectors.strip().split(",") if s.startswith(("svg text", "svg .", "svg circle", "rect."))
                or (s.startswith(".") and f'"{s[1:]}"' in body)]
        if used:
            rules.append(f"{','.join(used)}{{{rule}}}")
    return "\n".join(rules)


def _legend(run: Run, y: float) -> tuple[str, float]:
    """Returns the legend below y, and where it ends."""
    if len(run.colours) > HUES:
        text = "colours run from dark to light in the order of the layers that a device held"
        return f'<text class="axis" x="{at(LEFT)}" y="{at(y + 10)}">{text}</text>', y + KEY
    parts, x = [], LEFT
    for device, colour in run.colours.items():
        width = KEY + 25 + 7 * len(run.devices[device])
        if x > LEFT and x + width > WIDTH:
            x, y = LEFT, y + 20
        parts.append(f'<rect x="{at(x)}" y="{at(y)}" width="{KEY}" height="{KEY}" rx="2" fill="{colour}"/>'
                     f'<text x="{at(x + KEY + 5)}" y="{at(y + 10)}">{clean(run.devices[device])}</text>')
        x += width
    return "".join(parts), y + KEY


def picture(run: Run) -> str:
    """Returns the SVG file's text. The run has sampled at least two tokens and placed its blocks."""
    parts, y = [], 12.0
    for chart, _ in (latency.drawing(run), maps.drawing(run)):
        parts.append(f'<g transform="translate(0 {at(y)})">{"".join(chart.parts)}</g>')
        y += chart.height + GAP
    legend, end = _legend(run, y)
    body, height = "".join(parts) + legend, end + 10
    sheet = (Path(__file__).parent / "page.css").read_text()
    light = dict(re.findall(r"--(\w+):([^;}]+)", sheet[:sheet.index("}")]))
    text = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {at(WIDTH)} {at(height)}" {FONT} font-size="12">'
            f"{MARK}\n<style>{_style(sheet, body)}</style>\n"
            f'<rect width="{at(WIDTH)}" height="{at(height)}" fill="#fff"/>\n{body}\n</svg>\n')
    return re.sub(r"var\(--(\w+)\)", lambda name: light[name[1]], text)
