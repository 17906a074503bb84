#!/usr/bin/env python3
"""Hosts that all have an interface with the same address, as docker0 has. Open MPI takes it for a way
from one to the other and waits. Long: MPI gets its time to start. ctest -R hosts.interfaces
"""
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))
from fake_hosts import ENTER, SUBNET, FakeHosts, main_in_own_world, run  # noqa: E402
from headroom import BINARY, main, scenario_text  # noqa: E402


class Interfaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosts = FakeHosts(("alpha", "beta"), 1)
        cls.addClassCleanup(cls.hosts.stop)
        for name in cls.hosts.names:
            for words in (["link", "add", "docker0", "type", "bridge"],
                          ["addr", "add", "172.17.0.1/16", "dev", "docker0"],
                          ["link", "set", "docker0", "up"]):
                run(*cls.hosts.enter(name), "ip", *words)
        cls.scenario = cls.hosts.folder / "scenario.toml"
        cls.scenario.write_text(scenario_text(2, tokens=4))

    def across(self, trace, **settings):
        """Without the settings that FakeHosts.mpirun has against just this."""
        settings = {"plm": "rsh", "plm_rsh_agent": ENTER, "btl": "tcp,self",
                    "oob_tcp_if_include": SUBNET, **settings}
        return subprocess.run(
            list(map(str, [
                *self.hosts.enter("alpha"), "mpirun", "-q", "--hostfile", self.hosts.hostfile,
                *(word for name, value in settings.items() for word in ("--mca", name, value)),
                "-n", 2, BINARY, "run", self.scenario, "--trace", self.hosts.folder / trace])),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
            cwd=self.hosts.folder,
            env={**os.environ, "TMPDIR": str(self.hosts.folder / "tmp"), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                 "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})

    def test_the_message_names_hosts_and_what_to_set(self):
        started = time.monotonic()
        result = self.across("lost.h5")
        self.assertEqual(result.returncode, 5, result.stderr)
        for part in ("MPI has not brought all 2 ranks together", "this is alpha",
                     "OMPI_MCA_btl_tcp_if_include=NAME", "docker0 172.17.0.1/16", "uplink 10.77.0.1/24"):
            self.assertIn(part, result.stderr)
        self.assertEqual(result.stderr.count("error:"), 1, result.stderr)
        self.assertLess(time.monotonic() - started, 150)

    def test_the_advice_helps(self):
        result = self.across("found.h5", btl_tcp_if_include="uplink")
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    main_in_own_world(main)
