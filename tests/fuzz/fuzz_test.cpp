// The driver finds planted bugs and generates the same inputs for the same seed. Some inputs are
// accepted and many are refused.
#include <numeric>
#include <set>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "fuzz/driver.hpp"
#include "fuzz/mutate.hpp"

namespace headroom::fuzz {
namespace {

using testing::HasSubstr;

const Target& target_named(std::string_view name) {
    for (const Target& target : targets()) {
        if (target.name == name) {
            return target;
        }
    }
    throw std::logic_error("no such target");
}

class Targets : public testing::TestWithParam<Target> {};

TEST_P(Targets, generate_the_same_inputs_for_the_same_seed_only) {
    const Target& target = GetParam();
    std::set<std::string> inputs;
    for (std::uint64_t i = 0; i < 50; ++i) {
        EXPECT_EQ(input_of(target, 1, i), input_of(target, 1, i));
        inputs.insert(input_of(target, 1, i));
        inputs.insert(input_of(target, 2, i));
    }
    // Some traces are valid on purpose, and a small change may have no effect.
    EXPECT_GT(inputs.size(), target.name == "trace" ? 70U : 80U);
}

TEST_P(Targets, accept_some_inputs_and_refuse_others_and_nothing_else) {
    const bool is_slow = GetParam().name == "trace"; // each input needs a file and two processes
    const Report report = run(GetParam(), {.inputs = is_slow ? 300U : 1000U});
    EXPECT_EQ(report.finding_count, 0U) << report.findings.front().what;
    EXPECT_GT(report.accepted, report.inputs / (is_slow ? 3 : 10));
    EXPECT_GT(report.refused, report.inputs / 10);
    EXPECT_EQ(report.accepted + report.refused, report.inputs);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Targets, testing::ValuesIn(targets()), [](const auto& test) {
    return test.param.name;
});

/// Returns a target with a planted bug for half of the inputs that the real target accepts.
Target with_planted(const std::string& name, std::function<void()> bug) {
    Target target = target_named(name);
    target.run = [run = target.run, bug](std::span<const std::byte> input) {
        const int accepted = run(input);
        const std::byte sum =
            std::accumulate(input.begin(), input.end(), std::byte{0}, [](std::byte a, std::byte b) {
                return a ^ b;
            });
        if ((sum & std::byte{1}) == std::byte{1}) {
            bug();
        }
        return accepted;
    };
    return target;
}

TEST(Driver, finds_a_planted_bug_behind_every_target) {
    for (const Target& target : targets()) {
        const Report report =
            run(with_planted(target.name, [] { throw Bug("planted"); }),
                {.seed = 5, .inputs = 300});
        ASSERT_GT(report.finding_count, 0U) << target.name;
        EXPECT_EQ(report.findings.front().what, "planted");
        EXPECT_EQ(
            report.findings.front().input, input_of(target, 5, report.findings.front().index)
        );
    }
}

TEST(Driver, reports_every_other_end_as_a_finding) {
    const auto count = [](std::function<void()> end) {
        return run(with_planted("tokenizer", std::move(end)), {.inputs = 300}).finding_count;
    };
    EXPECT_GT(count([] { throw std::out_of_range("at"); }), 0U);
    EXPECT_GT(count([] { throw std::bad_alloc(); }), 0U);
    EXPECT_GT(count([] { throw StuckError("for ever"); }), 0U);
    EXPECT_GT(count([] { throw 7; }), 0U);
    EXPECT_GT(count([] { throw InputError(""); }), 0U);
    EXPECT_EQ(count([] { throw InputError("a key is missing"); }), 0U);
    EXPECT_EQ(count([] { throw EnvironmentError("the disk is full"); }), 0U);
}

TEST(DriverDeathTest, stores_the_input_that_ends_the_process) {
    const auto store = std::filesystem::path(testing::TempDir()) / "headroom-fuzz-store";
    std::filesystem::create_directories(store);
    const Target target = with_planted("tokenizer", [] { std::abort(); });
    EXPECT_DEATH((void)run(target, {.inputs = 300, .store = store}), "it is stored in");
    EXPECT_TRUE(std::filesystem::exists(store / "tokenizer-crash"));
    std::filesystem::remove_all(store);
}

TEST(Damage, changes_texts_and_bytes_and_keeps_them_small) {
    std::size_t changed = 0;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        Random random(stream_seed(seed, "damage"));
        std::string text = "[a]\nkey = 3\n";
        std::string bytes = "0123456789";
        damage_text(text, "other = \"word\"\n", random);
        damage_bytes(bytes, 4, "other", random);
        const bool both = text != "[a]\nkey = 3\n" && bytes != "0123456789";
        changed += both ? 1U : 0U;
        std::string empty;
        damage_text(empty, "", random);
        damage_bytes(empty, 0, "", random);
        EXPECT_LE(text.size() + bytes.size(), 1000U);
    }
    EXPECT_GT(changed, 400U);
}

} // namespace
} // namespace headroom::fuzz
