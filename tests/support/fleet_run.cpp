#include "support/fleet_run.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "model/decoder/oracle.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "support/replay_check.hpp"
#include "trace/analysis/interrupts.hpp"
#include "trace/analysis/parts.hpp"

namespace headroom::support {

config::Scenario make_scenario(const FleetText& text) {
    std::string toml = fmt::format(
        "seed = 11\n[model]\nfile = \"{}\"\nkv_type = \"{}\"\n"
        "[workload]\nprompts = [\"{}\"]\ntokens = {}\nstop_at_eos = false\n{}"
        "[controller]\npolicy = \"{}\"\ninterval = {}\nends = \"{}\"\n{}"
        "[network]\nbandwidth = \"80 Mbit/s\"\nlatency = \"300 us\"\n{}",
        text.model.string(),
        text.kv_type,
        text.prompt,
        text.tokens,
        text.workload,
        text.policy,
        text.interval,
        text.ends,
        text.controller,
        text.varied ? "variation = { kind = \"walk\", low = 0.0, high = 0.6, step = 0.1, "
                      "period = \"3 ms\" }\n"
                    : ""
    );
    for (int d = 0; d < text.devices; ++d) {
        toml += fmt::format(
            "[[device]]\nname = \"d{}\"\ncompute = \"{} MFLOP/s\"\nmemory_bandwidth = \"{} MB/s\"\n"
            "memory = \"{}\"\nstorage_bandwidth = \"90 MB/s\"\n{}{}",
            d,
            300 + 170 * d,
            900 - 60 * (d % 8),
            text.memory,
            d == text.source ? "source = true\n" : "",
            text.varied
                ? "load = { kind = \"uniform\", low = 0.0, high = 0.8, period = \"4 ms\" }\n"
                : ""
        );
    }
    return config::parse_scenario(toml + text.extra, "test.toml", {});
}

std::vector<std::int32_t> FleetRun::sampled() const {
    std::map<std::int32_t, std::vector<std::int32_t>> by_sequence;
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& token : interval.tokens) {
            if (token.is_prompt == 0) {
                by_sequence[token.sequence].push_back(token.id);
            }
        }
    }
    std::vector<std::int32_t> ids;
    for (const auto& [sequence, sampled] : by_sequence) {
        ids.insert(ids.end(), sampled.begin(), sampled.end());
    }
    return ids;
}

std::vector<trace::TurnRow> turns_of(const trace::Trace& trace) {
    std::vector<trace::TurnRow> turns;
    for (const trace::Interval& interval : trace.intervals) {
        turns.insert(turns.end(), interval.turns.begin(), interval.turns.end());
    }
    std::sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) {
        return a.turn < b.turn;
    });
    return turns;
}

scheduler::TurnSizes turn_sizes(const trace::Trace& trace, const config::Scenario& scenario) {
    scheduler::TurnSizes sizes;
    for (const trace::TurnRow& turn : turns_of(trace)) {
        sizes.tokens = std::max(sizes.tokens, turn.tokens);
    }
    sizes.slots = scenario.workload.slots();
    const std::int64_t batch = scenario.controller.batch;
    sizes.joined = std::min<std::int64_t>(16, batch > 0 ? batch : sizes.slots);
    return sizes;
}

namespace {

/// Returns the logits ordered by sequence. Logits of turns that the trace lacks come last.
std::vector<std::vector<float>> by_sequence(
    std::map<std::int64_t, std::vector<float>> logits, const trace::Trace& trace
) {
    std::vector<trace::TurnRow> turns = turns_of(trace);
    std::stable_sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) {
        return a.sequence < b.sequence;
    });
    std::vector<std::vector<float>> ordered;
    for (const trace::TurnRow& turn : turns) {
        if (const auto found = logits.find(turn.turn); found != logits.end()) {
            ordered.push_back(std::move(found->second));
            logits.erase(found);
        }
    }
    for (auto& [turn, left] : logits) {
        ordered.push_back(std::move(left));
    }
    return ordered;
}

} // namespace

namespace {

/// Checks for a signal that are left in the present run. One device runs at a time.
std::int64_t signal_checks_left = -1;

int signal_after_checks() {
    if (signal_checks_left > 0) {
        --signal_checks_left;
    }
    return signal_checks_left == 0 ? static_cast<int>(ExitCode::interrupted) : 0;
}

/// Returns the recorded trace with the intervals of the resumed run appended, as the program does
/// it.
trace::Trace joined(const trace::Trace& before, trace::Trace after) {
    trace::Trace all = before;
    if (!all.intervals.empty()) {
        trace::drop_interrupted_requests(all.intervals.back());
        trace::record_run_part(all.header, trace::part_ranges(before).size() + 1, after.header);
    }
    all.intervals.insert(all.intervals.end(), after.intervals.begin(), after.intervals.end());
    all.completion = after.completion;
    return all;
}

} // namespace

