"""Reads the texts of token ids from the model file (GGUF), if it is still where the scenario says. A trace holds ids
and texts, but not where one token ends and the next begins."""
import re
import struct
from pathlib import Path

from headroom_trace import Trace

# Value types of GGUF: 0 u8, 1 i8, 2 u16, 3 i16, 4 u32, 5 i32, 6 f32, 7 bool, 8 text, 9 array, 10 u64, 11 i64, 12 f64
_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_BYTE = re.compile(rb"<0x([0-9A-Fa-f]{2})>")


class _Reader:
    def __init__(self, file):
        self.file = file

    def number(self, kind: str) -> int:
        size = struct.calcsize("<" + kind)
        return struct.unpack("<" + kind, self.file.read(size))[0]

    def text(self) -> bytes:
        return self.file.read(self.number("Q"))

    def value(self, kind: int):
        if kind == _TEXT:
            return self.text()
        if kind == _ARRAY:
            inner, length = self.number("I"), self.number("Q")
            if inner in _FIXED:
                code = f"<{length}{_FIXED[inner]}"
                return struct.unpack(code, self.file.read(struct.calcsize(code)))
            return [self.value(inner) for _ in range(length)]
        return self.number(_FIXED[kind])


def model_path(trace: Trace) -> Path | None:
    """The path of the model file. It starts from the folder that the trace names; if that has no such file, from the
    scenario's folder."""
    name = trace.scenario.get("model", {}).get("file")
    if not name:
        return None
    scenarios = [Path(path).parent for path in trace.input_files if path.endswith(".toml")]
    named = [Path(trace.attributes["host_folder"])] if "host_folder" in trace.attributes else []
    found = [(folder / name).resolve() for folder in (*named, *scenarios, Path())]
    return next((path for path in found if path.is_file()), found[0])


def pieces(path: Path | None) -> list[bytes]:
    """The bytes of each id; empty if there is no such file or if it has another kind of vocabulary."""
    try:
        with open(path, "rb") as file:
            reader = _Reader(file)
            if file.read(4) != b"GGUF" or reader.number("I") not in (2, 3):
                return []
            reader.number("Q")
            found = {}
            for _ in range(reader.number("Q")):
                key = reader.text()
                found[key] = reader.value(reader.number("I"))
    except (OSError, TypeError, ValueError, KeyError, MemoryError, OverflowError, struct.error):
        return []
    if found.get(b"tokenizer.ggml.model") != b"llama":
        return []
    kinds = found.get(b"tokenizer.ggml.token_type", ())
    words = []
    for i, word in enumerate(found.get(b"tokenizer.ggml.tokens", [])):
        byte = _BYTE.fullmatch(word)
        control = i < len(kinds) and kinds[i] in (2, 3)
        words.append(b"" if control else bytes([int(byte[1], 16)]) if byte
                     else word.replace("▁".encode(), b" "))
    return words


def split(words: list[bytes], ids: list[int], text: bytes | None) -> list[str] | None:
    """The texts of the tokens. None if they do not add up to `text` (if this is given), for example because the model
    is another one. A character that tokens divide goes to the token in which it ends."""
    if not words or not ids or any(not 0 <= i < len(words) for i in ids):
        return None
    parts = [words[i] for i in ids]
    first = next((k for k, part in enumerate(parts) if part), 0)
    if parts[first].startswith(b" ") and (text is None or not text.startswith(b" ")):
        parts[first] = parts[first][1:]  # SentencePiece puts a space before a text
    if text is not None and b"".join(parts) != text:
        return None
    shown, rest = [], b""
    for k, part in enumerate(parts):
        rest += part
        cut = len(rest) if k == len(parts) - 1 else _complete_length(rest)
        shown.append(rest[:cut].decode("utf-8", "replace"))
        rest = rest[cut:]
    return shown


def _complete_length(data: bytes) -> int:
    """The number of bytes up to the end of the last complete character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            need = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return len(data) - back if need > back else len(data)
    return len(data)
