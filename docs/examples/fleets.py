#!/usr/bin/python3
"""Draws fleets at random. Each becomes a scenario in FOLDER, and sweep.toml there runs policies on all of them.

usage: fleets.py FOLDER [COUNT [SEED]]          (PYTHONPATH: see docs/reference/python.md; by default 100 and 1)

A fleet has three to eight devices of the catalogue, each on a router by cable or by Wi-Fi. About half of the devices
have other work, and others use the network. A fleet in which the model does not fit is drawn again.
"""
import random
import sys
from pathlib import Path

import headroom

MODEL = 'preset = "llama-3-8b"\nweight_type = "q8_0"\nkv_type = "f32"'
DEVICES = ["raspberry-pi-4", "raspberry-pi-5", "orange-pi-5", "jetson-nano", "jetson-tx2", "jetson-xavier-nx",
           "jetson-orin-nano", "snapdragon-8-gen-2", "snapdragon-8-gen-3", "mac-mini-m1", "n100-mini-pc",
           "laptop-i7-1260p", "nuc-i7-8559u"]
PORTABLE = ("snapdragon", "laptop")  # never on a cable
WIFI = ["wifi-2.4ghz", "wifi-5ghz", "wifi-6"]
POLICIES = ["custom", "resource_aware", "paper", "greedy", "dynamic_layer", "edgeshard", "ring"]


def drawn(draw):
    """A scenario. All that differs between fleets is from `draw`, so equal seeds give equal fleets."""
    profiles = draw.choices(DEVICES, k=draw.randint(3, 8))
    lines = [f"seed = {draw.randrange(1000)}", "[model]", MODEL, "[workload]", "prompt_tokens = 64", "tokens = 64"]
    on_cable = []
    for i, profile in enumerate(profiles):
        lines += ["[[device]]", f'name = "{i}-{profile}"', f'profile = "{profile}"']
        if draw.random() < 0.5:
            lines += [f'load = {{ kind = "walk", low = 0.0, high = {draw.uniform(0.2, 0.8):.2f}, step = 0.1, '
                      'period = "1 s" }']
        if not profile.startswith(PORTABLE) and draw.random() < 0.5:
            on_cable.append(f"{i}-{profile}")
    lines += ["[network]", f'preset = "{draw.choice(WIFI)}"',
              'variation = { kind = "uniform", low = 0.0, high = 0.5, period = "2 s" }']
    on_air = [f'"{i}-{profile}"' for i, profile in enumerate(profiles) if f"{i}-{profile}" not in on_cable]
    if len(on_air) > 1:
        lines += ["[[network.medium]]", f"members = [{', '.join(on_air)}]"]  # its capacity is the preset's
    else:
        lines += ["medium = []"]
    for i, one in enumerate(on_cable):
        for other in on_cable[:i]:
            lines += ["[[network.link]]", f'from = "{other}"', f'to = "{one}"', 'preset = "gigabit-ethernet"']
    return "\n".join(lines) + "\n"


def fits(scenario):
    problem = headroom.problem(headroom.Scenario.from_text(scenario))
    return headroom.decide(problem, "resource_aware").feasible


def main(folder, count=100, seed=1):
    draw = random.Random(int(seed))
    folder = Path(folder)
    folder.mkdir()
    names = [f"fleet-{i:03}.toml" for i in range(int(count))]
    for name in names:
        while not fits(scenario := drawn(draw)):
            pass
        (folder / name).write_text(scenario)
    listed = ",\n    ".join(f'"{name}"' for name in names)
    policies = ", ".join(f'"{name}"' for name in POLICIES)
    (folder / "sweep.toml").write_text(f'scenario = [\n    {listed}]\nfolder = "{folder}/traces"\n\n'
                                       f'[grid]\n"controller.policy" = [{policies}]\n')
    print(f"{folder}: {len(names)} fleets; headroom sweep {folder}/sweep.toml --policy FILE --run-all")


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) in (2, 3, 4) else sys.exit(__doc__)
