"""Formats numbers and texts for readers, as the program itself prints them: three digits and a unit."""
import html
import re

from headroom_trace import NEVER

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def clean(text) -> str:
    """The text, escaped for HTML and XML, without characters that XML forbids."""
    return html.escape(_CONTROL.sub("\ufffd", str(text)), quote=True)


def three_digits(value: float) -> str:
    """The value with three digits; larger numbers keep all digits before the point, because 1230 for 1234.5 would
    mislead."""
    size = abs(value)
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    return f"{value:.{digits}f}"


def _scaled(value: float, step: float, units: tuple[str, ...]) -> str:
    power = 0
    while abs(value) >= 999.5 / (1000 / step) and power + 1 < len(units):
        value /= step
        power += 1
    return f"{value:.0f} {units[0]}" if power == 0 else f"{three_digits(value)} {units[power]}"


def duration(ns) -> str:
    """A time in nanoseconds as text. A negative time means that there is none."""
    ns = int(ns)
    if ns == 0:
        return "0"
    if ns < 0:
        return "–"
    if ns >= NEVER:
        return "never"
    if ns >= 600 * 10**9:
        return f"{ns / 60e9:.1f} min"
    return _scaled(ns, 1000, ("ns", "µs", "ms", "s"))


def size(count) -> str:
    """A number of bytes as text."""
    return _scaled(int(count), 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def rate(per_s) -> str:
    """Bytes per second as text; -1 means unlimited."""
    if per_s < 0:
        return "unlimited"
    return _scaled(int(per_s), 1000, ("B/s", "kB/s", "MB/s", "GB/s", "TB/s"))


def flops(per_s) -> str:
    return _scaled(int(per_s), 1000, ("FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s"))


def percent(share: float) -> str:
    """A share of 1 as percent, with one decimal for small values."""
    value = 100 * share
    if 0 < value < 0.05:
        return "< 0.1 %"
    return f"{value:.1f} %" if 0 < abs(value) < 9.95 else f"{value:.0f} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 block`, `2 blocks`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: list[str], most: int, between: str = ", ") -> str:
    """`a, b and 3 more`."""
    if len(words) <= most:
        return between.join(words)
    return f"{between.join(words[:most])} and {len(words) - most} more"


def spaced(number: int) -> str:
    """1234567 -> 1 234 567, with narrow spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")
