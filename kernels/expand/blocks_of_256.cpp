// The expanders of types with quantisation blocks of 256 elements, in which 16 or 32 elements share
// an integer scale. The integers times the binary16 scale d are exact in float, so that at most the
// subtraction of a minimum rounds.
#include "kernels/expand/codebook.hpp"
#include "kernels/expand/each_block.hpp"
#include "kernels/expand/expand.hpp"
#include "kernels/half.hpp"

namespace headroom::kernels {

namespace {

constexpr std::int64_t kParts = 8; ///< ranges of 32 elements in a block
constexpr std::int64_t kPart = 32;
constexpr std::int64_t kScales = 16; ///< scales of q2_k, q3_k and q6_k, one for every 16 elements
constexpr std::int64_t kScaled = 16;

struct ScaleAndMinimum {
    int scale = 0;
    int minimum = 0;
};

/// Returns the scale and minimum of part j < 8 of q4_k or q5_k from the 12 packed bytes. Those of
/// parts 0 … 3 are the low 6 bits of bytes 0 … 3 (scales) and 4 … 7 (minima). Those of parts 4 … 7
/// have their low 4 bits in a nibble of bytes 8 … 11 and their high 2 bits in bytes 0 … 7.
ScaleAndMinimum q4_k_scales(const std::byte* packed, std::int64_t j) {
    if (j < 4) {
        return {byte_at(packed, j) & 63, byte_at(packed, j + 4) & 63};
    }
    const int nibbles = byte_at(packed, j + 4);
    return {
        (nibbles & 15) | (byte_at(packed, j - 4) >> 6 << 4),
        (nibbles >> 4) | (byte_at(packed, j) >> 6 << 4),
    };
}

/// Scales the integers of a block of q4_k or q5_k.
void scale_q45_k(const std::byte* block, const std::int8_t* quants, float* out) {
    const float d = half_at(block);
    const float dmin = half_at(block + 2);
    for (std::int64_t j = 0; j < kParts; ++j) {
        const ScaleAndMinimum s = q4_k_scales(block + 4, j);
        const float scale = d * static_cast<float>(s.scale);
        const float minimum = dmin * static_cast<float>(s.minimum);
        scale_quants(quants + j * kPart, kPart, scale, -minimum, out + j * kPart);
    }
}

/// Unpacks the nibbles of a block of q4_k or q5_k: byte 32·i + l has those of elements 64·i + l
/// (low) and 64·i + 32 + l (high).
void unpack_q45_k(const std::byte* nibbles, std::int8_t* out) {
    for (std::int64_t i = 0; i < kParts / 2; ++i) {
        unpack_nibbles(nibbles + i * kPart, kPart, out + 2 * i * kPart);
    }
}

/// Unpacks two bits of every element, as q2_k, q3_k and q6_k store them. The elements are two
/// halves of four parts of 32 each; byte l of a half's 32 bytes has element l of each part, part 0
/// in the lowest bits.
void unpack_pairs(const std::byte* bytes, std::int8_t* out) {
    for (std::int64_t j = 0; j < kParts; ++j) {
        const int shift = static_cast<int>(j % 4 * 2);
        unpack(bytes + j / 4 * kPart, kPart, shift, 3, out + j * kPart);
    }
}

/// quants[i] += factor · (bit `bit` of byte i), for one part.
void add_bits(const std::byte* bytes, int bit, int factor, std::int8_t* quants) {
    for (std::int64_t l = 0; l < kPart; ++l) {
        const int value = byte_at(bytes, l) >> bit & 1;
        quants[l] = static_cast<std::int8_t>(quants[l] + factor * value);
    }
}

/// Returns the scale of elements 16·i … 16·i + 15 of q3_k from the 12 packed bytes: the low 4 bits
/// are nibbles of bytes 0 … 7 (low ones first), the high 2 bits are in bytes 8 … 11.
int q3_k_scale(const std::byte* packed, std::int64_t i) {
    const int low = i < 8 ? byte_at(packed, i) & 15 : byte_at(packed, i - 8) >> 4;
    const int high = byte_at(packed, 8 + i % 4) >> (2 * (i / 4)) & 3;
    return (low | high << 4) - 32;
}

} // namespace

/// A block has 16 bytes with a scale s (low nibble) and a minimum m (high nibble) for 16 elements
/// each, 64 bytes with two bits of every element, then binary16 d and dmin. An element is d·s·(two
/// bits) − dmin·m. The elements are two halves of four parts of 32 each; byte l of a half's 32
/// bytes has element l of each part, part 0 in the lowest bits.
void expand_q2_k(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q2_k>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q2_k> q;
        unpack_pairs(block + 16, q.data());
        const float d = half_at(block + 80);
        const float dmin = half_at(block + 82);
        for (std::int64_t i = 0; i < kScales; ++i) {
            const float scale = d * static_cast<float>(byte_at(block, i) & 15);
            const float minimum = dmin * static_cast<float>(byte_at(block, i) >> 4);
            scale_quants(q.data() + i * kScaled, kScaled, scale, -minimum, to + i * kScaled);
        }
    });
}

