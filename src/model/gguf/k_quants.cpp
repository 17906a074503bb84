#include "model/gguf/k_quants.hpp"

#include "base/check.hpp"
#include "kernels/half.hpp"

namespace headroom::model {

namespace {

constexpr std::size_t kSubBlock = 32; ///< weights that share a scale in Q4_K and Q5_K

struct ScaleAndMinimum {
    int scale = 0;
    int minimum = 0;
};

int byte_at(const std::byte* data, std::size_t i) {
    return std::to_integer<int>(data[i]);
}

/// Returns the scale and minimum of sub-block j < 8 from the 12 packed bytes. Those of sub-blocks 0
/// … 3 are the low 6 bits of bytes 0 … 3 (scales) and 4 … 7 (minima). Those of sub-blocks 4 … 7
/// have their low 4 bits in a nibble of bytes 8 … 11 and their high 2 bits in bytes 0 … 7.
ScaleAndMinimum q4_k_scales(const std::byte* packed, std::size_t j) {
    if (j < 4) {
        return {byte_at(packed, j) & 63, byte_at(packed, j + 4) & 63};
    }
    const int nibbles = byte_at(packed, j + 4);
    return {
        (nibbles & 15) | (byte_at(packed, j - 4) >> 6 << 4),
        (nibbles >> 4) | (byte_at(packed, j) >> 6 << 4),
    };
}

/// Expands a super-block of Q4_K, or of Q5_K if `fifth_bits` is not null.
void expand_q45_k_block(
    const std::byte* block, const std::byte* fifth_bits, const std::byte* nibbles, float* out
) {
    const float d = kernels::half_at(block);
    const float dmin = kernels::half_at(block + 2);
    for (std::size_t j = 0; j < kSuperBlock / kSubBlock; ++j) {
        const ScaleAndMinimum s = q4_k_scales(block + 4, j);
        const float scale = d * static_cast<float>(s.scale);
        const float minimum = dmin * static_cast<float>(s.minimum);
        const int shift = j % 2 == 0 ? 0 : 4;
        for (std::size_t l = 0; l < kSubBlock; ++l) {
            int q = (byte_at(nibbles, j / 2 * kSubBlock + l) >> shift) & 15;
            q |= fifth_bits == nullptr ? 0 : (byte_at(fifth_bits, l) >> j & 1) << 4;
            out[j * kSubBlock + l] = scale * static_cast<float>(q) - minimum;
        }
    }
}

void expand_q4_k_block(const std::byte* block, float* out) {
    expand_q45_k_block(block, nullptr, block + 16, out);
}

void expand_q5_k_block(const std::byte* block, float* out) {
    expand_q45_k_block(block, block + 16, block + 48, out);
}

void expand_q6_k_block(const std::byte* block, float* out) {
    const float d = kernels::half_at(block + 208);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
        const std::size_t half = i / 128;
        const std::size_t quarter = i / 32 % 4;
        const std::size_t l = i % 32;
        const int low = byte_at(block, half * 64 + quarter % 2 * 32 + l) >> (quarter < 2 ? 0 : 4);
        const int high = byte_at(block, 128 + half * 32 + l) >> (2 * quarter);
        const int q = ((low & 15) | (high & 3) << 4) - 32;
        const auto s = static_cast<std::int8_t>(block[192 + i / 16]);
        out[i] = d * static_cast<float>(s) * static_cast<float>(q);
    }
}

using ExpandBlock = void (*)(const std::byte*, float*);

void expand(std::span<const std::byte> blocks, std::size_t bytes, ExpandBlock block, float* out) {
    HEADROOM_CHECK(blocks.size() % bytes == 0, "{} bytes of {} each", blocks.size(), bytes);
    for (std::size_t i = 0; i < blocks.size() / bytes; ++i) {
        block(blocks.data() + i * bytes, out + i * kSuperBlock);
    }
}

} // namespace

void expand_q4_k(std::span<const std::byte> blocks, float* out) {
    expand(blocks, kQ4KBytes, expand_q4_k_block, out);
}

void expand_q5_k(std::span<const std::byte> blocks, float* out) {
    expand(blocks, kQ5KBytes, expand_q5_k_block, out);
}

void expand_q6_k(std::span<const std::byte> blocks, float* out) {
    expand(blocks, kQ6KBytes, expand_q6_k_block, out);
}

} // namespace headroom::model
