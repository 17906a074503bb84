"""Who held what? Blocks by layer, at the times of new placements and over time."""
import numpy as np

from report_parts import maps
from report_parts.colours import HUES
from report_parts.html_parts import caption, figure, keys, section
from report_parts.run import Run
from report_parts.svg import Chart
from report_parts.words import clean, count, listed

HEIGHT = 620  # largest height of all rows together, in units of the view box
LEAST = 2.5  # smallest height of a block
MOST_COLUMNS = 200
MOST_NAMES = 40  # devices in the legend
FEW = 3  # with no more changes than this the maps are enough


def columns_of(run: Run) -> list[tuple[int, int, int]]:
    """(interval, begin, end) in ns of each new placement; if there are too many, of every k-th."""
    changed = np.ones(len(run.placement), bool)
    changed[1:] = (run.placement[1:] != run.placement[:-1]).any(axis=1)
    starts = np.flatnonzero(changed).tolist()
    starts = starts[::-(-len(starts) // MOST_COLUMNS)] if starts else []
    begins = [int(run.intervals[i]["t_switch"]) for i in starts]
    return [(i, begin, end) for i, begin, end in zip(starts, begins, begins[1:] + [run.end]) if end > begin]


def changing(run: Run) -> tuple[list[tuple[str, list[int]]], int]:
    """The rows in which a block moved, and the number of rows that are left out because there is no room; the rows
    with most changes are kept."""
    changes = (np.diff(run.placement, axis=0) != 0).sum(axis=0)
    rows = [(int(changes[blocks].sum()), i, name, blocks) for i, (name, blocks) in enumerate(maps.rows_of(run))]
    moved = [row for row in rows if row[0]]
    kept, room = set(), HEIGHT / LEAST
    for _, i, _, blocks in sorted(moved, key=lambda row: (-row[0], row[1])):
        if kept and len(blocks) > room:
            break
        kept.add(i)
        room -= len(blocks)
    return [(name, blocks) for _, i, name, blocks in moved if i in kept], len(moved) - len(kept)


def _layer_boxes(run: Run, chart: Chart, blocks: list[int], y: float, height: float, columns) -> None:
    names = [run.trace.block_names[b] for b in blocks]
    grid = run.placement[np.ix_([i for i, _, _ in columns], blocks)].T
    tokens = np.append(run.intervals["first_token"], run.intervals["first_token"][-1] + run.intervals["tokens"][-1])
    for first, rows, column, wide, device in maps.boxes(grid):
        x0, x1 = chart.x(columns[column][1]), chart.x(columns[column + wide - 1][2])
        last = columns[column + wide][0] if column + wide < len(columns) else len(tokens) - 1
        word = names[first] if rows == 1 else f"{names[first]} to {names[first + rows - 1]}"
        text = f"{word}: {run.devices[device]}\ntokens {tokens[columns[column][0]]} to {tokens[last] - 1}"
        chart.rect(x0, y + first * height, x1 - x0, rows * height + 0.5, "cell",
                   f"fill:{run.colours.get(device, 'var(--none)')}", text)


def over_time(run: Run) -> str:
    """Draws the layers in which a block moved, over virtual time; empty if the maps show as much."""
    (layers, no_room), columns = changing(run), columns_of(run)
    everything = maps.rows_of(run)
    blocks = sum(len(own) for _, own in layers)
    if not layers or (len(columns) <= FEW and len(everything) > 40):
        return ""
    height = min(11.0, max(LEAST, HEIGHT / blocks))
    chart = run.chart(blocks * height + 3 * len(layers) + 62, (0, 1), "placement over time", top=20)
    y, named_to = chart.y0, -99.0
    for name, own in layers:
        middle = y + len(own) * height / 2 + 4
        if middle - named_to >= 13:
            chart.text(chart.x0 - 7, middle, name, "num end")
            named_to = middle
        _layer_boxes(run, chart, own, y, height, columns)
        y += len(own) * height + 3
    run.time_axis(chart)
    run.mark_moments(chart, bands=False)
    text = f"The same over time: one band per layer, in it a line per block, {_order(run)}."
    still = len(everything) - len(layers) - no_room
    left_out = ([f"{count(still, 'row')} in which nothing moved"] if still else []) + (
        [f"{count(no_room, 'row')} in which less moved"] if no_room else [])
    if left_out:
        text += f" Left out: {' and '.join(left_out)}."
    return figure(chart.out(), text)


def _order(run: Run) -> str:
    kinds = dict.fromkeys(run.kinds[run.trace.table("blocks")["layer"] >= 0].tolist())
    return "from above " + ", ".join(maps.KINDS.get(kind, kind) for kind in kinds)


def _centre(run: Run, device: int) -> float:
    return float(np.nonzero(run.placement == device)[1].mean())


def _legend(run: Run) -> str:
    used = list(run.colours)
    if len(used) <= HUES:
        legend = keys([(run.colours[d], run.devices[d]) for d in used])
    else:
        ramp = sorted(used, key=lambda d: (_centre(run, d), d))
        legend = '<div class="keys">' + "".join(run.swatch(d) for d in ramp[:MOST_NAMES]) + "</div>"
        text = "Colours run from dark to light in the order of the layers that a device held."
        if len(ramp) > MOST_NAMES:
            text += f" {len(ramp) - MOST_NAMES} more devices; the pointer names them."
        legend += caption(text)
    idle = [name for d, name in enumerate(run.devices) if d not in run.colours]
    if idle:
        legend += caption(f"Never held a block: {clean(listed(idle, 6))} "
                          f"({count(len(idle), 'device')} of {len(run.devices)}).")
    return legend


def show(run: Run) -> str:
    if not len(run.placement):
        return ""
    moved = int((run.intervals["moves"] > 0).sum())
    verdict = (f"<p>{count(run.figures['blocks_moved'], 'block')} moved at {count(moved, 'decision')}.</p>" if moved
               else "<p>Nothing moved.</p>")
    return section("Who held what?", verdict, maps.show(run), _legend(run), over_time(run))
