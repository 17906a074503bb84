// What is drawn for messages, and the means with which decisions count.
#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "scheduler/rates/delivery.hpp"

namespace headroom::scheduler {
namespace {

constexpr DeviceId kSender{0};
constexpr DeviceId kReceiver{1};
constexpr std::int64_t kMessages = 200'000;

LinkVariation lossy(Ppb loss) {
    LinkVariation variation;
    variation.loss = loss;
    variation.retransmit_timeout = 70'000;
    variation.stream = 11;
    return variation;
}

LinkVariation jittery(Nanoseconds low, Nanoseconds high) {
    LinkVariation variation;
    variation.jitter_low = low;
    variation.jitter_high = high;
    variation.jitter_mean = (low + high) / 2;
    variation.stream = 12;
    return variation;
}

TEST(Delivery, of_a_link_that_does_not_vary_is_immediate) {
    LinkVariation variation;
    variation.retransmit_timeout = 5;
    variation.stream = 3;
    EXPECT_EQ(draw_delivery(variation, kSender, kReceiver, {}), Delivery{});
    EXPECT_EQ(mean_bandwidth(variation, 77), 77);
    EXPECT_EQ(mean_latency(variation, 9), 9);
}

TEST(Delivery, is_the_same_for_the_same_message_and_differs_between_messages) {
    const LinkVariation variation = jittery(0, 1'000'000'000'000);
    std::set<Nanoseconds> delays;
    std::vector<MessageKey> keys;
    for (std::int32_t i = 0; i < 10; ++i) {
        for (std::int32_t j = -1; j < 9; ++j) {
            keys.push_back({i, j, 1, 2});
            keys.push_back({3, 20 + i, j, 2});
            keys.push_back({3, 4, 20 + i, 10 + j});
        }
    }
    for (const MessageKey& key : keys) {
        const Delivery drawn = draw_delivery(variation, kSender, kReceiver, key);
        EXPECT_EQ(draw_delivery(variation, kSender, kReceiver, key), drawn);
        delays.insert(drawn.delay);
    }
    EXPECT_EQ(delays.size(), keys.size());
    const MessageKey key{1, 2, 3, 4};
    LinkVariation other = variation;
    other.stream = 13;
    for (const auto& [link, from, to] :
         {std::tuple(variation, kSender, kReceiver),
          std::tuple(variation, kReceiver, kSender),
          std::tuple(variation, kSender, DeviceId(2)),
          std::tuple(other, kSender, kReceiver)}) {
        delays.insert(draw_delivery(link, from, to, key).delay);
    }
    EXPECT_EQ(delays.size(), keys.size() + 4) << "sender, receiver and seed count, too";
}

TEST(Delivery, fails_as_often_as_independent_transmissions_do) {
    for (const Ppb loss : {kWhole / 20, kWhole * 3 / 10, kWhole * 7 / 10}) {
        const LinkVariation variation = lossy(loss);
        std::vector<std::int64_t> having(static_cast<std::size_t>(kMaxFailures) + 1);
        for (std::int64_t turn = 0; turn < kMessages; ++turn) {
            const Delivery drawn = draw_delivery(variation, kSender, kReceiver, {turn, 1, 0, 0});
            EXPECT_EQ(drawn.delay, 0);
            ++having[static_cast<std::size_t>(drawn.failures)];
        }
        const double p = static_cast<double>(loss) / static_cast<double>(kWhole);
        double expected = 1 - p; // of k failures: p^k·(1 − p)
        double sum = 0;
        for (std::size_t k = 0; k < having.size(); ++k) {
            const double share = static_cast<double>(having[k]) / kMessages;
            if (k < having.size() - 1) { // the last one has all the rest
                EXPECT_NEAR(share, expected, 0.005) << "loss " << p << ", " << k << " failures";
            }
            sum += static_cast<double>(k) * share;
            expected *= p;
        }
        EXPECT_NEAR(sum, p / (1 - p), p > 0.5 ? 0.15 : 0.01) << "loss " << p;
    }
}

TEST(Delivery, fails_eight_times_at_most) {
    const LinkVariation variation = lossy(kWhole * 99 / 100);
    std::int32_t most = 0;
    for (std::int64_t turn = 0; turn < 1000; ++turn) {
        most =
            std::max(most, draw_delivery(variation, kSender, kReceiver, {turn, 1, 0, 0}).failures);
    }
    EXPECT_EQ(most, 8);
}

TEST(Delivery, is_later_by_a_uniform_draw_with_both_ends) {
    const LinkVariation variation = jittery(5, 8);
    std::vector<int> having(9);
    for (std::int64_t turn = 0; turn < 40'000; ++turn) {
        const Delivery drawn = draw_delivery(variation, kSender, kReceiver, {turn, 1, 0, 0});
        ASSERT_GE(drawn.delay, 5);
        ASSERT_LE(drawn.delay, 8);
        EXPECT_EQ(drawn.failures, 0);
        ++having[static_cast<std::size_t>(drawn.delay)];
    }
    for (std::size_t delay = 5; delay <= 8; ++delay) {
        EXPECT_NEAR(having[delay], 10'000, 400);
    }
}

/// A message of 100 kReceiver at 10 MB/s over a latency of 1 ms, and its time-outs and jitter.
TEST(Delivery, takes_the_mean_time_on_average) {
    constexpr PerSecond kBandwidth = 10'000'000;
    constexpr double kOnce = 10'000'000; // ns
    for (const Ppb loss : {Ppb{0}, kWhole / 10, kWhole / 2}) {
        LinkVariation variation = jittery(100'000, 500'000);
        variation.loss = loss;
        variation.retransmit_timeout = 2'000'000;
        double sum = 0;
        for (std::int64_t turn = 0; turn < kMessages; ++turn) {
            const Delivery drawn = draw_delivery(variation, kSender, kReceiver, {turn, 1, 0, 0});
            sum += kOnce + drawn.failures * (kOnce + 2'000'000) + 1'000'000 +
                   static_cast<double>(drawn.delay);
        }
        const auto bandwidth = static_cast<double>(mean_bandwidth(variation, kBandwidth));
        const double expected =
            100'000 / bandwidth * 1e9 + static_cast<double>(mean_latency(variation, 1'000'000));
        EXPECT_NEAR(sum / kMessages / expected, 1, 0.01) << "loss " << loss;
    }
}

/// With a loss of one half, 1/2 + 1/4 + … + 1/256 = 255/256 transmissions fail on average.
TEST(Delivery, has_means_that_can_be_worked_out_by_hand) {
    const LinkVariation variation = lossy(kWhole / 2);
    EXPECT_EQ(mean_bandwidth(variation, 511'000), 256'000); // · 256 / 511
    EXPECT_EQ(mean_bandwidth(variation, kUnlimited), kUnlimited);
    EXPECT_EQ(70'000 * 255 / 256, 69'726);
    EXPECT_EQ(mean_latency(variation, 1'000), 1'000 + 69'726);
    LinkVariation both = variation;
    both.jitter_mean = 300;
    EXPECT_EQ(mean_latency(both, 1'000), 1'300 + 69'726);
    EXPECT_EQ(mean_latency(both, kNever), kNever);
}

} // namespace
} // namespace headroom::scheduler
