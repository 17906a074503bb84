#!/usr/bin/env python3
"""headroom inspect TRACE: its figures match the tables of the trace; its charts fit the terminal."""
import json
import os
import pty
import re
import subprocess
import unittest

import h5py
import numpy as np

from headroom import BINARY, DEMO, Case, main, scenario_text
from small_traces import headroom_trace

TITLES = ("time per token", "where the time of the intervals went", "memory at its fullest",
          "groups per device over time", "links used most")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def reported_busy(tables, devices):
    """Returns the busy times, per interval and device, that devices reported, none longer than its
    interval: the excess counts in the following intervals, and what remains at the end in the
    earlier ones."""
    rows = tables["intervals"]
    lengths = [int(r["t_end"] - r["t_dec"]) - int(r["t_resume"] - r["t_switch"]) for r in rows]
    busy = np.zeros((len(rows), devices), dtype=np.int64)
    for row in tables["resources"]:
        busy[row["interval"], row["device"]] += row["busy_ns"]
    forward = list(range(len(rows)))
    for device in range(devices):
        excess = 0
        for i in forward + forward[::-1]:
            whole = int(busy[i, device]) + excess
            busy[i, device] = min(whole, lengths[i])
            excess = whole - int(busy[i, device])
    return busy


def figures(path):
    """Returns the figures behind the charts, computed from the tables with plain loops."""
    with h5py.File(path, "r") as file:
        tables = {name: file[name][:] for name in
                  ("intervals", "tokens", "resources", "link_state", "placements", "blocks", "ops")
                  if name in file}
        names = [name.decode() for name in file["devices"]["name"]]
    before, latencies = {}, []
    for row in tables["tokens"][tables["tokens"]["is_prompt"] == 0]:
        sequence, end = int(row["sequence"]), int(row["end"])
        if sequence in before:
            latencies.append((end, sequence, end - before[sequence]))
        before[sequence] = end
    time = {"whole_ns": 0, "migrating_ns": 0, "busiest_device_ns": 0, "any_device_at_most_ns": 0}
    reported = reported_busy(tables, len(names))
    for i, row in enumerate(tables["intervals"]):
        if "ops" in tables:
            ops = tables["ops"]
            within = np.minimum(ops["end"], row["t_end"]) - np.maximum(ops["start"], row["t_dec"])
            busy = np.array([within[(ops["device"] == d) & (within > 0)].sum()
                             for d in range(len(names))])
        else:
            busy = reported[i]
        away = int(row["t_resume"] - row["t_switch"])
        rest = int(row["t_end"] - row["t_dec"]) - away
        time["whole_ns"] += rest + away
        time["migrating_ns"] += away
        time["busiest_device_ns"] += min(rest, int(busy.max()))
        time["any_device_at_most_ns"] += min(rest, int(busy.sum()))
    links = {}
    for row in tables["link_state"]:
        key = names[row["from"]], names[row["to"]]
        links[key] = links.get(key, 0) + int(row["bytes"])
    group = tables["blocks"]["kind"] == 1
    counts = [[int((placed[group] == d).sum()) for placed in tables["placements"]]
              for d in range(len(names))]
    return latencies, time, {key: sent for key, sent in links.items() if sent}, counts


