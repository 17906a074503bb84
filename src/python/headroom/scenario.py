"""Scenarios: what is run where."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from . import _headroom, toml
from .errors import InputError

_HINT = "\n  correct what is named above; headroom help scenario describes every key and its units"


def installed(folder: str) -> str:
    """The folder of the scenarios or models that come with headroom; "" if it is not there."""
    # PREFIX/lib/headroom/python/headroom/scenario.py, not the source that it may be a link to
    prefix = Path(os.path.abspath(__file__)).parents[4]
    path = prefix / "share/headroom" / folder
    return str(path.resolve()) if path.is_dir() else ""


def _found(path: str) -> str:
    """The path itself, or that of the installed scenario of this name."""
    if os.path.exists(path) or os.path.dirname(path) or not installed("scenarios"):
        return path
    other = os.path.join(installed("scenarios"), path)
    return other if os.path.isfile(other) else path


def _changes(overrides: Mapping) -> list[str]:
    return [f"{key}={toml.value_text(value, str(key))}" for key, value in overrides.items()]


class Scenario:
    """A model, a fleet of devices, a workload and settings, read and checked.

    Make one with from_file(), from_text() or from_dict(), and another one with with_(). The keys are those of
    docs/reference/scenario.md. A scenario never changes. str(scenario) is the scenario as TOML with every default.
    """

    def __init__(self, native: _headroom.Scenario):
        self._native = native

    @classmethod
    def from_file(cls, path: str | os.PathLike, overrides: Mapping[str, object] | None = None) -> Scenario:
        """Reads a scenario file (TOML). A name without a folder can be that of a scenario that comes with headroom,
        such as "demo.toml". overrides: see with_(). Raises InputError with all mistakes at once."""
        found = _found(os.fspath(path))
        try:
            text = Path(found).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{found}: is no text, expected a scenario (TOML)") from None
        except OSError as error:
            what = "there is no such scenario file" if isinstance(error, FileNotFoundError) else error.strerror
            raise InputError(f"{found}: {what}{_HINT}") from None
        return cls._read(text, found, _changes(overrides or {}), installed("models"))

    @classmethod
    def from_text(cls, text: str, overrides: Mapping[str, object] | None = None, *,
                  path: str | os.PathLike = "scenario.toml") -> Scenario:
        """Reads the text of a scenario (TOML). Relative paths in it start from the folder of `path`, which need not
        exist, and messages name it."""
        return cls._read(text, os.fspath(path), _changes(overrides or {}), installed("models"))

    @classmethod
    def from_dict(cls, document: Mapping[str, object], overrides: Mapping[str, object] | None = None, *,
                  path: str | os.PathLike = "scenario.toml") -> Scenario:
        """Reads a scenario from nested dicts and lists:

            Scenario.from_dict({"model": {"preset": "llama-2-7b"}, "network": {"preset": "gigabit-ethernet"},
                                "device": [{"profile": "raspberry-pi-5-8gb", "count": 4}]})
        """
        return cls.from_text(toml.document_text(document), overrides, path=path)

    @classmethod
    def _read(cls, text: str, path: str, changes: list[str], models: str) -> Scenario:
        try:
            return cls(_headroom.Scenario(text, path, changes, models))
        except InputError as error:
            hinted = InputError(str(error) + _HINT)
            hinted.fields, hinted.problems = error.fields, error.problems
            raise hinted from None

    def with_(self, overrides: Mapping[str, object] | None = None, /, **keywords: object) -> Scenario:
        """Returns the scenario with other values, as --set of the command line does:

            scenario.with_({"controller.interval": 4, "device.phone.memory": "1 GiB"})
            scenario.with_(seed=3, **{"workload.tokens": 100})
        """
        native = self._native
        changes = native.changes + _changes({**(overrides or {}), **keywords})
        return self._read(native.text, native.path, changes, native.models)

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self._native.name

    @property
    def model(self) -> str:
        """The model's preset, or the path of its file."""
        return self._native.model

    @property
    def devices(self) -> list[str]:
        """The names of the devices, in the order of their numbers."""
        return self._native.devices

    @property
    def policy(self) -> str:
        """The name of the policy that decides, `controller.policy`."""
        return self._native.policy

    @property
    def interval(self) -> int:
        """Lambda: decode steps from one decision to the next, `controller.interval`."""
        return self._native.interval

    @property
    def warnings(self) -> list[str]:
        """Sentences about values that are allowed but probably mistakes."""
        return self._native.warnings

    def __str__(self) -> str:
        return self._native.resolved

    def __repr__(self) -> str:
        return f"<headroom.Scenario {self.name!r}: {self.model} on {len(self.devices)} devices, policy {self.policy}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))
