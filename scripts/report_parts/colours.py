"""Colours for colour-blind readers: those of Okabe and Ito for up to eight devices, and viridis from dark to light for
more devices, in the order of the model's blocks."""
import numpy as np

# The eight hues are CSS variables, so that the dark theme of the page can lighten the darkest of them.
HUES = 8
# Support points of viridis (Smith and van der Walt, CC0), dark to light.
VIRIDIS = ((68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 144, 141), (39, 173, 129),
           (92, 200, 99), (170, 220, 50), (253, 231, 37))


def viridis(share: float) -> str:
    """The colour for a share of 0 … 1 as #rrggbb."""
    place = min(max(share, 0.0), 1.0) * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(VIRIDIS[low], VIRIDIS[low + 1])]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def device_colours(placement: np.ndarray, devices: int) -> dict[int, str]:
    """The CSS colour of every device that holds a block at any time. placement: (intervals, blocks) -> device."""
    used = [d for d in np.unique(placement).tolist() if 0 <= d < devices]
    if len(used) <= HUES:
        return {device: f"var(--d{i})" for i, device in enumerate(used)}
    columns = np.broadcast_to(np.arange(placement.shape[1]), placement.shape)
    centre = {device: columns[placement == device].mean() for device in used}
    order = sorted(used, key=lambda device: (centre[device], device))
    return {device: viridis(i / (len(order) - 1)) for i, device in enumerate(order)}
