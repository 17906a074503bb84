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
