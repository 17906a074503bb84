"""Where did the time go? Compute, transfer, wait, migration."""
from report_parts import breakdown
from report_parts.html_parts import caption, figure, keys, section, table
from report_parts.latency import unit_of
from report_parts.run import Run, value
from report_parts.svg import Chart
from report_parts.words import duration, percent

MEANING = {"compute": "computing", "transfer": "messages on their way, or queueing for their link",
           "wait": "waiting: the device or its link is at other turns, or it pages", "migration": "migration"}
MOST_CULPRITS = 8
COLOUR = {"between": "var(--none)"}


def bar(parts: list[tuple[str, float, str]], label: str) -> str:
    """A horizontal bar of (class, time, tooltip) parts; all of it is 100 %."""
    whole = sum(time for _, time, _ in parts) or 1
    chart = Chart(30, (0, whole), (0, 1), label, left=0, right=0, top=0, bottom=0)
    begin = 0.0
    for kind, time, words in parts:
        x, width = chart.x(begin), chart.x(begin + time) - chart.x(begin)
        chart.rect(x, 4, max(0, width - 1), 22, kind, title=f"{words}: {duration(time)}, {percent(time / whole)}")
        begin += time
    return chart.out()


def _over_time(run: Run, parts: list[list[tuple[str, float]]], label: str, begin: str) -> str:
    """Draws stacked bars for each interval from (class, ns), or in percent; `begin` is the column of the time at which
    a bar begins."""
    shares = begin == "t_dec"
    top = 100.0 if shares else max((sum(t for _, t in own) for own in parts), default=0) * 1.06 or 1
    scale, name = (1.0, "%") if shares else unit_of(top)
    chart = run.chart(210, (0, top), label, top=30)
    chart.y_axis(f"{label} in {name}", scale=scale)
    run.time_axis(chart)
    for row, own in zip(run.intervals, parts):
        x0, x1 = chart.x(int(row[begin])), chart.x(int(row["t_end"]))
        gap = 0.6 if x1 - x0 > 3 else 0
        height = 0.0
        for kind, time in own:
            y = chart.y(height + time)
            if time > 0:
                chart.rect(x0, y, x1 - x0 - gap, chart.y(height) - y, kind)
            height += time
    run.hover_intervals(chart, lambda i: run.interval_words(i) + "".join(
        f"\n{kind}: {f'{time:.1f} %' if shares else duration(time)}" for kind, time in parts[i] if time))
    run.mark_moments(chart, bands=not shares)
    return chart.out()


def _cell(name: str, time: float, whole: float) -> str:
    share = f" · {percent(time / whole)}" if whole and time else ""
    return value(name, int(time), duration(time)) + share


def _culprits(run: Run, found: breakdown.Exact) -> str:
    """A table of the longest parts of the critical path, which would have to become faster."""
    whole = sum(found.culprits.values()) or 1
    shown = found.culprits.most_common(MOST_CULPRITS)
    chart = Chart(10 + 23 * len(shown), (0, shown[0][1] / whole if shown else 1), (0, 1), "critical path",
                  left=300, right=120, top=0, bottom=0)
    for i, ((kind, source, target), time) in enumerate(shown):
        names = run.devices[source], run.devices[target]
        words = {"compute": f"computing on {names[0]}", "wait": f"waiting on {names[0]}"}.get(
            kind, f"{names[0]} → {names[1]}")
        y = 4 + 23 * i
        chart.text(292, y + 13, words, "end")
        chart.rect(300, y + 1, chart.x(time / whole) - 300, 16, kind)
        chart.text(chart.x(time / whole) + 7, y + 13, f"{percent(time / whole)}, {duration(time)}", "num")
    rest = whole - sum(time for _, time in shown)
    left_out = len(found.culprits) - len(shown)
    more = f" {left_out} smaller parts, {percent(rest / whole)} together, are left out." if left_out else ""
    return "<h3>What was on the critical path?</h3>" + figure(
        chart.out(), "Shares of all turns’ time. What is not here could be faster or slower without making a "
        f"token later, up to a point.{more}")