class Inspect(Case):
    def recorded(self, *arguments):
        path = self.folder / "seen.h5"
        self.summary(*arguments, "--trace", path, "--transport", "inprocess", "--force")
        return path

    def test_json_has_the_figures_of_the_tables(self):
        requests = DEMO.parent / "requests.toml"
        for arguments in ([DEMO], [requests], [requests, "--trace-ops"]):
            path = self.recorded(*arguments)
            told = json.loads(self.headroom("inspect", path, "--json").stdout)
            latencies, time, links, counts = figures(path)
            columns = told["token_latency"]
            self.assertEqual(sorted(latencies), list(zip(
                columns["end_ns"], columns["sequence"], columns["latency_ns"])))
            devices = told["time"].pop("devices", None)
            self.assertEqual(told["time"], time)
            self.assertEqual({(l["from"], l["to"]): l["bytes"] for l in told["links"]}, links)
            sent = [l["bytes"] for l in told["links"]]
            self.assertEqual(sent, sorted(sent, reverse=True))
            self.assertEqual(told["groups_over_time"], counts)
            self.assertEqual(devices is not None, "--trace-ops" in arguments)
            for device, of in zip(told["devices"], devices or []):
                self.assertEqual(of["computing_ns"], device["busy_ns"])

    def test_no_device_computes_for_longer_than_an_interval(self):
        requests = DEMO.parent / "requests.toml"
        arguments = [requests, "--policy", "ring", "--interval", "1", "--set", "workload.sequences=3"]
        for more in ([], ["--trace-ops"]):
            path = self.recorded(*arguments, *more)
            with headroom_trace.open_trace(path) as trace:
                rows, busy = trace.table("intervals"), trace.busy()
                length = rows["t_end"] - rows["t_dec"]
                reported = trace.by_device("busy_ns")
                self.assertGreater((reported / np.maximum(length, 1)[:, None]).max(), 1.3)
                self.assertTrue((busy <= length[:, None]).all())
                self.assertTrue((busy >= 0).all())
                self.assertEqual(busy.sum(axis=0).tolist(), reported.sum(axis=0).tolist())
            told = json.loads(self.headroom("inspect", path, "--json").stdout)
            self.assertEqual(told["time"]["busiest_device_ns"], int(busy.max(axis=1).sum()))
            self.assertLessEqual(max(device["utilisation"] for device in told["devices"]), 1)

    def test_pictures_fit_the_width_and_the_language(self):
        path = self.recorded(DEMO, "--trace-ops")
        for columns in (72, 80, 140):
            for language, wide in (("C", False), ("C.UTF-8", True)):
                shown = self.headroom("inspect", path, environment={
                    "COLUMNS": str(columns), "LC_ALL": language}).stdout
                for title in (*TITLES, "devices: "):
                    self.assertIn(title, shown)
                self.assertEqual("█" in shown, wide)
                self.assertEqual(shown.isascii(), wide is False)
                pictures = shown[shown.index("time per token, "):shown.index("placed at the end")]
                drawn = [line for line in pictures.splitlines() if line.startswith("    ")]
                self.assertLessEqual(max(map(len, drawn)), columns)
                self.assertGreater(max(map(len, drawn)), columns - 10)
                self.assertNotIn("\x1b", shown)

    def on_terminal(self, path, **environment):
        """Runs the program on a pseudo-terminal; returns its output."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([str(BINARY), "inspect", str(path)], stdout=theirs,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80",
                                        **environment})
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        self.assertEqual(process.wait(timeout=20), 0)
        return text.decode().replace("\r\n", "\n")

    def test_colours_only_on_a_terminal(self):
        path = self.recorded(DEMO, "--tokens", 40)
        coloured = self.on_terminal(path)
        self.assertIn("\x1b[34m", coloured)
        plain = self.headroom("inspect", path, environment={
            "LC_ALL": "C.UTF-8", "COLUMNS": "80"}).stdout
        self.assertEqual(ESCAPE.sub("", coloured), plain)
        self.assertEqual(self.on_terminal(path, NO_COLOR="1"), plain)

    def test_the_marks_stand_where_blocks_moved(self):
        path = self.recorded(DEMO)
        shown = self.headroom("inspect", path, environment={
            "COLUMNS": "160", "LC_ALL": "C.UTF-8"}).stdout.splitlines()
        at = next(i for i, line in enumerate(shown) if line.startswith("  time per token, "))
        with h5py.File(path) as file:
            rows = file["intervals"][:]
        # One column per token; the first has no token before it.
        moved = [max(0, int(row["first_token"]) - 1) for row in rows if row["moves"] > 0]
        marks = [i - 4 for i, mark in enumerate(shown[at + 2]) if mark == "▲"]
        self.assertEqual(marks, moved)
        self.assertEqual(len(shown[at + 1]), 4 + 127)

    def test_a_run_of_one_token_has_no_latency_to_show(self):
        path = self.recorded(self.scenario(scenario_text(count=1, tokens=1)))
        shown = self.headroom("inspect", path).stdout
        self.assertNotIn("time per token, ", shown)
        self.assertNotIn("links used most", shown)
        self.assertIn("memory at its fullest", shown)


if __name__ == "__main__":
    main()
