// One rank of a named run under mpirun: test_runtime_mpi POLICY INTERVAL TYPES[,KV_TYPE] MODEL
// [SLICES REDUCE]. Every rank decodes the prompts with its own oracle. The rank that holds lm_head
// compares the bits of each logit; rank 0 compares all times with the timeline. The worst result of
// all ranks is the exit code of each.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "base/checksum.hpp"
#include "comm/mpi/mpi_session.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "support/tiny_model.hpp"

namespace {

using namespace headroom;

constexpr std::int64_t kTokens = 14;
constexpr comm::WaitReason kWaitReason{"the end of a test", -1, -1, -1};

struct Case {
    std::string policy;
    std::int64_t interval = 1;
    std::string types; ///< of the weights
    std::filesystem::path model;
    std::string kv_type = "f32";
    std::int32_t slices = 0; ///< > 0: granularity sliced
    std::string reduce = "hub";

    /// The test's own policy. "random_everywhere" also sets weights = "everywhere",
    /// "random_flights" has several sequences in flight.
    [[nodiscard]] bool is_random() const { return policy.starts_with("random"); }
    [[nodiscard]] bool weights_everywhere() const { return policy == "random_everywhere"; }
    [[nodiscard]] bool several() const { return policy == "random_flights"; }
};

/// Rank 0 writes the model; the other ranks wait for it.
void share_model(const Case& run, comm::Transport& transport) {
    if (transport.self() == DeviceId(0)) {
        model::test::TinyShape shape = support::tiny_shape_in(run.types);
        shape.tied = transport.size() % 2 == 0;
        support::write_tiny_model(run.model, shape);
    }
    transport.barrier(kWaitReason);
}

bool same_bits(std::span<const float> a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// Sets nine requests for four slots, with chunked prompts; two requests arrive late.
void set_requests(config::Scenario& scenario) {
    config::WorkloadConfig& workload = scenario.workload;
    workload.prompts = {"Once upon a time", "Mia", "b"};
    workload.tokens_each = {kTokens, 5, 1};
    workload.repeat = 3;
    workload.sequences = 4;
    workload.prefill_chunk = 5;
    workload.arrivals.kind = config::ArrivalsConfig::Kind::given;
    workload.arrivals.at.assign(9, 0);
    workload.arrivals.at[7] = workload.arrivals.at[8] = 3'000'000'000;
    scenario.controller.batch = 0;
}

/// Compares the oracle's logits with the checksums in the trace.
std::string other_logits(const trace::Trace& trace, const support::OracleRun& oracle) {
    std::map<std::pair<std::int32_t, std::int64_t>, std::uint64_t> sums;
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& token : interval.tokens) {
            if (token.is_prompt == 0) {
                sums[{token.sequence, token.position}] = token.logits_checksum;
            }
        }
    }
    std::size_t next = 0;
    for (const auto& [where, sum] : sums) {
        if (next == oracle.logits.size() ||
            sum != checksum(std::as_bytes(std::span(oracle.logits[next++])))) {
            return fmt::format("logits of sequence {} differ from the oracle's", where.first);
        }
    }
    return next == oracle.logits.size() ? "" : "tokens are missing";
}

/// Returns what is wrong on this rank, or "".
std::string run_rank(const Case& run, comm::Transport& transport) {
    support::FleetText text;
    text.model = run.model;
    text.kv_type = run.kv_type;
    text.devices = static_cast<int>(transport.size());
    text.interval = run.interval;
    text.tokens = kTokens;
    text.source = text.devices / 2;
    text.policy = run.is_random() ? "greedy" : run.policy;
    if (run.slices > 0) {
        text.controller = fmt::format(
            "granularity = \"sliced\"\nslices = {}\nreduce = \"{}\"\n", run.slices, run.reduce
        );
        text.policy =
            run.reduce == "ring" ? "galaxy" : text.policy; // the only policy that supports a ring
    }
    config::Scenario scenario = support::make_scenario(text);
    scenario.workload.prompts = {"Once upon a time", "Mia"};
    scenario.workload.temperature = 1;
    if (run.weights_everywhere()) {
        scenario.controller.weights = config::WeightsMode::everywhere;
    }
    if (run.several()) {
        set_requests(scenario);
    }
    if (run.is_random()) {
        support::add_random_costs(scenario, transport.size());
    }
    const support::OracleRun oracle = support::run_oracle(scenario);

    std::string problem;
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.level = kernels::best_level();
    options.trace_ops = true;
    options.on_logits = [&](std::int64_t turn, std::span<const float> logits) {
        if (!run.several() && !same_bits(logits, oracle.logits[static_cast<std::size_t>(turn)])) {
            problem = fmt::format("logits of turn {} differ from the oracle's", turn);
        }
    };
    const support::RandomPolicy random(transport.size());
    const auto named = scheduler::make_policy(scenario.controller.policy);
    support::FleetRun result;
    trace::MemorySink sink;
    if (transport.self() == DeviceId(0)) {
        options.policy = run.is_random() ? &random : named.get();
        options.sink = &sink;
    }
    result.outcome = runtime::run_device(options, transport);
    if (transport.self() == DeviceId(0)) {
        result.trace = trace::trace_of(sink);
        if (result.outcome.exit_code != 0) {
            problem = result.outcome.message;
        } else if (result.sampled() != oracle.sampled) {
            problem = "ids differ from the oracle's";
        } else if (problem.empty()) {
            problem = other_logits(result.trace, oracle);
        }
        if (problem.empty()) {
            problem = support::timeline_difference(scenario, result.trace);
        }
    }
    return problem;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5 && argc != 7) {
        std::fprintf(
            stderr, "usage: test_runtime_mpi POLICY INTERVAL TYPES MODEL [SLICES REDUCE]\n"
        );
        return 2;
    }
    Case run{argv[1], std::stoll(argv[2]), argv[3], argv[4]};
    if (const std::size_t comma = run.types.find(','); comma != std::string::npos) {
        run.kv_type = run.types.substr(comma + 1);
        run.types.resize(comma);
    }
    if (argc == 7) {
        run.slices = std::stoi(argv[5]);
        run.reduce = argv[6];
    }
    comm::MpiSession session;
    const auto transport = comm::make_mpi_transport(session);
    try {
        share_model(run, *transport);
        const std::string problem = run_rank(run, *transport);
        if (!problem.empty()) {
            std::fprintf(stderr, "rank %d: %s\n", session.rank(), problem.c_str());
        }
        const int worst = session.max_over_ranks(problem.empty() ? 0 : 1);
        session.finish();
        return worst;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "rank %d: %s\n", session.rank(), error.what());
        session.abort(1);
    }
}
