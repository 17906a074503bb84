// Several prompts, one after the other: each sequence has the tokens and logits that it has alone.
// The clocks continue, and the memory of the previous sequence is free.
#include <atomic>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "runtime/device/control_messages.hpp"
#include "support/fleet_run.hpp"
#include "support/forwarding_transport.hpp"
#include "support/random_policy.hpp"
#include "support/random_prompt.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

config::Scenario scenario_of(std::vector<std::string> prompts, std::int64_t tokens = 10) {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.tokens = tokens;
    text.interval = 3;
    config::Scenario scenario = support::make_scenario(text);
    scenario.workload.prompts = std::move(prompts);
    return scenario;
}

/// Returns a scenario with random fleet, prompts, lengths, sampling and events.
config::Scenario random_scenario(std::uint64_t seed) {
    Random random(stream_seed(seed, "prompts test"));
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.devices = 1 + static_cast<int>(random.below(6));
    text.source = static_cast<int>(random.below(static_cast<std::uint64_t>(text.devices)));
    text.tokens = 1 + static_cast<std::int64_t>(random.below(14));
    text.interval = 1 + static_cast<std::int64_t>(random.below(6));
    config::Scenario scenario = support::make_scenario(text);
    scenario.seed = seed;
    config::WorkloadConfig& workload = scenario.workload;
    workload.prompts.clear();
    for (std::uint64_t n = 1 + random.below(5); n > 0; --n) {
        workload.prompts.push_back(support::random_prompt(random));
    }
    workload.stop_at_eos = true;
    workload.temperature = random.below(3) == 0 ? 0 : 0.5 + 3 * random.unit();
    workload.top_k = static_cast<std::int64_t>(random.below(60));
    workload.top_p = 1 - 0.3 * random.unit();
    workload.min_p = 0.01 * random.unit();
    const auto token = static_cast<std::int64_t>(random.below(20));
    scenario.fleet.devices[0].compute.changes.push_back({-1, token, 200'000'000});
    scenario.fleet.devices[0].memory.changes.push_back({-1, token, 5'000'000});
    return scenario;
}

/// Counts of events that must occur in the random runs, so that the test is meaningful.
struct Seen {
    int moves_at_a_beginning = 0;
    int shorter_than_the_one_before = 0;
    int ended_by_the_model = 0;
    int overloads = 0;
};

/// Returns what is wrong with the rows of /requests and /intervals, or "".
std::string bookkeeping(const config::Scenario& scenario, const trace::Trace& trace, Seen& seen) {
    std::vector<trace::RequestRow> requests;
    std::int64_t sampled = 0;
    for (const trace::Interval& interval : trace.intervals) {
        const bool begins = interval.tokens.front().is_prompt != 0;
        if (interval.row.first_token != sampled ||
            interval.row.sequence != static_cast<std::int32_t>(requests.size())) {
            return fmt::format("interval at token {} does not follow", sampled);
        }
        if (begins && !requests.empty()) {
            seen.moves_at_a_beginning += interval.row.moves;
            if (interval.row.t_dec != requests.back().end) {
                return "a sequence does not begin where the one before ended";
            }
        }
        sampled += interval.row.tokens;
        seen.overloads += static_cast<int>(interval.events.size());
        requests.insert(requests.end(), interval.requests.begin(), interval.requests.end());
    }
    if (requests.size() != scenario.workload.prompts.size()) {
        return fmt::format("{} requests", requests.size());
    }
    for (std::size_t k = 0; k < requests.size(); ++k) {
        const trace::RequestRow& row = requests[k];
        if (row.arrival != 0 || row.begin != (k == 0 ? 0 : requests[k - 1].end) ||
            row.first_token <= row.begin || row.end < row.first_token ||
            row.prompt_bytes > static_cast<Bytes>(row.text.size())) {
            return fmt::format("request {}", k);
        }
        seen.ended_by_the_model += row.sampled_tokens < scenario.workload.tokens ? 1 : 0;
        if (k > 0) {
            const trace::RequestRow& before = requests[k - 1];
            seen.shorter_than_the_one_before += row.prompt_tokens + row.sampled_tokens + 16 <
                                                        before.prompt_tokens + before.sampled_tokens
                                                    ? 1
                                                    : 0;
        }
    }
    return "";
}

