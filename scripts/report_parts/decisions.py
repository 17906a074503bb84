"""What did the controller do? Every decision, with its prediction and the measured result."""
from report_parts.html_parts import caption, section, table
from report_parts.run import Run, finite, predicted_time, value
from report_parts.words import clean, count, duration, percent, size

MOST_ROWS = 60
LARGE = 0.1  # larger errors are marked


def error_of(predicted: int, measured: int) -> str:
    """The error of the prediction relative to the measured value."""
    if not finite(predicted) or measured <= 0:
        return "–"
    return f"{100 * (predicted - measured) / measured:+.1f} %".replace("-", "−")


def _error(predicted: int, measured: int) -> str:
    """The error as HTML, marked if it is large."""
    text = error_of(predicted, measured)
    large = finite(predicted) and measured > 0 and abs(predicted - measured) > LARGE * measured
    return f'<span class="alarm">{text}</span>' if large else text


def chosen(run: Run) -> list[int]:
    """The decisions to show: all of them, or those that changed something and the earliest of the others."""
    everything = range(len(run.intervals))
    if len(everything) <= MOST_ROWS:
        return list(everything)
    eventful = [i for i in everything if run.intervals[i]["moves"] or not run.intervals[i]["feasible"] or i == 0]
    kept = eventful[:MOST_ROWS]
    others = (i for i in everything if i not in set(kept) and i not in set(eventful))
    return sorted(kept + [i for i, _ in zip(others, range(MOST_ROWS - len(kept)))])


def _columns(run: Run, moved_bytes: dict[int, int]) -> list[tuple[str, list[str]]]:
    """(heading, one cell for each decision); columns without information are left out."""
    rows = run.intervals
    moved = [bool(row["moves"]) for row in rows]

    def where_moved(write) -> list[str]:
        return [write(i, row) if moved[i] else "" for i, row in enumerate(rows)]

    reasons = [clean(reason) if row["feasible"] else f'<span class="alarm">{clean(reason)}</span>'
               for row, reason in zip(rows, run.reasons)]
    columns = [("#", [str(i) for i in range(len(rows))]),
               ("token", [str(int(row["first_token"])) for row in rows]),
               ("at", [duration(row["t_dec"]) for row in rows]), ("decision", reasons)]
    if run.in_flight:
        columns += [(words, [str(int(row[name])) for row in rows]) for words, name in (
            ("in flight", "in_flight"), ("batch", "batch"), ("waiting", "waiting"))]
    if any(moved):
        columns += [("moves", where_moved(lambda _, row: str(int(row["moves"])))),
                    ("bytes", where_moved(lambda i, _: size(moved_bytes.get(i, 0)))),
                    ("migration<br>predicted", where_moved(lambda _, row: duration(row["predicted_migration_ns"]))),
                    ("<br>measured", where_moved(lambda _, row: duration(row["measured_migration_ns"])))]
    columns += [("if kept", [duration(row["kept_inference_ns"]) for row in rows]),
                ("round<br>predicted" if run.in_flight else "per token<br>predicted",
                 [duration(predicted_time(row)) for row in rows]),
                ("step<br>measured" if run.in_flight else "<br>measured",
                 [duration(row["measured_inference_ns"]) if row["measured_inference_ns"] else "–" for row in rows])]
    if not run.in_flight:
        columns.append(("error", [_error(predicted_time(row), int(row["measured_inference_ns"])) for row in rows]))
    return columns


def _summary(run: Run) -> str:
    figures = run.figures
    policies = clean(", ".join(sorted(set(run.policies))))
    text = (f"<p>Policy <b>{policies}</b> decided "
            f"{value('decisions', figures['decisions'], count(figures['decisions'], 'time'))}")
    if figures["blocks_moved"]:
        share = percent(figures["time_migrating_ns"] / figures["span_ns"]) if figures["span_ns"] else "–"
        text += (f" and moved {value('blocks_moved', figures['blocks_moved'], count(figures['blocks_moved'], 'block'))}"
                 f" at {value('decisions_that_moved', *[figures['decisions_that_moved']] * 2)} of them: "
                 f"{value('bytes_migrated', figures['bytes_migrated'], size(figures['bytes_migrated']))} in "
                 f"{value('time_migrating_ns', figures['time_migrating_ns'], duration(figures['time_migrating_ns']))}"
                 f", {share} of the time.")
    else:
        text += " and moved nothing."
    off = error_of(figures["predicted_decode_ns"], figures["measured_decode_ns"])
    if off != "–":
        text += (f" Its predictions of decoding were off by {off} in sum; paging, and what changes within an "
                 "interval, it does not foresee.")
    text += "</p>"
    if figures["decisions_infeasible"]:
        text += (f'<p class="alarm">{count(figures["decisions_infeasible"], "decision")} found no placement that '
                 "fits; the one before stayed.</p>")
    return text


def show(run: Run) -> str:
    if not len(run.intervals):
        return section("What did the controller do?", "<p>No decision was recorded.</p>")
    moved_bytes: dict[int, int] = {}
    for row in run.trace.table("migrations"):
        moved_bytes[int(row["interval"])] = moved_bytes.get(int(row["interval"]), 0) + int(row["bytes"])
    shown = chosen(run)
    columns = _columns(run, moved_bytes)
    text = "If kept: what a token would have taken under the placement before."
    if run.in_flight:
        text += " A round is one turn of each sequence in flight, a step one turn of one of them: not to be compared."
    else:
        text += f" Orange: off by more than {percent(LARGE)}."
    if len(shown) < len(run.intervals):
        text += (f" {len(shown)} of {len(run.intervals)} decisions are shown: the first, those that moved blocks or "
                 "found nothing that fits, as far as there is room, and the earliest of the others.")
    looks = ["moved" if run.intervals[i]["moves"] else "" for i in shown]
    rows = [[cells[i] for _, cells in columns] for i in shown]
    return section("What did the controller do?", _summary(run),
                   table([heading for heading, _ in columns], rows, (3,), looks), caption(text))
