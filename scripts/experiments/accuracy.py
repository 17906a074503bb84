#!/usr/bin/python3
"""Published decode speeds of real devices beside what `headroom simulate` predicts for the catalogue's profiles:
one sequence, 16 prompt tokens, 128 sampled. Nothing is calibrated. Published speeds of Q4_K_M files are left out,
because a preset has no such weights. docs/explanation/accuracy.md shows the tables and says what explains them.
"""
import argparse
import json
import math
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import options
import report
from runs import RunFailed


@dataclass(frozen=True)
class Row:
    device: str         # profile of the catalogue
    count: int          # devices
    model: str          # preset
    weight_type: str
    published: float    # tokens/s
    source: str


# One device. llama.cpp, distributed-llama and ollama run 4-bit models as Q4_0 or close to it.
ALONE = (
    Row("raspberry-pi-5-8gb", 1, "llama-2-7b", "q4_0", 2.26, "distributed-llama README"),
    Row("raspberry-pi-5-8gb", 1, "tinyllama-1.1b", "q8_0", 9.0, "justine.lol/matmul"),
    Row("raspberry-pi-5-8gb", 1, "tinyllama-1.1b", "f16", 5.0, "justine.lol/matmul"),
    Row("raspberry-pi-5-8gb", 1, "qwen2.5-3b", "q8_0", 2.94, "nyunai edge-llm-leaderboard"),
    Row("raspberry-pi-4-8gb", 1, "llama-2-7b", "q4_0", 0.76, "distributed-llama README v0.1.0"),
    Row("raspberry-pi-4-8gb", 1, "tinyllama-1.1b", "q8_0", 3.0, "justine.lol/matmul"),
    Row("jetson-orin-nano-super", 1, "tinyllama-1.1b", "q4_0", 58.0, "WayfindR docs (ollama)"),
    Row("jetson-agx-orin", 1, "llama-2-7b", "q4_0", 22.5, "holoscan/holohub #170"),
    Row("jetson-agx-orin", 1, "llama-2-70b", "q4_0", 3.0, "holoscan/holohub #170"),
    Row("mac-mini-m1-16gb", 1, "llama-2-7b", "q4_0", 14.19, "llama.cpp discussion 4167"),
    Row("mac-mini-m1-16gb", 1, "llama-2-7b", "q8_0", 7.92, "llama.cpp discussion 4167"),
    Row("orange-pi-5-8gb", 1, "llama-2-7b", "q4_0", 2.65, "distributed-llama #10"),
    Row("jetson-tx2", 1, "nanollama-304m", "f16", 17.9, "arXiv 2505.18164 (PyTorch)"),
)
# Tensor parallelism over heads and FFN columns on gigabit Ethernet.
DISTRIBUTED = (
    Row("raspberry-pi-5-8gb", 2, "llama-2-7b", "q4_0", 2.92, "distributed-llama v0.3.1"),
    Row("raspberry-pi-5-8gb", 4, "llama-2-7b", "q4_0", 4.56, "distributed-llama v0.3.1"),
    Row("raspberry-pi-5-8gb", 2, "tinyllama-1.1b", "q4_0", 16.9, "distributed-llama PR 64"),
    Row("raspberry-pi-4-8gb", 2, "llama-2-7b", "q4_0", 1.26, "distributed-llama README"),
    Row("raspberry-pi-4-8gb", 4, "llama-2-7b", "q4_0", 2.02, "distributed-llama README"),
    Row("raspberry-pi-4-8gb", 8, "llama-2-7b", "q4_0", 1.70, "distributed-llama README"),
    Row("raspberry-pi-4-8gb", 8, "llama-2-70b", "q4_0", 0.21, "distributed-llama README"),
)


def scenario(row: Row) -> str:
    model = f'[model]\npreset = "{row.model}"\nweight_type = "{row.weight_type}"\n'
    workload = "[workload]\nprompt_tokens = 16\ntokens = 128\n"
    devices = f'[[device]]\nprofile = "{row.device}"\n' * row.count
    fleet = '[network]\npreset = "gigabit-ethernet"\n[controller]\ngranularity = "sliced"\nslices = 16\n'
    return model + workload + devices + (fleet if row.count > 1 else "")


def predicted(program: str, row: Row) -> float:
    """Decode speed of the simulated run in tokens/s."""
    policy = "greedy" if row.count == 1 else "galaxy"
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "accuracy.toml"
        given.write_text(scenario(row))
        done = subprocess.run(
            [program, "simulate", given, "--policy", policy, "--json", "--trace", given.with_suffix(".h5")],
            capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RunFailed(f"{row}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return 1e9 / json.loads(done.stdout)["time_per_output_token_ns"]


def table(title: str, rows: tuple[Row, ...], speeds: list[float]) -> report.Table:
    ratios = [speed / row.published for row, speed in zip(rows, speeds)]
    lines = [{"devices": f"{row.count} × {row.device}" if row.count > 1 else row.device, "model": row.model,
              "weights": row.weight_type, "published": f"{row.published:.3g}", "predicted": f"{speed:.3g}",
              "predicted ÷ published": f"{ratio:.2f}", "source": row.source}
             for row, speed, ratio in zip(rows, speeds, ratios)]
    within = sum(0.8 <= ratio <= 1.25 for ratio in ratios)
    error = math.exp(sum(abs(math.log(ratio)) for ratio in ratios) / len(ratios))
    return report.Table(f"{title}: {within} of {len(rows)} within 25 %, off by a factor of {error:.2f} "
                        "(geometric mean)", lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = options.with_runs(parser).parse_args()
    with ThreadPoolExecutor(given.jobs) as pool:
        speeds = list(pool.map(lambda row: predicted(given.headroom, row), ALONE + DISTRIBUTED))
    version = subprocess.run([given.headroom, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    report.show([table("One device, decode tokens/s", ALONE, speeds[:len(ALONE)]),
                 table("Several devices, decode tokens/s", DISTRIBUTED, speeds[len(ALONE):])], version,
                given.json)
    return 0


if __name__ == "__main__":
    options.end(main)