/// A block has 32 bytes of high bits (bit j of byte l belongs to element 32·j + l), 64 bytes with
/// two low bits of every element as in q2_k, 12 bytes with sixteen 6-bit scales s, then binary16 d.
/// An element is d·(s − 32)·(three bits − 4).
void expand_q3_k(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q3_k>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q3_k> q;
        unpack_pairs(block + 32, q.data());
        for (std::int64_t j = 0; j < kParts; ++j) {
            add_bits(block, static_cast<int>(j), 4, q.data() + j * kPart);
        }
        for (std::int8_t& quant : q) {
            quant = static_cast<std::int8_t>(quant - 4);
        }
        const float d = half_at(block + 108);
        for (std::int64_t i = 0; i < kScales; ++i) {
            const float scale = d * static_cast<float>(q3_k_scale(block + 96, i));
            scale_quants(q.data() + i * kScaled, kScaled, scale, to + i * kScaled);
        }
    });
}

/// A block has binary16 d and dmin, then 12 bytes with eight 6-bit scales s and eight 6-bit minima
/// m, then 128 bytes of nibbles. Element 32·j + l is (d·s[j])·nibble − dmin·m[j]. Byte 32·i + l has
/// the nibbles of j = 2i (low) and j = 2i + 1 (high).
void expand_q4_k(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q4_k>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q4_k> q;
        unpack_q45_k(block + 16, q.data());
        scale_q45_k(block, q.data(), to);
    });
}

/// The format is that of q4_k with 32 more bytes before the nibbles: bit j of byte l is the fifth
/// bit of element 32·j + l.
void expand_q5_k(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q5_k>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q5_k> q;
        unpack_q45_k(block + 48, q.data());
        for (std::int64_t j = 0; j < kParts; ++j) {
            add_bits(block + 16, static_cast<int>(j), 16, q.data() + j * kPart);
        }
        scale_q45_k(block, q.data(), to);
    });
}

/// A block has 128 bytes with the low 4 bits of all elements, 64 bytes with the high 2 bits, 16
/// signed scales s and binary16 d. Element i is (d·s[i div 16])·(its six bits − 32). The elements
/// are two halves of 128 with four quarters of 32 each. The low bits of a half are 64 bytes: the
/// low nibbles are quarters 0 and 1, the high nibbles quarters 2 and 3. The high bits of a half are
/// 32 bytes: byte l has the bits of element l of each quarter, quarter 0 in the lowest bits.
void expand_q6_k(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q6_k>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q6_k> low;
        Quants<WeightType::q6_k> high;
        unpack_nibbles(block, 2 * kPart, low.data());
        unpack_nibbles(block + 2 * kPart, 2 * kPart, low.data() + 4 * kPart);
        unpack_pairs(block + 128, high.data());
        for (std::size_t i = 0; i < low.size(); ++i) {
            low[i] = static_cast<std::int8_t>(low[i] + 16 * high[i] - 32);
        }
        const float d = half_at(block + 208);
        for (std::int64_t i = 0; i < kScales; ++i) {
            const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + i]));
            scale_quants(low.data() + i * kScaled, kScaled, scale, to + i * kScaled);
        }
    });
}

/// A block has binary16 d, 2 bytes with the high 2 bits and 4 bytes with the low 4 bits of eight
/// 6-bit scales s (the lowest bits belong to part 0), then 128 bytes of nibbles: 16 for each part
/// of 32 elements, low nibbles first. Element 32·j + l is d·(s[j] − 32)·kCodebook[nibble].
void expand_iq4_xs(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::iq4_xs>(blocks, count, out, [](const std::byte* block, float* to) {
        const float d = half_at(block);
        const int high = byte_at(block, 2) | byte_at(block, 3) << 8;
        for (std::int64_t j = 0; j < kParts; ++j, to += kPart) {
            std::int8_t q[kPart];
            unpack_nibbles(block + 8 + j * kPart / 2, kPart / 2, q);
            for (std::int8_t& quant : q) {
                quant = kCodebook[quant];
            }
            const int low = byte_at(block, 4 + j / 2) >> (j % 2 * 4) & 15;
            const int scale = (low | (high >> (2 * j) & 3) << 4) - 32;
            scale_quants(q, kPart, d * static_cast<float>(scale), to);
        }
    });
}

} // namespace headroom::kernels
