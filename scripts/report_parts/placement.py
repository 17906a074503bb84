"""Who held what? Blocks by layer, at the times of the placements and over time."""
import numpy as np

from report_parts import maps
from report_parts.colours import HUES
from report_parts.html_parts import caption, figure, keys, section
from report_parts.run import Run
from report_parts.svg import Chart
from report_parts.words import clean, count, listed

HEIGHT = (260, 620)  # of all rows together, in units of the view box
MOST_BOXES = 5000
MOST_COLUMNS = 400
MOST_NAMES = 40  # of devices in the legend
FEW = 3  # changes that the maps alone show as well


def columns_of(run: Run) -> list[tuple[int, int, int]]:
    """(interval, begin, end) in ns where the placement is a new one; if there are too many, of every so many."""
    changed = np.ones(len(run.placement), bool)
    changed[1:] = (run.placement[1:] != run.placement[:-1]).any(axis=1)
    starts = np.flatnonzero(changed).tolist()
    starts = starts[::-(-len(starts) // MOST_COLUMNS)] if starts else []
    begins = [int(run.intervals[i]["t_switch"]) for i in starts]
    return [(i, begin, end) for i, begin, end in zip(starts, begins, begins[1:] + [run.end]) if end > begin]


def changing(run: Run) -> list[tuple[str, list[int]]]:
    """The rows in which anything moved."""
    moved = set(np.flatnonzero((run.placement != run.placement[0]).any(axis=0)).tolist())
    return [(name, blocks) for name, blocks in maps.rows_of(run) if moved & set(blocks)]


def _layer_boxes(run: Run, chart: Chart, blocks: list[int], y: float, height: float, columns) -> int:
    names = [run.trace.block_names[b] for b in blocks]
    grid = run.placement[np.ix_([i for i, _, _ in columns], blocks)].T
    tokens = np.append(run.intervals["first_token"], run.intervals["first_token"][-1] + run.intervals["tokens"][-1])
    found = maps.boxes(grid)
    for first, rows, column, wide, device in found:
        x0, x1 = chart.x(columns[column][1]), chart.x(columns[column + wide - 1][2])
        last = columns[column + wide][0] if column + wide < len(columns) else len(tokens) - 1
        word = names[first] if rows == 1 else f"{names[first]} to {names[first + rows - 1]}"
        text = f"{word}: {run.devices[device]}\ntokens {tokens[columns[column][0]]} to {tokens[last] - 1}"
        chart.rect(x0, y + first * height, x1 - x0, rows * height, "cell",
                   f"fill:{run.colours.get(device, 'var(--none)')}", text)
    return len(found)


def over_time(run: Run) -> str:
    """The layers in which something moved, over virtual time; empty if the maps say as much."""
    layers, columns = changing(run), columns_of(run)
    everything = maps.rows_of(run)
    blocks = sum(len(own) for _, own in layers)
    if not layers or (len(columns) <= FEW and len(everything) > 40):
        return ""
    height = min(11.0, max(2.0, HEIGHT[1] / blocks), max(HEIGHT[0], 9.0 * blocks) / blocks)
    chart = run.chart(blocks * height + 3 * len(layers) + 62, (0, 1), "placement over time", top=20)
    y, drawn, left_out, named_to = chart.y0, 0, 0, -99.0
    for name, own in layers:
        if drawn > MOST_BOXES:
            left_out += 1
            continue
        middle = y + len(own) * height / 2 + 4
        if middle - named_to >= 13:
            chart.text(chart.x0 - 7, middle, name, "num end")
            named_to = middle
        drawn += _layer_boxes(run, chart, own, y, height, columns)
        y += len(own) * height + 3
    run.time_axis(chart)
    run.mark_moments(chart, bands=False)
    text = f"The same over time: one band per layer, in it a line per block: {_order(run)}."
    if len(layers) < len(everything):
        text += f" Left out: {count(len(everything) - len(layers), 'row')} in which nothing moved."
    if left_out:
        text += f" {count(left_out, 'layer')} more had no room."
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
