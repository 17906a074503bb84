// Structs that load stored weights as vectors of sixteen floats. L is Avx2 or Avx512. The structs
// of F32, F16 and BF16 load elements of a row. Those of the quantised types load the integers of
// quantisation blocks, which have 32 elements and one scale. Conversions to float are exact, so all
// levels multiply the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/weight_type.hpp"
#include "kernels/definition.hpp"

namespace headroom::kernels::simd {

template <class L, WeightType kType>
struct Weights;

template <class L>
struct Weights<L, WeightType::f32> {
    static typename L::Vector load(const std::byte* p) {
        return L::load(reinterpret_cast<const float*>(p));
    }
    static typename L::Vector load_first(const std::byte* p, std::int64_t n) {
        return L::load_first(reinterpret_cast<const float*>(p), n);
    }
};

template <class L>
struct Weights<L, WeightType::f16> {
    static typename L::Vector load(const std::byte* p) { return L::halves(p); }
    static typename L::Vector load_first(const std::byte* p, std::int64_t n) {
        return L::halves_first(p, n);
    }
};

template <class L>
struct Weights<L, WeightType::bf16> {
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
struct Weights<L, WeightType::q8_0> {
    static Quants<L> quants(const std::byte* block) {
        return {L::bytes(block + kQuantsAt), L::bytes(block + kQuantsAt + kLanes)};
    }
};

template <class L>
struct Weights<L, WeightType::q4_0> {
    static Quants<L> quants(const std::byte* block) {
        return {L::low_nibbles(block + kQuantsAt), L::high_nibbles(block + kQuantsAt)};
    }
};

} // namespace headroom::kernels::simd
