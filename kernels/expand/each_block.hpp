// The loop over quantisation blocks, and steps that the expanders share. Files compiled with AVX
// options must not include this header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/weight_type.hpp"

namespace headroom::kernels {

/// Calls expand_block(block, out) for `count` quantisation blocks. `out` gets
/// WeightFormat::elements floats of each.
template <WeightType kType, class ExpandBlock>
void each_block(
    const std::byte* blocks, std::int64_t count, float* out, const ExpandBlock& expand_block
) {
    for (std::int64_t i = 0; i < count; ++i) {
        expand_block(blocks + i * kFormatOf<kType>.bytes, out + i * kFormatOf<kType>.elements);
    }
}

/// The integers of a block, before they are scaled. Expanders unpack a block in two steps, bytes to
/// integers and integers to floats, because compilers turn loops over a local array into vector
/// instructions.
template <WeightType kType>
using Quants = std::array<std::int8_t, static_cast<std::size_t>(kFormatOf<kType>.elements)>;

inline int byte_at(const std::byte* data, std::int64_t i) {
    return std::to_integer<int>(data[i]);
}

/// out[i] = the bits of byte i that are left after a shift to the right and a mask.
inline void unpack(
    const std::byte* bytes, std::int64_t count, int shift, int mask, std::int8_t* out
) {
    for (std::int64_t i = 0; i < count; ++i) {
        out[i] = static_cast<std::int8_t>(byte_at(bytes, i) >> shift & mask);
    }
}

/// Unpacks the nibbles of `count` bytes: first all low ones, then all high ones.
inline void unpack_nibbles(const std::byte* bytes, std::int64_t count, std::int8_t* out) {
    unpack(bytes, count, 0, 15, out);
    unpack(bytes, count, 4, 15, out + count);
}

/// out[i] = scale · quants[i]
inline void scale_quants(const std::int8_t* quants, std::int64_t count, float scale, float* out) {
    for (std::int64_t i = 0; i < count; ++i) {
        out[i] = scale * static_cast<float>(quants[i]);
    }
}

/// out[i] = scale · quants[i] + offset
inline void scale_quants(
    const std::int8_t* quants, std::int64_t count, float scale, float offset, float* out
) {
    for (std::int64_t i = 0; i < count; ++i) {
        out[i] = scale * static_cast<float>(quants[i]) + offset;
    }
}

} // namespace headroom::kernels
