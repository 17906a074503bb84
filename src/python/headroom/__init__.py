"""Headroom: where do the attention heads of a language model run best on a fleet of edge devices?

    import headroom

    scenario = headroom.Scenario.from_file("demo.toml")
    print(headroom.plan(scenario, ["resource_aware", "paper"]))    # one decision of each policy

    def mine(problem):                                             # a policy of your own
        devices = range(problem.devices)
        candidates = [[device] * len(problem) for device in devices]
        fitting = [c for c in candidates if not headroom.validate(problem, c)]
        return min(fitting, key=lambda c: headroom.evaluate(problem, c).objective_s, default=None)

    run = headroom.simulate(scenario, mine)                        # the whole run in virtual time
    print(run.summary["time_per_output_token_ns"], run.trace.tokens["end"][-1])

A policy is a function from a `Problem` to a placement: the number of a device for each block, as an array of
integers with shape (blocks,), or None if it finds none. It must give the same answer to equal problems. Times are
integers in virtual nanoseconds if their name ends in `_ns`; sizes are bytes, rates FLOP/s and bytes/s.

    headroom.Scenario    model, fleet, workload and settings, from a file, a text or a dict
    headroom.policies()  the names of the policies that are part of headroom
    headroom.problem()   the problem that a policy would have to solve now
    headroom.decide()    the answer of a policy to a problem
    headroom.validate()  whether a placement fits, and what is wrong with it
    headroom.evaluate()  the predicted times of a placement
    headroom.plan()      one decision of several policies, side by side
    headroom.simulate()  a whole run, to the nanosecond as `headroom simulate`
    headroom.replay()    a recorded run again, or under another policy
    headroom.read_trace()  the tables of a trace file

Long calls leave other threads of Python running, and Ctrl-C ends them.
"""
from . import _check  # first: it says what is wrong with this Python
from ._headroom import NEVER, UNLIMITED, Decision, Problem, Trace
from .errors import Bug, EnvironmentError, Error, InfeasibleError, InputError, StuckError
from .functions import decide, evaluate, plan, policies, problem, read_trace, replay, simulate, validate
from .policies import Policy
from .results import Plan, Run, Verification
from .scenario import Scenario
from ._headroom import VERSION as __version__

__all__ = [
    "Bug", "Decision", "EnvironmentError", "Error", "InfeasibleError", "InputError", "NEVER", "Plan", "Policy",
    "Problem", "Run", "Scenario", "StuckError", "Trace", "UNLIMITED", "Verification", "decide", "evaluate", "plan",
    "policies", "problem", "read_trace", "replay", "simulate", "validate",
]

for _type in (Decision, Problem, Trace, Bug, EnvironmentError, Error, InfeasibleError, InputError, StuckError, Plan,
              Run, Verification, Scenario, decide, evaluate, plan, policies, problem, read_trace, replay, simulate,
              validate):
    _type.__module__ = "headroom"  # where users find them
del _type, _check
