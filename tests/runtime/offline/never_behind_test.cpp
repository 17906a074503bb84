// Policy resource_aware is never behind another policy on fleets of catalogue devices, from 4G to
// more than 10 Gbit/s, in both granularities, for latency and for throughput. To see one problem
// with the answers of all policies: never_behind --seed SEED --count 1 --show (bench/).
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections/catalogue.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/policies/registry.hpp"
#include "support/catalogue_problem.hpp"
#include "support/catalogue_scenario.hpp"
#include "support/never_behind.hpp"

namespace headroom {
namespace {

using scheduler::Decision;
using scheduler::make_policy;
using scheduler::PolicyKind;
using scheduler::Problem;
using support::catalogue_problem;
using support::CatalogueProblem;
using support::compare_with_all;
using support::Comparison;
using support::complaint;
using ::testing::HasSubstr;

constexpr std::uint64_t kFleets = 500;
constexpr std::uint64_t kParts = 10; ///< tests, which ctest runs side by side
#ifdef NDEBUG
constexpr std::uint64_t kStep = 1; ///< every seed
#else
constexpr std::uint64_t kStep = 25; ///< every 25th seed, because debug builds are slow
#endif

class NeverBehind : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(NeverBehind, resource_aware_on_catalogue_fleets) {
    const auto policy = make_policy(PolicyKind::resource_aware);
    int problems = 0;
    int without_placement = 0;
    for (std::uint64_t seed = GetParam(); seed < kFleets; seed += kParts * kStep) {
        const CatalogueProblem made = catalogue_problem(seed);
        const Comparison comparison = compare_with_all(*policy, made.problem);
        ++problems;
        without_placement += comparison.ours.feasible || comparison.best() != nullptr ? 0 : 1;
        EXPECT_EQ(complaint(comparison), "") << support::description(made) << "\n"
                                             << support::table(comparison);
    }
    EXPECT_LE(10 * without_placement, problems) << "too few problems compare anything";
}

INSTANTIATE_TEST_SUITE_P(Seeds, NeverBehind, ::testing::Range<std::uint64_t>(0, kParts));

TEST(NeverBehindTwin, a_worse_policy_is_caught) {
    for (const PolicyKind worse : {PolicyKind::round_robin, PolicyKind::greedy}) {
        int caught = 0;
        for (std::uint64_t seed = 0; seed < 12; ++seed) {
            const Comparison comparison =
                compare_with_all(*make_policy(worse), catalogue_problem(seed).problem);
            caught += complaint(comparison).empty() ? 0 : 1;
        }
        EXPECT_GE(caught, 6) << name_of(worse);
    }
}

/// A policy that takes the answer of greedy and changes it.
class Altered final : public scheduler::Policy {
  public:
    using Change = void (*)(const Problem& problem, Decision& decision);
    explicit Altered(Change change) : change_(change) {}
    [[nodiscard]] std::string_view name() const override { return "altered"; }
    [[nodiscard]] bool decides_batch_size() const override { return true; }
    [[nodiscard]] Decision decide(const Problem& problem) const override {
        Decision decision = make_policy(PolicyKind::greedy)->decide(problem);
        change_(problem, decision);
        return decision;
    }

  private:
    Change change_;
};

std::string complaint_about(Altered::Change change) {
    constexpr std::uint64_t kLargeModel = 4; // a seed whose model fits on no single device
    return complaint(compare_with_all(Altered(change), catalogue_problem(kLargeModel).problem));
}

TEST(NeverBehindTwin, wrong_decisions_are_caught) {
    EXPECT_THAT(
        complaint_about([](const Problem&, Decision& decision) { decision = {}; }),
        HasSubstr("no placement, but ")
    );
    EXPECT_THAT(
        complaint_about([](const Problem&, Decision& decision) {
            decision.inference /= 1000;
            decision.round /= 1000;
            decision.migration = 0;
        }),
        HasSubstr("claims ")
    );
    EXPECT_THAT(
        complaint_about([](const Problem& problem, Decision& decision) {
            decision.placement.assign(problem.blocks->size(), problem.source);
        }),
        HasSubstr("refused")
    );
}

TEST(CatalogueFleets, all_of_the_catalogue_occurs) {
    std::string all;
    for (std::uint64_t seed = 0; seed < kFleets; ++seed) {
        all += support::catalogue_scenario_text(seed);
    }
    for (const config::DeviceProfile& device : config::device_profiles()) {
        EXPECT_THAT(all, HasSubstr("profile = \"" + device.name + "\"\n"));
    }
    for (const config::ModelPreset& model : config::model_presets()) {
        EXPECT_THAT(all, HasSubstr("preset = \"" + model.name + "\"\n"));
    }
    for (const config::NetworkPreset& network : config::network_presets()) {
        EXPECT_THAT(all, HasSubstr("preset = \"" + network.name + "\"\n"));
    }
}

TEST(CatalogueFleets, the_same_seed_gives_the_same_problem) {
    for (const std::uint64_t seed : {3U, 4U, 5U}) {
        const CatalogueProblem a = catalogue_problem(seed);
        const CatalogueProblem b = catalogue_problem(seed);
        EXPECT_EQ(a.text, b.text);
        EXPECT_EQ(a.problem.previous, b.problem.previous);
        EXPECT_EQ(a.problem.safe_memory, b.problem.safe_memory);
        EXPECT_EQ(a.problem.snapshot.devices, b.problem.snapshot.devices);
        EXPECT_EQ(a.problem.sequences, b.problem.sequences);
    }
}

} // namespace
} // namespace headroom
