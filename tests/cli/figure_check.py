"""Checks a figure that matplotlib has drawn: nothing is clipped or cannot be read, and no two labels are equal."""
import itertools

import numpy as np

SMALLEST = 7.0  # points
CLOSE = 2.0     # pixels


def _outside(box, whole):
    return (box.x0 < whole.x0 - CLOSE or box.y0 < whole.y0 - CLOSE or box.x1 > whole.x1 + CLOSE
            or box.y1 > whole.y1 + CLOSE)


def _texts(figure):
    """All texts that are shown, with their boxes in pixels; labels of ticks outside the axis are not shown."""
    def within(axes, label):
        (x, y), (low_x, high_x), (low_y, high_y) = label.get_position(), axes.get_xlim(), axes.get_ylim()
        return label in axes.get_yticklabels() and min(low_y, high_y) <= y <= max(low_y, high_y) or (
            label in axes.get_xticklabels() and min(low_x, high_x) <= x <= max(low_x, high_x))
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += [label for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels() if within(axes, label)]
    return [(text, text.get_window_extent()) for text in texts if text.get_text().strip() and text.get_visible()]


def _clipped(axes):
    """The lines and bars of the axes with a point outside of them; lines across the whole axes are none."""
    area = axes.get_window_extent()
    parts = [np.column_stack(line.get_data()) for line in axes.lines if line.get_transform() == axes.transData]
    parts += [segment for bars in axes.collections for segment in getattr(bars, "get_segments", list)()]
    for part in parts:
        points = axes.transData.transform(part.astype(float))
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) and ((points.min(axis=0) < (area.x0 - CLOSE, area.y0 - CLOSE)).any()
                            or (points.max(axis=0) > (area.x1 + CLOSE, area.y1 + CLOSE)).any()):
            yield part


def problems(figure):
    """What is wrong with the figure, in words."""
    figure.canvas.draw()
    found = []
    for axes in figure.axes:
        found += [f"a line of {axes.get_xlabel()!r} is clipped" for _ in _clipped(axes)]
    texts = _texts(figure)
    for text, box in texts:
        if _outside(box, figure.bbox):
            found.append(f"{text.get_text()!r} is not wholly on the canvas")
        if text.get_fontsize() < SMALLEST:
            found.append(f"{text.get_text()!r} is too small")
    for (one, box), (other, its) in itertools.combinations(texts, 2):
        width = min(box.x1, its.x1) - max(box.x0, its.x0)
        height = min(box.y1, its.y1) - max(box.y0, its.y0)
        if width > CLOSE and height > CLOSE:
            found.append(f"{one.get_text()!r} is over {other.get_text()!r}")
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    found += [f"label {label!r} is there twice" for label in set(labels) if labels.count(label) > 1]
    return found
