#!/usr/bin/python3
"""What does a batch save on this host? Several sequences on one device decode a model of random F32 weights, many
times larger than any cache, with 1, 2, 4, … of their turns joined. The CPU time per token is the difference between a
run of many tokens and a run of few, so loading and prompts do not count. Rounds of all batch sizes alternate, and the
median of several rounds is taken. Exit code 1 if the logits' checksums differ between batch sizes."""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

import options
import report
from runs import RunFailed, version_of

sys.path.insert(0, str(options.ROOT / "scripts/story_model"))
import gguf  # noqa: E402  from scripts/story_model

WIDTH, HEADS, KV_HEADS, HIDDEN, CONTEXT = 1024, 16, 8, 2816, 128
FEW, MANY = 2, 18  # tokens per sequence


def write_model(path: Path, layers: int) -> int:
    """Writes a model of random weights with the vocabulary of the stories; returns its bytes of weights."""
    known, _ = gguf.read(str(options.ROOT / "data/models/stories.gguf"))
    random = np.random.default_rng(1)
    head = WIDTH // HEADS

    def matrix(name: str, rows: int, columns: int):
        values = random.standard_normal((rows, columns), np.float32) / np.float32(columns ** 0.5)
        return name, values, gguf.F32

    def norm(name: str):
        return name, np.ones(WIDTH, np.float32), gguf.F32

    tensors = [matrix("token_embd.weight", len(known["tokenizer.ggml.tokens"]), WIDTH), norm("output_norm.weight")]
    for layer in range(layers):
        block = f"blk.{layer}."
        tensors += [norm(block + "attn_norm.weight"), norm(block + "ffn_norm.weight"),
                    matrix(block + "attn_q.weight", WIDTH, WIDTH), matrix(block + "attn_output.weight", WIDTH, WIDTH),
                    matrix(block + "attn_k.weight", KV_HEADS * head, WIDTH),
                    matrix(block + "attn_v.weight", KV_HEADS * head, WIDTH),
                    matrix(block + "ffn_gate.weight", HIDDEN, WIDTH), matrix(block + "ffn_up.weight", HIDDEN, WIDTH),
                    matrix(block + "ffn_down.weight", WIDTH, HIDDEN)]
    shape = {"context_length": CONTEXT, "embedding_length": WIDTH, "block_count": layers,
             "feed_forward_length": HIDDEN, "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS,
             "rope.dimension_count": head, "vocab_size": len(known["tokenizer.ggml.tokens"])}
    kinds = {"tokens": (gguf.ARRAY, gguf.STRING), "scores": (gguf.ARRAY, gguf.FLOAT),
             "token_type": (gguf.ARRAY, gguf.I32), "bos_token_id": gguf.U32, "eos_token_id": gguf.U32,
             "unknown_token_id": gguf.U32, "add_bos_token": gguf.BOOL, "add_space_prefix": gguf.BOOL}
    metadata = [("general.architecture", gguf.STRING, "llama"), ("general.name", gguf.STRING, "random"),
                ("llama.attention.layer_norm_rms_epsilon", gguf.FLOAT, 1e-5),
                ("llama.rope.freq_base", gguf.FLOAT, 10000.0), ("tokenizer.ggml.model", gguf.STRING, "llama")]
    metadata += [("llama." + key, gguf.U32, value) for key, value in shape.items()]
    metadata += [("tokenizer.ggml." + key, kind, known["tokenizer.ggml." + key]) for key, kind in kinds.items()]
    gguf.write(str(path), metadata, tensors)
    return sum(values.nbytes for _, values, _ in tensors)


def scenario(model: Path, sequences: int) -> str:
    prompts = ", ".join(f'"Once upon a time {i}"' for i in range(sequences))
    return f'''[model]
file = "{model}"
[workload]
prompts = [{prompts}]
sequences = {sequences}
stop_at_eos = false
[network]
bandwidth = "1 Gbit/s"
latency = "0 ms"
[[device]]
name = "host"
compute = "100 GFLOP/s"
memory = "8 GiB"
'''


def run(program: str, text: Path, batch: int, tokens: int, trace: Path) -> tuple[float, list[int]]:
    """Runs the program. Returns the CPU seconds and the checksums of all logits."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [program, "run", str(text), "--transport", "inprocess", "--set", f"controller.batch={batch}",
               "--set", "controller.policy=\"static\"", "--tokens", str(tokens), "--trace", str(trace), "--force"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RunFailed(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with h5py.File(trace) as file:
        rows = file["tokens"][:]
    order = np.lexsort((rows["position"], rows["sequence"]))
    return after.ru_utime - before.ru_utime, rows["logits_checksum"][order].tolist()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=options.number(int, 2), default=16, help="(default %(default)s)")
    parser.add_argument("--layers", type=options.number(int, 1), default=6, help="(default %(default)s)")
    parser.add_argument("--rounds", type=options.number(int, 1), default=5, help="(default %(default)s)")
    parser.add_argument("--headroom", type=options.program, help="the program", default=os.environ.get(
        "HEADROOM_BINARY", str(options.ROOT / "build/release/bin/headroom")))
    parser.add_argument("--json", action="store_true", help="the table's figures as JSON")
    given = parser.parse_args()
    batches = [batch for batch in (1, 2, 4, 8, 16) if batch <= given.sequences]
    with tempfile.TemporaryDirectory() as folder:
        model, text, trace = (Path(folder) / name for name in ("random.gguf", "one.toml", "one.h5"))
        size = write_model(model, given.layers)
        text.write_text(scenario(model, given.sequences))
        seconds: dict[int, list[float]] = {batch: [] for batch in batches}
        seen = set()
        for _ in range(given.rounds):
            for batch in batches:
                many, checksums = run(given.headroom, text, batch, MANY, trace)
                few, _ = run(given.headroom, text, batch, FEW, trace)
                seconds[batch].append((many - few) / ((MANY - FEW) * given.sequences))
                seen.add(tuple(checksums))
    alone = statistics.median(seconds[1])
    rows = [{"turns joined": batch, "CPU ms per token": 1e3 * statistics.median(times),
             "÷ alone": statistics.median(times) / alone} for batch, times in seconds.items()]
    note = "The same logits with every number." if len(seen) == 1 else "The logits DIFFER."
    report.show([report.Table(f"{given.sequences} sequences, {size / 1e6:.0f} MB of F32 weights, one device", rows, note)],
                version_of(given.headroom), given.json)
    return 0 if len(seen) == 1 else 1


if __name__ == "__main__":
    options.end(main)
