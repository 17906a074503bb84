"""Reads and writes GGUF files, so that tests can damage a model in one place."""
import struct

TEXT, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
BLOCKS = {0: (1, 4), 8: (32, 34)}  # F32, Q8_0: weights and bytes
ALIGNMENT = 32


class GgufFile:
    """`metadata`: key -> (type, raw value); `tensors`: name -> [dimensions, type, bytes]."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.at = 8
        tensors, entries = self.number("<Q"), self.number("<Q")
        self.metadata = {}
        for _ in range(entries):
            key = self.text()
            kind = self.number("<I")
            start = self.at
            self.skip(kind)
            self.metadata[key] = (kind, self.data[start:self.at])
        places = []
        for _ in range(tensors):
            name = self.text()
            dimensions = [self.number("<Q") for _ in range(self.number("<I"))]
            places.append((name, dimensions, self.number("<I"), self.number("<Q")))
        base = -(-self.at // ALIGNMENT) * ALIGNMENT
        self.tensors = {}
        for name, dimensions, kind, offset in places:
            weights, size = BLOCKS[kind]
            for length in dimensions:
                size *= length
            start = base + offset
            self.tensors[name] = [dimensions, kind,
                                  bytearray(self.data[start:start + size // weights])]

    def number(self, form):
        value, = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        length = self.number("<Q")
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def skip(self, kind):
        if kind == TEXT:
            self.text()
        elif kind == ARRAY:
            element, count = self.number("<I"), self.number("<Q")
            if element == TEXT:
                for _ in range(count):
                    self.text()
            else:
                self.at += count * SIZES[element]
        else:
            self.at += SIZES[kind]

    def set_u32(self, key, value):
        self.metadata[key] = (4, struct.pack("<I", value))

    def set_text(self, key, value):
        self.metadata[key] = (TEXT, raw_text(value))

    def write(self, path):
        head = [b"GGUF", struct.pack("<IQQ", 3, len(self.tensors), len(self.metadata))]
        for key, (kind, raw) in self.metadata.items():
            head.append(raw_text(key) + struct.pack("<I", kind) + raw)
        data, offset = [], 0
        for name, (dimensions, kind, raw) in self.tensors.items():
            head.append(raw_text(name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions))
            head.append(struct.pack("<IQ", kind, offset))
            data.append(bytes(raw) + bytes(-len(raw) % ALIGNMENT))
            offset += len(data[-1])
        start = b"".join(head)
        path.write_bytes(start + bytes(-len(start) % ALIGNMENT) + b"".join(data))


def raw_text(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw
