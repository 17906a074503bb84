#!/usr/bin/env python3
"""Several sequences in flight: texts, messages, plans, and wrong options."""
import json
import re
import unittest

import h5py

from headroom import MODEL, MPI_ENVIRONMENT, ROOT, Case, devices, main

PROMPTS = ["Once there was", "One fine day, a little puppy", "Mia"]
HEADING = re.compile(r"^\[sequence (\d+)\]\n", re.MULTILINE)
DECISION = re.compile(r"^\[token +\d+\] .*$", re.MULTILINE)


def workload(prompts=PROMPTS, repeat=2, sequences=4, tokens=12, policy="ring", extra="",
             arrivals="", fleet=None, head=""):
    """Returns a scenario, by default with six requests on three boards; every board gets blocks."""
    return (f'{head}[model]\nfile = "{MODEL}"\n[workload]\nprompts = {json.dumps(prompts)}\n'
            f'repeat = {repeat}\nsequences = {sequences}\ntokens = {tokens}\n'
            f'stop_at_eos = false\n{arrivals}[controller]\npolicy = "{policy}"\ninterval = 4\n'
            f'{extra}' + (fleet or devices(3)))


def tight(memory):
    """Returns three boards that may not page."""
    return devices(3, memory=memory)


def room_for_two():
    """Returns a scenario with memory for two of the six sequences that may be in flight."""
    return workload(sequences=6, tokens=60, policy="greedy", fleet=tight("1415 KiB"))


def texts_of(stdout):
    """Returns the text under each heading; a blank line separates two texts."""
    parts = HEADING.split(stdout)
    if parts[0]:
        raise AssertionError(f"not under a heading: {parts[0]!r}")
    return {int(number): text.removesuffix("\n").removesuffix("\n")
            for number, text in zip(parts[1::2], parts[2::2], strict=True)}


