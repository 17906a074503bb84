#include "model/gguf/ggml_types.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "base/check.hpp"
#include "model/gguf/gguf.hpp"
#include "model/gguf/k_quants.hpp"

namespace headroom::model {

namespace {

// Codes of the other types with which the decoder can compute.
constexpr std::uint32_t kF16 = 1;
constexpr std::uint32_t kQ4 = 2;
constexpr std::uint32_t kQ8 = 8;
constexpr std::uint32_t kQ4K = 12;
constexpr std::uint32_t kQ5K = 13;
constexpr std::uint32_t kQ6K = 14;
constexpr std::uint32_t kBf16 = 30;

constexpr std::array kTypes{
    GgmlType{0, "F32", 1, 4},         GgmlType{1, "F16", 1, 2},
    GgmlType{2, "Q4_0", 32, 18},      GgmlType{3, "Q4_1", 32, 20},
    GgmlType{6, "Q5_0", 32, 22},      GgmlType{7, "Q5_1", 32, 24},
    GgmlType{8, "Q8_0", 32, 34},      GgmlType{9, "Q8_1", 32, 36},
    GgmlType{10, "Q2_K", 256, 84},    GgmlType{11, "Q3_K", 256, 110},
    GgmlType{12, "Q4_K", 256, 144},   GgmlType{13, "Q5_K", 256, 176},
    GgmlType{14, "Q6_K", 256, 210},   GgmlType{15, "Q8_K", 256, 292},
    GgmlType{16, "IQ2_XXS", 256, 66}, GgmlType{17, "IQ2_XS", 256, 74},
    GgmlType{18, "IQ3_XXS", 256, 98}, GgmlType{19, "IQ1_S", 256, 50},
    GgmlType{20, "IQ4_NL", 32, 18},   GgmlType{21, "IQ3_S", 256, 110},
    GgmlType{22, "IQ2_S", 256, 82},   GgmlType{23, "IQ4_XS", 256, 136},
    GgmlType{24, "I8", 1, 1},         GgmlType{25, "I16", 1, 2},
    GgmlType{26, "I32", 1, 4},        GgmlType{27, "I64", 1, 8},
    GgmlType{28, "F64", 1, 8},        GgmlType{29, "IQ1_M", 256, 56},
    GgmlType{30, "BF16", 1, 2},       GgmlType{34, "TQ1_0", 256, 54},
    GgmlType{35, "TQ2_0", 256, 66},   GgmlType{39, "MXFP4", 32, 17},
};

} // namespace

const GgmlType* find_ggml_type(std::uint32_t code) {
    for (const GgmlType& type : kTypes) {
        if (type.code == code) {
            return &type;
        }
    }
    return nullptr;
}

std::optional<WeightType> weight_type_of(std::uint32_t code) {
    switch (code) {
    case kGgmlF32:
    case kQ4K:
    case kQ5K:
    case kQ6K:
        return WeightType::f32;
    case kF16:
        return WeightType::f16;
    case kQ4:
        return WeightType::q4_0;
    case kQ8:
        return WeightType::q8_0;
    case kBf16:
        return WeightType::bf16;
    default:
        return std::nullopt;
    }
}

namespace {

/// How to expand one type to F32.
struct Expansion {
    std::uint32_t code;
    std::size_t block_bytes;
    void (*expand)(std::span<const std::byte>, float*);
};

constexpr std::array kExpansions{
    Expansion{kQ4K, kQ4KBytes, expand_q4_k},
    Expansion{kQ5K, kQ5KBytes, expand_q5_k},
    Expansion{kQ6K, kQ6KBytes, expand_q6_k},
};

const Expansion* find_expansion(std::uint32_t code) {
    for (const Expansion& type : kExpansions) {
        if (type.code == code) {
            return &type;
        }
    }
    return nullptr;
}

} // namespace

bool is_expanded(std::uint32_t code) {
    HEADROOM_CHECK(weight_type_of(code), "{}", ggml_type_name(code));
    return find_expansion(code) != nullptr;
}

void expand_part(
    std::uint32_t code, std::span<const std::byte> row, std::int64_t first, std::span<std::byte> out
) {
    const Expansion* const type = find_expansion(code);
    HEADROOM_CHECK(type != nullptr, "{}", ggml_type_name(code));
    constexpr std::size_t kBytes = kSuperBlock * sizeof(float);
    auto at = static_cast<std::size_t>(first);
    while (!out.empty()) {
        const auto block = row.subspan(at / kSuperBlock * type->block_bytes, type->block_bytes);
        if (at % kSuperBlock == 0 && out.size() >= kBytes) {
            type->expand(block, reinterpret_cast<float*>(out.data()));
            out = out.subspan(kBytes);
            at += kSuperBlock;
            continue;
        }
        std::array<float, kSuperBlock> values{};
        type->expand(block, values.data());
        const auto wanted = std::as_bytes(std::span(values).subspan(at % kSuperBlock));
        const std::size_t bytes = std::min(wanted.size(), out.size());
        std::memcpy(out.data(), wanted.data(), bytes);
        out = out.subspan(bytes);
        at += bytes / sizeof(float);
    }
}

std::string_view computed_types_advice() {
    return "F32, F16, BF16, Q8_0 and Q4_0 can be computed, Q4_K, Q5_K and Q6_K are expanded to F32 "
           "on "
           "loading; llama.cpp's `llama-quantize --allow-requantize IN.gguf OUT.gguf Q8_0` makes "
           "a file of these types";
}

std::string ggml_type_name(std::uint32_t code) {
    const GgmlType* const type = find_ggml_type(code);
    return type != nullptr ? std::string(type->name) : fmt::format("type {}", code);
}

} // namespace headroom::model
