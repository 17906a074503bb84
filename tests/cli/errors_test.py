#!/usr/bin/env python3
"""Every error that a user can cause: the message says what is wrong, where, what was expected and what to do.

A case is a command, the files that it needs, the exit code and the parts of the message. `faults` checks a message; a
twin test shows that it rejects messages that lack a part.
"""
import json
import os
import re
import resource
import signal
import subprocess
import time
import unittest
from dataclasses import dataclass, field

import h5py

from headroom import MINIMAL, MODEL, MPI_ENVIRONMENT, BINARY, Case, devices, main, scenario_text

NOISE = re.compile(
    r"MPI_ABORT|PMIX|\bbtl\b|core dumped|Traceback|HDF5-DIAG|terminate called|\.cpp:\d|"
    r"^-{20,}|SIGPIPE|\[vm:|detected that one or more", re.MULTILINE)
LINE = re.compile(r"^(headroom: error: \S|  +\S)")
SECONDS = 20  # limit on a busy machine; alone, each command takes less than 1 s


@dataclass
class Expected:
    """The parts of a message. `do` is what the user can try; `where` may be the name of an option."""
    what: str
    where: str
    expected: str
    do: str
    code: int = 2


@dataclass
class Wrong:
    """A command that must fail. `prepare` may create files in the folder of the test."""
    arguments: list
    message: Expected
    launcher: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)


def faults(result, message, told_before=""):
    """Returns what is wrong with the failure of a command; an empty list if nothing is."""
    found = []
    if result.returncode != message.code:
        found.append(f"exit code {result.returncode}, not {message.code}")
    text = result.stderr.replace(told_before, "", 1)
    for part in ("what", "where", "expected", "do"):
        sentence = getattr(message, part)
        if not sentence or sentence not in text:
            found.append(f"does not say {part}: {sentence!r}")
    if not text.startswith("headroom: error: "):
        found.append("does not start with the program's name")
    for line in text.splitlines():
        if not LINE.match(line):
            found.append(f"a line that belongs to no message: {line!r}")
    if NOISE.search(result.stderr):
        found.append(f"noise: {NOISE.search(result.stderr).group()!r}")
    if result.stdout:
        found.append(f"on stdout: {result.stdout[:80]!r}")
    return found


def changed(old, new, **options):
    """Returns the minimal scenario with one text replaced."""
    text = scenario_text(**options)
    assert old in text, old
    return text.replace(old, new)


RUN_HELP = "headroom run --help"
INSPECT_HELP = "headroom inspect --help"
KINDS = "expected a trace (.h5), a model (.gguf) or a scenario (.toml)"
KEYS = "headroom help scenario describes every key"


