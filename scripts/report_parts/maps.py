"""Which device held which block at one time: one row for each layer, one column for each block of a layer, coloured by
device."""
import numpy as np

from report_parts.html_parts import figure
from report_parts.run import Run
from report_parts.svg import WIDTH, Chart
from report_parts.words import count

MOST_MAPS = 4
KINDS = {"group": "heads", "slice": "slices"}  # headings of columns
GAP = 26  # between two maps
KIND_GAP = 4  # between two kinds of columns
LEFT = 66
NARROW = 8.0  # narrower cells have no room for a dot and a gap


def rows_of(run: Run) -> list[tuple[str, list[int]]]:
    """(name, blocks) of each row from top to bottom: embed, layers, lm_head."""
    layers = run.trace.table("blocks")["layer"].tolist()
    rows: list[tuple[str, list[int]]] = []
    for block, (layer, kind) in enumerate(zip(layers, run.kinds.tolist())):
        name = kind if layer < 0 else f"layer {layer}"
        if not rows or rows[-1][0] != name:
            rows.append((name, []))
        rows[-1][1].append(block)
    return rows


def boxes(grid: np.ndarray) -> list[tuple[int, int, int, int, int]]:
    """Groups equal neighbours of a (rows, columns) grid into few boxes (row, rows, column, columns, value): first
    along the columns, then rows with the same groups are joined."""
    open_boxes, result = {}, []
    for row in range(grid.shape[0]):
        edges = np.flatnonzero(np.diff(grid[row])) + 1
        starts = [0, *edges.tolist()]
        current = {}
        for start, stop in zip(starts, [*starts[1:], grid.shape[1]]):
            key = (start, stop - start, int(grid[row, start]))
            current[key] = open_boxes.get(key, row)
        for key, first in open_boxes.items():
            if key not in current:
                result.append((first, row - first, *key))
        open_boxes = current
    for key, first in open_boxes.items():
        result.append((first, grid.shape[0] - first, *key))
    return sorted(result)


def epochs(run: Run) -> list[int]:
    """The intervals that begin with a new placement. If there are too many: the first, the last, and some between
    them."""
    changed = np.ones(len(run.placement), bool)
    changed[1:] = (run.placement[1:] != run.placement[:-1]).any(axis=1)
    found = np.flatnonzero(changed)
    if len(found) <= MOST_MAPS:
        return found.tolist()
    return found[np.linspace(0, len(found) - 1, MOST_MAPS).round().astype(int)].tolist()


class _Layout:
    """The positions of the cells of all maps."""

    def __init__(self, run: Run, maps: int):
        self.rows = rows_of(run)
        longest = max((blocks for _, blocks in self.rows), key=len)
        self.kinds = [str(run.kinds[b]) for b in longest]
        breaks = np.cumsum([0] + [a != b for a, b in zip(self.kinds, self.kinds[1:])])
        self.width = (WIDTH - LEFT - 2 - GAP * (maps - 1)) / maps
        cell = (self.width - KIND_GAP * int(breaks[-1])) / len(longest)
        self.cell = min(cell, 34.0)
        self.lefts = [self.cell * i + KIND_GAP * int(b) for i, b in enumerate(breaks)]
        many = len(self.rows)
        self.row = 22.0 if many <= 14 else 14.0 if many <= 36 else max(5.0, 640.0 / many)
        self.gap = 2.0 if self.row >= 14 else 1.0

    def right(self, column: int) -> float:
        return self.lefts[column] + self.cell


def _cells(run: Run, layout: _Layout, chart: Chart, interval: int, before: int | None, left: float) -> None:
    names, placement = run.trace.block_names, run.placement[interval]
    for r, (_, blocks) in enumerate(layout.rows):
        y = chart.y0 + r * layout.row
        height = layout.row - layout.gap
        starts = [0] + [i for i in range(1, len(blocks)) if placement[blocks[i]] != placement[blocks[i - 1]]
                        or layout.kinds[i] != layout.kinds[i - 1]]
        for start, stop in zip(starts, [*starts[1:], len(blocks)]):
            device = int(placement[blocks[start]])
            word = names[blocks[start]] if stop - start == 1 else f"{names[blocks[start]]} to {names[blocks[stop - 1]]}"
            x = left + layout.lefts[start]
            chart.rect(x, y, left + layout.right(stop - 1) - x - (1 if layout.cell >= NARROW else 0), height, "cell",
                       f"fill:{run.colours.get(device, 'var(--none)')}", f"{word}: {run.devices[device]}")
        if before is not None:
            came = [run.placement[before][block] != placement[block] for block in blocks]
            _mark(layout, chart, came, left, y + height / 2, height)


def _mark(layout: _Layout, chart: Chart, came: list[bool], left: float, y: float, height: float) -> None:
    """Marks cells whose block came from another device by a dot; if cells are narrow, by a line through them."""
    if layout.cell >= NARROW:
        for i in (i for i, new in enumerate(came) if new):
            chart.add(f'<circle class="came" cx="{left + layout.lefts[i] + layout.cell / 2:.1f}" cy="{y:.1f}" '
                      f'r="{min(3.0, height / 3):.1f}"/>')
        return
    for _, _, start, wide, new in boxes(np.array([came], dtype=int)):
        if new:
            chart.rect(left + layout.lefts[start], y - 0.8, layout.right(start + wide - 1) - layout.lefts[start], 1.6,
                       "came")


def _heads(layout: _Layout, chart: Chart, left: float) -> None:
    """Writes the headings of columns where there is room."""
    y, free = chart.y0 - 6, -99.0
    for kind in dict.fromkeys(layout.kinds):
        columns = [i for i, k in enumerate(layout.kinds) if k == kind]
        middle = left + (layout.lefts[columns[0]] + layout.right(columns[-1])) / 2
        word = KINDS.get(kind, kind)
        half = 2.7 * len(word)
        if middle - half > free:
            chart.text(middle, y, word, "num mid")
            free = middle + half + 2


def drawing(run: Run) -> tuple[Chart, str]:
    """Returns the chart of the placements, and the text that explains it."""
    shown = epochs(run)
    layout = _Layout(run, len(shown))
    chart = Chart(40 + layout.row * len(layout.rows) + 6, (0, 1), (0, 1), "which device holds which block",
                  left=LEFT, top=40, bottom=6)
    named_to = -99.0
    for r, (name, _) in enumerate(layout.rows):
        middle = chart.y0 + r * layout.row + layout.row / 2 + 3
        if middle - named_to >= 12.5:
            chart.text(LEFT - 7, middle, name, "num end")
            named_to = middle
    for i, interval in enumerate(shown):
        left = LEFT + i * (layout.width + GAP)
        token = int(run.intervals["first_token"][interval])
        chart.text(left, 13, f"from token {token}" if token or len(shown) > 1 else "all the time", "strong")
        _heads(layout, chart, left)
        _cells(run, layout, chart, interval, shown[i - 1] if i else None, left)
    changes = int((np.diff(run.placement, axis=0) != 0).any(axis=1).sum())
    text = "One row per layer, one column per block of it, coloured by the device that held it."
    if changes:
        text += (f" White {'dots' if layout.cell >= NARROW else 'lines'}: came to another device than in the picture "
                 "before.")
    if changes + 1 > len(shown):
        text += f" {len(shown)} of {count(changes + 1, 'placement')}: the first, the last, and some between."
    return chart, text


def show(run: Run) -> str:
    chart, text = drawing(run)
    return figure(chart.out(), text)
