"""A Slurm of this machine alone, as scripts/slurm/setup_test_cluster makes it, and jobs on it."""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SLURM = Path(__file__).resolve().parent.parent.parent / "scripts/slurm"
SETUP = SLURM / "setup_test_cluster"
SKIPPED = 77  # SKIP_RETURN_CODE of the tests
INSIDE = "HEADROOM_INSIDE_TEST_CLUSTER"
# Whatever becomes of the test, its daemons and jobs end with it.
WORLD = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]


def main_with_slurm(main):
    """Runs main() where daemons cannot outlive it, or ends with SKIPPED and says why."""
    if not os.environ.get(INSIDE):
        tried = subprocess.run([SETUP, "check"], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            print(f"skipped: {tried.stderr.strip()}", file=sys.stderr)
            sys.exit(SKIPPED)
        if subprocess.run([*WORLD, "true"], capture_output=True, check=False).returncode == 0:
            os.execvpe(WORLD[0], [*WORLD, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    main()


def called(*words, **options):
    """What a command prints; it must not fail."""
    result = subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, text=True,
                            capture_output=True, check=False, timeout=60, **options)
    if result.returncode != 0:
        raise AssertionError(f"{words}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


class Cluster:
    """`nodes` fake nodes; `environment` is what commands and jobs on it need."""

    def __init__(self, nodes=2, cpus=32):
        self._place = tempfile.TemporaryDirectory(prefix="slurm-")
        self.folder = Path(self._place.name) / "cluster"
        called(SETUP, "start", self.folder, "--nodes", nodes, "--cpus", cpus)
        listed = called("bash", "-c", f"source {self.folder}/env && env -0")
        self.environment = dict(entry.split("=", 1) for entry in listed.split("\0") if entry)

    def stop(self):
        called(SETUP, "stop", self.folder)
        self._place.cleanup()

    def call(self, *words, environment=None, **options):
        return called(*words, env={**self.environment, **(environment or {})}, **options)

    def submit(self, *words, environment=None, cwd=None):
        """sbatch; the job's id."""
        return self.call("sbatch", "--parsable", *words, environment=environment,
                         cwd=cwd).strip().split(";")[0]

    def told(self, job):
        """What Slurm knows of a job (or of one task of an array), by name."""
        text = self.call("scontrol", "--oneliner", "show", "job", job).splitlines()[0]
        return dict(re.findall(r"(\w+)=(\S*)", text))

    def wait_for(self, what, condition, seconds=90):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(f"waited {seconds} s until {what}\n" + self.call("squeue"))
            time.sleep(0.1)

    def wait_for_jobs(self, *jobs, seconds=90):
        """Until none of them is queued, running or ending."""
        self.wait_for(f"jobs {jobs} end", lambda: not self.call(
            "squeue", "--noheader", "--states=all", "--format=%i %T",
            f"--jobs={','.join(jobs)}", "--states=PENDING,RUNNING,COMPLETING,CONFIGURING,REQUEUED,"
            "SUSPENDED").strip(), seconds)
