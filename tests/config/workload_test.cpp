// Requests, their limits and arrivals, and the settings of the controller that depend on them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

using scheduler::Aim;
using testing::Each;
using testing::ElementsAre;

Scenario with(std::vector<std::string> set) {
    return read(small_with(""), {.set = std::move(set)});
}

std::vector<Nanoseconds> times_with(std::vector<std::string> set) {
    return arrival_times(with(std::move(set)));
}

TEST(Workload, repeats_every_prompt) {
    const WorkloadConfig w =
        with({"workload.prompts=[\"a\", \"b\", \"c\"]", "workload.repeat=4"}).workload;
    EXPECT_EQ(w.distinct_prompts(), 3U);
    EXPECT_EQ(w.requests(), 12U);
    EXPECT_EQ(w.max_tokens_of(11), 64);
    EXPECT_EQ(w.max_tokens_in_all(), 12 * 64);
}

TEST(Workload, may_have_a_token_limit_per_prompt) {
    const WorkloadConfig w = with({"workload.prompts=[\"a\", \"b\", \"c\"]",
                                   "workload.tokens=[3, 9, 1]",
                                   "workload.repeat=2"})
                                 .workload;
    EXPECT_EQ(w.tokens, 9);
    EXPECT_THAT(w.tokens_each, ElementsAre(3, 9, 1));
    EXPECT_EQ(w.max_tokens_of(0), 3);
    EXPECT_EQ(w.max_tokens_of(4), 9);
    EXPECT_EQ(w.max_tokens_in_all(), 26);
}

TEST(Workload, total_tokens_are_summed_over_all_requests) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Random random(stream_seed(seed, "workload"));
        WorkloadConfig w;
        w.prompts.resize(1 + random.below(5));
        w.repeat = static_cast<std::int64_t>(1 + random.below(4));
        w.tokens = static_cast<std::int64_t>(1 + random.below(100));
        for (std::size_t i = 0; random.below(2) == 0 && i < w.distinct_prompts(); ++i) {
            w.tokens_each.resize(
                w.distinct_prompts(), static_cast<std::int64_t>(1 + random.below(100))
            );
            w.tokens_each[i] = static_cast<std::int64_t>(1 + random.below(100));
        }
        std::int64_t sum = 0;
        for (std::size_t r = 0; r < w.requests(); ++r) {
            sum += w.max_tokens_of(r);
        }
        EXPECT_EQ(w.max_tokens_in_all(), sum) << "seed " << seed;
    }
}

TEST(Workload, command_line_tokens_replace_the_list) {
    const Scenario s = read(std::string(kEverything), {.tokens = 7});
    EXPECT_EQ(s.workload.tokens, 7);
    EXPECT_THAT(s.workload.tokens_each, ElementsAre());
    EXPECT_EQ(s.workload.max_tokens_of(1), 7);
}

TEST(Workload, with_a_model_shape_has_prompt_lengths_instead_of_texts) {
    const Scenario s = read(
        "model.preset = \"gpt2\"\n" + std::string(kSmall) +
        "[workload]\nprompt_tokens = [4, 8]\ntokens = [2, 1]\nrepeat = 3\n"
        "arrivals = [0, 0, 0, 0, 0, \"1 s\"]"
    );
    EXPECT_EQ(s.workload.requests(), 6U);
    EXPECT_EQ(s.workload.max_tokens_in_all(), 9);
    EXPECT_THAT(arrival_times(s), ElementsAre(0, 0, 0, 0, 0, kSecond));
}

TEST(Arrivals, are_at_time_0_by_default) {
    EXPECT_THAT(times_with({}), ElementsAre(0));
    EXPECT_THAT(times_with({"workload.repeat=3"}), ElementsAre(0, 0, 0));
    EXPECT_THAT(times_with({"workload.repeat=2", "workload.arrivals=at once"}), ElementsAre(0, 0));
}

TEST(Arrivals, are_the_given_times) {
    EXPECT_THAT(
        times_with(
            {"workload.repeat=4", "workload.arrivals=[\"1 ms\", \"1 ms\", \"2 s\", \"1 min\"]"}
        ),
        ElementsAre(1'000'000, 1'000'000, 2 * kSecond, 60 * kSecond)
    );
}

TEST(Arrivals, rates_are_read_with_and_without_a_unit) {
    const auto rate = [](const std::string& written) {
        return with({"workload.arrivals.poisson=" + written}).workload.arrivals.per_second;
    };
    EXPECT_EQ(rate("0.5"), 0.5);
    EXPECT_EQ(rate("2"), 2);
    EXPECT_EQ(rate("0.5 /s"), 0.5);
    EXPECT_EQ(rate("\"0.5/s\""), 0.5);
    EXPECT_EQ(rate("30 /min"), 0.5);
    EXPECT_EQ(rate("1800 /h"), 0.5);
    EXPECT_EQ(rate("1e9"), 1e9);
}

constexpr std::size_t kManyRequests = 20'000;

std::vector<Nanoseconds> poisson(const std::string& table, std::uint64_t seed = 7) {
    return times_with(
        {fmt::format("seed={}", seed),
         fmt::format("workload.repeat={}", kManyRequests),
         "workload.arrivals=" + table}
    );
}

/// Returns the intervals before each request, including the first, in units of their expected mean.
std::vector<double> gaps_of(const std::vector<Nanoseconds>& times, double per_second) {
    std::vector<double> gaps;
    Nanoseconds before = 0;
    for (const Nanoseconds time : times) {
        gaps.push_back(static_cast<double>(time - before) * per_second / 1e9);
        before = time;
    }
    return gaps;
}

