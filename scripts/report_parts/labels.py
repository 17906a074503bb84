"""What tells the runs of one page apart: labels of the settings in which they differ."""
import re
from pathlib import Path

import plotted
from headroom_trace import Trace
from report_parts.words import count, duration, flops, rate, size

MOST_KEYS = 3   # of one table of the scenario; if more differ, the tables are numbered
LONGEST = 56    # characters of a label
LISTS = {"device": "fleet", "event": "events"}  # lists of tables, which are always numbered
UNITS = {"ns": duration, "B": size, "B/s": rate, "FLOP/s": flops}


OWN_POLICY = "custom"  # stands in scenarios for a policy that is not part of Headroom


def run_settings(trace: Trace) -> dict[str, str]:
    """`settings` of a trace's scenario, with the name of a policy that is not part of Headroom."""
    flat = settings(trace.scenario)
    if flat.get("controller.policy") == OWN_POLICY:
        flat["controller.policy"] = str(trace.attributes.get("policy", OWN_POLICY))
    return flat


def settings(scenario: dict, prefix: str = "") -> dict[str, str]:
    """A scenario as flat pairs: dotted key -> value."""
    flat = {}
    items = scenario.items() if isinstance(scenario, dict) else enumerate(scenario)
    for key, content in items:
        name = f"{prefix}{key}"
        nested = isinstance(content, dict) or (
            isinstance(content, list) and content and isinstance(content[0], dict))
        if nested:
            flat |= settings(content, name + ".")
        else:
            flat[name] = str(content)
    return flat


def readable(key: str, text: str) -> str:
    """A value of a scenario for readers: 1250000 B/s as 10 Mbit/s, if it is that of a link."""
    found = re.fullmatch(r"(\d{1,18}) (ns|B|B/s|FLOP/s)", text)
    if not found:
        return text
    if key.split(".")[-1] == "bandwidth":
        mbit = int(found[1]) * 8 / 1e6
        return f"{mbit:g} Mbit/s" if mbit < 1000 else f"{mbit / 1000:g} Gbit/s"
    return UNITS[found[2]](int(found[1]))


def _numbered(section: str, keys: list[str], flats: list[dict]) -> list[str]:
    contents = [tuple(flat.get(key) for key in keys) for flat in flats]
    kinds = list(dict.fromkeys(contents))
    if section == "device":
        counts = [len({key.split(".")[1] for key in flat if key.startswith("device.")}) for flat in flats]
        if len(set(counts)) == len(kinds):
            return [count(number, "device") for number in counts]
    return [f"{LISTS.get(section, section)} {kinds.index(content) + 1}" for content in contents]


def _plain(key: str, flats: list[dict]) -> list[str]:
    word = key.split(".")[-1].replace("_", " ")
    values = [readable(key, flat.get(key, "none")) for flat in flats]
    if key == "model.file":
        return [Path(value).stem for value in values]
    return [value if word == "policy" else f"{word} {value}" for value in values]


def _by_settings(flats: list[dict]) -> list[str]:
    sections: dict[str, list[str]] = {}
    for key in plotted.differing(flats):
        sections.setdefault(key.split(".")[0], []).append(key)
    # The policy comes first, and the seed last.
    order = sorted(sections, key=lambda section: (section == "seed", section != "controller"))
    words = []
    for section in order:
        keys = sections[section]
        if section in LISTS or len(keys) > MOST_KEYS:
            words.append(_numbered(section, keys, flats))
        else:
            words += [_plain(key, flats) for key in sorted(keys, key=lambda key: key != "controller.policy")]
    return [", ".join(parts) for parts in zip(*words)] or [""] * len(flats)


def _by_files(paths: list[str]) -> list[str]:
    """The file names without the parts that all have in common."""
    names = [Path(path).name.removesuffix(".h5") for path in paths]
    if len(set(names)) > 1:
        parts = [name.split(".") for name in names]
        while all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) == 1:
            parts = [p[1:] for p in parts]
        names = [".".join(p) for p in parts]
    half = LONGEST // 2 - 1
    return [name if len(name) <= LONGEST else f"{name[:half]}…{name[-half:]}" for name in names]


def labels(paths: list[str], flats: list[dict]) -> list[str]:
    """One label for each run, no two of them equal: the settings in which the runs differ. Runs with equal settings, or
    too many that differ, have the names of their files."""
    found, files = _by_settings(flats), _by_files(paths)
    if max(map(len, found)) > LONGEST or len(set(found)) == 1:
        found = files
    found = [label if found.count(label) == 1 or label == name else f"{label} ({name})"
             for label, name in zip(found, files)]
    return [label if found.count(label) == 1 else f"{label} ({found[:i + 1].count(label)})"
            for i, label in enumerate(found)]


def repetitions(runs: list) -> list[tuple[str, list]]:
    """The runs in groups that differ in nothing but their seed, each with its label."""
    groups: dict[tuple, list] = {}
    for run in runs:
        groups.setdefault(tuple(sorted(item for item in run.settings.items() if item[0] != "seed")), []).append(run)
    if len(groups) == len(runs):
        return [(run.label, [run]) for run in runs]
    firsts = [own[0] for own in groups.values()]
    return list(zip(labels([run.trace.path for run in firsts], [dict(key) for key in groups]), groups.values()))
