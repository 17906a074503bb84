"""The steady state of layers on a ring of devices with m sequences in flight, by the formula of
docs/explanation/ring-pipelines.md#steady-state, for arXiv 2505.18164. Costs are those of cached decoding,
granularity `paper` (docs/explanation/blocks.md#physical-costs). The computation is independent of the program.

Devices are in the order of the ring. The first is the starter, which has embed, its layers, the final norm and
lm_head. A split is the number of consecutive layers of each device. A device without layers takes no part, except
the starter. Hop i leads from the i-th participating device to the next one; the last hop leads to the starter.
"""
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ACTIVATION_BYTES = 4  # F32, as are cached keys and values
PAGE_TOKENS = 16

Split = tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """The shape of a model as in scenarios, with untied embeddings."""
    layers: int
    heads: int
    kv_heads: int
    width: int
    ffn_width: int
    vocab: int
    gated: bool = True
    bytes_per_weight: int = 2

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def group_weights(self) -> int:
        """The number of weights of q, k and v of one group (one K/V head with its query heads)."""
        return (self.heads // self.kv_heads + 2) * self.head_width * self.width

    @property
    def ffn_weights(self) -> int:
        return (3 if self.gated else 2) * self.width * self.ffn_width

    def layer_bytes(self) -> int:
        """The resident bytes of a layer without cache: matrices, and two norms in F32."""
        weights = self.kv_heads * self.group_weights + self.width**2 + self.ffn_weights
        return weights * self.bytes_per_weight + 2 * 4 * self.width

    def table_bytes(self) -> int:
        """The bytes of embed or of lm_head."""
        return self.vocab * self.width * self.bytes_per_weight

    def cache_bytes(self, rows: int) -> int:
        """The bytes of the cache of one layer and one sequence, in whole pages."""
        pages = -(-rows // PAGE_TOKENS)
        return 2 * pages * PAGE_TOKENS * self.kv_heads * self.head_width * ACTIVATION_BYTES


def preset(name: str, root: Path) -> Shape:
    """The shape of a published model from data/models.toml, with weights of 16 bits."""
    shape = tomllib.loads((root / "data/models.toml").read_text())[name]["shape"]
    known = ("layers", "heads", "width", "ffn_width", "vocab")
    return Shape(**{key: shape[key] for key in known}, kv_heads=shape.get("kv_heads", shape["heads"]),
                 gated=shape.get("gated", True))


@dataclass(frozen=True)
class Device:
    flop_per_s: float
    bytes_per_s: float = float("inf")

    def seconds(self, flop: float, touched: float) -> float:
        """The time of one operation, which computes while it reads."""
        return max(flop / self.flop_per_s, touched / self.bytes_per_s)


@dataclass(frozen=True)
class Link:
    bytes_per_s: float
    latency_s: float


def layer_seconds(shape: Shape, device: Device, context: int) -> float:
    """The time of one token in one layer: its groups one after the other, proj and ffn."""
    size = shape.bytes_per_weight
    rows = context * shape.head_width
    group = device.seconds(2 * shape.group_weights + 4 * shape.heads // shape.kv_heads * rows,
                           shape.group_weights * size + 2 * rows * ACTIVATION_BYTES)
    proj = device.seconds(2 * shape.width**2, shape.width**2 * size)
    ffn = device.seconds(2 * shape.ffn_weights, shape.ffn_weights * size)
    return shape.kv_heads * group + proj + ffn


def lm_head_seconds(shape: Shape, device: Device) -> float:
    return device.seconds(2 * shape.vocab * shape.width, shape.table_bytes())


def members(split: Split) -> list[int]:
    """The devices that take part."""
    return [0, *(i for i, layers in enumerate(split) if i > 0 and layers > 0)]


def stages(shape: Shape, devices: Sequence[Device], split: Split, context: int) -> list[float]:
    """The times tᵢ in seconds of the devices that take part."""
    times = [split[i] * layer_seconds(shape, devices[i], context) for i in members(split)]
    times[0] += lm_head_seconds(shape, devices[0])
    return times


def hops(shape: Shape, links: Sequence[Sequence[Link]], split: Split) -> list[tuple[float, float]]:
    """(sᵢ, cᵢ) in seconds for each hop: how long it occupies the link, and when the vector has arrived."""
    ring = members(split)
    if len(ring) == 1:
        return []
    ways = [links[a][b] for a, b in zip(ring, [*ring[1:], 0])]
    sizes = [shape.width * ACTIVATION_BYTES / way.bytes_per_s for way in ways]
    return [(size, size + way.latency_s) for size, way in zip(sizes, ways)]


def lap(times: list[float], ways: list[tuple[float, float]]) -> float:
    """The time in seconds of a step of one sequence that is alone."""
    return sum(times) + sum(arrival for _, arrival in ways)


def tokens_per_s(times: list[float], ways: list[tuple[float, float]], sequences: int) -> float:
    """Tokens/s of all sequences together, limited by the slowest stage, the slowest link, or too few sequences to fill
    the ring."""
    slowest = max(times + [occupied for occupied, _ in ways])
    return min(1 / slowest, sequences / lap(times, ways))


def mean_tokens_per_s(shape: Shape, devices: Sequence[Device], links: Sequence[Sequence[Link]], split: Split,
                      sequences: int, contexts: range) -> float:
    """The mean tokens/s over rounds at these contexts, one after the other."""
    ways = hops(shape, links, split)
    return len(contexts) / sum(1 / tokens_per_s(stages(shape, devices, split, context), ways, sequences)
                               for context in contexts)


def splits(layers: int, devices: int) -> Iterator[Split]:
    """All ways to divide the layers into consecutive parts, including empty parts."""
    if devices == 1:
        yield (layers,)
        return
    for first in range(layers + 1):
        for rest in splits(layers - first, devices - 1):
            yield (first, *rest)


def fullest_bytes(shape: Shape, split: Split, rows: int, sequences: int) -> int:
    """The bytes of the largest stage: weights and the caches of all sequences, without buffers."""
    each = shape.layer_bytes() + sequences * shape.cache_bytes(rows)
    stages_bytes = [layers * each for layers in split]
    stages_bytes[0] += 2 * shape.table_bytes() + 2 * 4 * shape.width
    return max(stages_bytes)
