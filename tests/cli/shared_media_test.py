#!/usr/bin/env python3
"""scripts/experiments/shared_media.py: steps whose times were computed by hand, and the program's own traces."""
import contextlib
import io
import json
import os
import sys
from unittest import mock

from headroom import BINARY, ROOT, Case, main

sys.path.insert(0, str(ROOT / "scripts/experiments"))

import medium_queue  # noqa: E402
import options  # noqa: E402
import shared_media  # noqa: E402
from medium_queue import NONE, Message, Network, walk  # noqa: E402

MILLION = 10**6


def network(medium_of, overheads=None, rate=-1, latency=5):
    """A medium of 1 MB/s, so that a byte takes 1000 ns."""
    devices = range(len(medium_of))
    return Network({(a, b): (rate, latency) for a in devices for b in devices}, medium_of, [MILLION],
                   overheads or [0] * len(medium_of))


class SharedMedia(Case):
    def test_three_stations_send_to_a_device_on_the_wire(self):
        messages = [Message(sender, 3, size, "partial") for sender, size in ((0, 100), (1, 200), (2, 300))]
        # Station 2 computes for 150 us first. The receiver takes them by increasing sender and computes for 7 ns.
        programs = [[("send", 0)], [("send", 1)], [("compute", 150_000), ("send", 2)],
                    [("receive", 0), ("receive", 1), ("receive", 2), ("compute", 7)]]
        cell = network([0, 0, 0, NONE])
        static = walk(programs, messages, cell)
        self.assertEqual(static.arrivals, {0: 300_005, 1: 600_005, 2: 150_000 + 900_005}, "a third each")
        self.assertEqual(static.clocks[3], 1_050_012)
        queued = walk(programs, messages, cell, first_come=True)
        self.assertEqual(queued.arrivals, {0: 100_005, 1: 300_005, 2: 600_005}, "one after the other")
        self.assertEqual(queued.clocks[3], 600_012)

    def test_a_message_from_station_to_station_passes_the_medium_twice(self):
        messages = [Message(0, 2, 100, "partial"), Message(1, 2, 100, "partial")]
        programs = [[("send", 0)], [("send", 1)], [("receive", 0), ("receive", 1)]]
        cell = network([0, 0, 0])
        self.assertEqual(walk(programs, messages, cell).arrivals, {0: 400_005, 1: 400_005}, "two links, four ends")
        # To the access point: 0 to 100 us and 100 to 200 us; from there 200 to 300 us and 300 to 400 us.
        self.assertEqual(walk(programs, messages, cell, first_come=True).arrivals, {0: 300_005, 1: 400_005})

    def test_messages_of_other_phases_share_nothing_and_those_of_one_link_follow_each_other(self):
        messages = [Message(0, 1, 100, "normed x"), Message(0, 1, 100, "x")]
        programs = [[("send", 0), ("send", 1)], [("receive", 0), ("receive", 1)]]
        cell = network([0, NONE], overheads=[20, 30])
        static = walk(programs, messages, cell)
        self.assertEqual(static.begins, {0: 20, 1: 100_020}, "the link is busy until then")
        self.assertEqual(static.arrivals, {0: 100_025, 1: 200_025})
        self.assertEqual(static.clocks, [40, 200_055], "two overheads of the sender, the last one of the receiver")
        self.assertEqual(walk(programs, messages, cell, first_come=True).arrivals, {0: 100_025, 1: 200_025})

    def test_a_link_slower_than_its_part_of_the_medium(self):
        messages = [Message(0, 1, 100, "x")]
        programs = [[("send", 0)], [("receive", 0)]]
        for first_come in (False, True):
            slow = walk(programs, messages, network([0, NONE], rate=MILLION // 4), first_come)
            self.assertEqual(slow.arrivals, {0: 400_005})
            wire = walk(programs, messages, network([NONE, NONE], rate=MILLION // 2), first_come)
            self.assertEqual(wire.arrivals, {0: 200_005})

    def test_a_message_that_nobody_sends_is_found(self):
        with self.assertRaisesRegex(ValueError, r"devices \[1\] wait"):
            walk([[], [("receive", 0)]], [Message(0, 1, 100, "x")], network([0, 0]))

    def experiment(self, *arguments, code=0):
        out, said = io.StringIO(), io.StringIO()
        with mock.patch.object(sys, "argv", ["shared_media.py", *map(str, arguments)]), \
                mock.patch.dict(os.environ, HEADROOM_BINARY=str(BINARY)), \
                contextlib.chdir(self.folder), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as end:
            options.end(shared_media.main)
        self.assertEqual(end.exception.code, code, said.getvalue())
        return out.getvalue(), said.getvalue()

    def test_static_times_are_those_of_the_trace_to_the_nanosecond(self):
        out, said = self.experiment("--stations", "2,3", "--out", "out", "--json")
        rows = json.loads(out)["tables"][0]["rows"]
        self.assertEqual([(row["stations"], row["source"]) for row in rows],
                         [(2, "a station"), (3, "a station")] * 3 + [(2, "wired"), (3, "wired")] * 3)
        for row in rows:
            self.assertGreater(row["messages"], 100)
            self.assertTrue(0.5 < row["static ÷ first come"] < 3, row)
        with mock.patch.object(medium_queue, "duration", lambda amount, rate: amount + 1):
            out, said = self.experiment("--stations", "2", "--out", "out", code=1)
        self.assertIn("6 runs are there already", said)
        self.assertIn("recorded", said, "a walk that is wrong is noticed")

    def test_message_overheads_and_traces_of_others(self):
        given = mock.Mock(memory_bandwidth="10 GB/s", capacity="50 Mbit/s", latency="1 ms")
        text = shared_media.scenario(3, False, shared_media.CUTS["sliced, hub"][1], given)
        for kind in ("hub", "ring"):
            scenario = self.scenario(text.replace('"hub"', f'"{kind}"').replace(
                'name = "d1"', 'name = "d1"\nmessage_overhead = "70 us"\noperation_overhead = "30 us"'))
            done = self.headroom("simulate", scenario, "--policy", "galaxy", "--trace-ops", "--trace", f"{kind}.h5")
            self.assertEqual(done.returncode, 0, done.stderr)
        out, _ = self.experiment("hub.h5", "ring.h5")
        self.assertIn("| hub.h5 ", out)
        self.assertIn("| ring.h5 ", out)


if __name__ == "__main__":
    main()
