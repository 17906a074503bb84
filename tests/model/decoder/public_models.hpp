// Public trained models and recordings of their ids and logits, in a folder beside the source tree.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace headroom::model::test {

inline std::filesystem::path public_model(const std::string& name) {
    return std::filesystem::path(HEADROOM_SOURCE_DIR) / ".." / "shared" / "models" / name;
}

inline nlohmann::json public_record(const std::string& name) {
    std::ifstream file(public_model(name));
    return nlohmann::json::parse(file);
}

/// The models of folder arch that can be computed: all but those with experts.
inline const std::vector<std::string> kPublicArchitectures{
    "gemma2",
    "gemma3",
    "gemma3-linear",
    "llama-headdim",
    "llama-linear",
    "llama-spm",
    "llama-spm-mha",
    "llama-yarn",
    "llama3-freqs",
    "mistral3",
    "olmo2",
    "olmo2-gqa",
    "olmo3-swa-yarn",
    "phi3",
    "phi3-gqa-partial",
    "phi3-longrope-long",
    "phi3-longrope-short",
    "qwen2",
    "qwen2-yarn",
    "qwen3",
    "smollm2",
    "smollm3"};

/// Returns a name for a test: that of a model with underscores.
inline std::string with_underscores(std::string name) {
    std::ranges::replace(name, '-', '_');
    return name;
}

/// Returns the largest error of the recorded logits, which begin with id 0; infinite if one is NaN.
inline double error_of(std::span<const float> logits, const std::vector<double>& recorded) {
    double error = 0;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        const double difference = std::abs(logits[i] - recorded[i]);
        error = std::isnan(difference) ? HUGE_VAL : std::max(error, difference);
    }
    return error;
}

/// Skips a test if the models are absent; the first line of a test that needs them.
#define HEADROOM_NEEDS_PUBLIC_MODELS()                                                             \
    if (!std::filesystem::exists(::headroom::model::test::public_model("greedy.json"))) {          \
        GTEST_SKIP() << "no public models in "                                                     \
                     << ::headroom::model::test::public_model("").string();                        \
    }                                                                                              \
    static_assert(true)

} // namespace headroom::model::test
