// Random weights in every stored type that the decoder can use, and their values. The values follow
// ggml's description of its quantisation blocks; no code is shared with the reader.
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
    q8_0 = 8,
    q4_k = 12,
    q5_k = 13,
    q6_k = 14,
    bf16 = 30,
};
inline constexpr std::array kStoredTypes{
    StoredType::f32,
    StoredType::f16,
    StoredType::q4_0,
    StoredType::q8_0,
    StoredType::q4_k,
    StoredType::q5_k,
    StoredType::q6_k,
    StoredType::bf16};

/// A quantisation block, or one weight of a type that is not quantised.
struct StoredBlock {
    std::uint64_t weights;
    std::uint64_t bytes;
    /// The places of its numbers that can be infinite, which are halves unless it is one weight.
    /// Equal if there is one.
    std::array<std::size_t, 2> numbers;
};
[[nodiscard]] StoredBlock block_of(StoredType type);

[[nodiscard]] std::string_view name_of(StoredType type);
[[nodiscard]] std::uint64_t stored_bytes(StoredType type, std::uint64_t count);
/// Returns the type with which the decoder must compute: F32 for K types, else the stored type.
[[nodiscard]] WeightType computed_type(StoredType type);

/// Returns the stored bytes of `count` random weights, with sizes up to about `amplitude` (within a
/// factor of two). `count` is a multiple of the weights of a quantisation block.
[[nodiscard]] std::string random_weights(
    std::uint64_t stream, std::uint64_t count, double amplitude, StoredType type
);

/// Returns weight i of a tensor's bytes by ggml's formula, in double precision.
[[nodiscard]] double weight_at(std::string_view data, std::uint64_t i, StoredType type);

} // namespace headroom::model::test
