// Our own random numbers: the same bits on every machine and library version.
// Counter-based: a value is a pure function of (seed, purpose, indices), so nothing depends on who
// draws first, and a profile can be evaluated at any time without a history.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/wide.hpp"

namespace headroom {

/// SplitMix64's finaliser: a bijection on 64 bits that mixes well.
[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

/// Seed of a stream: run seed, what it is for, and whose it is.
[[nodiscard]] constexpr std::uint64_t stream_seed(
    std::uint64_t seed, std::string_view purpose, std::uint64_t a = 0, std::uint64_t b = 0
) {
    std::uint64_t state = mix_bits(seed);
    for (const char c : purpose) {
        state = mix_bits(state ^ static_cast<unsigned char>(c));
    }
    return mix_bits(mix_bits(state ^ a) ^ b);
}

/// The k-th number of a stream.
[[nodiscard]] constexpr std::uint64_t random_bits(std::uint64_t stream, std::uint64_t k) {
    return mix_bits(stream ^ mix_bits(k));
}

/// The k-th number of a stream as an integer in [0, bound), bound > 0; bias below bound/2^64.
[[nodiscard]] constexpr std::uint64_t random_below(
    std::uint64_t stream, std::uint64_t k, std::uint64_t bound
) {
    return static_cast<std::uint64_t>(
        (static_cast<UnsignedWide>(random_bits(stream, k)) * bound) >> 64
    );
}

/// The k-th number of a stream in [0, 1) with 53 bits.
[[nodiscard]] constexpr double random_unit(std::uint64_t stream, std::uint64_t k) {
    return static_cast<double>(random_bits(stream, k) >> 11) * 0x1.0p-53;
}

/// A stream with a position, for code that just wants the next number.
class Random {
  public:
    explicit constexpr Random(std::uint64_t stream) : stream_(stream) {}
    constexpr std::uint64_t bits() { return random_bits(stream_, k_++); }
    constexpr std::uint64_t below(std::uint64_t bound) {
        return random_below(stream_, k_++, bound);
    }
    constexpr double unit() { return random_unit(stream_, k_++); }

  private:
    std::uint64_t stream_;
    std::uint64_t k_ = 0;
};

} // namespace headroom
