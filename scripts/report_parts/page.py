"""The whole page: head, figures, and sections in the order of the questions, with style and script included."""
import json
from pathlib import Path

from headroom_trace import Trace
from report_parts import (compare, decisions, latency, links, memory, placement, repeat, requests, story,
                          where_time)
from report_parts.labels import labels, run_settings
from report_parts.run import Run, value
from report_parts.words import clean, count, duration, listed, size

HERE = Path(__file__).resolve().parent
MARK = '<meta name="generator" content="headroom scripts/report">'
MOST_WHOLE = 8  # traces that have their own sections below the comparison
SECTIONS = (story, latency, where_time, requests, placement, memory, links, decisions, repeat)


def _status(run: Run) -> str:
    chips = []
    status = run.trace.status
    if status != "finished":
        words = {"running": "still running", "killed": "killed: up to its last commit"}.get(status, status)
        chips.append(f'<span class="chip bad">{clean(words)}</span>')
    execution = run.trace.attributes.get("execution", "decoded")
    if execution != "decoded":
        chips.append(f'<span class="chip">{clean(execution)}</span>')
    if run.trace.attributes.get("clock", "virtual") != "virtual":
        chips.append(f'<span class="chip">{clean(run.trace.attributes["clock"])} clock</span>')
    if "resumed" in set(run.reasons.tolist()):
        chips.append('<span class="chip">resumed</span>')
    return "".join(chips)


def _subtitle(run: Run) -> str:
    figures, attributes = run.figures, run.trace.attributes
    policy = attributes.get("policy", "")
    recorded = attributes.get("recorded_policy")
    versions = " and ".join(dict.fromkeys(run.trace.policy_versions()))
    words = [f"policy {policy}" + (f" version {versions}" if versions else "")
             + (f", recorded under {recorded} version {attributes.get('recorded_policy_version', '1')}"
                if recorded else ""),
             f"{figures['prompt_tokens']} + {figures['sampled_tokens']} tokens"
             + (f" in {len(figures['sequences'])} sequences" if run.several else ""),
             f"a decision every {count(attributes.get('interval', 0), 'round' if run.in_flight else 'token')}"]
    return clean(" · ".join(words))


def _tiles(run: Run) -> str:
    f = run.figures
    tail = f"half within {duration(f['time_per_output_token_p50_ns'])}, 95 % within " \
        f"{duration(f['time_per_output_token_p95_ns'])}"
    waited = f"{duration(f['time_migrating_ns'])} of it migrating" if f["blocks_moved"] else "nothing migrated"
    tiles = [
        (value("time_per_output_token_ns", f["time_per_output_token_ns"], duration(f["time_per_output_token_ns"])),
         f"per output token; {tail}" if f["time_per_output_token_ns"] >= 0 else "per output token"),
        (value("time_to_first_token_ns", f["time_to_first_token_ns"],
               duration(f["time_to_first_token_ns"]) if f["sampled_tokens"] else "–"),
         "to the first token" + (", mean over the sequences" if run.several else "")),
        (value("tokens_per_s", f"{f['tokens_per_s']!r}", f"{f['tokens_per_s']:.3g}"), "tokens per second"
         + (", all sequences" if run.several else ", prefill included")),
        (value("virtual_time_ns", f["virtual_time_ns"], duration(f["virtual_time_ns"])), f"virtual time; {waited}"),
        (value("bytes_activations", f["bytes_activations"], size(f["bytes_activations"])),
         "of activations over links" + (f", and {size(f['bytes_migrated'])} migrated" if f["blocks_moved"] else "")),
    ]
    return '<div class="tiles">' + "".join(f'<div class="tile"><b>{b}</b><span>{clean(s)}</span></div>'
                                           for b, s in tiles) + "</div>"


def _body(run: Run) -> str:
    if not len(run.intervals):
        return "<p>No interval was committed: there is nothing to show but what was to be run.</p>" + repeat.show(run)
    return _tiles(run) + "".join(part.show(run) for part in SECTIONS)


def _data(runs: list[Run]) -> str:
    """All figures as JSON, for programs."""
    kept = [{"trace": run.trace.path, **{k: v for k, v in run.figures.items() if k not in ("sequences", "devices")}}
            for run in runs]
    text = json.dumps(kept, indent=0).replace("<", "\\u003c")
    return f'<script type="application/json" id="figures">{text}</script>'


def _head(title: str) -> str:
    style = (HERE / "page.css").read_text(encoding="utf-8")
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{MARK}'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{clean(title)}</title><style>{style}</style></head>\n")


def render(traces: list[Trace]) -> str:
    """The whole page. The same traces (and model files) give the same bytes."""
    names = labels([trace.path for trace in traces], [run_settings(trace) for trace in traces])
    runs = [Run(trace, name, i) for i, (trace, name) in enumerate(zip(traces, names))]
    if len(runs) == 1:
        run = runs[0]
        title = f"{run.trace.attributes.get('model', 'a model')} on {count(len(run.devices), 'device')}"
        body = f"<h1>{clean(title)}{_status(run)}</h1><div class=\"sub\">{_subtitle(run)}</div>" + _body(run)
    else:
        title = f"{len(runs)} runs compared"
        body = (f"<h1>{title}</h1><div class=\"sub\">{clean(listed([run.label for run in runs], 12, '; '))}</div>"
                + compare.show(runs) + (f"<p>The first {MOST_WHOLE} of them one by one:</p>" if len(runs) > MOST_WHOLE
                                        else "") + "".join(
                    f'<details class="run"><summary>{clean(run.label)}{_status(run)}</summary>'
                    f'<div class="sub">{_subtitle(run)}</div>{_body(run)}</details>' for run in runs[:MOST_WHOLE]))
    files = listed([f"<code>{clean(run.trace.path)}</code>" for run in runs], 12)
    versions = ", ".join(sorted({f"headroom {run.trace.attributes.get('program_version', '?')} "
                                 f"({run.trace.attributes.get('program_commit', '?')})" for run in runs}))
    script = (HERE / "page.js").read_text(encoding="utf-8")
    return (_head(title) + f"<body><main>{body}<footer>From {files}, written by {clean(versions)}. All times are "
            f"virtual unless they are called wall.</footer></main>{_data(runs)}<script>{script}</script></body></html>\n")
