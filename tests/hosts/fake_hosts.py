"""Several hosts on one machine. Each has a network, a name and a view of the file system of its own
and is reached over TCP only.

All of it lives in namespaces of which this process is the first member: when it ends, however it
ends, everything that was started in them ends and nothing remains on the machine. Tests that run at
the same time do not see each other."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77  # SKIP_RETURN_CODE of the tests
INSIDE = "HEADROOM_INSIDE_FAKE_HOSTS"
WORLD = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--mount", "--net", "--uts"]
ENTER = Path(__file__).resolve().parent / "enter_host"
SUBNET = "10.77.0.0/24"


def why_not():
    """Why there can be no hosts here, or None."""
    for program in ("ip", "unshare", "nsenter", "mpirun"):
        if not shutil.which(program):
            return f"{program} is not installed"
    link = "ip link add probe0 type veth peer name probe1 && ip link add probe2 type bridge"
    tried = subprocess.run([*WORLD, "sh", "-c", link], stdin=subprocess.DEVNULL, text=True,
                           capture_output=True, check=False)
    return None if tried.returncode == 0 else (
        f"no namespaces or no virtual network for this user: {tried.stderr.strip()}")


def main_in_own_world(main):
    """Runs main() in namespaces of its own, or ends with SKIPPED and says why."""
    if os.environ.get(INSIDE):
        main()
    reason = why_not()
    if reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    os.execvpe(WORLD[0], [*WORLD, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def run(*words, **options):
    return subprocess.run(list(map(str, words)), check=True, stdin=subprocess.DEVNULL, **options)


class FakeHosts:
    """Hosts by name, each with `slots` and a folder of its own at the path `disk`."""

    def __init__(self, names, slots):
        self._folder = tempfile.TemporaryDirectory(prefix="hosts-")
        self.folder = Path(self._folder.name)
        self.disk = self.folder / "disk"
        self.names = names
        for name in ("disk", "pids", "tmp", *(f"disk-of-{name}" for name in names)):
            (self.folder / name).mkdir()
        os.environ["FAKE_HOSTS"] = str(self.folder / "pids")  # for enter_host
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "switch", "type", "bridge")
        run("ip", "link", "set", "switch", "up")
        self.holders = [self._start(index) for index in range(len(names))]
        self.hostfile = self.folder / "hostfile"
        self.hostfile.write_text("".join(
            f"{self.address(name)} slots={slots}\n" for name in names))

    def address(self, name):
        return f"10.77.0.{self.names.index(name) + 1}"

    def own_disk(self, name):
        """A host's disk, seen from outside."""
        return self.folder / f"disk-of-{name}"

    def _start(self, index):
        name = self.names[index]
        holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "sh", "-ec",
             f"hostname {name}; mount --bind {self.own_disk(name)} {self.disk}; echo up; "
             "exec sleep infinity"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if holder.stdout.readline() != "up\n":
            raise RuntimeError(f"host {name} does not start")
        (self.folder / "pids" / self.address(name)).write_text(str(holder.pid))
        run("ip", "link", "add", f"port{index}", "type", "veth", "peer", "name", "uplink")
        run("ip", "link", "set", "uplink", "netns", holder.pid)
        run("ip", "link", "set", f"port{index}", "master", "switch", "up")
        for words in (["addr", "add", f"{self.address(name)}/24", "dev", "uplink"],
                      ["link", "set", "uplink", "up"], ["link", "set", "lo", "up"]):
            run(*self.enter(name), "ip", *words)
        return holder

    def enter(self, name):
        """The words before a command that make it run on a host, as ssh would be."""
        return [ENTER, self.address(name)]

    def mpirun(self, *words, timeout=60):
        """mpirun on the first host; when ranks fail, others get no time to clean up."""
        settings = {"plm": "rsh", "plm_rsh_agent": ENTER, "btl": "tcp,self",
                    "btl_tcp_if_include": SUBNET, "oob_tcp_if_include": SUBNET,
                    "odls_base_sigkill_timeout": 0}
        command = [*self.enter(self.names[0]), "mpirun", "-q", "--hostfile", self.hostfile,
                   "--oversubscribe", "--bind-to", "none",
                   *(word for name, value in settings.items() for word in ("--mca", name, value)),
                   *words]
        return subprocess.run(
            list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, check=False, cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder / "tmp"), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                 "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})

    def stop(self):
        for holder in self.holders:
            holder.kill()
            holder.communicate()
        self._folder.cleanup()
