"""A 1024-entry vocabulary in the manner of SentencePiece BPE, with its encoder and decoder.

Layout: 0 <unk>, 1 <s>, 2 </s>, 3..258 the byte tokens <0x00>..<0xFF>, then 765 normal pieces:
first the merges in the order in which they were learnt (score -0, -1, -2, ...), after them the
single characters (scores continuing downwards).  A space is written U+2581 and occurs only at the
start of a piece; no piece crosses a word boundary, and letters never merge with punctuation.

The encoder is llama.cpp's for such vocabularies: starting from characters, merge the adjacent
pair whose concatenation is the piece of highest score (leftmost on ties) until no pair is left;
a character without a piece becomes its UTF-8 bytes.
"""

import re
from collections import Counter

SIZE = 1024
SPACE = "\u2581"
UNK, BOS, EOS, FIRST_BYTE, FIRST_PIECE = 0, 1, 2, 3, 259
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
WORD = re.compile(SPACE + r"?(?:[A-Za-z]+|[^A-Za-z" + SPACE + r"])|" + SPACE)


def spaced(text):
    """The text as the pieces represent it: one space in front, and spaces as U+2581."""
    return (" " + text).replace(" ", SPACE)


class Vocabulary:
    """Pieces with scores and types; encodes and decodes texts."""

    def __init__(self, tokens, scores, types):
        self.tokens, self.scores, self.types = list(tokens), list(scores), list(types)
        self.ids = {t: i for i, t in enumerate(self.tokens) if self.types[i] == NORMAL}
        self._words = {}

    @classmethod
    def train(cls, texts, size=SIZE):
        """Merges byte pairs over the words of `texts`; of equally frequent pairs the alphabetically first is merged."""
        counts = Counter(w for t in texts for w in WORD.findall(spaced(t)))
        letters = sorted({c for w in counts for c in w})
        words = {w: list(w) for w in counts}
        merges = []
        while len(merges) < size - FIRST_PIECE - len(letters):
            pairs = Counter()
            for word, parts in words.items():
                for pair in zip(parts, parts[1:]):
                    pairs[pair] += counts[word]
            if not pairs:
                raise ValueError("the text has too few words for %d pieces" % size)
            best = min(pairs, key=lambda p: (-pairs[p], p))
            piece = "".join(best)
            if piece not in merges:
                merges.append(piece)
            for word, parts in words.items():
                i = 0
                while i + 1 < len(parts):
                    if (parts[i], parts[i + 1]) == best:
                        parts[i:i + 2] = [piece]
                    i += 1
        pieces = merges + letters
        tokens = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + pieces
        scores = [0.0] * FIRST_PIECE + [-float(rank) for rank in range(len(pieces))]
        types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces)
        return cls(tokens, scores, types)

    def _merge(self, text):
        """The ids of the pieces of `text`, by the merge rule of the module."""
        parts = list(text)
        while True:
            best = None
            for i in range(len(parts) - 1):
                token = self.ids.get(parts[i] + parts[i + 1])
                if token is not None and (best is None or self.scores[token] > best[0]):
                    best = (self.scores[token], i)
            if best is None:
                break
            i = best[1]
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        ids = []
        for part in parts:
            if part in self.ids:
                ids.append(self.ids[part])
            else:
                ids.extend(FIRST_BYTE + b for b in part.encode("utf-8"))
        return ids

    def encode(self, text):
        """The ids of `text`, without <s> and </s>.
                Words are merged one by one and cached. Because no piece crosses a word boundary, the ids are the same
        as from merging the whole text."""
        if not text:
            return []
        ids = []
        for word in WORD.findall(spaced(text)):
            if word not in self._words:
                self._words[word] = self._merge(word)
            ids.extend(self._words[word])
        return ids

    def decode(self, ids):
        """The text of `ids`. Control tokens give no text, and the space in front is removed."""
        out = bytearray()
        for i in ids:
            if self.types[i] == BYTE:
                out.append(i - FIRST_BYTE)
            elif self.types[i] == NORMAL:
                out += self.tokens[i].replace(SPACE, " ").encode("utf-8")
        text = out.decode("utf-8", "replace")
        return text[1:] if text.startswith(" ") else text


if __name__ == "__main__":
    import grammar
    vocabulary = Vocabulary.train(grammar.stories(7, 4000))
    assert len(vocabulary.tokens) == SIZE
    sample = grammar.stories(8, 300)
    for text in sample + ['Caf\u00e9, 3 "zebras"!', "two  spaces"]:
        ids = vocabulary.encode(text)
        assert ids == vocabulary._merge(spaced(text)), text
        assert vocabulary.decode(ids) == text, text
    lengths = [len(vocabulary.encode(t)) for t in sample]
    print("tokens per story: least %d, mean %.1f, most %d"
          % (min(lengths), sum(lengths) / len(lengths), max(lengths)))
    print(" ".join(vocabulary.tokens[i] for i in vocabulary.encode(sample[0])))