class Sequences(Case):
    def run_text(self, text, *options, name="t.h5"):
        result = self.headroom("run", self.scenario(text), "--trace", name, "--force", *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def summary_of(self, text, *options):
        return self.summary(self.scenario(text), "--trace", "s.h5", "--force", "--transport",
                            "inprocess", *options)

    def alone(self, text):
        """Runs the same requests one after the other."""
        return [each["text"] for each in self.summary_of(
            text, "--set", "workload.sequences=1", "--set", "controller.batch=1")["sequences"]]

    def fails(self, text, code, *parts, command="run"):
        result = self.headroom(command, self.scenario(text), "--trace", "no.h5", "--force")
        self.assertEqual(result.returncode, code, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_every_text_stands_under_its_number_and_is_what_it_is_alone(self):
        for policy, batch in (("ring", "1"), ("round_robin", "2"), ("resource_aware", "auto")):
            text = workload(policy=policy, extra=f"batch = {json.dumps(batch)}\n".replace(
                '"1"', "1").replace('"2"', "2"))
            alone = self.alone(text)
            for options in ((), ("--transport", "inprocess"), ("--set", "device.2.source=true")):
                said = texts_of(self.run_text(text, *options).stdout)
                self.assertEqual(said, dict(enumerate(alone)), (policy, options))

    def test_under_the_users_own_mpirun(self):
        mine = self.run_text(workload())
        theirs = self.headroom("run", self.scenario(workload()), "--trace", "theirs.h5",
                               launcher=["mpirun", "-q", "-n", "3"], environment=MPI_ENVIRONMENT)
        self.assertEqual(theirs.returncode, 0, theirs.stderr)
        self.assertEqual(theirs.stdout, mine.stdout)

    def test_texts_come_in_the_order_of_their_ends(self):
        result = self.run_text(workload(extra="", prompts=["Mia"] * 3, repeat=1, sequences=3)
                               .replace("tokens = 12", "tokens = [20, 2, 9]"))
        self.assertEqual(list(texts_of(result.stdout)), [1, 2, 0])

    def test_an_unheaded_text_is_found(self):
        with self.assertRaises(AssertionError):
            texts_of("Once there was\n")

    def test_one_after_the_other_needs_no_headings(self):
        result = self.run_text(workload(sequences=1))
        self.assertIsNone(HEADING.search(result.stdout))
        self.assertNotIn("in flight", result.stderr)
        self.assertIn("a decision every 4 tokens", result.stderr)
        self.assertIn(" per token", result.stderr)

    def test_decisions_show_sequences_in_flight_and_round_times(self):
        notes = self.run_text(workload()).stderr
        self.assertIn("a decision every 4 rounds", notes)
        self.assertIn("up to 4 sequences in flight", notes)
        first, *later = DECISION.findall(notes)
        self.assertRegex(
            first, r"first placement: 4 in flight, batch \d+, [\d.]+ ms per round predicted, "
                   r"blocks: \d+ on d0")
        with h5py.File(self.folder / "t.h5") as trace:
            rows = trace["intervals"][1:]
        self.assertEqual(len(later), len(rows))
        for line, row in zip(later, rows, strict=True):
            if row["in_flight"] > 1:
                self.assertIn(f"{row['in_flight']} in flight, batch {row['batch']}, ", line)
                self.assertIn(" per round", line)
            else:
                self.assertIn(" per token", line)

    def test_a_simulation_takes_as_long_as_the_run(self):
        text = workload(arrivals='arrivals = { poisson = "20 /s" }\nprefill_chunk = 3\n')
        run = self.summary_of(text)
        result = self.headroom("simulate", self.scenario(text), "--json", "--trace", "sim.h5")
        self.assertEqual(result.returncode, 0, result.stderr)
        simulated = json.loads(result.stdout)
        for key in ("virtual_time_ns", "decisions", "sequences_in_flight_most", "bytes_activations",
                    "time_to_first_token_ns", "time_per_output_token_ns"):
            self.assertEqual(simulated[key], run[key], key)

    def plan(self, text, *options, code=0):
        result = self.headroom("plan", self.scenario(text), *options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout

    def test_plan_is_for_all_that_will_be_in_flight(self):
        text = self.plan(workload(), "--policy", "ring,round_robin")
        for part in ("up to 4 sequences in flight", "in flight  batch  per round  tokens/s",
                     "caches of 4 sequences at their full length",
                     "objective throughput", "per round of 4 in flight, batch"):
            self.assertIn(part, text)
        plan = json.loads(self.plan(workload(), "--policy", "ring", "--json"))
        self.assertEqual((plan["in_flight"], plan["objective"]), (4, "throughput"))
        ring = plan["policies"][0]
        self.assertEqual(ring["in_flight"], 4)
        self.assertGreaterEqual(ring["round_ns"], ring["inference_ns"])
        self.run_text(workload())
        with h5py.File(self.folder / "t.h5") as trace:
            first = trace["intervals"][0]
        self.assertEqual((ring["round_ns"], ring["batch"]),
                         (first["predicted_round_ns"], first["batch"]))

    def test_plan_counts_the_caches_of_all(self):
        """The cache of each request fits one page."""
        def held(sequences):
            plan = json.loads(self.plan(workload(sequences=sequences, tokens=8), "--policy", "ring",
                                        "--json"))
            return (plan["needed"]["cache_bytes"],
                    sum(device["resident_bytes"] for device in plan["policies"][0]["devices"]))
        one, two, four = held(1), held(2), held(4)
        self.assertEqual((two[0], four[0]), (2 * one[0], 4 * one[0]))
        self.assertEqual([two[1] - one[1], four[1] - two[1]], [one[0], 2 * one[0]])

    def test_plan_of_one_sequence_has_no_rounds(self):
        text = self.plan(workload(sequences=1), "--policy", "ring")
        for part in ("in flight", "batch", "round"):
            self.assertNotIn(part, text)

    def test_plan_is_for_as_many_as_there_is_memory_for(self):
        text = room_for_two()
        plan = json.loads(self.plan(text, "--policy", "greedy", "--json"))
        self.run_text(text, "--transport", "inprocess")
        with h5py.File(self.folder / "t.h5") as trace:
            first = trace["intervals"][0]
        self.assertEqual(plan["in_flight"], 6)
        self.assertEqual(plan["policies"][0]["in_flight"], first["in_flight"])
        self.assertLess(first["in_flight"], 6)

    def test_inspect_shows_the_workload(self):
        text = workload(prompts=["Mia", "Tom"], repeat=2, sequences=3, extra="batch = 2\n",
                        arrivals='arrivals = ["0 s", "0 s", "1 s", "2 s"]\nprefill_chunk = 8\n'
                        ).replace("tokens = 12", "tokens = [48, 16]")
        path = self.scenario(text)
        said = self.headroom("inspect", path).stdout
        for part in ("a decision every 4 rounds, at most 48, 16 tokens per request",
                     "4 requests arrive from 0 ns to 2.00 s, up to 3 in flight, "
                     "prompts in chunks of 8 tokens", "objective throughput, batch 2"):
            self.assertIn(part, said)
        told = json.loads(self.headroom("inspect", path, "--json").stdout)
        self.assertEqual(told["workload"], {
            "requests": 4, "prompts": 2, "tokens_per_prompt": [48, 16], "tokens_in_all": 128,
            "sequences": 3, "in_flight_at_most": 3, "prefill_chunk": 8,
            "first_arrival_ns": 0, "last_arrival_ns": 2_000_000_000})
        self.assertEqual((told["objective"], told["batch"]), ("throughput", 2))
        one = self.headroom("inspect", self.scenario(workload(sequences=1))).stdout
        self.assertIn("6 requests arrive at once, decoded one after the other", one)
        self.assertNotIn("[workload]", one.split("\n\n")[0])

    def test_sequences_of_length_1(self):
        said = self.summary_of(workload(tokens=1))
        self.assertEqual(said["sampled_tokens"], 6)
        self.assertIsNone(said["time_per_output_token_ns"])

    def test_empty_prompts(self):
        text = workload(prompts=["", "Mia", ""], sequences=3)
        self.assertEqual(texts_of(self.run_text(text).stdout), dict(enumerate(self.alone(text))))

    def test_a_chunk_longer_than_the_prompts_is_the_whole_prompt(self):
        whole, chunk = workload(), workload(arrivals="prefill_chunk = 1000\n")
        for key in ("text", "virtual_time_ns"):
            self.assertEqual(self.summary_of(chunk)[key], self.summary_of(whole)[key])

    def test_chunks_do_not_change_the_text(self):
        whole = self.summary_of(workload())["text"]
        for chunk in (1, 3):
            self.assertEqual(
                self.summary_of(workload(arrivals=f"prefill_chunk = {chunk}\n"))["text"], whole)

    def test_prompts_longer_than_the_context_are_reported_together(self):
        for command in ("run", "simulate"):
            self.fails(workload(prompts=["Mia", "Once there was " * 300], repeat=2), 2,
                       "prompt 2 of 2: has", "the model's context is 256", command=command)

    def test_a_budget_for_some_makes_the_others_wait(self):
        text = room_for_two()
        said = self.run_text(text, "--transport", "inprocess")
        self.assertRegex(said.stderr, r"waited for memory +4 requests, the longest")
        self.assertRegex(said.stderr, r"sequences in flight +at most 2,")
        with h5py.File(self.folder / "t.h5") as trace:
            requests, resources = trace["requests"][:], trace["resources"][:]
        self.assertEqual(len(requests), 6)
        self.assertTrue((requests["begin"] > requests["arrival"]).any())
        self.assertTrue((resources["memory_peak_bytes"] <= resources["memory_budget_bytes"]).all())
        self.assertEqual(texts_of(said.stdout), dict(enumerate(self.alone(text))))

    def test_a_budget_for_no_sequence_is_reported_at_the_start(self):
        self.fails(workload(sequences=6, fleet=tight("600 KiB")), 6, "no placement fits",
                   "too little", "give the devices more memory")

    def test_late_arrivals_are_waited_for_in_virtual_time_alone(self):
        times = ["0 s", "0 s", "1 s", "3000 s", "1000000 s", "30000000 s"]
        said = self.summary_of(workload(arrivals=f"arrivals = {json.dumps(times)}\n"))
        self.assertGreater(said["virtual_time_ns"], 30_000_000 * 10**9)
        self.assertEqual([each["waited_ns"] for each in said["sequences"][2:]], [0] * 4)

    def test_a_run_lasts_a_year_at_most(self):
        times = ["0 s", "0 s", "1 s", "3000 s", "1000000 s", "40000000 s"]
        self.fails(workload(arrivals=f"arrivals = {json.dumps(times)}\n"), 5, "a year of virtual time")

    def test_more_places_than_requests(self):
        result = self.run_text(workload(repeat=1, sequences=100))
        self.assertIn("warning: workload.sequences = 100: there are only 3 requests", result.stderr)
        self.assertRegex(result.stderr, r"sequences in flight +at most 3,")

    def test_paced_with_several_sequences(self):
        text = workload(head='[clock]\nmode = "paced"\nscale = 0.5\n', tokens=6)
        paced = self.run_text(text)
        self.assertRegex(paced.stderr, r"wall time .* at most .* late")
        self.assertEqual(texts_of(paced.stdout), dict(enumerate(self.alone(
            text.replace("paced", "virtual").replace("scale = 0.5\n", "")))))

    def test_another_batch_alone_is_no_migration(self):
        example = ROOT / "data/scenarios/requests.toml"
        # Policy ring never moves a block, but each decision chooses the batch size.
        said = self.headroom("simulate", example, "--policy", "ring", "--set",
                             "workload.sequences=6", "--trace", "b.h5")
        self.assertEqual(said.returncode, 0, said.stderr)
        with h5py.File(self.folder / "b.h5") as trace:
            rows = trace["intervals"][:]
        changed = [now for before, now in zip(rows, rows[1:])
                   if now["moves"] == 0 and now["batch"] != before["batch"]]
        self.assertGreater(len(changed), 0)
        for row in changed:  # only the current turns end first
            self.assertGreaterEqual(row["t_switch"], row["t_dec"])
            self.assertEqual(row["t_resume"], row["t_switch"])
            self.assertEqual(row["measured_migration_ns"], 0)
        self.assertTrue(any(row["t_switch"] > row["t_dec"] for row in changed))
        for before, now in zip(rows, rows[1:]):
            if now["moves"] == 0 and now["batch"] == before["batch"]:
                self.assertEqual((now["t_switch"], now["t_resume"]), (now["t_dec"], now["t_dec"]))

    def test_the_example_runs_and_pays(self):
        example = ROOT / "data/scenarios/requests.toml"
        several = self.summary(example, "--trace", "a.h5", "--transport", "inprocess")
        alone = self.summary(example, "--trace", "b.h5", "--transport", "inprocess", "--set",
                             "workload.sequences=1", "--set", "controller.objective=latency",
                             "--set", "controller.batch=1")
        self.assertEqual([each["text"] for each in several["sequences"]],
                         [each["text"] for each in alone["sequences"]])
        self.assertGreater(several["tokens_per_s"], alone["tokens_per_s"])


if __name__ == "__main__":
    main()
