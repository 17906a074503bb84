"""Trains the story model and writes it as a GGUF file.

A llama-style decoder (RMSNorm, rotary positions on interleaved pairs, grouped K/V heads, gated
SiLU, tied embedding) learns the stories of grammar.py with the vocabulary of vocabulary.py.  A
training row is exactly one story, <s> ... </s>: short rows whose names recur early are what lets
so small a model learn to copy a name from the start of a story to its end.

Every step draws its own fresh stories, named by (seed, step) alone, so a run which was stopped
and resumed is the same run, and `--steps N --decay-steps M` repeats it.  The learning rate warms
up, stays constant, then falls linearly to zero over the last M steps.  To end earlier, create the
file CHECKPOINT.finish: the fall begins at once, and the log says how many steps that makes.

    python3 train.py --checkpoint /tmp/stories.pt --steps 12000 --decay-steps 2400 --bf16
    python3 train.py --checkpoint /tmp/stories.pt --sample
"""

import argparse
import os
import random
import time

import blas  # noqa: F401  (before torch)
import torch
from torch import nn
from torch.nn import functional as F

import grammar
import gguf
from vocabulary import BOS, EOS, UNK, Vocabulary

WIDTH, LAYERS, HEADS, KV_HEADS, HEAD, HIDDEN = 256, 4, 16, 8, 16, 512
CONTEXT, EPSILON, THETA = 256, 1e-5, 10000.0
VOCABULARY_STORIES = 4000
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * self.weight


def linear(inputs, outputs, scale=1.0):
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=scale * inputs ** -0.5)
    return layer


