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
/// The layouts are those of ggml. f16 is IEEE binary16, and bf16 is the upper half of an F32. A
/// quantisation block (see WeightFormat) of q8_0 is a binary16 scale and 32 signed bytes. A
/// quantisation block of q4_0 is a binary16 scale and 16 bytes; the low nibbles minus 8 are
/// elements 0 to 15, and the high nibbles minus 8 are elements 16 to 31. An element times the scale
/// is the weight. Traces (the files that runs write) store the number of a type, so a new type must
/// be the last one.
enum class WeightType : std::uint8_t { f32, q8_0, f16, bf16, q4_0 };

/// How weights of one type are stored. A row of a matrix consists of quantisation blocks: weights
/// with a common scale. If a type is not quantised, such a block is one weight without a scale.
struct WeightFormat {
    WeightType type = WeightType::f32;
    std::string_view name;
    std::uint32_t ggml_code = 0; ///< number of the type in GGUF files
    std::int64_t elements = 1;   ///< number of weights in a quantisation block
    Bytes bytes = 0;             ///< stored bytes of a quantisation block
    /// Mask of the exponent bits in the first number of a quantisation block (the weight or the
    /// scale). All of these bits are 1 if that number is NaN or infinite.
    std::uint32_t exponent = 0;
};

/// One row per type, in the order in which messages list them.
inline constexpr std::array kWeightFormats{
    WeightFormat{WeightType::f32, "f32", 0, 1, 4, 0x7F80'0000},
    WeightFormat{WeightType::f16, "f16", 1, 1, 2, 0x7C00},
    WeightFormat{WeightType::bf16, "bf16", 30, 1, 2, 0x7F80},
    WeightFormat{WeightType::q8_0, "q8_0", 8, 32, 34, 0x7C00},
    WeightFormat{WeightType::q4_0, "q4_0", 2, 32, 18, 0x7C00},
};

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
