#include "model/gguf/ggml_types.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

const GgmlType* find_ggml_type(std::uint32_t code) {
    for (const GgmlType& type : ggml_types()) {
        if (type.code == code) {
            return &type;
        }
    }
    return nullptr;
}

std::optional<WeightType> weight_type_of(std::uint32_t code) {
    const GgmlType* const type = find_ggml_type(code);
    if (type == nullptr || (type->format == nullptr && type->expand == nullptr)) {
        return std::nullopt;
    }
    return type->expand != nullptr ? WeightType::f32 : type->format->type;
}

void expand_part(
    const GgmlType& type,
    std::span<const std::byte> row,
    std::int64_t first,
    std::span<std::byte> out
) {
    HEADROOM_CHECK(type.expand != nullptr, "{}", type.name);
    const std::size_t elements = type.block_elements;
    auto at = static_cast<std::size_t>(first);
    while (!out.empty()) {
        const std::byte* const block = row.data() + at / elements * type.block_bytes;
        if (at % elements == 0 && out.size() >= elements * sizeof(float)) {
            type.expand(block, reinterpret_cast<float*>(out.data()));
            out = out.subspan(elements * sizeof(float));
            at += elements;
            continue;
        }
        std::array<float, kLargestBlock> values{};
        type.expand(block, values.data());
        const auto wanted = std::as_bytes(std::span(values).first(elements).subspan(at % elements));
        const std::size_t bytes = std::min(wanted.size(), out.size());
        std::memcpy(out.data(), wanted.data(), bytes);
        out = out.subspan(bytes);
        at += bytes / sizeof(float);
    }
}

std::string computed_types_advice() {
    std::vector<std::string> computed;
    std::vector<std::string> expanded;
    for (const GgmlType& type : ggml_types()) {
        if (weight_type_of(type.code)) {
            (type.expand != nullptr ? expanded : computed).push_back(ggml_type_name(type.code));
        }
    }
    const auto listed = [](const std::vector<std::string>& names) {
        return fmt::format(
            "{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back()
        );
    };
    return fmt::format(
        "{} can be computed, {} are expanded to F32 on loading; llama.cpp's `llama-quantize "
        "--allow-requantize IN.gguf OUT.gguf Q8_0` makes a file of these types",
        listed(computed),
        listed(expanded)
    );
}

std::string ggml_type_name(std::uint32_t code) {
    const GgmlType* const type = find_ggml_type(code);
    if (type == nullptr) {
        return fmt::format("type {}", code);
    }
    std::string name(type->name);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return static_cast<char>(std::toupper(c));
    });
    return name;
}

} // namespace headroom::model
