// Loads stored weights as vectors of sixteen floats. Each weight type has one struct: F32, F16 and
// BF16 load single elements, Q8_0 and Q4_0 load quantisation blocks of 32 elements with one scale.
// The conversions are exact, so that every level multiplies the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/definition.hpp"

namespace headroom::kernels::simd {

template <class L>
struct F32 {
    static constexpr std::int64_t kElements = 1;
    static constexpr std::int64_t kBytes = 4;
    static typename L::Vector load(const std::byte* p) {
        return L::load(reinterpret_cast<const float*>(p));
    }
    static typename L::Vector load_first(const std::byte* p, std::int64_t n) {
        return L::load_first(reinterpret_cast<const float*>(p), n);
    }
};

template <class L>
struct F16 {
    static constexpr std::int64_t kElements = 1;
    static constexpr std::int64_t kBytes = 2;
    static typename L::Vector load(const std::byte* p) { return L::halves(p); }
    static typename L::Vector load_first(const std::byte* p, std::int64_t n) {
        return L::halves_first(p, n);
    }
};

template <class L>
struct Bf16 {
    static constexpr std::int64_t kElements = 1;
    static constexpr std::int64_t kBytes = 2;
    static typename L::Vector load(const std::byte* p) { return L::bfloats(p); }
    static typename L::Vector load_first(const std::byte* p, std::int64_t n) {
        return L::bfloats_first(p, n);
    }
};

/// The 32 elements of a quantisation block before the multiplication by the scale: elements 0–15 in
/// `low`, elements 16–31 in `high`.
template <class L>
struct Quants {
    typename L::Vector low;
    typename L::Vector high;
};

template <class L>
struct Q8_0 {
    static constexpr std::int64_t kElements = kQ8Elements;
    static constexpr std::int64_t kBytes = kQ8Bytes;
    static Quants<L> quants(const std::byte* block) {
        return {L::bytes(block + kQ8QuantsAt), L::bytes(block + kQ8QuantsAt + kLanes)};
    }
};

template <class L>
struct Q4_0 {
    static constexpr std::int64_t kElements = kQ4Elements;
    static constexpr std::int64_t kBytes = kQ4Bytes;
    static Quants<L> quants(const std::byte* block) {
        return {L::low_nibbles(block + kQ4QuantsAt), L::high_nibbles(block + kQ4QuantsAt)};
    }
};

} // namespace headroom::kernels::simd
