"""How can it be repeated? The commands, the scenario, the input files, and the recorded attributes of the run."""
import shlex
from pathlib import Path

from headroom_trace import Trace
from report_parts import vocabulary
from report_parts.html_parts import caption, folded, section, table
from report_parts.run import Run
from report_parts.words import clean, count, flops, rate, size, spaced

MOST_SHOWN = 200_000  # characters of a file; longer files are cut
MOST_DEVICES = 40


def commands(trace: Trace) -> str:
    """Shell lines that repeat the run, to be run in Headroom's folder."""
    path, stem = shlex.quote(trace.path), Path(trace.path).stem
    scenario, again = shlex.quote(f"{stem}.again.toml"), shlex.quote(f"{stem}.again.h5")
    attributes = trace.attributes
    own = attributes.get("policy_file")
    policy = shlex.quote(str(own)) if own else attributes.get("policy")
    ops = ["--trace-ops"] if "ops" in trace.names else []
    if attributes.get("execution") == "counterfactual":
        return " \\\n  ".join(["headroom replay RECORDED.h5", f"--policy {policy}", *ops,
                              f"--trace {again}"])
    words = [f"headroom {'simulate' if attributes.get('execution') == 'simulated' else 'run'} {scenario}"]
    if model := vocabulary.model_path(trace):
        words.append("--set " + shlex.quote(f'model.file="{model}"'))
    if own:
        words.append(f"--policy {policy}")
    if attributes.get("transport") == "inprocess":
        words.append("--transport inprocess")
    if "kernels" in attributes and attributes.get("execution") == "decoded":
        words.append(f"--kernels {shlex.quote(str(attributes['kernels']))}")
    return (f"scripts/headroom_trace.py {path} scenario > {scenario}\n"
            + " \\\n  ".join([*words, *ops, f"--trace {again}"]))


def _excerpt(text: str) -> str:
    cut = f"\n… {len(text) - MOST_SHOWN} more characters" if len(text) > MOST_SHOWN else ""
    return f"<pre>{clean(text[:MOST_SHOWN])}{cut}</pre>"


def _recorded(trace: Trace) -> str:
    rows = [[clean(key), clean(value)] for key, value in sorted(trace.attributes.items())]
    return table(["attribute", "value"], rows, (0, 1))


def _devices(run: Run) -> str:
    fields = run.trace.table("devices")
    order = list(range(len(fields)))
    if len(order) > MOST_DEVICES:
        held = set(run.colours)
        order = sorted(order, key=lambda d: (d not in held, d))[:MOST_DEVICES]
    rows = [[clean(fields[d]["name"]) + (" (source)" if fields[d]["is_source"] else ""),
             flops(fields[d]["compute_flop_per_s"]), size(fields[d]["memory_bytes"]),
             rate(fields[d]["memory_bandwidth_bytes_per_s"]),
             "none" if fields[d]["storage_bandwidth_bytes_per_s"] < 0
             else rate(fields[d]["storage_bandwidth_bytes_per_s"]),
             str(run.figures["devices"][d]["blocks"]), f"{100 * run.figures['devices'][d]['utilisation']:.0f} %"]
            for d in order]
    left_out = len(fields) - len(order)
    more = caption(f"{count(left_out, 'device')} more, of those that held least.") if left_out else ""
    return table(["device", "compute", "memory", "memory bandwidth", "storage", "blocks at the end", "busy"],
                 rows) + more


def _model(trace: Trace) -> str:
    if "model" not in trace.names or not len(trace.table("model")):
        return ""
    row = trace.table("model")[0]
    weights = int(trace.table("blocks")["weight_bytes"].sum())
    return (f"<p>{clean(trace.attributes.get('model', 'the model'))}: {count(int(row['layers']), 'layer')} of width "
            f"{row['width']}, {row['heads']} heads, {row['kv_heads']} K/V heads, FFN {row['ffn_width']}, vocabulary "
            f"{spaced(int(row['vocabulary']))}; {size(weights)} of weights in "
            f"{count(len(trace.table('blocks')), 'block')}.</p>")


def _reproducibility(trace: Trace) -> str:
    text = "From Headroom’s folder, with <code>headroom</code> on the PATH. "
    if trace.attributes.get("execution") == "counterfactual":
        return text + "RECORDED.h5 is the trace whose run was asked about; it has no name in this one."
    if trace.status != "finished":
        text += "This run did not come to its end; the repeated one does. "
    if "resumed" in trace.named("intervals", "reason"):
        return text + ("The text comes out the same. This run was broken off and resumed, which took virtual time that "
                       "the repeated one does not need.")
    return text + "Everything but wall-clock times and the host comes out the same."


def show(run: Run) -> str:
    trace = run.trace
    again = f'<pre class="commands">{clean(commands(trace))}</pre>'
    check = "<pre>" + clean(f"headroom replay {shlex.quote(trace.path)}\n"
                            f"headroom replay {shlex.quote(trace.path)} --policy ring,galaxy") + "</pre>"
    note = "" if trace.schema_version >= 4 else caption(
        f"This trace has schema version {trace.schema_version}, which lacks what a replay needs.")
    files = "".join(folded(f"{path} ({size(len(text.encode()))})", _excerpt(text))
                    for path, text in trace.input_files.items())
    return section(
        "What was run, and how can it be repeated?", _model(trace), _devices(run),
        "<h3>Run it again</h3>", again,
        caption(_reproducibility(trace)),
        "<h3>Check it, or ask what another policy would have done</h3>", check, note,
        "<h3>Scenario and input files</h3>",
        folded(f"scenario as it was resolved ({size(len(trace.scenario_text.encode()))})",
               _excerpt(trace.scenario_text)), files,
        folded("what was recorded of the run", _recorded(trace)))
