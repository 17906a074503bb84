"""What did it say? The texts of the sequences, token by token if the boundaries are known."""
import numpy as np

from report_parts import vocabulary
from report_parts.figures import percentile
from report_parts.html_parts import caption, folded, section
from report_parts.run import Run, predicted_time
from report_parts.words import clean, count, duration

MOST_TOKENS = 3000  # tokens of all sequences together that have tooltips; further texts are plain
MOST_OPEN = 4  # sequences whose texts are not folded
SLOW = 1.5  # tokens that took longer than this multiple of the median are underlined


class Story:
    """The texts of a run. pieces: the bytes of each token id; empty if they are unknown."""

    def __init__(self, run: Run):
        self.run, self.trace = run, run.trace
        self.pieces = [] if run.simulated else vocabulary.pieces(vocabulary.model_path(run.trace))
        gaps = [gap for s in run.figures["sequences"] for gap in s["gaps"]]
        self.slow = SLOW * max(percentile(gaps, 50), 1)
        self.tokens_left = MOST_TOKENS
        self.split = False  # whether any text was shown token by token
        blocks = run.trace.block_names
        self.head = blocks.index("lm_head") if "lm_head" in blocks else None

    def text_of(self, sequence: int) -> str:
        """HTML of the text of one sequence; empty if the text is unknown."""
        prompt, sampled = self.trace.tokens_of(sequence, prompt=True), self.trace.tokens_of(sequence)
        known = self.trace.text_bytes(sequence)
        ids = np.concatenate([prompt["id"], sampled["id"]]).tolist()
        parts = vocabulary.split(self.pieces, ids, None if known is None else b"".join(known))
        if parts is not None and len(sampled) <= self.tokens_left:
            self.tokens_left -= len(sampled)
            self.split = True
            return self._tokens(sequence, "".join(parts[:len(prompt)]), parts[len(prompt):], sampled)
        if known is None or not any(known):
            return "" if parts is None else f'<p class="story">{clean("".join(parts))}</p>'
        before, after = self.trace.text(sequence)
        return f'<p class="story"><span class="p">{clean(before)}</span>{clean(after)}</p>'

    def _tokens(self, sequence: int, prompt: str, parts: list[str], rows: np.ndarray) -> str:
        latency_rows = self.run.latency_rows[self.run.latency_rows["sequence"] == sequence]
        text = f'<p class="story"><span class="p">{clean(prompt)}</span>'
        for part, row, measured in zip(parts, rows, latency_rows):
            latency = int(measured["latency_ns"])
            slow = ' slow' if latency > self.slow else ""
            text += f'<span class="t{slow}" title="{clean(self._tooltip(row, latency, int(measured["interval"])))}">'
            text += clean(part).replace("\n", "↵\n") + "</span>"
        return text + "</p>"

    def _tooltip(self, row, latency: int, interval: int) -> str:
        decision = self.run.intervals[interval]
        took = f"{duration(latency)} after the token before" if latency >= 0 else \
            "the first, with the prompt before it"
        text = (f"id {row['id']}, position {row['position']}\nat {duration(row['end'])}, {took}\n"
                f"predicted {duration(predicted_time(decision))}")
        if self.head is not None:
            text += f"; sampled on {self.run.devices[self.run.placement[interval][self.head]]}"
        return text


def _heading(run: Run, sequence: dict) -> str:
    words = f"Sequence {sequence['sequence']}, {count(sequence['sampled_tokens'], 'token')}"
    return words + ("" if sequence["ended"] else ", not ended")


def show(run: Run) -> str:
    story, known = Story(run), run.figures["sequences"]
    texts = [(s, story.text_of(s["sequence"])) for s in known]
    texts = [(s, text) for s, text in texts if text]
    if not texts:
        tokens = count(run.figures["sampled_tokens"], "token")
        why = ("a simulation has no weights and samples none" if run.simulated else
               "no sequence has ended, and the model file with the vocabulary is not where it was")
        return section("What did it say?", caption(f"{tokens} without a text: {why}."))
    if len(known) == 1:
        body = texts[0][1]
    else:
        body = "".join(f"<h3>{clean(_heading(run, s))}</h3>{text}" for s, text in texts[:MOST_OPEN])
        if len(texts) > MOST_OPEN:
            body += folded(f"{count(len(texts) - MOST_OPEN, 'more text')}", "".join(
                f"<h3>{clean(_heading(run, s))}</h3>{text}" for s, text in texts[MOST_OPEN:]))
    text = "Grey: the prompt."
    if story.split:
        text += (" Each piece, shaded or not, is a token; point at it for its time and place. Orange underline: "
                 f"took more than {SLOW:g} times the median.")
    else:
        text += " Where tokens begin and end is not known: the model file with the vocabulary is not where it was."
    if story.tokens_left < run.figures["sampled_tokens"] and story.split and any(
            s["sampled_tokens"] > story.tokens_left for s in known):
        text += f" Token by token up to {MOST_TOKENS} tokens, the rest is plain."
    return section("What did it say?", body, caption(text))
