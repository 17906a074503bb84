// Random weights in every stored type that the decoder can use, and their values. The values are
// those of tests/kernels/naive.hpp; no code is shared with the reader.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/weight_type.hpp"

namespace headroom::model::test {

/// The stored types, with their codes in GGUF files.
enum class StoredType : std::uint32_t {
    f32 = 0,
    f16 = 1,
    q4_0 = 2,
    q4_1 = 3,
    q5_0 = 6,
    q5_1 = 7,
    q8_0 = 8,
    q2_k = 10,
    q3_k = 11,
    q4_k = 12,
    q5_k = 13,
    q6_k = 14,
    iq4_nl = 20,
    iq4_xs = 23,
    bf16 = 30,
    mxfp4 = 39,
};
inline constexpr std::array kStoredTypes{
    StoredType::f32,
    StoredType::f16,
    StoredType::q4_0,
    StoredType::q4_1,
    StoredType::q5_0,
    StoredType::q5_1,
    StoredType::q8_0,
    StoredType::q2_k,
    StoredType::q3_k,
    StoredType::q4_k,
    StoredType::q5_k,
    StoredType::q6_k,
    StoredType::iq4_nl,
    StoredType::iq4_xs,
    StoredType::bf16,
    StoredType::mxfp4};

/// A quantisation block, or one weight of a type that is not quantised.
struct StoredBlock {
    std::uint64_t weights;
    std::uint64_t bytes;
    /// The places of its numbers that can be infinite: the weight, or scales, which are halves
    /// (of mxfp4 one byte). Equal if there is one.
    std::array<std::size_t, 2> numbers;
};
[[nodiscard]] StoredBlock block_of(StoredType type);

[[nodiscard]] std::string_view name_of(StoredType type);
[[nodiscard]] std::uint64_t stored_bytes(StoredType type, std::uint64_t count);
[[nodiscard]] WeightType weight_type_of(StoredType type);

/// Returns the stored bytes of `count` random weights, with sizes up to about `amplitude` (within a
/// factor of two). `count` is a multiple of the weights of a quantisation block.
[[nodiscard]] std::string random_weights(
    std::uint64_t stream, std::uint64_t count, double amplitude, StoredType type
);

/// Returns weight i of a tensor's bytes by ggml's formula, in double precision.
[[nodiscard]] double weight_at(std::string_view data, std::uint64_t i, StoredType type);

} // namespace headroom::model::test
