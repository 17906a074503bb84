// The list of ggml's types, and how to expand those for which there are no kernels. The expanded
// values have the same bits as those of ggml's own expansion. Source: ggml.h, the block_* types of
// ggml-common.h and the dequantize_row functions of ggml-quants.c in the ggml project.
#include <algorithm>

#include "kernels/half.hpp"
#include "model/gguf/ggml_types.hpp"

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
    for (std::size_t j = 0; j < kLargestBlock / kSubBlock; ++j) {
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

/// A super-block has binary16 d and dmin, then 12 bytes with eight 6-bit scales s and eight 6-bit
/// minima m, then 128 bytes of nibbles. Weight 32·j + l is (d·s[j])·nibble − dmin·m[j]. Byte 32·i +
/// l has the nibbles of j = 2i (low) and j = 2i + 1 (high).
void expand_q4_k(const std::byte* block, float* out) {
    expand_q45_k_block(block, nullptr, block + 16, out);
}

/// The format is that of Q4_K with 32 more bytes before the nibbles: bit j of byte l is the fifth
/// bit of weight 32·j + l.
void expand_q5_k(const std::byte* block, float* out) {
    expand_q45_k_block(block, block + 16, block + 48, out);
}

/// A super-block has 128 bytes with the low 4 bits of all weights, 64 bytes with the high 2 bits,
/// 16 signed scales s and binary16 d. Weight i is (d·s[i div 16])·(its six bits − 32). The weights
/// are two halves of 128 with four quarters of 32 each. The low bits of a half are 64 bytes: the
/// low nibbles are quarters 0 and 1, the high nibbles quarters 2 and 3. The high bits of a half are
/// 32 bytes: byte l has the bits of weight l of each quarter, quarter 0 in the lowest bits.
void expand_q6_k(const std::byte* block, float* out) {
    const float d = kernels::half_at(block + 208);
    for (std::size_t i = 0; i < kLargestBlock; ++i) {
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

/// The types that are expanded: code, name, weights and bytes of a block, the expansion, and the
/// places of the scales.
constexpr std::array kExpandedTypes{
    GgmlType{12, "q4_k", 256, 144, expand_q4_k, {0, 2}},
    GgmlType{13, "q5_k", 256, 176, expand_q5_k, {0, 2}},
    GgmlType{14, "q6_k", 256, 210, expand_q6_k, {208, 208}},
};

/// The types with which the decoder cannot compute.
constexpr std::array kOtherTypes{
    GgmlType{3, "q4_1", 32, 20},      GgmlType{6, "q5_0", 32, 22},
    GgmlType{7, "q5_1", 32, 24},      GgmlType{9, "q8_1", 32, 36},
    GgmlType{10, "q2_k", 256, 84},    GgmlType{11, "q3_k", 256, 110},
    GgmlType{15, "q8_k", 256, 292},   GgmlType{16, "iq2_xxs", 256, 66},
    GgmlType{17, "iq2_xs", 256, 74},  GgmlType{18, "iq3_xxs", 256, 98},
    GgmlType{19, "iq1_s", 256, 50},   GgmlType{20, "iq4_nl", 32, 18},
    GgmlType{21, "iq3_s", 256, 110},  GgmlType{22, "iq2_s", 256, 82},
    GgmlType{23, "iq4_xs", 256, 136}, GgmlType{24, "i8", 1, 1},
    GgmlType{25, "i16", 1, 2},        GgmlType{26, "i32", 1, 4},
    GgmlType{27, "i64", 1, 8},        GgmlType{28, "f64", 1, 8},
    GgmlType{29, "iq1_m", 256, 56},   GgmlType{34, "tq1_0", 256, 54},
    GgmlType{35, "tq2_0", 256, 66},   GgmlType{39, "mxfp4", 32, 17},
};

/// All types; those of kWeightFormats come first.
constexpr auto kTypes = [] {
    std::array<GgmlType, kWeightFormats.size() + kExpandedTypes.size() + kOtherTypes.size()>
        types{};
    for (std::size_t i = 0; i < kWeightFormats.size(); ++i) {
        const WeightFormat& format = kWeightFormats[i];
        types[i].code = format.ggml_code;
        types[i].name = format.name;
        types[i].block_elements = static_cast<std::uint64_t>(format.elements);
        types[i].block_bytes = static_cast<std::uint64_t>(format.bytes);
        types[i].format = &format;
    }
    auto* const rest = std::copy(
        kExpandedTypes.begin(), kExpandedTypes.end(), types.begin() + kWeightFormats.size()
    );
    std::copy(kOtherTypes.begin(), kOtherTypes.end(), rest);
    return types;
}();

} // namespace

std::span<const GgmlType> ggml_types() {
    return kTypes;
}

} // namespace headroom::model
