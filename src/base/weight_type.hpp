// The formats of stored weights that kernels read. The list kWeightFormats has their names, sizes
// and codes for the whole program.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/units.hpp"

namespace headroom {

/// A type of stored weights. Kernels read every type directly, without converting a matrix first.
/// The layouts are those of ggml. f16 is IEEE binary16, and bf16 is the upper half of an F32. The
/// others are quantised. kernels/quants.hpp describes the quantisation blocks (see WeightFormat) of
/// q8_0 and q4_0, the files of kernels/expand those of the rest. Traces (the files that runs write)
/// store the number of a type, so a new type must be the last one.
enum class WeightType : std::uint8_t {
    f32,
    q8_0,
    f16,
    bf16,
    q4_0,
    q4_1,
    q5_0,
    q5_1,
    q2_k,
    q3_k,
    q4_k,
    q5_k,
    q6_k,
    iq4_nl,
    iq4_xs,
    mxfp4,
};

/// How weights of one type are stored. A row of a matrix consists of quantisation blocks: weights
/// with common scales. If a type is not quantised, such a block is one weight without a scale.
struct WeightFormat {
    WeightType type = WeightType::f32;
    std::string_view name;
    std::uint32_t ggml_code = 0; ///< number of the type in GGUF files
    std::int64_t elements = 1;   ///< number of weights in a quantisation block
    Bytes bytes = 0;             ///< stored bytes of a quantisation block
    /// A quantisation block has one or two floating-point numbers: the weight, or scales. This is
    /// the smallest value of their bits below the sign with which they are not finite. (For mxfp4
    /// it is the smallest scale with which a weight can be infinite.)
    std::uint32_t not_finite = 0;
    /// Byte offsets of these numbers in a quantisation block; equal if there is only one.
    std::array<std::uint8_t, 2> numbers{};
};

/// One row per type, in the order in which messages list them.
inline constexpr std::array kWeightFormats{
    WeightFormat{WeightType::f32, "f32", 0, 1, 4, 0x7F80'0000},
    WeightFormat{WeightType::f16, "f16", 1, 1, 2, 0x7C00},
    WeightFormat{WeightType::bf16, "bf16", 30, 1, 2, 0x7F80},
    WeightFormat{WeightType::q8_0, "q8_0", 8, 32, 34, 0x7C00},
    WeightFormat{WeightType::q4_0, "q4_0", 2, 32, 18, 0x7C00},
    WeightFormat{WeightType::q4_1, "q4_1", 3, 32, 20, 0x7C00, {0, 2}},
    WeightFormat{WeightType::q5_0, "q5_0", 6, 32, 22, 0x7C00},
    WeightFormat{WeightType::q5_1, "q5_1", 7, 32, 24, 0x7C00, {0, 2}},
    WeightFormat{WeightType::q2_k, "q2_k", 10, 256, 84, 0x7C00, {80, 82}},
    WeightFormat{WeightType::q3_k, "q3_k", 11, 256, 110, 0x7C00, {108, 108}},
    WeightFormat{WeightType::q4_k, "q4_k", 12, 256, 144, 0x7C00, {0, 2}},
    WeightFormat{WeightType::q5_k, "q5_k", 13, 256, 176, 0x7C00, {0, 2}},
    WeightFormat{WeightType::q6_k, "q6_k", 14, 256, 210, 0x7C00, {208, 208}},
    WeightFormat{WeightType::iq4_nl, "iq4_nl", 20, 32, 18, 0x7C00},
    WeightFormat{WeightType::iq4_xs, "iq4_xs", 23, 256, 136, 0x7C00},
    WeightFormat{WeightType::mxfp4, "mxfp4", 39, 32, 17, 253},
};

/// The types in which a KV cache can be stored.
inline constexpr std::array kCacheTypes{
    WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::q8_0};

template <WeightType kType>
inline constexpr bool kIsCacheType = [] {
    for (const WeightType type : kCacheTypes) {
        if (type == kType) {
            return true;
        }
    }
    return false;
}();

/// The most elements of a quantisation block of any type. Every other number of elements divides
/// it.
inline constexpr std::int64_t kMaxBlockElements = 256;

/// All types, indexed by their numbers.
inline constexpr auto kWeightTypes = [] {
    std::array<WeightType, kWeightFormats.size()> types{};
    for (std::size_t i = 0; i < types.size(); ++i) {
        types[i] = static_cast<WeightType>(i);
    }
    return types;
}();

/// Calls visit(std::integral_constant<WeightType, type>()). Callers must pass a lambda. Each lambda
/// has a type of its own, so no two callers share an instance of this template. If files that are
/// compiled for different instruction sets shared an instance, it could have instructions that the
/// CPU lacks.
template <std::size_t kIndex = 0, class Visit>
void visit_weight_type(WeightType type, const Visit& visit) {
    if constexpr (kIndex < kWeightFormats.size()) {
        constexpr WeightType kType = kWeightFormats[kIndex].type;
        if (type == kType) {
            visit(std::integral_constant<WeightType, kType>{});
        } else {
            visit_weight_type<kIndex + 1>(type, visit);
        }
    }
}

/// The format of a type that is known when the program is compiled.
template <WeightType kType>
inline constexpr WeightFormat kFormatOf = [] {
    for (const WeightFormat& format : kWeightFormats) {
        if (format.type == kType) {
            return format;
        }
    }
    throw "kWeightFormats has no row for this type"; // does not compile
}();

[[nodiscard]] const WeightFormat& format_of(WeightType type);
/// Returns the stored bytes of a row of `columns` weights. Precondition: `columns` is positive and
/// a multiple of WeightFormat::elements.
[[nodiscard]] Bytes row_bytes(WeightType type, std::int64_t columns);

[[nodiscard]] std::string_view name_of(WeightType type);

} // namespace headroom