TEST(Prompts, each_sequence_equals_its_run_alone_and_times_and_memory_add_up) {
    Seen seen;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const config::Scenario scenario = random_scenario(seed);
        const support::RandomPolicy random(seed);
        support::RunChange change;
        change.policy = &random;
        const support::FleetRun run = support::run_fleet(scenario, change);
        EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
        EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
        EXPECT_EQ(support::memory_difference(scenario, run.trace), "");
        EXPECT_EQ(bookkeeping(scenario, run.trace, seen), "");
    }
    EXPECT_GT(seen.moves_at_a_beginning, 50);
    EXPECT_GT(seen.shorter_than_the_one_before, 10);
    EXPECT_GT(seen.ended_by_the_model, 10);
    EXPECT_GT(seen.overloads, 10);
}

const std::vector<std::string> kTwo{"a long first prompt of many tokens to fill some pages", "b"};

TEST(Prompts, twin_an_oracle_that_keeps_the_previous_cache_is_noticed) {
    const config::Scenario scenario = scenario_of(kTwo);
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
    EXPECT_NE(support::difference(run, support::run_oracle(scenario, true)), "");
}

TEST(Prompts, twin_a_wrong_time_in_a_later_sequence_is_noticed) {
    const config::Scenario scenario = scenario_of({"a", "b", "c"}, 1);
    EXPECT_EQ(support::timeline_difference(scenario, support::run_fleet(scenario).trace), "");
    support::RunChange change;
    change.planted_wait = 1; // before turn 2, which is of the third sequence
    EXPECT_NE(
        support::timeline_difference(scenario, support::run_fleet(scenario, change).trace), ""
    );
}

/// A fault: a device does not receive the ends of sequences, so it keeps their caches.
class KeepsCaches final : public support::ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, comm::Tag tag, const comm::WaitReason& reason
    ) override {
        for (;;) {
            std::vector<std::byte> bytes = ForwardingTransport::receive_any_size(from, tag, reason);
            const bool note = reason.what == "the source's next turn";
            if (!note || unpack<runtime::SourceMessage>(bytes).kind !=
                             runtime::SourceMessage::Kind::free_slot) {
                return bytes;
            }
        }
    }
};

TEST(Prompts, twin_caches_that_are_not_freed_are_noticed) {
    const config::Scenario scenario = scenario_of(kTwo);
    const support::RandomPolicy random(7, 0); // blocks on every device; none moves
    support::RunChange change;
    change.policy = &random;
    EXPECT_EQ(support::memory_difference(scenario, support::run_fleet(scenario, change).trace), "");
    change.faulty = true;
    change.wrap = [&](comm::Transport& inner) -> std::unique_ptr<comm::Transport> {
        if (inner.self() == scenario.fleet.source) {
            return nullptr;
        }
        return std::make_unique<KeepsCaches>(inner);
    };
    EXPECT_NE(support::memory_difference(scenario, support::run_fleet(scenario, change).trace), "");
}

TEST(Prompts, equal_prompts_use_different_random_numbers) {
    config::Scenario scenario = scenario_of({"abc", "abc", "abc"}, 20);
    const auto halves_equal = [&] {
        const std::vector<std::int32_t> ids = support::run_fleet(scenario).sampled();
        return std::equal(ids.begin(), ids.begin() + 20, ids.begin() + 20) ||
               std::equal(ids.begin() + 20, ids.begin() + 40, ids.begin() + 40);
    };
    EXPECT_TRUE(halves_equal()) << "greedy: nothing is drawn";
    scenario.workload.temperature = 2;
    EXPECT_FALSE(halves_equal());
}

