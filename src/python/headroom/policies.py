"""Policies: names, and functions of one's own."""
from __future__ import annotations

import difflib
import hashlib
import inspect
from collections.abc import Callable, Sequence
from typing import Union

import numpy as np

from . import _headroom
from .errors import InputError

# A policy: the name of one of headroom's, or a function from a problem to the device of each block.
Policy = Union[str, Callable[[_headroom.Problem], Union[np.ndarray, Sequence[int], None]]]


def name_of(function: Callable) -> str:
    """The name of a function for tables and traces: its __name__, or that of its class."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return name.strip("<>")  # of a lambda


def version_of(function: Callable) -> str:
    """A hash of the file (in a notebook: of the source) of a function, or "python" if there is none."""
    target = inspect.unwrap(getattr(function, "func", function))
    if not (inspect.isfunction(target) or inspect.ismethod(target) or inspect.isclass(target)):
        target = type(target)
    try:
        with open(inspect.getsourcefile(target) or "", "rb") as file:
            content = file.read()
    except (OSError, TypeError):
        try:
            content = inspect.getsource(target).encode()
        except (OSError, TypeError):
            return "python"
    return hashlib.sha256(content).hexdigest()[:16]


def asked(policy: Policy) -> tuple:
    """(name, version, function or None), as the extension module takes it."""
    if callable(policy):
        return name_of(policy), version_of(policy), policy
    if not isinstance(policy, str):
        raise InputError(f"policy {policy!r}: has the type {type(policy).__name__}, expected the name of a policy or a "
                         "function from a headroom.Problem to a placement")
    return named(policy), "", None


def named(policy: str) -> str:
    """The name, if there is a policy of this name."""
    known = _headroom.policy_names()
    known.remove("custom")
    if policy == "custom":
        raise InputError('controller.policy is "custom", expected the function that decides; give it as `policy`')
    if policy not in known:
        near = difflib.get_close_matches(policy, known, 1)
        raise InputError(f"policy {policy}: there is no such policy, expected one of {', '.join(known)}"
                         + (f"; did you mean {near[0]}?" if near else ""))
    return policy
