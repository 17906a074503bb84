#include "model/decoder/tensor_checks.hpp"

#include <map>
#include <span>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kernels/finite.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/ggml_types.hpp"
#include "model/gguf/gguf_cursor.hpp"
#include "model/gguf/problem_list.hpp"

namespace headroom::model {

namespace {

/// Drops trailing dimensions of 1: (D) and (D, 1) are the same shape.
std::vector<std::int64_t> trimmed(std::vector<std::int64_t> dimensions) {
    while (dimensions.size() > 1 && dimensions.back() == 1) {
        dimensions.pop_back();
    }
    return dimensions;
}

const char* explanation(std::string_view tensor) {
    if (tensor.ends_with(".bias")) {
        return " (a bias)";
    }
    if (tensor.find("_exps") != std::string_view::npos ||
        tensor.find("ffn_gate_inp") != std::string_view::npos) {
        return " (a mixture of experts)";
    }
    return "";
}

/// Reports tensors that are not expected: a model with more tensors is not one that this decoder
/// computes.
void check_unexpected_tensors(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
) {
    std::unordered_set<std::string_view> known;
    for (const ExpectedTensor& e : expected) {
        known.insert(e.name);
    }
    ProblemList others;
    for (const GgufTensor& tensor : file.tensors()) {
        if (!known.contains(tensor.name)) {
            others.add(in_quotes(tensor.name) + explanation(tensor.name));
        }
    }
    others.report(
        file,
        "tensors that this decoder does not compute with, so its results would be wrong",
        problems
    );
}

} // namespace

std::vector<TensorTypeUse> tensor_type_uses(const GgufFile& file) {
    std::map<std::uint32_t, TensorTypeUse> uses;
    for (const GgufTensor& tensor : file.tensors()) {
        TensorTypeUse& use = uses[tensor.ggml_type];
        if (use.tensors++ == 0) {
            use.name = ggml_type_name(tensor.ggml_type);
            use.computed = weight_type_of(tensor.ggml_type).has_value();
            use.first_tensor = tensor.name;
        }
        use.bytes += tensor.bytes;
    }
    std::vector<TensorTypeUse> result;
    for (auto& [code, use] : uses) {
        result.push_back(std::move(use));
    }
    return result;
}

void check_tensor_types(const GgufFile& file, std::vector<std::string>& problems) {
    ProblemList refused;
    for (const TensorTypeUse& use : tensor_type_uses(file)) {
        if (!use.computed) {
            refused.add(fmt::format(
                "{} ({} tensor{}, {}{})",
                use.name,
                use.tensors,
                use.tensors == 1 ? "" : "s",
                in_quotes(use.first_tensor),
                use.tensors == 1 ? "" : " first"
            ));
        }
    }
    refused.report(
        file,
        fmt::format("tensors of types that cannot be computed ({})", computed_types_advice()),
        problems
    );
}

void check_tensor_shapes(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
) {
    ProblemList missing;
    ProblemList wrong;
    ProblemList quantised_norms;
    for (const ExpectedTensor& e : expected) {
        const GgufTensor* const tensor = file.tensor(e.name);
        if (tensor == nullptr) {
            missing.add(e.name);
            continue;
        }
        const auto wanted = trimmed({e.columns, e.rows});
        if (trimmed(tensor->dimensions) != wanted) {
            wrong.add(fmt::format(
                "{} is {}, expected {}",
                e.name,
                fmt::join(tensor->dimensions, " x "),
                fmt::join(wanted, " x ")
            ));
        }
        if (e.vector && tensor->ggml_type != kGgmlF32) {
            quantised_norms.add(fmt::format("{} {}", e.name, ggml_type_name(tensor->ggml_type)));
        }
    }
    missing.report(file, "tensors are missing", problems);
    wrong.report(file, "tensors do not have the shapes that the metadata says", problems);
    quantised_norms.report(file, "norms must be F32, these are not", problems);
    check_unexpected_tensors(file, expected, problems);
}

void check_norms(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
) {
    ProblemList broken;
    std::vector<float> norm;
    for (const ExpectedTensor& e : expected) {
        if (!e.vector) {
            continue;
        }
        norm.resize(static_cast<std::size_t>(e.columns));
        file.read(*file.tensor(e.name), 0, std::as_writable_bytes(std::span(norm)));
        if (kernels::first_not_finite(norm)) {
            broken.add(e.name);
        }
    }
    broken.report(file, "norms with values that are not finite; the file is damaged", problems);
}

} // namespace headroom::model
