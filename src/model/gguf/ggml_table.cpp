// The list of ggml's types. Source: ggml.h and the block_* types of ggml-common.h in the ggml
// project.
#include <algorithm>

#include "model/gguf/ggml_types.hpp"

namespace headroom::model {

namespace {

/// The types with which the decoder cannot compute.
constexpr std::array kOtherTypes{
    GgmlType{9, "q8_1", 32, 36},
    GgmlType{15, "q8_k", 256, 292},
    GgmlType{16, "iq2_xxs", 256, 66},
    GgmlType{17, "iq2_xs", 256, 74},
    GgmlType{18, "iq3_xxs", 256, 98},
    GgmlType{19, "iq1_s", 256, 50},
    GgmlType{21, "iq3_s", 256, 110},
    GgmlType{22, "iq2_s", 256, 82},
    GgmlType{24, "i8", 1, 1},
    GgmlType{25, "i16", 1, 2},
    GgmlType{26, "i32", 1, 4},
    GgmlType{27, "i64", 1, 8},
    GgmlType{28, "f64", 1, 8},
    GgmlType{29, "iq1_m", 256, 56},
    GgmlType{34, "tq1_0", 256, 54},
    GgmlType{35, "tq2_0", 256, 66},
};

/// All types; those of kWeightFormats come first.
constexpr auto kTypes = [] {
    std::array<GgmlType, kWeightFormats.size() + kOtherTypes.size()> types{};
    for (std::size_t i = 0; i < kWeightFormats.size(); ++i) {
        const WeightFormat& format = kWeightFormats[i];
        types[i].code = format.ggml_code;
        types[i].name = format.name;
        types[i].block_elements = static_cast<std::uint64_t>(format.elements);
        types[i].block_bytes = static_cast<std::uint64_t>(format.bytes);
        types[i].format = &format;
    }
    std::copy(kOtherTypes.begin(), kOtherTypes.end(), types.begin() + kWeightFormats.size());
    return types;
}();

} // namespace

std::span<const GgmlType> ggml_types() {
    return kTypes;
}

} // namespace headroom::model
