"""A minimal GGUF v3 writer and reader, only for what one small llama model needs.

Tensors are F32 or Q8_0.  Q8_0 stores 32 consecutive values of a row as a half-precision scale
d = max|x| / 127 followed by 32 signed bytes round(x / d).  GGUF writes a tensor's dimensions
innermost first, so a numpy array of shape (rows, columns) has the dimensions columns, rows.
"""

import struct

import numpy as np

ALIGNMENT = 32
F32, Q8_0 = 0, 8
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
FORMATS = {U32: "<I", I32: "<i", FLOAT: "<f", BOOL: "<?"}
BLOCK = np.dtype([("d", "<f2"), ("q", "i1", 32)])


def quantize(array):
    """The Q8_0 blocks of a float array whose rows have a multiple of 32 elements."""
    x = np.ascontiguousarray(array, dtype=np.float32).reshape(-1, 32)
    d = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
    scaled = np.divide(x, d, out=np.zeros_like(x), where=d > 0)
    blocks = np.empty(len(x), BLOCK)
    blocks["d"] = d[:, 0]
    blocks["q"] = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    return blocks


def dequantize(blocks):
    """The float values of Q8_0 blocks as a flat array."""
    return (blocks["q"].astype(np.float32) * blocks["d"].astype(np.float32)[:, None]).ravel()


def _string(text):
    raw = text.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def _scalar(kind, value):
    return _string(value) if kind == STRING else struct.pack(FORMATS[kind], value)


def write(path, metadata, tensors):
    """Writes a file.

    metadata: a list of (key, kind, value); an array has the kind (ARRAY, element kind).
    tensors: a list of (name, float32 numpy array, F32 or Q8_0).
    """
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, kind, value in metadata:
        head.append(_string(key))
        if isinstance(kind, tuple):
            head.append(struct.pack("<IIQ", ARRAY, kind[1], len(value)))
            head.extend(_scalar(kind[1], v) for v in value)
        else:
            head.append(struct.pack("<I", kind) + _scalar(kind, value))
    data, offset = [], 0
    for name, array, kind in tensors:
        dims = array.shape[::-1]
        raw = (quantize(array) if kind == Q8_0 else array.astype("<f4")).tobytes()
        head.append(_string(name) + struct.pack("<I%dQ" % len(dims), len(dims), *dims))
        head.append(struct.pack("<IQ", kind, offset))
        data.append(raw + bytes(-len(raw) % ALIGNMENT))
        offset += len(data[-1])
    head = b"".join(head)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % ALIGNMENT))
        file.writelines(data)


class _Cursor:
    """Reads values one after the other from bytes."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, layout):
        values = struct.unpack_from(layout, self.raw, self.at)
        self.at += struct.calcsize(layout)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take("<Q")
        self.at += size
        return self.raw[self.at - size:self.at].decode("utf-8")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.take("<IQ")
            return [self.value(element) for _ in range(count)]
        return self.take(FORMATS[kind])


def read(path):
    """Reads a file written by write(): (metadata as a dict, tensors as a dict of float32 arrays)."""
    with open(path, "rb") as file:
        raw = file.read()
    cursor = _Cursor(raw)
    if raw[:4] != b"GGUF":
        raise ValueError("not a GGUF file: " + path)
    cursor.at = 4
    version, tensor_count, metadata_count = cursor.take("<IQQ")
    if version != 3:
        raise ValueError("GGUF version %d is not supported" % version)
    metadata = {}
    for _ in range(metadata_count):
        key = cursor.string()
        metadata[key] = cursor.value(cursor.take("<I"))
    entries = []
    for _ in range(tensor_count):
        name = cursor.string()
        dims = [cursor.take("<Q") for _ in range(cursor.take("<I"))]
        entries.append((name, dims, cursor.take("<I"), cursor.take("<Q")))
    base = cursor.at + -cursor.at % ALIGNMENT
    tensors = {}
    for name, dims, kind, offset in entries:
        count = int(np.prod(dims))
        if kind == Q8_0:
            flat = dequantize(np.frombuffer(raw, BLOCK, count // 32, base + offset))
        elif kind == F32:
            flat = np.frombuffer(raw, "<f4", count, base + offset)
        else:
            raise ValueError("tensor type %d is not supported" % kind)
        tensors[name] = flat.reshape(dims[::-1])
    return metadata, tensors
