// The predictions of cost profile `paper` in the trace, compared with the formulas of
// docs/explanation/head-level-partitioning.md as this test writes them, for random placements.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr double kElement = 4.0; // bytes
constexpr int kInterval = 3;

/// Constant rates in bytes per second.
struct Rates {
    std::vector<double> compute;
    double link = 0;
};

struct Model {
    double width = 0;
    double heads = 0; ///< query heads
    double groups = 0;
    double prompt = 0;
};

/// The costs of one block at n generated tokens: m_i, the cache's part of it, c_i, and its output.
struct Cost {
    double memory = 0;
    double compute = 0;
    double output = 0;
};

Cost cost_of(BlockKind kind, const Model& m, double n) {
    const double length = m.prompt + n;
    const double d = m.width / m.heads;
    const double q = m.heads / m.groups;
    switch (kind) {
    case BlockKind::group:
        return {
            q * kElement * (3 * length * d + 3 * m.width * d + n * m.width),
            q * (3 * length * m.width * d + length * length * d),
            q * length * d * kElement};
    case BlockKind::proj:
        return {
            length * m.width * kElement, length * m.width * m.width, length * m.width * kElement};
    case BlockKind::ffn:
        return {4 * length * m.width * kElement, 8 * length * m.width * m.width, 0};
    default:
        return {};
    }
}

/// Returns D_T of a layer. The gather counts as the sum of its messages or as the largest.
double layer_delay(
    const std::vector<trace::BlockRow>& blocks,
    const std::vector<std::int32_t>& placement,
    std::int32_t layer,
    const Model& model,
    double n,
    const Rates& rates,
    bool largest
) {
    std::vector<double> heads_s(rates.compute.size());
    std::vector<double> sent(rates.compute.size());
    std::size_t proj = 0;
    std::size_t ffn = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const auto device = static_cast<std::size_t>(placement[b]);
        const auto kind = static_cast<BlockKind>(blocks[b].kind);
        if (blocks[b].layer != layer) {
            continue;
        }
        if (kind == BlockKind::group) {
            heads_s[device] += cost_of(kind, model, n).compute / rates.compute[device];
            sent[device] += cost_of(kind, model, n).output;
        } else {
            (kind == BlockKind::proj ? proj : ffn) = device;
        }
    }
    double gather = 0;
    for (std::size_t j = 0; j < sent.size(); ++j) {
        const double s = j == proj ? 0 : sent[j] / rates.link;
        gather = largest ? std::max(gather, s) : gather + s;
    }
    const Cost out = cost_of(BlockKind::proj, model, n);
    return *std::max_element(heads_s.begin(), heads_s.end()) + gather +
           out.compute / rates.compute[proj] + (proj == ffn ? 0 : out.output / rates.link) +
           cost_of(BlockKind::ffn, model, n).compute / rates.compute[ffn];
}

class PaperPrediction : public testing::TestWithParam<const char*> {};

TEST_P(PaperPrediction, in_the_trace_is_the_formula) {
    const bool largest = std::string(GetParam()) == "max";
    const model::test::TinyShape shape = support::tiny_shape();
    support::FleetText text;
    text.model = support::temporary_path("paper-prediction.gguf");
    support::write_tiny_model(text.model, shape);
    text.devices = 4;
    text.tokens = 12;
    text.interval = kInterval;
    text.varied = false;
    text.controller =
        std::string("cost_profile = \"paper\"\npaper = { gather = \"") + GetParam() + "\" }\n";
    const config::Scenario scenario = support::make_scenario(text);
    const support::RandomPolicy random(5);
    support::RunChange change;
    change.policy = &random;
    const trace::Trace trace = support::run_fleet(scenario, change).trace;

    Rates rates;
    for (const trace::DeviceRow& device : trace.header.devices) {
        rates.compute.push_back(static_cast<double>(device.compute_flop_per_s));
    }
    rates.link = 10e6; // 80 Mbit/s
    const Model model{
        static_cast<double>(shape.width),
        static_cast<double>(shape.heads),
        static_cast<double>(shape.kv_heads),
        static_cast<double>(support::prompt_lengths(trace).front())};
    const std::vector<trace::BlockRow>& blocks = trace.header.blocks;
    double moved_most = 0;
    std::vector<std::int32_t> before;
    for (const trace::Interval& interval : trace.intervals) {
        const double sampled = static_cast<double>(interval.row.first_token);
        double delay = 0;
        for (std::int32_t l = 0; l < static_cast<std::int32_t>(shape.layers); ++l) {
            // T + λ = prompt + sampled − 1 + λ; the tokens of the prompt are not generated.
            const double n = sampled - 1 + kInterval;
            delay += layer_delay(blocks, interval.placement, l, model, n, rates, largest);
        }
        EXPECT_NEAR(interval.row.paper_delay_s, delay, 1e-12 * delay);
        double migration = 0;
        for (std::size_t b = 0; b < before.size(); ++b) {
            if (before[b] != interval.placement[b]) {
                const auto kind = static_cast<BlockKind>(blocks[b].kind);
                migration += cost_of(kind, model, sampled - 1).memory / rates.link;
            }
        }
        EXPECT_NEAR(interval.row.paper_migration_s, migration, 1e-12);
        moved_most = std::max(moved_most, migration);
        before = interval.placement;
    }
    EXPECT_GT(moved_most, 0) << "nothing moved";
}

INSTANTIATE_TEST_SUITE_P(Gather, PaperPrediction, testing::Values("sum", "max"));

TEST(PaperPredictionFormula, sum_and_max_differ_where_two_devices_send) {
    const std::vector<trace::BlockRow> blocks{
        {"g0", static_cast<std::int32_t>(BlockKind::group), 0, 0, 0},
        {"g1", static_cast<std::int32_t>(BlockKind::group), 0, 1, 0},
        {"proj", static_cast<std::int32_t>(BlockKind::proj), 0, -1, 0},
        {"ffn", static_cast<std::int32_t>(BlockKind::ffn), 0, -1, 0}};
    const Rates rates{{1e9, 1e9, 1e9}, 1e6};
    const Model model{64, 2, 2, 10};
    const std::vector<std::int32_t> placement{0, 1, 2, 2};
    // Each device sends 11 · 32 · 4 B.
    EXPECT_NEAR(
        layer_delay(blocks, placement, 0, model, 1, rates, false) -
            layer_delay(blocks, placement, 0, model, 1, rates, true),
        1408e-6,
        1e-12
    );
}

} // namespace
} // namespace headroom
