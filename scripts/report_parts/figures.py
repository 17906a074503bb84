"""The figures of one run under the names and definitions of `headroom inspect --json`, computed from the tables."""
import numpy as np

from headroom_trace import NEVER, Trace


def percentile(values: list[int], share: int) -> int:
    """The smallest value that at least `share` % of the values do not exceed (nearest rank); -1 if there are none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else -1


def sequences(trace: Trace) -> list[dict]:
    """One dict for each sequence that has tokens. The arrival of a sequence that has not ended is unknown; the
    earliest known begin takes its place."""
    tokens, turns = trace.table("tokens"), trace.table("turns")
    requests = {int(row["sequence"]): row for row in trace.table("requests")}
    ends = trace.table("intervals")["rows_tokens"]
    result = []
    for number in trace.sequences():
        own = tokens[tokens["sequence"] == number]
        sampled = own[own["is_prompt"] == 0]
        steps = turns[turns["sequence"] == number]
        request = requests.get(number)
        if request is not None:
            begin, arrival, slot = (int(request[c]) for c in ("begin", "arrival", "slot"))
        else:
            first = int(np.flatnonzero(tokens["sequence"] == number)[0])
            interval = trace.table("intervals")[int(np.searchsorted(ends, first, side="right"))]
            alone = interval["sequence"] == number or not len(steps)
            begin = arrival = int(interval["t_dec"] if alone else steps["start"].min())
            slot = int(steps["slot"][0]) if len(steps) else -1
        times = sampled["end"].astype(np.int64)
        result.append({
            "sequence": number, "slot": slot, "ended": request is not None, "arrival_ns": arrival,
            "begin_ns": begin, "waited_ns": begin - arrival,
            "prompt_tokens": len(own) - len(sampled), "sampled_tokens": len(sampled),
            "first_token_ns": int(times[0]) if len(times) else 0,
            "end_ns": int(times[-1]) if len(times) else 0,
            "time_to_first_token_ns": int(times[0]) - arrival if len(times) else -1,
            "time_per_output_token_ns":
                int(times[-1] - times[0]) // (len(times) - 1) if len(times) > 1 else -1,
            "gaps": np.diff(times).tolist()})
    return result


def predicted_and_measured(trace: Trace) -> tuple[int, int]:
    """The predicted and measured time of decoding in ns, summed over all tokens but first ones. With one sequence
    these are D_inf and the step; with several a round and the time since the previous token, without migrations."""
    intervals, tokens = trace.table("intervals"), trace.table("tokens")
    latencies = trace.latency()
    steps = tokens[tokens["is_prompt"] == 0]
    predicted = measured = 0
    for row, step in zip(latencies.tolist(), steps):
        _, _, end, step_ns, latency, interval = row
        if latency < 0:
            continue
        decision = intervals[interval]
        alone = decision["in_flight"] <= 1
        value = int(decision["predicted_inference_ns" if alone else "predicted_round_ns"])
        predicted += value if value != NEVER else 0
        migrating = min(end, int(decision["t_resume"])) - max(end - latency, int(decision["t_switch"]))
        measured += step_ns if alone else latency - max(0, migrating)
    return predicted, measured


def devices(trace: Trace, span: int) -> list[dict]:
    """For each device its peak memory, last budget, largest ratio of peak to budget, busy time, and blocks at the
    end."""
    memory, busy = trace.memory(), trace.by_device("busy_ns").sum(axis=0)
    placement = trace.placement()
    last = np.bincount(placement[-1][placement[-1] >= 0], minlength=len(trace.device_names)) \
        if len(placement) else np.zeros(len(trace.device_names), int)
    result = []
    for d, row in enumerate(trace.table("devices")):
        peaks, budgets = memory["peak"][:, d].tolist(), memory["budget"][:, d].tolist()
        fullest, allowed = 0, int(row["memory_bytes"])
        for p, b in zip(peaks, budgets):
            if p > 0 and p * allowed >= fullest * b:  # compares fractions by cross products, because budgets may be 0
                fullest, allowed = p, b
        computed = min(int(busy[d]), span) if span else int(busy[d])  # may include turns without a token
        result.append({"name": str(row["name"]), "memory_peak_bytes": max(peaks, default=0),
                       "memory_budget_bytes": budgets[-1] if budgets else allowed,
                       "memory_peak_fraction": fullest / allowed if allowed else None if fullest else 0.0,
                       "memory_fullest_bytes": fullest, "memory_fullest_budget_bytes": allowed,
                       "busy_ns": computed, "utilisation": computed / span if span else 0.0,
                       "blocks": int(last[d])})
    return result


def of_run(trace: Trace) -> dict:
    """All figures of a trace; -1 where there is none."""
    intervals, moves = trace.table("intervals"), trace.table("migrations")
    kinds = trace.named("blocks", "kind")
    own = sequences(trace)
    ended = [s for s in own if s["ended"]] or own
    first = [s["time_to_first_token_ns"] for s in ended if s["time_to_first_token_ns"] >= 0]
    gaps = [gap for s in own for gap in s["gaps"]]
    end = max((s["end_ns"] for s in own), default=0)
    span = end - min((s["arrival_ns"] for s in own), default=0)
    sampled = sum(s["sampled_tokens"] for s in own)
    predicted, measured = predicted_and_measured(trace)
    migrated = int(moves["bytes"].sum())
    predicted_migration = intervals["predicted_migration_ns"]
    overloads = trace.named("events", "kind") == "overload"
    return {
        "prompt_tokens": sum(s["prompt_tokens"] for s in own), "sampled_tokens": sampled,
        "time_to_first_token_ns": sum(first) // len(first) if first else 0,
        "time_per_output_token_ns": sum(gaps) // len(gaps) if gaps else -1,
        "time_per_output_token_p50_ns": percentile(gaps, 50),
        "time_per_output_token_p95_ns": percentile(gaps, 95),
        "tokens_per_s": sampled * 1e9 / span if span else 0.0,
        "virtual_time_ns": end, "span_ns": span,
        "decisions": len(intervals), "decisions_that_moved": int((intervals["moves"] > 0).sum()),
        "decisions_infeasible": int((intervals["feasible"] == 0).sum()),
        "blocks_moved": int(intervals["moves"].sum()),
        "groups_moved": int((kinds[moves["block"]] == "group").sum()) if len(moves) else 0,
        "bytes_migrated": migrated, "bytes_loaded": int(moves["loaded_bytes"].sum()),
        "time_migrating_ns": int(intervals["measured_migration_ns"].sum()),
        "bytes_activations": int(trace.table("link_state")["bytes"].sum()) - migrated,
        "bytes_paged": int(trace.table("resources")["paged_bytes"].sum()),
        "overloads": int(overloads.sum()),
        "predicted_decode_ns": predicted, "measured_decode_ns": measured,
        "predicted_migration_ns": int(predicted_migration[predicted_migration != NEVER].sum()),
        "decision_wall_mean_ms": float(intervals["decision_wall_ns"].mean()) / 1e6
        if len(intervals) else 0.0,
        "sequences": own, "devices": devices(trace, span)}
