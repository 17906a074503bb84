"""Checks a written GGUF file by itself: reads it back, dequantises it and tells stories with it.

This is a second implementation of the model, in numpy and from the file alone (vocabulary and
shape included), so that a mistake in the writer or in a convention shows.  Activations are F32.
It prints the greedy continuations of a few prompts, the loss on held-out stories, and how many
continuations of held-out first sentences (greedy ones, then ones sampled at temperature 1) are
stories of the grammar word for word, that is with the same hero, friend, thing, place and
pronouns from beginning to end.

    python3 check.py ../../data/models/stories.gguf
"""

import argparse
import math
import random
import re

import blas  # noqa: F401  (before numpy)
import numpy as np

import gguf
import grammar
from vocabulary import Vocabulary

PROMPTS = ["", "Once there was", "One morning"]


class Decoder:
    """The model of a file; it processes one token at a time with a K/V cache."""

    def __init__(self, path):
        meta, self.tensors = gguf.read(path)
        self.vocabulary = Vocabulary(*(meta["tokenizer.ggml." + key]
                                       for key in ("tokens", "scores", "token_type")))
        self.bos, self.eos = (meta["tokenizer.ggml.%s_token_id" % k] for k in ("bos", "eos"))
        self.context, self.layers = meta["llama.context_length"], meta["llama.block_count"]
        self.heads = meta["llama.attention.head_count"]
        self.kv_heads = meta["llama.attention.head_count_kv"]
        self.epsilon = np.float32(meta["llama.attention.layer_norm_rms_epsilon"])
        head = meta["llama.rope.dimension_count"]
        angles = np.outer(np.arange(self.context),
                          meta["llama.rope.freq_base"] ** (-np.arange(0, head, 2) / head))
        self.cos, self.sin = np.cos(angles).astype("f4"), np.sin(angles).astype("f4")
        self.reset()

    def reset(self):
        """Clears the cache."""
        self.keys = [[] for _ in range(self.layers)]
        self.values = [[] for _ in range(self.layers)]

    def _norm(self, x, name):
        return x / np.sqrt((x * x).mean() + self.epsilon) * self.tensors[name]

    def _rotate(self, x, position):
        even, odd = x[:, 0::2], x[:, 1::2]
        cos, sin = self.cos[position], self.sin[position]
        return np.stack((even * cos - odd * sin, even * sin + odd * cos), -1).reshape(x.shape)

    def step(self, token):
        """Appends a token and returns the logits of the next one."""
        position = len(self.keys[0])
        embedding = self.tensors["token_embd.weight"]
        x = embedding[token]
        for n in range(self.layers):
            def times(name, v):
                return self.tensors["blk.%d.%s.weight" % (n, name)] @ v
            h = self._norm(x, "blk.%d.attn_norm.weight" % n)
            q = self._rotate(times("attn_q", h).reshape(self.heads, -1), position)
            k = self._rotate(times("attn_k", h).reshape(self.kv_heads, -1), position)
            self.keys[n].append(k)
            self.values[n].append(times("attn_v", h).reshape(self.kv_heads, -1))
            keys = np.stack(self.keys[n], 1)      # kv head, position, value
            values = np.stack(self.values[n], 1)
            q = q.reshape(self.kv_heads, -1, q.shape[1])
            scores = q @ keys.transpose(0, 2, 1) / np.float32(math.sqrt(q.shape[2]))
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            x = x + times("attn_output", (scores @ values).ravel())
            h = self._norm(x, "blk.%d.ffn_norm.weight" % n)
            gate = times("ffn_gate", h)
            x = x + times("ffn_down", gate / (1 + np.exp(-gate)) * times("ffn_up", h))
        return embedding @ self._norm(x, "output_norm.weight")

    def _choose(self, logits, rng):
        if rng is None:
            return int(logits.argmax())
        weights = np.exp(logits.astype("f8") - logits.max())
        return int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))

    def continue_text(self, prompt, rng=None):
        """Returns the prompt with its continuation, and whether the text ended by itself. Greedy, or with a
        random.Random sampled from the model's distribution (temperature 1)."""
        self.reset()
        ids = [self.bos] + self.vocabulary.encode(prompt)
        for token in ids:
            logits = self.step(token)
        while len(ids) < self.context:
            ids.append(self._choose(logits, rng))
            if ids[-1] == self.eos:
                return self.vocabulary.decode(ids), True
            logits = self.step(ids[-1])
        return self.vocabulary.decode(ids), False

    def loss(self, text):
        """(sum of the negative log-likelihoods, number of tokens) of a story including its end."""
        self.reset()
        ids = [self.bos] + self.vocabulary.encode(text) + [self.eos]
        total = 0.0
        for token, target in zip(ids, ids[1:]):
            logits = self.step(token).astype("f8")
            top = logits.max()
            total += top + math.log(np.exp(logits - top).sum()) - logits[target]
        return total, len(ids) - 1


PLACE = re.compile(r"(?:\b(in|on|by) )?the (%s)\b" % "|".join(p for _, p in grammar.PLACES))


def one_place(text):
    """The text in which every name of a place is replaced by the first one."""
    first = PLACE.search(text)
    if not first:
        return text
    at, place = first.groups()
    return PLACE.sub(lambda m: (at + " " if m.group(1) and at else "") + "the " + place, text)


class Counting(random.Random):
    """A replacement for random.Random that adds up the surprise of its choices: the loss of a reader who knows the
    grammar."""

    surprise = 0.0

    def choice(self, seq):
        self.surprise += math.log(len(seq))
        return super().choice(seq)


def main():
    parser = argparse.ArgumentParser(description="Check a story model file.")
    parser.add_argument("file")
    parser.add_argument("--held-out", type=int, default=500, help="stories for the loss")
    parser.add_argument("--continued", type=int, default=200, help="first sentences to continue")
    parser.add_argument("--faults", type=int, default=2, help="faulty continuations to print")
    parser.add_argument("prompts", nargs="*", default=PROMPTS)
    options = parser.parse_intermixed_args()
    decoder = Decoder(options.file)
    for prompt in options.prompts:
        text, ended = decoder.continue_text(prompt)
        print("[%s] %s%s\n" % (prompt, text, "" if ended else " ..."))
    rng = Counting("held-out stories")
    texts = [grammar.story(rng) for _ in range(max(options.held_out, options.continued))]
    if options.held_out:
        tokens = sum(len(decoder.vocabulary.encode(t)) + 1 for t in texts)
        print("the grammar's own entropy on %d stories: %.4f per token"
              % (len(texts), rng.surprise / tokens))
        sums = np.sum([decoder.loss(t) for t in texts[:options.held_out]], axis=0)
        print("loss on %d held-out stories: %.4f" % (options.held_out, sums[0] / sums[1]))
    starts = [text[:text.index(".") + 1] for text in texts[:options.continued]]
    for name, draw in (("greedy", None), ("sampled", random.Random("continuations"))):
        told = [decoder.continue_text(start, draw) for start in starts]
        whole = [text for text, ended in told if ended and grammar.is_story(text)]
        again = sum(len(PLACE.findall(text)) > 1 for text in whole)
        faulty = [text for text, ended in told if not ended or not grammar.is_story(text)]
        moved = sum(grammar.is_story(one_place(text)) for text in faulty)
        print("%s continuations: %d, stories of the grammar: %d (%d of them name the place again), "
              "wrong in nothing but the place: %d"
              % (name, len(told), len(whole), again, moved))
        for text in faulty[:options.faults]:
            print("  not of the grammar: " + text)


if __name__ == "__main__":
    main()
