"""Drawing of SVG elements as text: scales, ticks, and a chart with axes."""
import math

import plotted
from report_parts.words import clean

WIDTH = 960  # width of a chart over the whole page, in units of its view box
LEFT, RIGHT = 66, 14  # margins for the numbers of the y axis and for the last number of the x axis


ZERO = 0.08  # the part of a logarithmic scale that is between 0 and the smallest value


def at(value: float) -> str:
    """A coordinate as text with one decimal."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


class Scale:
    """Maps values lo … hi to coordinates a … b, linearly or logarithmically. On a logarithmic scale `zero` reserves a
    place for 0 at a."""

    def __init__(self, lo: float, hi: float, a: float, b: float, log: bool = False, zero: bool = False):
        self.lo, self.hi, self.a, self.b = lo, hi if hi > lo else lo + 1, a, b
        self.log, self.zero = log, zero

    def __call__(self, value: float) -> float:
        if not self.log:
            return self.a + (value - self.lo) / (self.hi - self.lo) * (self.b - self.a)
        if value <= 0:
            return self.a
        start = self.a + ZERO * (self.b - self.a) * self.zero
        return start + math.log(value / self.lo) / math.log(self.hi / self.lo) * (self.b - start)

    def ticks(self, most: int, base: float = 10, scale: float = 1) -> list[float]:
        """Round values, as multiples of `scale`."""
        if not self.log:
            return ticks(self.lo / scale, self.hi / scale, most, base)
        return [0.0] * self.zero + plotted.log_ticks(self.lo / scale, self.hi / scale)


def whole(values: list[float]) -> tuple[float, ...]:
    """The ends of a scale that holds all values, and whether it is logarithmic and has a place for 0."""
    high = max(values, default=0)
    if not plotted.spans_decades(values):
        return 0, 1.08 * high or 1.0
    return min(value for value in values if value > 0) / 1.3, high * 1.3, True, min(values) == 0


def ticks(lo: float, hi: float, most: int, base: float = 10) -> list[float]:
    """About `most` round values at most, within lo … hi; base 1024 gives round numbers of bytes."""
    span = max(hi - lo, 1e-12) / max(1, most)
    power = base ** math.floor(math.log(span, base))
    steps = (1, 2, 5, 10) if base == 10 else [2**i for i in range(11)]
    step = next((power * s for s in steps if power * s >= span), power * base)
    first = math.ceil(lo / step - 1e-9)
    return [n * step for n in range(first, math.floor(hi / step + 1e-9) + 1)]


class Chart:
    """The parts of one SVG; `x` and `y` are the scales of the plotted area with the edges x0, x1, y0 (top) and y1."""

    def __init__(self, height: float, x: tuple[float, ...], y: tuple[float, ...], label: str,
                 width: float = WIDTH, left: float = LEFT, right: float = RIGHT, top: float = 16,
                 bottom: float = 40):
        self.width, self.height, self.label = width, height, label
        self.x0, self.x1, self.y0, self.y1 = left, width - right, top, height - bottom
        self.x = Scale(*x[:2], self.x0, self.x1, *x[2:])
        self.y = Scale(*y[:2], self.y1, self.y0, *y[2:])
        self.parts: list[str] = []

    def add(self, part: str) -> None:
        self.parts.append(part)

    def text(self, x: float, y: float, words, kind: str = "", extra: str = "") -> None:
        classes = f' class="{kind}"' if kind else ""
        self.add(f'<text x="{at(x)}" y="{at(y)}"{classes}{extra}>{clean(words)}</text>')

    def line(self, x0: float, y0: float, x1: float, y1: float, kind: str) -> None:
        self.add(f'<path class="{kind}" d="M{at(x0)} {at(y0)}L{at(x1)} {at(y1)}"/>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str = "", style: str = "",
             title: str = "") -> None:
        look = (f' class="{kind}"' if kind else "") + (f' style="{style}"' if style else "")
        box = f'<rect x="{at(x)}" y="{at(y)}" width="{at(max(width, 0))}" height="{at(max(height, 0))}"{look}'
        self.add(f"{box}><title>{clean(title)}</title></rect>" if title else box + "/>")

    def poly(self, points: list[tuple[float, float]], kind: str, style: str = "", close: bool = False,
             stepped: bool = False) -> None:
        """Draws a line through points given as values; `stepped` holds each y until the next x."""
        if not points:
            return
        path = f"M{at(self.x(points[0][0]))} {at(self.y(points[0][1]))}"
        before = path
        for x, y in points[1:]:
            part = f"H{at(self.x(x))}V{at(self.y(y))}" if stepped else f"L{at(self.x(x))} {at(self.y(y))}"
            if part != before:
                path += part
            before = part
        look = f' style="{style}"' if style else ""
        self.add(f'<path class="{kind}"{look} d="{path}{"Z" if close else ""}"/>')

    def dots(self, points: list[tuple[float, float]], kind: str) -> None:
        """Draws round dots, as the ends of lines of length 0."""
        path = "".join(f"M{at(self.x(x))} {at(self.y(y))}h0" for x, y in points)
        if path:
            self.add(f'<path class="{kind}" d="{path}"/>')

    def dots_at(self, places: list[tuple[float, float]], style: str) -> None:
        """Draws round dots at coordinates."""
        path = "".join(f"M{at(x)} {at(y)}h0" for x, y in places)
        self.add(f'<path class="dot" style="{style}" d="{path}"/>')

    def y_axis(self, title: str, most: int = 6, base: float = 10, scale: float = 1) -> None:
        """Draws grid lines and numbers; the numbers are the values divided by `scale`."""
        for value in self.y.ticks(most, base, scale):
            y = self.y(value * scale)
            self.line(self.x0, y, self.x1, y, "grid" if value else "base")
            self.text(self.x0 - 7, y + 4, plotted.number(value), "num end")
        self.text(4, 11, title + ", logarithmic" * self.y.log, "axis")

    def x_axis(self, title: str, most: int = 10, scale: float = 1, inner: bool = False) -> None:
        for value in self.x.ticks(most, scale=scale):
            x = self.x(value * scale)
            self.line(x, self.y1, x, self.y1 + 4, "base")
            self.text(x, self.y1 + 17, plotted.number(value), "num mid")
            if inner:
                self.line(x, self.y0, x, self.y1, "grid")
        self.line(self.x0, self.y1, self.x1, self.y1, "base")
        if title:
            self.text((self.x0 + self.x1) / 2, self.y1 + 33, title, "axis mid")

    def out(self) -> str:
        return (f'<svg viewBox="0 0 {at(self.width)} {at(self.height)}" role="img" '
                f'aria-label="{clean(self.label)}">{"".join(self.parts)}</svg>')
