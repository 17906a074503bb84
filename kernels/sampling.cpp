// From logits to a token id by chance: the filters, then the draw.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"

namespace headroom::kernels {

namespace {

constexpr float kRemoved = -std::numeric_limits<float>::infinity();

/// Orders as the logits do: NaN lowest, then -inf; -0 equals +0.
std::uint32_t rank_of(float logit) {
    constexpr std::uint32_t kSign = 0x8000'0000U;
    if (std::isnan(logit)) {
        return 0;
    }
    const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0F); // -0 + 0 = +0
    return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

/// Keeps the shortest run of the likeliest (ties by index) whose weights reach `target`; the others
/// become -inf. 1 ≤ target ≤ Σ weights. A radix select: one pass per byte of the rank, so it needs
/// neither a sorted copy nor indices, and integer weights make its sums independent of their order.
template <class Weight>
void keep_likeliest(std::span<float> logits, std::uint64_t target, const Weight& weight) {
    constexpr std::uint32_t kDigit = 0xFF;
    std::uint32_t rank = 0;    // of the last one kept
    std::uint32_t decided = 0; // its bits that are known
    std::uint64_t missing = target;
    for (int shift = 24; shift >= 0; shift -= 8) {
        std::array<std::uint64_t, kDigit + 1> sums{};
        for (const float logit : logits) {
            const std::uint32_t own = rank_of(logit);
            if ((own & decided) == rank) {
                sums[(own >> shift) & kDigit] += weight(logit);
            }
        }
        std::uint32_t digit = kDigit;
        while (sums[digit] < missing) {
            missing -= sums[digit];
            --digit;
        }
        rank |= digit << shift;
        decided |= kDigit << shift;
    }
    for (float& logit : logits) {
        const std::uint32_t own = rank_of(logit);
        if (own == rank && missing > 0) {
            missing -= std::min(missing, weight(logit));
        } else if (own <= rank) {
            logit = kRemoved;
        }
    }
}

void keep_top_k(std::span<float> logits, std::int64_t k) {
    keep_likeliest(logits, static_cast<std::uint64_t>(k), [](float) { return std::uint64_t{1}; });
}

void keep_top_p(std::span<float> logits, float largest, double p) {
    const auto weight = [largest](float logit) -> std::uint64_t {
        constexpr double kOne = 0x1p40;
        constexpr float kRoundsToZero = -30.0F; // e⁻³⁰ · 2⁴⁰ is a tenth
        const float distance = logit - largest;
        if (!(distance > kRoundsToZero)) {
            return 0; // also NaN's
        }
        return static_cast<std::uint64_t>(
            std::llrint(kOne * static_cast<double>(portable_exp(distance)))
        );
    };
    std::uint64_t total = 0;
    for (const float logit : logits) {
        total += weight(logit);
    }
    const auto target = static_cast<std::uint64_t>(std::ceil(p * static_cast<double>(total)));
    keep_likeliest(logits, std::clamp<std::uint64_t>(target, 1, total), weight);
}

void keep_min_p(std::span<float> logits, float largest, double p) {
    for (float& logit : logits) {
        // What is removed already costs no exp; not reaching p is also true of NaN.
        if (logit != kRemoved && !(static_cast<double>(portable_exp(logit - largest)) >= p)) {
            logit = kRemoved;
        }
    }
}

/// Inverts the cumulative sum of the probabilities in index order.
std::int64_t draw(std::span<const float> probabilities, std::int64_t likeliest, double unit) {
    double total = 0.0;
    for (const float probability : probabilities) {
        total += static_cast<double>(probability);
    }
    // `total` is 1 only up to rounding; scaling by it keeps the last ids from gaining or losing.
    const double target = unit * total;
    double cumulative = 0.0;
    std::int64_t last_possible = likeliest;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (probabilities[i] > 0.0F) {
            cumulative += static_cast<double>(probabilities[i]);
            last_possible = static_cast<std::int64_t>(i);
            if (cumulative > target) {
                break;
            }
        }
    }
    return last_possible;
}

} // namespace

std::int64_t sample(
    const Kernels& kernels, std::span<float> logits, const Sampling& how, double unit
) {
    const std::int64_t likeliest = argmax(logits);
    const float largest = logits[static_cast<std::size_t>(likeliest)];
    if (how.temperature <= 0.0F || !std::isfinite(largest)) {
        return likeliest;
    }
    const auto count = static_cast<std::int64_t>(logits.size());
    if (how.top_k > 0 && how.top_k < count) {
        keep_top_k(logits, how.top_k);
    }
    if (how.top_p < 1.0) {
        keep_top_p(logits, largest, how.top_p);
    }
    if (how.min_p > 0.0) {
        keep_min_p(logits, largest, how.min_p);
    }
    // The maximum goes first: dividing by a small temperature then overflows to -inf only, which
    // is a probability of 0, never to +inf.
    for (float& logit : logits) {
        logit = (logit - largest) / how.temperature;
    }
    kernels.softmax(logits.data(), count);
    return draw(logits, likeliest, unit);
}

} // namespace headroom::kernels
