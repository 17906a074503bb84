#!/usr/bin/env python3
"""Measures headroom.evaluate() of the Python module beside the same computation in C++.

usage: python_evaluate.py [--calls N] [--repeats R] [--check]
  The problem has 5 devices and 4 layers of 32 heads. C++: a loop within the module, without Python. Python: N calls
  with a NumPy array; each figure is the best of R repeats. --check: exit code 1 if N calls take more than twice their
  C++ time plus 20 us each.
"""
import argparse
import sys
import time

import numpy as np

import headroom
from headroom import _headroom

SCENARIO = {
    "model": {"shape": {"layers": 4, "heads": 32, "kv_heads": 32, "width": 1024, "ffn_width": 2816,
                        "vocab": 32000, "context": 2048}},
    "workload": {"prompt_tokens": 16, "tokens": 64},
    "network": {"bandwidth": "100 Mbit/s", "latency": "500 us"},
    "device": [{"name": f"device-{i}", "compute": f"{10 + 5 * i} GFLOP/s", "memory": "1 GiB",
                "memory_bandwidth": "8 GB/s"} for i in range(5)],
}


def best(repeats, measure):
    return min(measure() for _ in range(repeats))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    scenario = headroom.Scenario.from_dict(SCENARIO)
    problem = headroom.problem(scenario)
    blocks = problem.blocks
    spread = np.where(blocks["pinned"], problem.source, np.arange(len(blocks)) % problem.devices).astype(np.int32)
    whole = np.where(blocks["pinned"], problem.source, np.maximum(blocks["layer"], 0)).astype(np.int32)
    late = False
    print(f"{len(blocks)} blocks on {problem.devices} devices, {options.calls} calls, best of {options.repeats}")
    for name, placement in (("whole layers", whole), ("spread", spread)):
        def in_python():
            begin = time.perf_counter()
            for _ in range(options.calls):
                headroom.evaluate(problem, placement)
            return (time.perf_counter() - begin) / options.calls * 1e6

        cpp = best(options.repeats, lambda: _headroom.time_evaluate(problem, placement, options.calls) / 1e3)
        python = best(options.repeats, in_python)
        limit = 2 * cpp + 20
        late = late or python > limit
        print(f"  {name:14}C++ {cpp:7.1f} us   Python {python:7.1f} us   limit {limit:7.1f} us")
    return 1 if options.check and late else 0


if __name__ == "__main__":
    sys.exit(main())
