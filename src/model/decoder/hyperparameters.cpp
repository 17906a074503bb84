// Puts the hyperparameters together: from the metadata (metadata.hpp) and from the tensors.
#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/decoder/file_tensors.hpp"
#include "model/decoder/tensor_checks.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/ggml_types.hpp"
#include "model/metadata/metadata.hpp"

namespace headroom::model {

namespace {

/// Returns V, the rows of the embedding. Reports metadata that states another size.
std::int64_t read_vocabulary(
    const GgufFile& file, const Architecture& architecture, std::vector<std::string>& problems
) {
    const GgufTensor* const embedding = file.tensor("token_embd.weight");
    if (embedding == nullptr || embedding->dimensions.size() < 2) {
        return 1; // check_tensor_shapes reports it
    }
    const std::int64_t rows = embedding->dimensions[1];
    const std::string name = file.path().string();
    if (rows > std::numeric_limits<std::int32_t>::max()) {
        problems.push_back(fmt::format("{}: a vocabulary of {} is too large", name, rows));
    }
    const auto agree = [&](std::string_view key, std::uint64_t size) {
        if (size != static_cast<std::uint64_t>(rows)) {
            problems.push_back(fmt::format(
                "{}: {} says {} tokens, but token_embd.weight has {} rows", name, key, size, rows
            ));
        }
    };
    constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
    if (const auto* const array = std::get_if<GgufArray>(file.find(kTokens))) {
        agree(kTokens, array->count);
    }
    const std::string size_key = fmt::format("{}.vocab_size", architecture.name);
    if (const auto* const size = std::get_if<std::uint64_t>(file.find(size_key))) {
        agree(size_key, *size);
    }
    return rows;
}

/// Precondition: the file has no problems.
void fill_types(const GgufFile& file, Hyperparameters& model) {
    const auto type = [&](const std::string& tensor) {
        return *weight_type_of(file.tensor(tensor)->ggml_type);
    };
    model.embed_type = type("token_embd.weight");
    model.lm_head_type = model.tied ? model.embed_type : type("output.weight");
    model.layer_types.resize(static_cast<std::size_t>(model.layers));
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        for (const LayerTensor& tensor : model.architecture->layer_tensors) {
            if (tensor.type != nullptr) {
                model.layer_types[static_cast<std::size_t>(layer)].*tensor.type =
                    type(in_layer(layer, tensor.name));
            }
        }
    }
}

} // namespace

ModelReport report_on(const GgufFile& file) {
    ModelReport report;
    std::vector<std::string>& problems = report.problems;
    Hyperparameters& model = report.model;
    try {
        model = read_metadata(file, problems);
    } catch (const InputError& error) { // its architecture is unknown: tensors are not checked
        problems = error.problems();
        return report;
    }
    const bool metadata_is_sound = problems.empty();
    check_tensor_types(file, problems);
    model.vocabulary = read_vocabulary(file, *model.architecture, problems);
    model.tied = file.tensor("output.weight") == nullptr;
    // The expected shapes follow from the metadata.
    if (metadata_is_sound) {
        const std::vector<ExpectedTensor> expected = expected_tensors(model);
        check_tensor_shapes(file, expected, problems);
        if (problems.empty()) {
            check_norms(file, expected, problems);
        }
    }
    if (problems.empty()) {
        fill_types(file, model);
    }
    return report;
}

Hyperparameters with_cache_type(Hyperparameters model, WeightType kv_type) {
    model.kv_type = kv_type;
    if (const std::string problem = model.cache_problem(); !problem.empty()) {
        throw InputError(fmt::format("model {}: {}", model.name, problem));
    }
    return model;
}

Hyperparameters read_hyperparameters(const GgufFile& file) {
    ModelReport report = report_on(file);
    if (!report.problems.empty()) {
        throw InputError(std::move(report.problems));
    }
    return std::move(report.model);
}

} // namespace headroom::model
