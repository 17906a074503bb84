// ggml's super-blocks of 256 weights, which no kernel computes with: they are expanded to F32 when
// a block is loaded. Values are those of ggml's own expansion, bit by bit.
// Source: block_q4_K, block_q5_K, block_q6_K and their dequantize_row functions in ggml-common.h
// and ggml-quants.c of the ggml project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::model {

inline constexpr std::size_t kSuperBlock = 256; ///< weights
inline constexpr std::size_t kQ4KBytes = 144;   ///< per super-block
inline constexpr std::size_t kQ5KBytes = 176;   ///< per super-block
inline constexpr std::size_t kQ6KBytes = 210;   ///< per super-block

/// Q4_K: binary16 d and dmin; 12 bytes of eight 6-bit scales s and eight 6-bit minima m; 128 bytes
/// of nibbles. Weight 32·j + l is (d·s[j])·nibble − dmin·m[j]; bytes 32·i + l hold the nibbles of
/// j = 2i (low) and j = 2i + 1 (high). `blocks`: whole super-blocks; out: 256 for each.
void expand_q4_k(std::span<const std::byte> blocks, float* out);

/// Q5_K: as Q4_K with 32 bytes before the nibbles: bit j of byte l is the fifth bit of weight
/// 32·j + l. Published Q4_K_S files have it in some tensors.
void expand_q5_k(std::span<const std::byte> blocks, float* out);

/// Q6_K: 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales s, binary16 d. Weight i
/// is (d·s[i div 16])·(six bits − 32). Of each half of 128, in quarters of 32: low bits are the low
/// nibbles of quarters 0 and 1 in 64 bytes, then their high nibbles for quarters 2 and 3; byte l of
/// 32 has the high bits of weight l of quarter 0 to 3 from its lowest bits up.
void expand_q6_k(std::span<const std::byte> blocks, float* out);

} // namespace headroom::model