def _exact(run: Run) -> str:
    found = breakdown.exact(run)
    both = found.prefill + found.decode
    whole = sum(both.values()) + found.migration + found.between
    parts = [(kind, both[kind], MEANING[kind]) for kind in breakdown.PARTS[:3]]
    parts.append(("migration", found.migration, MEANING["migration"]))
    rows = []
    for name, words, own in (("prefill", "prefill", found.prefill), ("decode", "decode steps", found.decode)):
        total = sum(own.values())
        if total == 0:
            continue
        rows.append([words, *(_cell(f"{name}_{kind}_ns", own[kind], whole) for kind in breakdown.PARTS[:3]),
                     _cell(f"{name}_ns", total, whole)])
    if found.migration:
        rows.append(["migration", "", "", "", _cell("migration_ns", found.migration, whole)])
    if found.between:
        parts.append(("between", found.between, "between two turns, for the source’s next visit"))
        rows.append(["between turns", "", "", "", _cell("between_ns", found.between, whole)])
    text = ("Exact, from every operation and message: each turn is walked back from its end along the operations "
            "and messages that it waited for, so the parts add up to the time.")
    if run.several:
        text += " Times are summed over the sequences, from the slot to the last token."
    if found.every > 1:
        text += f" Only each {found.every}th turn was looked at; shares, not sums, stand for the run."
    stacked = [[(kind, own.get(kind, 0)) for kind in breakdown.PARTS[:3]] for own in found.per_interval]
    per_step = figure(_over_time(run, stacked, "mean time of a decode step", "t_resume"),
                      "Each bar is an interval, as wide as it lasted; prefill is left out.") if any(
                          found.per_interval) else ""
    legend = [(COLOUR.get(kind, f"var(--{kind})"), words) for kind, time, words in parts if time]
    return (bar(parts, "time in parts") + keys(legend) + caption(text)
            + table(["", "compute", "transfer", "wait", "sum"], rows) + per_step + _culprits(run, found))


def _coarse(run: Run) -> str:
    found = breakdown.bounds(run)
    whole = found.decoding + found.migration or 1
    parts = [("compute", found.busiest, "the busiest device computes"),
             ("unknown", found.decoding - found.busiest, "others compute, messages, waiting"),
             ("migration", found.migration, "migration")]
    low, high = found.busiest / whole, found.all_devices / whole
    computing = (f"between {percent(low)} and {percent(high)}" if high - low > .005 else
                 f"{percent(low)}")
    text = (f"Coarse: this trace has no operations and messages (they come with <code>--trace-ops</code>). "
            f"Something was computing in {computing} of the time: at least as long as each interval’s busiest "
            "device, at most as long as all devices together. What other devices computed meanwhile, messages "
            "and waiting cannot be told apart.")
    stacked = [[(kind, 100 * time / max(sum(own), 1)) for kind, time in zip(("compute", "unknown", "migration"), own)]
               for own in found.per_interval]
    rows = [["busiest device computing", _cell("busiest_ns", found.busiest, whole)],
            ["all devices computing, at most each interval’s length", _cell("all_devices_ns", found.all_devices, whole)],
            ["migration", _cell("migration_ns", found.migration, whole)],
            ["in all", _cell("whole_ns", found.decoding + found.migration, whole)]]
    return (bar(parts, "time in parts") + keys([
        ("var(--compute)", "busiest device of each interval computing"),
        ("var(--none)", "others computing, messages, waiting")]
        + ([("var(--migration)", "migration")] if found.migration else []))
        + caption(text) + table(["", "time"], rows)
        + figure(_over_time(run, stacked, "share of the interval", "t_dec"),
                 "Each bar is an interval, as wide as it lasted."))


def show(run: Run) -> str:
    if not len(run.intervals):
        return ""
    body = _exact(run) if breakdown.has_operations(run) else _coarse(run)
    return section("Where did the time go?", body)