FleetRun run_fleet(const config::Scenario& scenario, const RunChange& change) {
    signal_checks_left = change.interrupt_after;
    FleetRun run;
    std::map<std::int64_t, std::vector<float>> logits;
    trace::MemorySink sink;
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    comm::InprocessFleet fleet(scenario.fleet.size());
    fleet.run([&](comm::Transport& plain) {
        const auto wrapped = change.wrap ? change.wrap(plain) : nullptr;
        comm::Transport& transport = wrapped ? *wrapped : plain;
        runtime::RunOptions options;
        options.scenario = &scenario;
        options.level = change.level;
        options.trace_ops = change.trace_ops;
        options.planted_wait = change.planted_wait;
        options.after_load = change.after_load;
        options.on_logits = [&](std::int64_t turn, std::span<const float> of_turn) {
            logits[turn].assign(of_turn.begin(), of_turn.end()); // one device runs at a time
        };
        if (change.interrupt_after >= 0) {
            transport.options().interrupted = signal_after_checks;
        }
        if (transport.self() == DeviceId(0)) {
            if (change.resumed != nullptr && !change.resumed->intervals.empty()) {
                options.resume = runtime::resume_point(change.resumed->intervals);
            }
            options.policy = change.policy != nullptr ? change.policy : policy.get();
            options.sink = &sink;
            run.outcome = runtime::run_device(options, transport);
        } else {
            (void)runtime::run_device(options, transport);
        }
    });
    run.trace = trace::trace_of(sink);
    if (change.resumed != nullptr) {
        run.trace = joined(*change.resumed, std::move(run.trace));
    }
    if (change.planted_wait == 0 && !change.faulty) {
        const scheduler::Policy& decided = change.policy != nullptr ? *change.policy : *policy;
        expect_replayable(run.trace, scenario, decided);
    }
    run.logits = by_sequence(std::move(logits), run.trace);
    return run;
}

OracleRun run_oracle(
    const std::filesystem::path& model,
    const std::string& prompt,
    std::int64_t tokens,
    const model::Slicing& cut,
    WeightType kv_type
) {
    const model::GgufFile file(model);
    const model::Tokenizer tokenizer(file);
    model::Oracle oracle(
        file,
        kernels::kernels_for(kernels::best_level()),
        cut,
        std::pmr::new_delete_resource(),
        64 * 1024,
        kv_type
    );
    std::vector<std::int32_t> ids = tokenizer.encode(prompt);
    OracleRun run;
    for (std::int64_t i = 0; i < tokens; ++i) {
        const std::span<const float> logits = oracle.append(ids);
        run.logits.emplace_back(logits.begin(), logits.end());
        ids = {static_cast<std::int32_t>(kernels::argmax(logits))};
        run.sampled.push_back(ids.front());
    }
    return run;
}

OracleRun run_oracle(const config::Scenario& scenario, bool keep_cache) {
    const config::WorkloadConfig& workload = scenario.workload;
    const kernels::Kernels& kernels = kernels::kernels_for(kernels::best_level());
    const model::GgufFile file(scenario.model_file);
    const model::Tokenizer tokenizer(file);
    const kernels::Sampling how{
        static_cast<float>(workload.temperature), workload.top_k, workload.top_p, workload.min_p};
    const scheduler::Cut cut = scenario.controller.cut();
    model::Oracle oracle(
        file,
        kernels,
        {cut.sliced() ? cut.slices : 0},
        std::pmr::new_delete_resource(),
        64 * 1024,
        scenario.cache_type()
    );
    OracleRun run;
    for (std::size_t sequence = 0; sequence < workload.requests(); ++sequence) {
        if (!keep_cache) {
            oracle.reset();
        }
        std::vector<std::int32_t> ids =
            tokenizer.encode(workload.prompts[sequence % workload.prompts.size()]);
        const std::uint64_t stream = stream_seed(scenario.seed, "sampling", sequence);
        std::uint64_t position = ids.size();
        for (std::int64_t i = 0; i < workload.max_tokens_of(sequence); ++i) {
            const std::span<const float> logits = oracle.append(ids);
            run.logits.emplace_back(logits.begin(), logits.end());
            std::vector<float> spent = run.logits.back();
            ids = {static_cast<std::int32_t>(
                kernels::sample(kernels, spent, how, random_unit(stream, position++))
            )};
            run.sampled.push_back(ids.front());
            if (workload.stop_at_eos && ids.front() == tokenizer.eos()) {
                break;
            }
        }
    }
    return run;
}

std::string difference(const FleetRun& run, const OracleRun& oracle) {
    if (run.outcome.exit_code != 0) {
        return fmt::format("exit code {}: {}", run.outcome.exit_code, run.outcome.message);
    }
    const std::vector<std::int32_t> sampled = run.sampled();
    if (sampled.size() != oracle.sampled.size() || run.logits.size() != oracle.logits.size()) {
        return fmt::format("{} tokens, the oracle has {}", sampled.size(), oracle.sampled.size());
    }
    for (std::size_t i = 0; i < sampled.size(); ++i) {
        for (std::size_t v = 0; v < oracle.logits[i].size(); ++v) {
            if (std::memcmp(&run.logits[i][v], &oracle.logits[i][v], sizeof(float)) != 0) {
                return fmt::format(
                    "turn {}, logit {}: {} instead of {}",
                    i,
                    v,
                    run.logits[i][v],
                    oracle.logits[i][v]
                );
            }
        }
        if (sampled[i] != oracle.sampled[i]) {
            return fmt::format("turn {}: id {} instead of {}", i, sampled[i], oracle.sampled[i]);
        }
    }
    return "";
}

} // namespace headroom::support
