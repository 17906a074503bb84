"""The exceptions of headroom, with the messages of the command line."""
from __future__ import annotations


class Error(Exception):
    """The base class. `fields` has facts about the error, such as {"device": "phone"}; `problems` the single
    mistakes of an input; `run` the Run up to the error if a simulation ended early, else None."""

    fields: dict
    problems: list
    run: object = None


class InputError(Error, ValueError):
    """A scenario, a trace, a placement or a policy is wrong (exit code 2 of the command line)."""


class EnvironmentError(Error):
    """The computer lacks something, such as space on a disk (exit code 3)."""


class StuckError(Error):
    """A computation or a message never ends, because a device or link is down (exit code 5)."""


class InfeasibleError(Error):
    """No placement fits (exit code 6)."""


class Bug(RuntimeError):
    """A mistake in headroom. Please report it."""


_CLASSES = {2: InputError, 3: EnvironmentError, 5: StuckError, 6: InfeasibleError}


def made(code: int, message: str, fields: dict, problems: list) -> BaseException:
    """The exception for an exit code of the command line."""
    if code == 130:
        return KeyboardInterrupt()
    error = _CLASSES.get(code, Error)(message)
    error.fields = fields
    error.problems = problems or [message]
    return error
