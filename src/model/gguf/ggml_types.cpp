#include "model/gguf/ggml_types.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

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
    if (type == nullptr || type->format == nullptr) {
        return std::nullopt;
    }
    return type->format->type;
}

std::string computed_types_advice() {
    std::vector<std::string> names;
    for (const WeightFormat& format : kWeightFormats) {
        names.push_back(ggml_type_name(format.ggml_code));
    }
    return fmt::format(
        "{} and {} can be computed; llama.cpp's `llama-quantize --allow-requantize IN.gguf "
        "OUT.gguf Q8_0` makes a file of such types",
        fmt::join(names.begin(), names.end() - 1, ", "),
        names.back()
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
