// Puts the hyperparameters together: from the metadata (llama_metadata.hpp) and from the tensors.
#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/decoder/llama_metadata.hpp"
#include "model/decoder/tensor_checks.hpp"
#include "model/decoder/tensor_names.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/ggml_types.hpp"

namespace headroom::model {

namespace {

/// Returns V, the rows of the embedding. Reports metadata that states another size.
std::int64_t read_vocabulary(const GgufFile& file, std::vector<std::string>& problems) {
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
    constexpr std::string_view kSize = "llama.vocab_size";
    if (const auto* const size = std::get_if<std::uint64_t>(file.find(kSize))) {
        agree(kSize, *size);
    }
    return rows;
}

/// Precondition: the file has no problems.
void fill_types(const GgufFile& file, Hyperparameters& model) {
    const auto type = [&](const BlockName& block, TensorRole role) {
        const std::string name = source_of(model, block, role).tensor;
        return *weight_type_of(file.tensor(name)->ggml_type);
    };
    model.embed_type = type({BlockKind::embed}, TensorRole::embedding);
    model.lm_head_type = type({BlockKind::lm_head}, TensorRole::head);
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        const BlockName group{BlockKind::group, layer, 0};
        const BlockName proj{BlockKind::proj, layer};
        const BlockName ffn{BlockKind::ffn, layer};
        model.layer_types.push_back({
            type(group, TensorRole::q),
            type(group, TensorRole::k),
            type(group, TensorRole::v),
            type(proj, TensorRole::o),
            type(ffn, TensorRole::gate),
            type(ffn, TensorRole::up),
            type(ffn, TensorRole::down),
        });
    }
}

} // namespace

ModelReport report_on(const GgufFile& file) {
    ModelReport report;
    std::vector<std::string>& problems = report.problems;
    Hyperparameters& model = report.model;
    try {
        model = read_llama_metadata(file, problems);
    } catch (const InputError& error) { // not a llama model: its tensors are not checked
        problems = error.problems();
        return report;
    }
    const bool metadata_is_sound = problems.empty();
    check_tensor_types(file, problems);
    model.vocabulary = read_vocabulary(file, problems);
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

Hyperparameters read_hyperparameters(const GgufFile& file) {
    ModelReport report = report_on(file);
    if (!report.problems.empty()) {
        throw InputError(std::move(report.problems));
    }
    return std::move(report.model);
}

} // namespace headroom::model