/// Returns the statistic of Kolmogorov and Smirnov: the greatest distance of the gaps from a
/// distribution function, times √n. It is above 1.95 in one of a thousand samples.
double distance_from(std::vector<double> gaps, const std::function<double(double)>& below) {
    std::sort(gaps.begin(), gaps.end());
    const auto n = static_cast<double>(gaps.size());
    double greatest = 0;
    for (std::size_t i = 0; i < gaps.size(); ++i) {
        const double expected = below(gaps[i]);
        greatest = std::max(greatest, std::abs(expected - static_cast<double>(i) / n));
        greatest = std::max(greatest, std::abs(expected - static_cast<double>(i + 1) / n));
    }
    return greatest * std::sqrt(n);
}

TEST(PoissonArrivals, have_exponential_intervals_that_are_independent) {
    const auto exponential = [](double gap) { return 1 - std::exp(-gap); };
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const std::vector<double> gaps = gaps_of(poisson("{ poisson = 0.25 }", seed), 0.25);
        EXPECT_LT(distance_from(gaps, exponential), 1.95) << "seed " << seed;
        double product = 0;
        for (std::size_t i = 1; i < gaps.size(); ++i) {
            product += (gaps[i] - 1) * (gaps[i - 1] - 1);
        }
        EXPECT_LT(std::abs(product) / std::sqrt(kManyRequests), 4) << "seed " << seed;
        // Twin: the same statistic rejects other distributions of this mean.
        const auto uniform = [](double gap) { return std::min(1.0, gap / 2); };
        EXPECT_GT(distance_from(gaps, uniform), 10);
        const auto slower = [](double gap) { return 1 - std::exp(-0.9 * gap); };
        EXPECT_GT(distance_from(gaps, slower), 1.95);
    }
}

TEST(PoissonArrivals, are_sorted_and_do_not_depend_on_later_requests) {
    const std::vector<Nanoseconds> all = poisson("{ poisson = 1e6 }");
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(all.size(), kManyRequests);
    const std::vector<Nanoseconds> few =
        times_with({"workload.repeat=100", "workload.arrivals.poisson=1e6"});
    EXPECT_TRUE(std::equal(few.begin(), few.end(), all.begin()));
}

TEST(PoissonArrivals, use_the_seed_of_their_table_or_of_the_scenario) {
    const auto of_seed_9 = poisson("{ poisson = 3 }", 9);
    EXPECT_EQ(poisson("{ poisson = 3, seed = 9 }", 7), of_seed_9);
    EXPECT_NE(poisson("{ poisson = 3 }", 7), of_seed_9);
}

TEST(PoissonArrivals, scale_with_the_rate) {
    const auto slow = poisson("{ poisson = 0.5 }");
    const auto fast = poisson("{ poisson = 5 }");
    for (std::size_t i = 0; i < kManyRequests; ++i) {
        EXPECT_NEAR(
            static_cast<double>(slow[i]),
            10 * static_cast<double>(fast[i]),
            5.5 * static_cast<double>(i + 1)
        );
    }
}

TEST(PoissonArrivals, are_the_same_on_every_machine) {
    EXPECT_THAT(
        times_with({"workload.repeat=4", "workload.arrivals.poisson=0.5"}),
        ElementsAre(945'630'058, 3'698'749'685, 5'681'077'528, 6'742'993'455)
    );
}

TEST(PoissonArrivals, stay_within_the_longest_duration) {
    for (const char* rate : {"1e-9", "1e-300", "4.9e-324"}) {
        const auto times =
            times_with({"workload.repeat=50", std::string("workload.arrivals.poisson=") + rate});
        EXPECT_TRUE(std::is_sorted(times.begin(), times.end())) << rate;
        EXPECT_EQ(times.back(), 1'000'000'000'000'000'000) << rate;
    }
    EXPECT_THAT(
        times_with({"workload.repeat=50", "workload.arrivals.poisson=1e9"}),
        Each(testing::AllOf(testing::Ge(0), testing::Lt(200)))
    );
}

TEST(SeveralSequences, default_to_throughput_and_a_batch_size_per_decision) {
    const ControllerConfig one = with({"workload.sequences=1"}).controller;
    EXPECT_EQ(one.objective, Aim::latency);
    EXPECT_EQ(one.batch, 1);
    const ControllerConfig four = with({"workload.sequences=4"}).controller;
    EXPECT_EQ(four.objective, Aim::throughput);
    EXPECT_EQ(four.batch, 0);
    // A table [controller] without these keys gives the same result.
    const ControllerConfig beside =
        with({"workload.sequences=4", "controller.interval=3"}).controller;
    EXPECT_EQ(beside.objective, Aim::throughput);
    EXPECT_EQ(beside.batch, 0);
}

TEST(SeveralSequences, use_an_explicit_objective_and_batch_size) {
    const ControllerConfig c =
        with({"workload.sequences=4", "controller.objective=latency", "controller.batch=4"})
            .controller;
    EXPECT_EQ(c.objective, Aim::latency);
    EXPECT_EQ(c.batch, 4);
    const ControllerConfig one =
        with({"controller.objective=throughput", "controller.batch=auto"}).controller;
    EXPECT_EQ(one.objective, Aim::throughput);
    EXPECT_EQ(one.batch, 0);
}

TEST(SeveralSequences, with_cost_profile_paper_default_to_latency) {
    const ControllerConfig c =
        with({"workload.sequences=4", "controller.cost_profile=paper"}).controller;
    EXPECT_EQ(c.objective, Aim::latency);
    EXPECT_EQ(c.batch, 0);
}

TEST(Objectives, have_the_names_that_scenarios_use) {
    EXPECT_EQ(name_of(Aim::latency), "latency");
    EXPECT_EQ(name_of(Aim::throughput), "throughput");
}

} // namespace
} // namespace headroom::config
