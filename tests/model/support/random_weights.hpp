// Random weights in every stored form that the decoder takes, and what they stand for: written from
// ggml's description of its blocks, not from our reader.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/weight_type.hpp"

namespace headroom::model::test {

/// Type codes of GGUF.
enum class Stored : std::uint32_t {
    f32 = 0,
    f16 = 1,
    q4_0 = 2,
    q8_0 = 8,
    q4_k = 12,
    q5_k = 13,
    q6_k = 14,
    bf16 = 30,
};
inline constexpr std::array kStored{
    Stored::f32,
    Stored::f16,
    Stored::q4_0,
    Stored::q8_0,
    Stored::q4_k,
    Stored::q5_k,
    Stored::q6_k,
    Stored::bf16};

[[nodiscard]] std::string_view name_of(Stored type);
[[nodiscard]] std::uint64_t stored_bytes(Stored type, std::uint64_t count);
/// What the decoder must compute with: K types become F32.
[[nodiscard]] WeightType computed_type(Stored type);

/// Bytes of `count` weights of about ±amplitude (one power of two up or down), every bit of a
/// block's scales and quants drawn. `count` is a multiple of the type's block.
[[nodiscard]] std::string random_weights(
    std::uint64_t stream, std::uint64_t count, double amplitude, Stored type
);

/// Weight i of a tensor's bytes, from ggml's formula in double precision.
[[nodiscard]] double weight_at(std::string_view data, std::uint64_t i, Stored type);

} // namespace headroom::model::test
