"""How did the requests fare? Slots over time, and one row for each sequence."""
from report_parts.figures import percentile
from report_parts.html_parts import caption, figure, keys, section, table
from report_parts.run import Run
from report_parts.words import count, duration

MOST_ROWS = 48  # in the picture and in the table
ROW = 17


def _tooltip(sequence: dict) -> str:
    end = "" if sequence["ended"] else ", not ended"
    return (f"sequence {sequence['sequence']}, slot {sequence['slot']}{end}\n"
            f"arrived {duration(sequence['arrival_ns'])}, waited {duration(sequence['waited_ns'])}\n"
            f"first token after {duration(sequence['time_to_first_token_ns'])}, then "
            f"{duration(sequence['time_per_output_token_ns'])} per token\n"
            f"{sequence['prompt_tokens']} + {sequence['sampled_tokens']} tokens")


def picture(run: Run, shown: list[dict]) -> str:
    chart = run.chart(ROW * len(shown) + 66, (0, 1), "requests over time", top=22)
    for i, sequence in enumerate(shown):
        y = chart.y0 + ROW * i
        times = [sequence[k] for k in ("arrival_ns", "begin_ns", "first_token_ns", "end_ns")]
        if not sequence["sampled_tokens"]:
            times[2] = times[3] = run.end
        arrival, begin, first, end = (chart.x(t) for t in times)
        chart.text(chart.x0 - 7, y + 12, sequence["sequence"], "num end")
        if begin > arrival:
            chart.rect(arrival, y + 6, begin - arrival, 5, "wait")
        chart.rect(begin, y + 2, max(first - begin, 0.5), 13, "transfer")
        chart.rect(first, y + 2, max(end - first - 0.5, 0.5), 13, "compute")
        if end - first > 60:
            chart.text(first + 5, y + 12, f"slot {sequence['slot']}", "inbar")
        chart.rect(arrival, y, max(end - arrival, 3), ROW, "hover", title=_tooltip(sequence))
    chart.text(4, 11, "sequence", "axis")
    run.time_axis(chart)
    run.mark_moments(chart)
    return chart.out()


def _table(run: Run, shown: list[dict]) -> str:
    rows = [[str(s["sequence"]), str(s["slot"]) if s["slot"] >= 0 else "–", str(s["prompt_tokens"]),
             str(s["sampled_tokens"]), *((duration(s["arrival_ns"]), duration(s["waited_ns"])) if s["ended"]
                                       else ("–", "–")),
             duration(s["time_to_first_token_ns"]), duration(s["time_per_output_token_ns"]),
             duration(s["end_ns"]) if s["ended"] else "not ended"] for s in shown]
    return table(["sequence", "slot", "prompt", "sampled", "arrival", "waited<br>for a slot", "first token<br>after",
                  "per output<br>token", "end"], rows, ())


def show(run: Run) -> str:
    if not run.several:
        return ""
    known = sorted(run.figures["sequences"], key=lambda s: (s["arrival_ns"], s["sequence"]))
    shown = known[:MOST_ROWS]
    waits = [s["waited_ns"] for s in known if s["ended"]]
    first = [s["time_to_first_token_ns"] for s in known if s["time_to_first_token_ns"] >= 0]
    each = [s["time_per_output_token_ns"] for s in known if s["time_per_output_token_ns"] >= 0]
    head = ["over the sequences", "median", "95 %", "worst"]
    spread = table(head, [[words, *(duration(percentile(values, share)) for share in (50, 95, 100))]
                          for words, values in (("waited for a slot", waits), ("time to first token", first),
                                                ("time per output token", each)) if values])
    text = "Each row is a sequence, in the order of arrival. Of sequences that have not ended the arrival is not known."
    if all(s["ended"] for s in known):
        text = "Each row is a sequence, in the order of arrival."
    if len(shown) < len(known):
        text += f" The first {len(shown)} of {count(len(known), 'sequence')}; the figures above are of all."
    legend = keys([("var(--wait)", "waits for a slot"), ("var(--transfer)", "prefill, until the first token"),
                   ("var(--compute)", "decoding")])
    return section("How did the requests fare?", spread, figure(picture(run, shown), text), legend,
                   _table(run, shown), caption("All times are virtual."))