def rotate(x, cos, sin):
    """Rotates the pairs (x[2i], x[2i+1]) by position * THETA^(-2i/HEAD)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    """Attention and feed-forward network, each on a normalised residual stream."""

    def __init__(self):
        super().__init__()
        small = (2 * LAYERS) ** -0.5
        self.attn_norm = Norm()
        self.attn_q = linear(WIDTH, HEADS * HEAD)
        self.attn_k = linear(WIDTH, KV_HEADS * HEAD)
        self.attn_v = linear(WIDTH, KV_HEADS * HEAD)
        self.attn_output = linear(HEADS * HEAD, WIDTH, small)
        self.ffn_norm = Norm()
        self.ffn_gate = linear(WIDTH, HIDDEN)
        self.ffn_up = linear(WIDTH, HIDDEN)
        self.ffn_down = linear(HIDDEN, WIDTH, small)

    def forward(self, x, cos, sin, mask):
        rows, length, _ = x.shape
        group = HEADS // KV_HEADS
        h = self.attn_norm(x)
        q = self.attn_q(h).view(rows, length, HEADS, HEAD).transpose(1, 2)
        k = self.attn_k(h).view(rows, length, KV_HEADS, HEAD).transpose(1, 2)
        v = self.attn_v(h).view(rows, length, KV_HEADS, HEAD).transpose(1, 2)
        q = rotate(q, cos, sin) * HEAD ** -0.5
        k = rotate(k, cos, sin)
        # Query head j reads K/V head j // group: fold the group into the query's length.
        q = q.reshape(rows * KV_HEADS, group * length, HEAD)
        k = k.reshape(rows * KV_HEADS, length, HEAD)
        v = v.reshape(rows * KV_HEADS, length, HEAD)
        scores = torch.baddbmm(mask, q, k.transpose(1, 2))
        out = torch.bmm(torch.softmax(scores, -1), v)
        out = out.view(rows, HEADS, length, HEAD).transpose(1, 2).reshape(rows, length, -1)
        x = x + self.attn_output(out)
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Model(nn.Module):
    """The decoder. forward() returns the normalised hidden states, logits() multiplies by the tied embedding."""

    def __init__(self, size):
        super().__init__()
        self.token_embd = nn.Embedding(size, WIDTH)
        nn.init.normal_(self.token_embd.weight, std=0.05)
        self.blk = nn.ModuleList(Block() for _ in range(LAYERS))
        self.output_norm = Norm()
        angles = torch.outer(torch.arange(CONTEXT).double(),
                             THETA ** (-torch.arange(0, HEAD, 2).double() / HEAD))
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def forward(self, ids):
        length = ids.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        mask = torch.full((length, length), float("-inf")).triu(1)
        mask = mask.repeat(HEADS // KV_HEADS, 1).unsqueeze(0)
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        return self.output_norm(x)

    def logits(self, hidden):
        return hidden @ self.token_embd.weight.t()


def rows_of(vocabulary, texts):
    """Padded inputs and targets (-100 where padded)."""
    rows = [[BOS] + vocabulary.encode(t) + [EOS] for t in texts]
    longest = max(map(len, rows)) - 1
    inputs = torch.full((len(rows), longest), EOS, dtype=torch.long)
    targets = torch.full((len(rows), longest), -100, dtype=torch.long)
    for i, row in enumerate(rows):
        inputs[i, :len(row) - 1] = torch.tensor(row[:-1])
        targets[i, :len(row) - 1] = torch.tensor(row[1:])
    return inputs, targets


def stories_of_step(seed, step, count):
    rng = random.Random("stories %d %d" % (seed, step))
    return [grammar.story(rng) for _ in range(count)]


def write_gguf(path, model, vocabulary):
    """Writes the model as llama.cpp would, with matrices in Q8_0."""
    llama = [("context_length", CONTEXT), ("embedding_length", WIDTH), ("block_count", LAYERS),
             ("feed_forward_length", HIDDEN), ("attention.head_count", HEADS),
             ("attention.head_count_kv", KV_HEADS), ("rope.dimension_count", HEAD),
             ("vocab_size", len(vocabulary.tokens))]
    metadata = [("general.architecture", gguf.STRING, "llama"),
                ("general.name", gguf.STRING, "headroom-stories"),
                ("general.file_type", gguf.U32, 7),
                ("general.quantization_version", gguf.U32, 2)]
    metadata += [("llama." + key, gguf.U32, value) for key, value in llama]
    metadata += [("llama.attention.layer_norm_rms_epsilon", gguf.FLOAT, EPSILON),
                 ("llama.rope.freq_base", gguf.FLOAT, THETA),
                 ("tokenizer.ggml.model", gguf.STRING, "llama"),
                 ("tokenizer.ggml.tokens", (gguf.ARRAY, gguf.STRING), vocabulary.tokens),
                 ("tokenizer.ggml.scores", (gguf.ARRAY, gguf.FLOAT), vocabulary.scores),
                 ("tokenizer.ggml.token_type", (gguf.ARRAY, gguf.I32), vocabulary.types),
                 ("tokenizer.ggml.bos_token_id", gguf.U32, BOS),
                 ("tokenizer.ggml.eos_token_id", gguf.U32, EOS),
                 ("tokenizer.ggml.unknown_token_id", gguf.U32, UNK),
                 ("tokenizer.ggml.add_bos_token", gguf.BOOL, True),
                 ("tokenizer.ggml.add_space_prefix", gguf.BOOL, True)]
    tensors = []
    for name, value in model.state_dict().items():
        kind = gguf.F32 if value.dim() == 1 else gguf.Q8_0
        tensors.append((name, value.float().numpy(), kind))
    gguf.write(path, metadata, tensors)


def sample(model, vocabulary, prompt):
    """Returns the greedy continuation of a prompt."""
    ids = [BOS] + vocabulary.encode(prompt)
    with torch.no_grad():
        while len(ids) < CONTEXT:
            hidden = model(torch.tensor([ids]))[0, -1]
            ids.append(int(model.logits(hidden).argmax()))
            if ids[-1] == EOS:
                break
    return vocabulary.decode(ids)


def save(path, model, optimizer, vocabulary, step, plan):
    pieces = vocabulary.tokens, vocabulary.scores, vocabulary.types
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                "plan": plan, "vocabulary": pieces}, path + ".new")
    os.replace(path + ".new", path)


def train(options):
    torch.manual_seed(options.seed)
    state = torch.load(options.checkpoint) if os.path.exists(options.checkpoint) else None
    if state:
        vocabulary = Vocabulary(*state["vocabulary"])
    else:
        vocabulary = Vocabulary.train(grammar.stories(options.seed, VOCABULARY_STORIES))
    model = Model(len(vocabulary.tokens))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, betas=(0.9, 0.98),
                                  weight_decay=options.weight_decay)
    first = 0
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    print("%d parameters, from step %d" % (sum(p.numel() for p in model.parameters()), first),
          flush=True)

    steps, decay_from = options.steps, options.steps - options.decay_steps
    if state and first > state.get("plan", (0, first))[1]:
        steps, decay_from = state["plan"]  # the learning rate falls already: continue as planned
    finish = options.checkpoint + ".finish"
    saved = reported = began = time.time()
    tokens, total, count = 0, 0.0, 0
    step = first
    while step < steps:
        if step < decay_from and os.path.exists(finish):
            decay_from, steps = step, step + options.decay_steps
            print("finishing: decay from step %d, ends at --steps %d --decay-steps %d"
                  % (decay_from, steps, options.decay_steps), flush=True)
        fall = (steps - step) / options.decay_steps if step >= decay_from else 1.0
        rate = options.rate * min(1.0, (step + 1) / options.warmup, fall)
        for group in optimizer.param_groups:
            group["lr"] = rate
        inputs, targets = rows_of(vocabulary, stories_of_step(options.seed, step, options.rows))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bf16):
            hidden = model(inputs)
        real = targets >= 0
        loss = F.cross_entropy(model.logits(hidden[real].float()), targets[real])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        tokens, total, count = tokens + int(real.sum()), total + loss.item(), count + 1
        if step % options.report == 0 or step == steps:
            now = time.time()
            eta = (now - began) / (step - first) * (steps - step) / 60
            print("step %d loss %.4f rate %.2g tokens/s %.0f eta %.1f min"
                  % (step, total / count, rate, tokens / (now - reported), eta), flush=True)
            tokens, total, count, reported = 0, 0.0, 0, now
        if time.time() - saved > options.save_minutes * 60 or step == steps:
            save(options.checkpoint, model, optimizer, vocabulary, step, (steps, decay_from))
            saved = time.time()
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    write_gguf(options.output, model, vocabulary)
    print("wrote %s (%d bytes); repeat with --seed %d --steps %d --decay-steps %d"
          % (os.path.basename(options.output), os.path.getsize(options.output), options.seed,
             steps, options.decay_steps), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Train the story model.")
    parser.add_argument("--checkpoint", required=True, help="resumed when it exists")
    parser.add_argument("--output", default=os.path.join(ROOT, "data", "models", "stories.gguf"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--decay-steps", type=int, default=2400)
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--rows", type=int, default=8, help="stories per step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--bf16", action="store_true", help="matrix products in bfloat16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report", type=int, default=50, help="steps between log lines")
    parser.add_argument("--save-minutes", type=float, default=5)
    parser.add_argument("--sample", action="store_true", help="print stories, do not train")
    parser.add_argument("prompts", nargs="*", default=["", "Once there was", "One morning"])
    options = parser.parse_intermixed_args()
    torch.set_num_threads(options.threads)
    if not options.sample:
        train(options)
        return
    state = torch.load(options.checkpoint)
    vocabulary = Vocabulary(*state["vocabulary"])
    model = Model(len(vocabulary.tokens))
    model.load_state_dict(state["model"])
    for prompt in options.prompts:
        print("[%s] %s\n" % (prompt, sample(model, vocabulary, prompt)))


if __name__ == "__main__":
    main()