def command_line_cases():
    yield "nothing", Wrong([], Expected(
        "no command was given", "headroom", "expected one of: run, simulate, plan, replay, inspect", "headroom run my.toml"))
    yield "misspelt command", Wrong(["rnu", MINIMAL], Expected(
        "there is no command", "'rnu'", "expected one of: run, simulate, plan, replay, inspect", "did you mean 'run'?"))
    for command, what in (("replay", "a trace (.h5) is missing"), ("export", "a trace (.h5) is missing"),
                          ("sweep", "a sweep file (.toml) is missing"),
                          ("collect", "a folder of traces is missing")):
        yield f"{command} without anything", Wrong([command], Expected(
            what, f"headroom {command}", "expected one", f"headroom {command} --help"))
    yield "export to nowhere", Wrong(["export", "a.h5"], Expected(
        "where to is missing", "export", "expected --perfetto OUT.json, --csv FOLDER, or both",
        "headroom export --help"))
    yield "misspelt longer command", Wrong(["replai"], Expected(
        "there is no command", "'replai'", "expected one of", "did you mean 'replay'?"))
    yield "nonsense command", Wrong(["xyzzyplugh"], Expected(
        "there is no command", "'xyzzyplugh'", "expected one of: run, simulate, plan, replay, inspect", "headroom --help"))
    yield "scenario without a command", Wrong([MINIMAL], Expected(
        "is a file", str(MINIMAL), "expected a command before it", f"headroom run {MINIMAL}"))
    yield "model without a command", Wrong([MODEL], Expected(
        "is a file", str(MODEL), "expected a command before it",
        f"headroom run --model {MODEL} --devices 4"))
    yield "option before the command", Wrong(["--jsn", "run", MINIMAL], Expected(
        "there is no option", "--jsn", "before the command", "headroom --help"))
    yield "run without anything", Wrong(["run"], Expected(
        "is missing", "what to run", "expected a SCENARIO, or --model MODEL.gguf", RUN_HELP))
    yield "model without devices", Wrong(["run", "--model", MODEL], Expected(
        "--devices is missing", "--devices", "--devices N", RUN_HELP))
    yield "scenario and model", Wrong(["run", MINIMAL, "--model", MODEL, "--devices", 2], Expected(
        "a scenario and --model", "--model", "expected one or the other", RUN_HELP))
    yield "misspelt option", Wrong(["run", MINIMAL, "--token", 4], Expected(
        "there is no option", "--token", "did you mean '--tokens'?", RUN_HELP))
    yield "second scenario", Wrong(["run", MINIMAL, "second.toml"], Expected(
        "unexpected argument", "'second.toml'", "expected one SCENARIO only", "leave it out"))
    yield "option without its value", Wrong(["run", MINIMAL, "--tokens"], Expected(
        "found none", "--tokens", "expected a value after it", RUN_HELP))
    yield "option twice", Wrong(["run", MINIMAL, "--tokens", 3, "--tokens", 4], Expected(
        "found again", "--tokens", "expected once", "leave out all but one"))
    for option, value, expected in (
            ("--tokens", "many", "a whole number of at least 1"),
            ("--tokens", "0", "a whole number of at least 1"),
            ("--tokens", "1e3", "a whole number of at least 1"),
            ("--interval", "-2", "a whole number of at least 1"),
            ("--seed", "lucky", "a whole number")):
        yield f"{option} {value}", Wrong(["run", MINIMAL, f"{option}={value}"], Expected(
            f"found '{value}'", option, f"expected {expected}", "give one such as"))
    yield "no devices", Wrong(["run", "--model", MODEL, "--devices", 0], Expected(
        "found '0'", "--devices", "a whole number from 1 to 65536", "give one such as 4"))
    yield "transport", Wrong(["run", MINIMAL, "--transport", "inproces"], Expected(
        "found 'inproces'", "--transport", "expected one of: mpi, inprocess",
        "did you mean 'inprocess'?"))
    for option in (["--trace", "a.h5"], ["--force"], ["--trace-ops"], ["--resume", "a.h5"]):
        yield f"no trace and {option[0]}", Wrong(["run", "--no-trace", *option], Expected(
            "--no-trace and", option[0], "expected one of them", "leave out one of them"))
    yield "simulate: no trace and its name", Wrong(["simulate", MINIMAL, "--no-trace", "--trace", "a.h5"], Expected(
        "--no-trace and", "--trace", "expected one of them", "headroom simulate --help"))
    yield "replay: no trace and nothing to write", Wrong(["replay", "a.h5", "--no-trace"], Expected(
        "are for what would have happened", "--no-trace", "expected --policy", "headroom replay --help"))
    yield "kernels", Wrong(["run", MINIMAL, "--kernels", "fast"], Expected(
        "kernels 'fast' are unknown", "--kernels", "expected one of: reference", "leave both out"))
    yield "kernels by environment", Wrong(["run", MINIMAL], Expected(
        "kernels 'slow' are unknown", "HEADROOM_KERNELS", "expected one of", "leave both out"),
        environment={"HEADROOM_KERNELS": "slow"})
    yield "silence by environment", Wrong(["run", MINIMAL], Expected(
        "HEADROOM_SILENCE is 'soon'", "HEADROOM_SILENCE", "expected whole seconds",
        "leave it out for 30"), environment={"HEADROOM_SILENCE": "soon"})
    yield "inspect nothing", Wrong(["inspect"], Expected(
        "a file is missing", "inspect", KINDS[9:], INSPECT_HELP))
    yield "inspect two files", Wrong(["inspect", MINIMAL, MODEL], Expected(
        "unexpected argument", str(MODEL), "expected one FILE only", INSPECT_HELP))