/// Returns a prompt of `count` tokens besides BOS and the space prefix: no two letters merge.
std::string letters(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += i % 2 == 0 ? 'a' : 'b';
    }
    return text;
}

TEST(Prompts, all_that_do_not_fit_are_reported_together) {
    config::Scenario scenario = scenario_of({"", letters(200), "b", letters(126)});
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.outcome.exit_code, 2);
    EXPECT_TRUE(run.trace.intervals.empty());
    const std::string& said = run.outcome.message;
    EXPECT_EQ(said.find("prompt 1 of 4"), std::string::npos) << said;
    EXPECT_NE(said.find("prompt 2 of 4: has "), std::string::npos) << said;
    EXPECT_EQ(said.find("prompt 3 of 4"), std::string::npos) << said;
    EXPECT_NE(said.find("\nprompt 4 of 4: has "), std::string::npos) << said;
    EXPECT_NE(said.find("at most 1 can be sampled"), std::string::npos) << said;
    scenario.workload.tokens = 1; // the limit that the message names fits
    const std::string rest = support::run_fleet(scenario).outcome.message;
    EXPECT_EQ(rest.find("prompt 4"), std::string::npos) << rest;
}

TEST(Prompts, an_empty_one_needs_a_begin_of_text_token) {
    EXPECT_EQ(support::run_fleet(scenario_of({"a", ""})).outcome.exit_code, 0);
    model::test::GgufWriter writer = model::test::tiny_model(support::tiny_shape());
    writer.boolean("tokenizer.ggml.add_bos_token", false);
    const auto path = support::temporary_path("no-bos.gguf");
    const std::string bytes = writer.bytes();
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    config::Scenario scenario = scenario_of({"a", ""});
    scenario.model_file = path;
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.outcome.exit_code, 2);
    EXPECT_NE(
        run.outcome.message.find("prompt 2 of 2: is empty and the model has no begin-of-text"),
        std::string::npos
    ) << run.outcome.message;
}

std::atomic<int> signal_code = 0;

/// Runs two sequences of four tokens and interrupts while a turn is computed.
runtime::RunOutcome interrupted_at(std::int64_t at, trace::MemorySink& sink) {
    const config::Scenario scenario = scenario_of({"a", "b"}, 4);
    const auto policy = scheduler::make_policy(scheduler::PolicyKind::greedy);
    runtime::RunOutcome outcome;
    comm::InprocessFleet fleet(scenario.fleet.size());
    signal_code = 0;
    fleet.run([&](comm::Transport& transport) {
        transport.options().interrupted = [] { return signal_code.load(); };
        runtime::RunOptions options;
        options.scenario = &scenario;
        options.on_logits = [at](std::int64_t turn, std::span<const float>) {
            signal_code = turn == at ? 130 : signal_code.load();
        };
        if (transport.self() == DeviceId(0)) {
            options.policy = policy.get();
            options.sink = &sink;
            outcome = runtime::run_device(options, transport);
        } else {
            (void)runtime::run_device(options, transport);
        }
    });
    return outcome;
}

TEST(Prompts, an_interrupt_ends_the_run_not_only_the_sequence) {
    for (const std::int64_t turn : {1, 3, 4, 6}) {
        trace::MemorySink sink;
        EXPECT_EQ(interrupted_at(turn, sink).exit_code, 130) << turn;
        EXPECT_EQ(sink.completion, trace::Completion::interrupted);
        EXPECT_EQ(sink.intervals.back().row.sequence, turn < 4 ? 0 : 1);
        EXPECT_EQ(sink.intervals.back().requests.size(), 1U);
        const trace::IntervalRow& last = sink.intervals.back().row;
        EXPECT_EQ(last.first_token + last.tokens, turn + 1) << "no further turn";
    }
    trace::MemorySink sink;
    EXPECT_EQ(interrupted_at(7, sink).exit_code, 0) << "the run is complete: nothing to interrupt";
    EXPECT_EQ(sink.completion, trace::Completion::finished);
}

} // namespace
} // namespace headroom
