"""The functions of the package."""
from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Union

import numpy as np

from . import _headroom, errors
from .errors import InputError
from .policies import Policy, asked, name_of, named, version_of
from .results import Plan, Run, Verification
from .scenario import Scenario

# A placement: the number of the device of each block.
Placement = Union[np.ndarray, Sequence[int]]


def policies() -> list[str]:
    """Returns the names of the policies that are part of headroom; `headroom help policies` describes them."""
    return _headroom.policies()


def problem(scenario: Scenario, at: int = 0, previous: Placement | str | None = None, *,
            clock_ns: int = 0) -> _headroom.Problem:
    """Returns the problem that a policy has to solve.

    at: sampled tokens of each sequence; 0 for the first decision. previous: the placement in force, int [block], or
    the name of the policy whose first choice it is, or None. clock_ns: the virtual time whose rates and memory count.
    """
    return _headroom.problem(scenario._native, _start(at, previous, clock_ns))


def evaluate(problem: _headroom.Problem, placement: Placement, batch: int = 1) -> _headroom.Decision:
    """Returns the predicted times of a placement.

    placement: int [block], the device of each block. batch: sequences that are computed together. The result's
    `feasible` says whether the placement fits; the times are those of a device without limits of memory. Raises
    InputError if there is not one existing device for each block.
    """
    return _headroom.evaluate(problem, placement, batch)


def validate(problem: _headroom.Problem, placement: Placement) -> list[str]:
    """Returns what is wrong with a placement, one sentence for each reason. An empty list: it fits."""
    return _headroom.validate(problem, placement)


def decide(problem: _headroom.Problem, policy: Policy) -> _headroom.Decision:
    """Returns the decision of a policy, named or a function, as a run would apply it: checked, with the batch size
    chosen. Its `placement` is None if the policy finds none. Raises InputError if a function returns something else
    than a placement, with the traceback if it raises."""
    name, version, function = asked(policy)
    return _headroom.decide(problem, function, name, version)


def plan(scenario: Scenario, policies: Sequence[Policy] | Policy | None = None,
         previous: Placement | _headroom.Decision | str | None = None, at: int = 0, *, clock_ns: int = 0,
         bound: bool = False) -> Plan:
    """Returns one decision of each policy for the same problem, as `headroom plan` does.

    policies: names and functions; default: the scenario's policy. previous: the placement in force (int [block], a
    Decision, or the name of the policy whose first choice it is), so that migrations count. at: sampled tokens of
    each sequence. clock_ns: the virtual time whose rates and memory count. bound: prove a lower bound also in a large
    fleet (up to 10 s).
    """
    chosen = [scenario.policy] if policies is None else policies
    if isinstance(chosen, str) or callable(chosen):
        chosen = [chosen]
    asks = [asked(policy) for policy in chosen]
    names = [name for name, _, _ in asks]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"policy {name}: is there {names.count(name)} times, expected different names; give a "
                             "function another __name__")
    result = _headroom.plan(scenario._native, asks, _start(at, previous, clock_ns), bound)
    decided = {decision.policy: decision for decision in result.pop("decisions")}
    return Plan(decisions={name: decided[name] for name in names}, **result)


def simulate(scenario: Scenario, policy: Policy | None = None, trace: str | os.PathLike | None = None, *,
             trace_ops: bool = False, force: bool = False) -> Run:
    """Computes a run in virtual time, without weights: the same nanoseconds as `headroom simulate` and `headroom run`.

    policy: a name or a function; default: the scenario's. trace: a file (.h5) to write, which must not exist unless
    `force`. trace_ops: record every operation and message (Trace.ops, Trace.messages). Raises an Error with the run
    so far (error.run) if the run ends early, for example InfeasibleError if the policy finds no first placement.
    """
    _check_out(trace, force)
    path = os.fspath(trace) if trace is not None else ""
    decider = asked(scenario.policy if policy is None else policy)
    return _finished(_headroom.simulate(scenario._native, decider, path, force, trace_ops), path)


def replay(trace: str | os.PathLike, policy: Policy | None = None, out: str | os.PathLike | None = None, *,
           recorded_policy: Policy | None = None, trace_ops: bool = False,
           force: bool = False) -> Verification | Run:
    """Computes a recorded run again, as `headroom replay` does.

    Without `policy`, returns a Verification: whether all decisions and times come out as recorded. The decisions of
    a policy of your own are taken as recorded, unless `recorded_policy` is this function and has the recorded version.
    With `policy`, returns the Run that would have happened under it; `out` is a trace (.h5) to write.
    """
    recorded_path = os.fspath(trace)
    recorded = _headroom.read_trace(recorded_path)
    if policy is None:
        if out is not None:
            raise InputError("out: is for what would have happened under another policy, expected `policy` with it")
        own = None
        if recorded_policy is not None:
            own = (name_of(recorded_policy), version_of(recorded_policy), recorded_policy)
        return Verification(**_headroom.verify(recorded, recorded_path, own))
    _check_out(out, force)
    path = os.fspath(out) if out is not None else ""
    if path and os.path.exists(path) and os.path.samefile(path, recorded_path):
        raise InputError(f"out {path}: is the recorded run, expected another name")
    return _finished(_headroom.replay_under(recorded, recorded_path, asked(policy), path, force, trace_ops), path)


def read_trace(path: str | os.PathLike) -> _headroom.Trace:
    """Returns the tables of a trace file (.h5) as arrays. A file with damage over which the HDF5 library breaks down
    ends the process, so read traces of strangers in a process of their own."""
    return _headroom.read_trace(os.fspath(path))


def _start(at: int, previous: object, clock_ns: int) -> _headroom.Start:
    if isinstance(previous, _headroom.Decision):
        previous = previous.placement
    if isinstance(previous, str):
        named(previous)
    if at < 0 or clock_ns < 0:
        raise InputError(f"at = {at}, clock_ns = {clock_ns}: expected at least 0")
    return _headroom.Start(previous, at, clock_ns)


def _check_out(path: str | os.PathLike | None, force: bool) -> None:
    """With `force` only traces are replaced, not other files that were named by mistake."""
    if path is None or not force or not os.path.isfile(path) or os.path.getsize(path) == 0:
        return
    with open(path, "rb") as file:
        if file.read(4) != b"\x89HDF":
            raise InputError(f"trace {os.fspath(path)}: exists and is no trace, expected a new name or an old trace")


def _finished(result: dict, path: str) -> Run:
    """The run, if it came to its end. Raises what ended it otherwise."""
    for warning in result["warnings"]:
        warnings.warn(warning, stacklevel=3)
    trace = result["trace"]
    run = Run(result["policy"], trace, trace._summary(), path or None)
    if result["exit_code"] == 0:
        return run
    error = errors.made(result["exit_code"], result["message"], result["fields"], [])
    if isinstance(error, errors.Error):
        error.run = run
    raise error from result["cause"]
