"""Ctrl-C ends long calls soon, and the trace is closed."""
import os
import signal
import subprocess
import sys
import time
import unittest

from support import ModuleTest, headroom, main

WITHIN_S = 2.0  # the module's promise is 0.2 s; a busy machine takes longer to schedule the process

PRELUDE = """
import sys, time
import headroom
# Policy exact does not prove the optimum of this problem within minutes.
slow = headroom.Scenario.from_dict({
    "model": {"preset": "llama-2-7b", "weight_type": "q4_0"}, "controller": {"node_limit": 10**9},
    "network": {"bandwidth": "100 Mbit/s", "latency": "1 ms"},
    "device": [{"compute": f"{10 + i} GFLOP/s", "memory": f"{900 + 100 * i} MiB"} for i in range(8)]})
def go():
    print("go", flush=True)
"""


class Stop(ModuleTest):
    def interrupt(self, code, after=0.5):
        """Sends SIGINT to Python `after` s seconds after it prints "go". Returns its output and the time it took."""
        process = subprocess.Popen([sys.executable, "-c", PRELUDE + code], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.folder)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        line = process.stdout.readline()
        self.assertEqual(line, "go\n", line or process.stderr.read() if process.poll() else line)
        time.sleep(after)
        self.assertIsNone(process.poll(), "the call was too short for the test")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
        return out, errors, time.monotonic() - begin, process.returncode

    def check(self, code):
        out, errors, taken, status = self.interrupt(code)
        self.assertEqual(status, -signal.SIGINT, errors)
        self.assertIn("KeyboardInterrupt", errors)
        self.assertLess(taken, WITHIN_S)
        return out

    def test_plan(self):
        self.check('go(); headroom.plan(slow, "exact")')

    def test_simulate(self):
        """Between tokens: the decisions are quick and there are many tokens."""
        self.check('demo = headroom.Scenario.from_text("""[model]\npreset = "llama-2-7b"\n[workload]\n'
                   'prompt_tokens = 5\ntokens = 4000\n[network]\nbandwidth = "1 Gbit/s"\nlatency = "1 ms"\n'
                   '[[device]]\nprofile = "raspberry-pi-5-8gb"\ncount = 4\n"""); '
                   'go(); [headroom.simulate(demo, "ring") for _ in range(100)]')

    def test_decide(self):
        self.check('problem = headroom.problem(slow); go(); headroom.decide(problem, "exact")')

    def test_a_function_as_policy(self):
        path = self.folder / "stopped.h5"
        self.check(f"""
calls = []
def mine(problem):
    calls.append(1)
    if len(calls) == 3:
        go()
        time.sleep(60)
    return headroom.decide(problem, "ring").placement
demo = headroom.Scenario.from_file("demo.toml")
headroom.simulate(demo, mine, trace={str(path)!r})
""")
        trace = headroom.read_trace(path)
        self.assertEqual(trace.completion, "interrupted")
        self.assertEqual(len(trace.intervals), 2)

    def test_a_handler_of_the_user_decides(self):
        out, errors, taken, status = self.interrupt("""
import signal
def handler(*_):
    raise TimeoutError("enough")
signal.signal(signal.SIGINT, handler)
go()
try:
    headroom.plan(slow, "exact")
except TimeoutError as error:
    print("caught", error)
""")
        self.assertIn("caught enough", out, errors)
        self.assertEqual(status, 0)

    def test_the_next_call_works(self):
        out, errors, _, status = self.interrupt("""
go()
try:
    headroom.plan(slow, "exact")
except KeyboardInterrupt:
    print(headroom.simulate(headroom.Scenario.from_file("demo.toml"), "ring").summary["sampled_tokens"])
""")
        self.assertIn("128", out, errors)
        self.assertEqual(status, 0)


if __name__ == "__main__":
    main()