def file_cases(folder):
    """Cases with files that are missing, of the wrong kind, or broken."""
    for name, content in (("empty", b""), ("text.txt", b"once upon a time\n"),
                          ("short.gguf", b"GGUF"), ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0")):
        (folder / name).write_bytes(content)
    h5py.File(folder / "foreign.h5", "w").close()
    (folder / "cut.h5").write_bytes((folder / "foreign.h5").read_bytes()[:300])
    trace = folder / "foreign.h5"
    yield "scenario that is not there", Wrong(["run", "nowhere.toml"], Expected(
        "there is no such", "nowhere.toml", "scenario file", "correct what is named"))
    yield "directory as scenario", Wrong(["run", folder], Expected(
        "a directory", str(folder), "scenario file", "correct what is named"))
    yield "model as scenario", Wrong(["run", MODEL], Expected(
        "is a model (GGUF)", str(MODEL), "expected a scenario (TOML)",
        f"headroom run --model {MODEL} --devices 4"))
    yield "trace as scenario", Wrong(["run", trace], Expected(
        "is a trace (HDF5)", "foreign.h5", "expected a scenario (TOML)", "headroom inspect"))
    yield "scenario as model", Wrong(["run", "--model", MINIMAL, "--devices", 2], Expected(
        "is a text file", "--model", "expected a model (GGUF)", f"headroom run {MINIMAL}"))
    yield "trace as model", Wrong(["run", "--model", trace, "--devices", 2], Expected(
        "is a trace (HDF5)", "--model", "expected a model (GGUF)", "headroom inspect"))
    yield "model that is not there", Wrong(["run", "--model", "no.gguf", "--devices", 2], Expected(
        "no.gguf", "no.gguf", "model", "correct what is named"))
    yield "broken model", Wrong(["run", "--model", "short.gguf", "--devices", 2], Expected(
        "damaged or truncated", "short.gguf: at byte 4", "expected 4 bytes of the format version",
        "copy or download it again"))
    yield "text as scenario", Wrong(["run", "text.txt"], Expected(
        "text.txt:1:", "text.txt", "expected", KEYS))
    yield "inspect what is not there", Wrong(["inspect", "nothing.h5"], Expected(
        "there is no such file", "nothing.h5", KINDS, "check the name"))
    yield "inspect a directory", Wrong(["inspect", folder], Expected(
        "is a directory", str(folder), KINDS, "name one of the files"))
    yield "inspect an empty file", Wrong(["inspect", "empty"], Expected(
        "is empty", "empty:", KINDS, "Make it again"))
    yield "inspect a picture", Wrong(["inspect", "picture.png"], Expected(
        "binary file of another format", "picture.png", KINDS, "convert_hf_to_gguf.py"))
    yield "inspect a broken model", Wrong(["inspect", "short.gguf"], Expected(
        "damaged or truncated", "short.gguf", "expected 4 bytes", "copy or download it again"))
    yield "inspect another's HDF5 file", Wrong(["inspect", "foreign.h5"], Expected(
        "not a trace of ours", "foreign.h5", "expected a whole trace", "run again"))
    yield "inspect half a trace", Wrong(["inspect", "cut.h5"], Expected(
        "cannot be read as a trace", "cut.h5", "expected a whole trace", "copy it again"))
    yield "repair a scenario", Wrong(["inspect", MINIMAL, "--repair"], Expected(
        "is no trace (HDF5)", str(MINIMAL), "expected one after --repair", "leave out --repair"))
    yield "repair a model", Wrong(["inspect", MODEL, "--repair"], Expected(
        "is no trace (HDF5)", str(MODEL), "expected one after --repair", "leave out --repair"))


def scenario_cases(write):
    """Cases with wrong scenarios. `write(name, text)` creates a file and returns its path."""
    cases = (
        ("misspelt key", "interval = 4", "intervall = 4", "intervall", "did you mean 'interval'?"),
        ("wrong unit", '"64 MiB"', '"64 MHz"', "64 MHz", "expected a number of bytes"),
        ("model that is gone", "stories.gguf", "gone.gguf", "gone.gguf", "model"),
        ("nonsense policy", "interval = 4", 'interval = 4\npolicy = "grredy"', "grredy", "greedy"),
        ("broken TOML", "[workload]", "[workload", ":3:", "expected ']'"),
        ("too few tokens", "tokens = 16", "tokens = 0", "found 0", "expected a whole number"),
    )
    for name, old, new, what, expected in cases:
        path = write(name, changed(old, new))
        yield name, Wrong(["run", path], Expected(what, f"{path}:", expected, KEYS))
    path = write("fine", scenario_text())
    for name, option, value, what, expected in (
            ("set of an unknown key", "--set", "clock.mod=virtual", "unknown key", "'mode'"),
            ("set without a value", "--set", "clock.mode", "clock.mode", "expected KEY=VALUE"),
            ("nonsense clock", "--clock", "fast", "fast", "virtual"),
            ("prompt of wild bytes", "--prompt", b"\xff\xfe", "not valid UTF-8", "UTF-8")):
        yield name, Wrong(["run", path, option, value], Expected(what, option, expected, KEYS))
    for transport in ("mpi", "inprocess"):
        long = ["run", path, "--prompt", "a b c " * 200, "--transport", transport]
        yield f"prompt beyond the context, {transport}", Wrong(long, Expected(
            "the prompt has", "the prompt", "the model's context is 256", "a shorter prompt"))
        small = write("small", scenario_text(memory="600 KiB"))
        yield f"budgets too small, {transport}", Wrong(
            ["run", small, "--transport", transport], Expected(
                "no placement fits", "d1 has 600 KiB", "needed: ", "give the devices more memory",
                code=6))


def shape_text(model, more="", count=2):
    """Returns a scenario whose model is a shape without a file."""
    return f"[model]\n{model}\n{more}" + devices(count, memory="8 GiB")


def shape_cases(write):
    """Cases with models without weights."""
    for name, model, what, expected in (
            ("unknown preset", 'preset = "llama-2-7bb"', "not in the catalogue",
             'did you mean "llama-2-7b"?'),
            ("file and preset", f'file = "{MODEL}"\npreset = "gpt2"', "model.preset and model.file",
             "give one of file, preset, shape"),
            ("no model", "", "model.file is missing", 'preset = "llama-2-7b"'),
            ("incomplete shape", "shape = { layers = 2 }", "model.shape.width is missing",
             "give a whole number"),
            ("prompt without tokenizer", 'preset = "gpt2"\n[workload]\nprompts = ["a"]',
             "needs a tokenizer", "give prompt_tokens = 16"),
            ("uneven slices of a preset",
             'preset = "gpt2"\n[controller]\ngranularity = "sliced"\nslices = 7',
             "controller.slices = 7 does not divide", "give one that does: 1, 2, 3, 4")):
        path = write(name, shape_text(model))
        for command in ("simulate", "plan"):
            yield f"{name}, {command}", Wrong([command, path], Expected(
                what, f"{path}:", expected, KEYS))
    preset = write("preset", shape_text('preset = "gpt2"'))
    for extra in ([], ["--transport", "inprocess"]):
        yield f"run without weights {extra}", Wrong(["run", preset, *extra], Expected(
            "a shape without weights", str(preset), "expected a model file to run",
            f"headroom simulate {preset}"))
    tight = write("tight", shape_text('preset = "llama-2-70b"'))
    yield "simulate what does not fit", Wrong(["simulate", tight], Expected(
        "no placement fits", "d1 has 8.00 GiB", "needed: ", "give the devices more memory", code=6))
    long = write("long", shape_text('preset = "gpt2"', "[workload]\ntokens = 2000\n"))
    yield "simulate beyond the context", Wrong(["simulate", long], Expected(
        "the prompt has 16 tokens and 2000 are to be sampled", "the prompt",
        "the model's context is 1024", "a shorter prompt"))
    yield "plan beyond the context", Wrong(["plan", preset, "--at", 5000], Expected(
        "the model's context is 1024", "--at 5000", "expected at most 1001", "give --at 1001 or less"))
    yield from previous_cases(write, preset)
    sliced = write("sliced", changed(
        "interval = 4", 'interval = 4\ngranularity = "sliced"\nslices = 7'))
    for command in (["run"], ["run", "--transport", "inprocess"], ["simulate"], ["plan"]):
        yield f"uneven slices of a file, {command}", Wrong([*command, sliced], Expected(
            "controller.slices = 7 does not divide", "controller.slices", "FFN width",
            "give one that does: 1, 2, 4"))
    for command in ("simulate", "plan"):
        shows = f"headroom {command} --help"
        yield f"{command} without anything", Wrong([command], Expected(
            f"what to {command} is missing", command, "expected a SCENARIO", shows))
        yield f"{command} unknown policy in a list", Wrong(
            [command, preset, "--policy", "greedy,gredy"], Expected(
                "found 'gredy'", "--policy", "expected one of: resource_aware",
                "did you mean 'greedy'?"))
        yield f"{command} policy twice", Wrong(
            [command, preset, "--policy", "greedy,static,greedy"], Expected(
                "found 'greedy' again", "--policy", "expected each policy once", "leave one out"))
        yield f"{command} has no transport", Wrong([command, preset, "--transport", "mpi"], Expected(
            "there is no option", "--transport", "shows what can be given", shows))
    yield "simulate into an old file", Wrong(["simulate", preset, "--trace", "kept.h5"], Expected(
        "exists already", "kept.h5", "expected a new name", "--force"))


def previous_cases(write, preset):
    """Cases of headroom plan --previous FROM in which FROM cannot be used or does not fit the scenario."""
    folder = preset.parent

    def plan(*arguments):
        result = subprocess.run([str(BINARY), "plan", str(preset), *arguments, "--json"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return json.loads(result.stdout)

    def case(source, what, expected, do, *arguments, scenario=preset, where="--previous", code=2):
        return Wrong(["plan", scenario, "--previous", source, *arguments],
                     Expected(what, where, expected, do, code))

    def saved(name, text):
        path = folder / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    subprocess.run([str(BINARY), "simulate", str(preset), "--tokens", "9", "--policy", "greedy",
                    "--trace", str(folder / "previous.h5"), "--json"], stdin=subprocess.DEVNULL,
                   capture_output=True, check=True)
    trace = folder / "previous.h5"
    kinds = "expected a policy, a trace (.h5)"
    same = "expected the scenario's"
    anew = "give a file made with this scenario, or the name of a policy"
    yield "previous misspelt", case(
        "gredy", "is neither a policy nor a file", kinds, "did you mean 'greedy'?")
    yield "previous without a name", case(
        "", "is neither a policy nor a file", kinds, "policies: resource_aware")
    yield "previous empty", case(saved("empty.json", ""), "is empty", kinds, "was it written to its end?")
    yield "previous directory", case(folder, "is a directory", kinds, "name a file in it")
    yield "previous scenario", case(preset, "is not a plan", kinds, "make it anew")
    yield "previous model", case(MODEL, "is a model (GGUF)", kinds, "give one of them")
    yield "previous broken plan", case(saved("broken.json", '{"at": 3'), "is not a plan", kinds,
                                       "make it anew")
    yield "previous other JSON", case(saved("other.json", "[1, 2]"), "is not a plan", kinds,
                                      "make it anew")
    yield "previous plan of several", case(
        saved("several.json", plan("--policy", "greedy,round_robin")),
        "has 2 placements (greedy, round_robin)", "expected one", "--policy P --json")
    one = plan("--policy", "greedy")
    for wrong in (-1, 0.5, 1e30, "3"):
        yield f"previous plan at {wrong}", case(
            saved(f"at {wrong}.json", {**one, "at": wrong}), f"at = {json.dumps(wrong)}",
            "expected a whole number", "correct it")
    one["device_names"][1] = "phone"
    yield "previous of other names", case(
        saved("names.json", one), "device 1 is phone there", same, anew)
    one["device_names"][1] = "d1"
    one["policies"][0]["placement"][0] = 2**32
    yield "previous beyond any number", case(
        saved("number.json", one), "a device of the placement = 4294967296", "expected a whole number",
        "correct it")
    one["policies"][0]["placement"][0] = 77
    yield "previous beyond the fleet", case(
        saved("beyond.json", one), "embed is on device 77", "expected a device from 0 to 1", anew)
    yield "previous after the trace", case(
        trace, "ends after 9 tokens", "expected at most so many", "leave out --at", "--at", 10,
        where="--at 10")
    yield "previous of a larger fleet", case(
        trace, "is of 2 devices, the scenario has 3", same, anew,
        scenario=write("three", shape_text('preset = "gpt2"', count=3)))
    yield "previous of another model", case(
        trace, "there and", same, anew,
        scenario=write("other", shape_text('preset = "llama-2-7b"')))
    yield "previous of another cut", case(
        trace, "L0.proj there and L0.s0 in the scenario", "controller.granularity", anew,
        "--set", "controller.granularity=sliced", "--set", "controller.slices=4")
    yield "previous that finds nothing", case(
        "galaxy", "has no first choice", 'needs controller.granularity = "sliced"',
        "headroom plan shows which have one",
        code=6)


SWEEPS = "headroom help scenario describes sweeps and every key"


def sweep_cases(write, folder):
    """Cases of headroom sweep and headroom collect."""
    def sweep(name, more, first=f'scenario = "{MINIMAL}"'):
        return write(name, f"{first}\n{more}\n")

    def wrong(name, sweep_file, what, expected, do=SWEEPS, command=("--run-all",), where=None, code=2):
        return name, Wrong(["sweep", sweep_file, *command],
                           Expected(what, where or f"{sweep_file}:", expected, do, code))

    fine = sweep("fine", "[grid]\nseed = [1, 2]")
    for command in ("run", "simulate", "plan"):
        yield f"{command} a sweep", Wrong([command, fine], Expected(
            "a sweep, not a scenario", str(fine), "its cells are listed by", f"headroom sweep {fine}"))
    shows = "headroom sweep --help"
    for name, arguments, what, where, expected in (
            ("sweep without an order", [fine], "none of --list, --run and --run-all", "given",
             "expected one"),
            ("sweep with two orders", [fine, "--list", "--run", 1], "2 of --list", "--run-all",
             "expected one"),
            ("jobs without cells", [fine, "--list", "-j", 2], "-j", "how many cells",
             "expected --run-all with it"),
            ("no jobs", [fine, "--run-all", "-j", 0], "found '0'", "-j",
             "a whole number from 1 to 4096"),
            ("negative cell", [fine, "--run", -1], "found '-1'", "--run",
             "a whole number of at least 0")):
        yield name, Wrong(["sweep", *arguments], Expected(what, where, expected, shows))
    yield wrong("cell that is not there", fine, "has 2 cells", "expected a number from 0 to 1",
                "--list shows them", ("--run", 2), "--run 2:")
    yield wrong("sweep that is not there", "gone.toml", "there is no such sweep file", "sweep file")
    yield wrong("directory as sweep", folder, "a directory", "not a sweep file")
    yield wrong("model as sweep", MODEL, "is a model (GGUF)", "expected a scenario (TOML)",
                "headroom run --model")
    yield wrong("scenario as sweep", MINIMAL, "a scenario, not a sweep", "expected a file with scenario")
    for name, more, what, expected in (
            ("misspelt section", "[gird]\nseed = [1]", "unknown key 'gird'", "did you mean 'grid'?"),
            ("misspelt command", 'command = "rnu"', "command", 'expected "simulate" or "run"; found "rnu"'),
            ("empty axis", "[grid]\nseed = []", "grid.seed is empty", "give at least one value"),
            ("value without a list", "[grid]\nseed = 3", "grid.seed", "expected a list of values; found 3"),
            ("value twice", "[grid]\nseed = [1, 1]", "seed: 1 is there already", "leave one out"),
            ("key twice", "[set]\nseed = 1\n[grid]\nseed = [2]", "seed stands in [set] and in [grid]",
             "leave one out"),
            ("broken sweep", "[grid", ":2:", "expected ']'"),
            ("misspelt grid key", "[grid]\ncontroler.interval = [4, 8]", "unknown key 'controler'",
             "did you mean 'controller'? (in all 2 cells)"),
            ("wrong value of a cell", "[grid]\ncontroller.interval = [0, 4]", "controller.interval",
             "expected a whole number from 1 to 1000000000; found 0 (in cell 0)")):
        yield wrong(name, sweep(name.replace(" ", "-"), more), what, expected)
    gone = sweep("gone-scenario", "[grid]\nseed = [1, 2]", 'scenario = "gone.toml"')
    yield wrong("sweep over a scenario that is not there", gone, "there is no such scenario file",
                "scenario file", where="gone.toml:")
    shapes = sweep("shapes", 'command = "run"\n[set]\nmodel.preset = "gpt2"\n'
                   'workload.prompt_tokens = 4')
    yield wrong("run of a shape", shapes, "a shape without weights", 'or command = "simulate"',
                where=str(MINIMAL))
    yield wrong("file as folder", fine, "cannot be made a folder", "expected a place for the traces",
                "give another --out", ("--run-all", "--out", fine))
    empty = folder / "no-traces"
    empty.mkdir()
    (folder / "old.csv").write_text("kept\n")
    for name, arguments, what, where, expected, do in (
            ("collect a folder that is not there", ["nowhere"], "there is no such folder", "nowhere",
             "expected a folder with traces", "the one that headroom sweep wrote to"),
            ("collect a file", [fine], "is no folder", str(fine), "expected a folder with traces",
             "the one that headroom sweep wrote to"),
            ("collect an empty folder", [empty], "has no traces", str(empty), "expected some (.h5)",
             "headroom sweep SWEEP.toml --run-all"),
            ("collect into an unknown format", [empty, "-o", "a.txt"], "ends in '.txt'", "a.txt",
             "expected a name with .h5 or .csv", "-o summary.csv"),
            ("collect into an old file", [empty, "-o", "old.csv"], "exists already", "old.csv",
             "expected a new name", "--force"),
            ("collect into no folder", [empty, "-o", "nowhere/a.csv"], "is not a directory", "nowhere",
             "expected an existing one", "mkdir -p")):
        yield name, Wrong(["collect", *arguments], Expected(what, where, expected, do))


def trace_cases(folder, scenario):
    (folder / "kept.h5").write_text("precious")
    (folder / "locked").mkdir()
    run = ["run", scenario, "--trace"]
    yield "directory as trace", Wrong([*run, "."], Expected(
        "is a directory", "trace .", "expected the name of a file", "give --trace run.h5"))
    yield "trace in a missing folder", Wrong([*run, "no/such/t.h5"], Expected(
        "no/such is not a directory", "trace no/such/t.h5", "expected an existing one", "mkdir -p"))
    yield "trace exists", Wrong([*run, "kept.h5"], Expected(
        "exists already", "kept.h5", "expected a new name", "--force"))
    yield "trace exists, inprocess", Wrong([*run, "kept.h5", "--transport", "inprocess"], Expected(
        "exists already", "kept.h5", "expected a new name", "--force"))
    yield "programme exists", Wrong(["plan", scenario, "--export-lp", "kept.h5"], Expected(
        "exists already", "--export-lp kept.h5", "expected a new name", "--force"))
    yield "programme in a missing folder", Wrong(["plan", scenario, "--export-lp", "no/x.lp"], Expected(
        "its folder does not exist", "--export-lp no/x.lp", "expected the name of a file",
        "give another"))
    yield "forced over something else", Wrong([*run, "kept.h5", "--force"], Expected(
        "is no trace", "kept.h5", "expected a new name or an old trace", "give another --trace"))
    os.mkfifo(folder / "pipe")
    yield "trace into a pipe", Wrong([*run, "pipe", "--force"], Expected(
        "is a pipe", "trace pipe", "expected an ordinary file", "another --trace"))
    yield "full disk", Wrong([*run, "/dev/full", "--force", "--transport", "inprocess"], Expected(
        "No space left on device", "trace /dev/full", "could not be written",
        "free some space", code=3))


def launcher_cases(scenario):
    here = MPI_ENVIRONMENT
    yield "no mpirun", Wrong(["run", scenario], Expected(
        "there is no mpirun", "PATH", "expected one to start a rank per device",
        "--transport inprocess", code=3), environment={"PATH": "/nowhere"})
    yield "wrong rank count", Wrong(["run", scenario, "--trace", "t.h5"], Expected(
        "mpirun started 2 ranks", "3 devices", "expected one rank per device",
        f"mpirun -n 3 headroom run {scenario}"),
        launcher=["mpirun", "-q", "-n", "2"], environment=here)
    yield "copies in one process each", Wrong(
        ["run", scenario, "--transport", "inprocess", "--trace", "t.h5"], Expected(
            "mpirun started 2 copies", "--transport inprocess", "expected one copy",
            "leave out mpirun"),
        launcher=["mpirun", "-q", "-n", "2"], environment=here)
    yield "copies that srun started without MPI", Wrong(
        ["run", scenario, "--trace", "t.h5"], Expected(
            "srun started 4 copies", "srun", "expected MPI between them", "srun --mpi=pmix -n 4"),
        environment={"SLURM_STEP_NUM_TASKS": "4"})
    yield "usage under mpirun", Wrong(["run", scenario, "--token", 3], Expected(
        "there is no option", "--token", "did you mean", RUN_HELP),
        launcher=["mpirun", "-q", "-n", "2"], environment=here)


class Errors(Case):
    def try_cases(self, cases):
        """Runs and checks each case. Returns the number of cases."""
        count = 0
        for name, case in cases:
            with self.subTest(name):
                result = subprocess.run(
                    [*case.launcher, str(BINARY),
                     *(a if isinstance(a, bytes) else str(a) for a in case.arguments)],
                    cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
                    text=True, env={**os.environ, **case.environment}, check=False)
                told = result.stderr[:result.stderr.find("headroom: error:")] if not (
                    case.arguments) else ""  # without arguments, the help is printed first
                problems = faults(result, case.message, told)
                self.assertEqual(problems, [], result.stderr)
                if told:
                    self.assertIn("Usage: headroom", told)
            count += 1
        return count

    def write(self, name, text):
        path = self.folder / f"{name.replace(' ', '-')}.toml"
        path.write_text(text)
        return path

    def test_the_table_of_wrong_commands(self):
        scenario = self.write("scenario", scenario_text())
        started = time.monotonic()
        count = sum(self.try_cases(cases) for cases in (
            command_line_cases(), file_cases(self.folder), scenario_cases(self.write),
            trace_cases(self.folder, scenario), shape_cases(self.write),
            launcher_cases(scenario), sweep_cases(self.write, self.folder)))
        print(f"\n{count} wrong commands in {time.monotonic() - started:.1f} s")
        self.assertGreaterEqual(count, 40)
        self.assertEqual((self.folder / "kept.h5").read_text(), "precious")
        made = {path.name for path in self.folder.glob("*.h5")}
        self.assertEqual(made, {"kept.h5", "foreign.h5", "cut.h5", "previous.h5"}, "a wrong command left a trace")

    def test_twin_the_check_finds_what_a_message_lacks(self):
        good = ("headroom: error: x.toml:3: unknown key 'intervall', expected a known one\n"
                "  did you mean 'interval'?\n")
        message = Expected("unknown key", "x.toml:3", "expected a known one", "did you mean")

        def judged(stderr=good, stdout="", code=2, wanted=message):
            return faults(subprocess.CompletedProcess([], code, stdout, stderr), wanted)

        self.assertEqual(judged(), [])
        lacking = {
            "does not say do": judged(good.splitlines()[0] + "\n"),
            "does not say what": judged(good.replace("unknown key", "key")),
            "does not say where": judged(good.replace("x.toml:3", "somewhere")),
            "does not say expected": judged(good.replace("expected", "wanted")),
            "exit code 4": judged(code=4),
            "on stdout": judged(stdout="oops"),
            "noise": judged(good + "  MPI_ABORT was invoked\n"),
            "belongs to no message": judged(good + "terminate\n"),
            "program's name": judged(good.replace("headroom: ", "")),
            "does not say do: ''": judged(wanted=Expected("unknown", "x.toml", "known", "")),
        }
        for part, problems in lacking.items():
            self.assertTrue(any(part in problem for problem in problems), (part, problems))

    def test_all_problems_of_a_scenario_are_reported_together(self):
        text = scenario_text().replace("interval = 4", "intervall = 4").replace(
            '"64 MiB"', '"64 MHz"').replace("stories.gguf", "gone.gguf")
        result = self.headroom("run", self.scenario(text))
        self.assertEqual(result.returncode, 2, result.stderr)
        for part in ("intervall", "did you mean", "64 MHz", "gone.gguf"):
            self.assertIn(part, result.stderr)
        self.assertGreaterEqual(result.stderr.count("error:"), 5)

    def test_an_infeasible_report_has_names_and_each_device_once(self):
        text = scenario_text(memory="600 KiB").replace('"d1"', '"kitchen"')
        result = self.headroom("run", self.scenario(text), "--transport", "inprocess")
        self.assertEqual(result.returncode, 6)
        self.assertEqual(result.stderr.count("kitchen"), 1, result.stderr)
        self.assertNotIn("device 1", result.stderr)
        self.assertEqual(result.stderr.count("error:"), 1, result.stderr)

    def failure(self, result, code):
        """Returns the JSON object of a command that failed."""
        self.assertEqual(result.returncode, code, result.stderr)
        told = json.loads(result.stdout)
        self.assertEqual(told["exit_code"], code)
        for line in told["error"]:
            self.assertIn(line, result.stderr)
        return told

    def test_json_reports_failures_as_an_object(self):
        small = self.write("small", scenario_text(memory="600 KiB"))
        for code, arguments in (
                (2, ["run", MINIMAL, "--json", "--token", 3]),
                (2, ["--json"]),
                (2, ["run", "nowhere.toml", "--json"]),
                (2, ["inspect", "nowhere.h5", "--json"]),
                (2, ["run", MINIMAL, "--json", "--prompt", "a b c " * 200]),
                (6, ["run", small, "--json"]),
                (6, ["run", small, "--json", "--transport", "inprocess"])):
            with self.subTest(arguments):
                self.assertTrue(self.failure(self.headroom(*arguments), code)["error"])

    def test_json_has_the_facts_of_an_error_beside_its_sentence(self):
        named = scenario_text(memory="600 KiB").replace('"d1"', '"because device 0"')
        facts = self.failure(self.headroom("simulate", self.scenario(named), "--no-trace", "--json"),
                             6)["error_facts"]
        self.assertIn(facts["device"], ("d0", "because device 0", "d2"))
        self.assertGreater(facts["needs_bytes"], facts["has_bytes"])
        stuck = scenario_text(tokens=30) + ('[[event]]\nat_token = 5\ndevice = "d0"\n'
                                            'kind = "compute"\nfactor = 0.0\n')
        facts = self.failure(self.headroom("simulate", self.scenario(stuck), "--policy", "static",
                                           "--no-trace", "--json"), 5)["error_facts"]
        self.assertEqual(facts["device"], "d0")
        self.assertGreaterEqual(facts["turn"], 5)

    def test_json_has_the_place_of_every_problem(self):
        path = self.scenario("seeed = 1\n" + scenario_text())
        problems = self.failure(self.headroom("simulate", path, "--json", "--set", "workload.tokens=x"),
                                2)["problems"]
        self.assertEqual([problem["where"] for problem in problems],
                         [f"{path}:1:1", "--set workload.tokens=x"])
        self.assertTrue(all(problem["text"] for problem in problems))

    def test_an_early_end_is_in_the_json_beside_the_summary(self):
        text = scenario_text(tokens=30) + "".join(
            f'[[event]]\nat_token = 6\ndevice = "d{d}"\nkind = "memory"\nfactor = 0.0001\n'
            for d in range(3))
        path = self.scenario(text.replace("interval = 4", 'interval = 4\noverload = "fail"'))
        for transport in ("mpi", "inprocess"):
            trace = self.folder / f"{transport}.h5"
            result = self.headroom("run", path, "--trace", trace, "--transport", transport, "--json")
            self.assertIn("may not page", " ".join(self.failure(result, 6)["error"]))
            inspected = self.headroom("inspect", trace)
            self.assertEqual(inspected.returncode, 0, inspected.stderr)
            self.assertIn("failed", inspected.stdout)

    def test_rate_zero_for_ever_is_stuck(self):
        text = scenario_text(tokens=30)
        for name in ("d0", "d1", "d2"):
            text += f'[[event]]\nat_token = 5\ndevice = "{name}"\nkind = "compute"\nfactor = 0.0\n'
        for transport in ("mpi", "inprocess"):
            result = self.headroom("run", self.scenario(text), "--transport", transport)
            self.assertEqual(result.returncode, 5, result.stderr)
            for part in ("never", "expected it to rise again", "events in the scenario"):
                self.assertIn(part, result.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs another user to be refused as")
    def test_a_folder_without_write_permission(self):
        scenario = self.scenario(scenario_text())
        self.folder.chmod(0o755)
        probe = subprocess.run([str(BINARY), "--version"], user=65534, capture_output=True,
                               check=False)
        if probe.returncode != 0:
            self.skipTest("other users cannot run the program here")
        result = subprocess.run(
            [str(BINARY), "run", str(scenario), "--trace", "t.h5"], cwd=self.folder, text=True,
            capture_output=True, user=65534, timeout=SECONDS, check=False)
        self.assertEqual(faults(result, Expected(
            "cannot write to", "trace t.h5", "expected a directory that you may write to",
            "give another --trace", code=3)), [], result.stderr)

    def test_a_full_disk_ends_the_run_and_leaves_what_was_committed(self):
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

        scenario = self.scenario(scenario_text(tokens=200, interval=2))
        result = subprocess.run(
            [str(BINARY), "run", str(scenario), "--trace", "full.h5", "--transport", "inprocess",
             "--json"], cwd=self.folder, text=True, capture_output=True, timeout=SECONDS,
            preexec_fn=limited, check=False)
        told = " ".join(self.failure(result, 3)["error"])
        for part in ("could not be written", "full.h5", "ulimit -f", "headroom inspect full.h5"):
            self.assertIn(part, told)
        self.assertIsNone(NOISE.search(result.stderr), result.stderr)

    def test_text_that_cannot_be_written(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for arguments in ([], ["--json"], ["--json", "--transport", "inprocess"]):
                result = subprocess.run(
                    [str(BINARY), "run", str(MINIMAL), "--trace", "t.h5", "--force", *arguments],
                    cwd=self.folder, text=True, stdout=full, stderr=subprocess.PIPE,
                    stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
                self.assertEqual(result.returncode, 3, result.stderr)
                for part in ("could not be written", "stdout", "expected room", "headroom inspect"):
                    self.assertIn(part, result.stderr.splitlines()[-1])

    def test_a_trace_that_another_program_holds(self):
        trace = self.folder / "held.h5"
        self.summary(MINIMAL, "--trace", trace, "--tokens", 3, "--transport", "inprocess")
        with h5py.File(trace, "r+"):
            result = self.headroom("inspect", trace)
            self.assertEqual(faults(result, Expected(
                "another program has the file open", "held.h5", "expected to be alone with it",
                "close it there")), [], result.stderr)


if __name__ == "__main__":
    main()
