"""Writes values of Python as TOML, the language of scenarios."""
from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

from .errors import InputError

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def key_text(key: object) -> str:
    """A key, in quotes if it needs them."""
    text = str(key)
    return text if _BARE.match(text) else json.dumps(text, ensure_ascii=False)


def value_text(value: object, where: str = "a value") -> str:
    """A value on one line. Numbers of NumPy are numbers, tuples are lists, dicts are inline tables."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_text(k)} = {value_text(v, where)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "[" + ", ".join(value_text(element, where) for element in value) + "]"
    raise InputError(f"{where}: {value!r} has the type {type(value).__name__}, expected a text, a number, True, False, "
                     "a list or a dict")


def document_text(document: Mapping) -> str:
    """A whole document. A list of dicts becomes tables [[key]]."""
    lines: list[str] = []
    _write(document, (), lines)
    return "\n".join(lines) + "\n"


def _is_tables(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and bool(value) and all(
        isinstance(element, Mapping) for element in value)


def _write(table: Mapping, path: tuple, lines: list) -> None:
    for key, value in table.items():
        if not isinstance(value, Mapping) and not _is_tables(value):
            name = ".".join((*path, str(key)))
            lines.append(f"{key_text(key)} = {value_text(value, name)}")
    for key, value in table.items():
        inner = (*path, key_text(key))
        for element, brackets in (((value, "[{}]"),) if isinstance(value, Mapping) else
                                  tuple((e, "[[{}]]") for e in value) if _is_tables(value) else ()):
            lines.append("\n" + brackets.format(".".join(inner)))
            _write(element, inner, lines)
