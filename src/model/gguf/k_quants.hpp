// Expands the K types of ggml to F32. They store super-blocks of 256 weights, for which there are
// no kernels, so a block is expanded when it is loaded. The values have the same bits as those of
// ggml's own expansion. Source: block_q4_K, block_q5_K, block_q6_K and their dequantize_row
// functions in ggml-common.h and ggml-quants.c of the ggml project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::model {

inline constexpr std::size_t kSuperBlock = 256; ///< weights of a super-block
inline constexpr std::size_t kQ4KBytes = 144;   ///< stored bytes of a super-block of Q4_K
inline constexpr std::size_t kQ5KBytes = 176;   ///< stored bytes of a super-block of Q5_K
inline constexpr std::size_t kQ6KBytes = 210;   ///< stored bytes of a super-block of Q6_K

/// Expands whole super-blocks of Q4_K; `out` gets 256 values for each. A super-block has binary16 d
/// and dmin, then 12 bytes with eight 6-bit scales s and eight 6-bit minima m, then 128 bytes of
/// nibbles. Weight 32·j + l is (d·s[j])·nibble − dmin·m[j]. Byte 32·i + l has the nibbles of j = 2i
/// (low) and j = 2i + 1 (high).
void expand_q4_k(std::span<const std::byte> blocks, float* out);

/// Expands whole super-blocks of Q5_K. The format is that of Q4_K with 32 more bytes before the
/// nibbles: bit j of byte l is the fifth bit of weight 32·j + l.
void expand_q5_k(std::span<const std::byte> blocks, float* out);

/// Expands whole super-blocks of Q6_K. A super-block has 128 bytes with the low 4 bits of all
/// weights, 64 bytes with the high 2 bits, 16 signed scales s and binary16 d. Weight i is (d·s[i
/// div 16])·(its six bits − 32). The weights are two halves of 128 with four quarters of 32 each.
/// The low bits of a half are 64 bytes: the low nibbles are quarters 0 and 1, the high nibbles
/// quarters 2 and 3. The high bits of a half are 32 bytes: byte l has the bits of weight l of each
/// quarter, quarter 0 in the lowest bits.
void expand_q6_k(std::span<const std::byte> blocks, float* out);

} // namespace headroom::model
