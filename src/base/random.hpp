// Random numbers that have the same bits on every computer and with every library version. They are
// counter-based: a number is a pure function of (seed, purpose, indices). Results therefore do not
// depend on the order of draws, and the random load of a device can be computed for any moment.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/int128.hpp"

namespace headroom {

/// Mixes the bits of x: returns the number that the generator SplitMix64 yields in state x. The
/// function is a bijection on 64-bit integers.
[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

/// Returns the seed of a stream of numbers. `seed` is the run's seed, `purpose` names what the
/// stream is for, and `a` and `b` distinguish streams of one purpose, for example by device.
[[nodiscard]] constexpr std::uint64_t stream_seed(
    std::uint64_t seed, std::string_view purpose, std::uint64_t a = 0, std::uint64_t b = 0
) {
    std::uint64_t state = mix_bits(seed);
    for (const char c : purpose) {
        state = mix_bits(state ^ static_cast<unsigned char>(c));
    }
    return mix_bits(mix_bits(state ^ a) ^ b);
}

/// Returns the k-th number of a stream; `stream` is a result of stream_seed().
[[nodiscard]] constexpr std::uint64_t random_bits(std::uint64_t stream, std::uint64_t k) {
    return mix_bits(stream ^ mix_bits(k));
}

/// Returns the k-th number of a stream as an integer in [0, bound), with a bias below bound/2^64.
/// Precondition: bound > 0.
[[nodiscard]] constexpr std::uint64_t random_below(
    std::uint64_t stream, std::uint64_t k, std::uint64_t bound
) {
    return static_cast<std::uint64_t>((static_cast<UInt128>(random_bits(stream, k)) * bound) >> 64);
}

/// Returns the k-th number of a stream as a double in [0, 1) with 53 random bits.
[[nodiscard]] constexpr double random_unit(std::uint64_t stream, std::uint64_t k) {
    return static_cast<double>(random_bits(stream, k) >> 11) * 0x1.0p-53;
}

/// A stream that remembers its position, for code that draws one number after the other.
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
