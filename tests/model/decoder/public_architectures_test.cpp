// The oracle on models of every architecture, compared with recordings of an independent program in
// double precision. Each feature that a model has is left out on purpose, which must be noticed.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/architectures/architecture.hpp"
#include "model/decoder/oracle.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/decoder/public_models.hpp"

namespace headroom::model {
namespace {
namespace public_architectures {

using test::public_model;
using test::public_record;
using Ids = std::vector<std::int32_t>;

/// A model file in folder `arch`, and the recording of it.
struct Recording {
    explicit Recording(const std::string& name)
        : file(public_model("arch/" + name + ".gguf")),
          record(public_record("arch/" + name + ".json")), prompt(record["prompt"].get<Ids>()) {}

    GgufFile file;
    nlohmann::json record;
    Ids prompt;
};

/// Returns the largest error of the logits after the prompt.
double error_of(std::span<const float> logits, const Recording& recording) {
    const auto exact = recording.record["logits_last_numpy"].get<std::vector<double>>();
    EXPECT_EQ(exact.size(), logits.size());
    return test::error_of(logits, exact);
}

double error_with(const Recording& recording, const Hyperparameters& model) {
    Oracle oracle(recording.file, model, kernels::kernels_for(kernels::best_level()));
    return error_of(oracle.append(recording.prompt), recording);
}

Ids greedy_ids(Oracle& oracle, const Ids& prompt, std::size_t count) {
    oracle.reset();
    Ids ids;
    auto logits = oracle.append(prompt);
    while (true) {
        ids.push_back(static_cast<std::int32_t>(kernels::argmax(logits)));
        if (ids.size() == count) {
            return ids;
        }
        logits = oracle.append({&ids.back(), 1});
    }
}

class PublicArchitecture : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(
    Models,
    PublicArchitecture,
    testing::ValuesIn(test::kPublicArchitectures),
    [](const testing::TestParamInfo<std::string>& of) { return test::with_underscores(of.param); }
);

TEST_P(PublicArchitecture, gives_the_recorded_logits_and_ids_in_both_granularities) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const Recording recording(GetParam());
    const auto recorded = recording.record["greedy_numpy"].get<Ids>();
    for (const kernels::Level level :
         {kernels::Level::reference,
          kernels::Level::openblas,
          kernels::Level::avx2,
          kernels::Level::avx512}) {
        for (const Slicing slicing : {Slicing{}, Slicing{1}, Slicing{4}, Slicing{32}}) {
            if (!kernels::available(level)) {
                continue;
            }
            Oracle oracle(recording.file, kernels::kernels_for(level), slicing);
            EXPECT_LT(error_of(oracle.append(recording.prompt), recording), 1e-4)
                << kernels::name_of(level) << " slices " << slicing.slices;
            EXPECT_EQ(greedy_ids(oracle, recording.prompt, recorded.size()), recorded)
                << kernels::name_of(level) << " slices " << slicing.slices;
        }
    }
}

using Change = std::function<void(Hyperparameters&)>;

/// Returns the names of the features of a model, from the list of how far each moves the logits.
std::vector<std::string> listed_features(const std::string& model) {
    std::ifstream file(public_model("arch/sensitivity.txt"));
    std::vector<std::string> names;
    for (std::string line; std::getline(file, line);) {
        std::istringstream text(line);
        std::string name;
        text >> name;
        while (name == model && text >> std::ws && std::getline(text, line, ';')) {
            names.push_back(line.substr(0, line.rfind(' ')));
        }
    }
    return names;
}

/// Norms before attention and ffn instead of after them, with the same weights.
void move_norms(Hyperparameters& model) {
    static std::vector<LayerTensor> tensors;
    static Architecture changed;
    changed = *model.architecture;
    tensors.assign(changed.layer_tensors.begin(), changed.layer_tensors.end());
    for (LayerTensor& tensor : tensors) {
        if (tensor.role == TensorRole::post_attention_norm) {
            tensor.role = TensorRole::next_norm;
        } else if (tensor.role == TensorRole::post_ffn_norm) {
            tensor.role = TensorRole::ffn_norm;
        }
    }
    changed.layer_tensors = tensors;
    model.architecture = &changed;
}

/// Makes a decoder without a feature, or with it done wrongly, by its name in the list.
const std::map<std::string, Change> kChanges{
    {"rope order",
     [](Hyperparameters& model) {
         const bool halves = model.features.rope_pairs == RopePairs::halves;
         model.features.rope_pairs = halves ? RopePairs::neighbours : RopePairs::halves;
     }},
    {"rope base",
     [](Hyperparameters& model) {
         Rope& rope = model.features.rope;
         rope.base = rope.base == 10000 ? 500000 : 10000;
     }},
    {"rope scaling",
     [](Hyperparameters& model) { model.features.rope.scaling = RopeScaling::none; }},
    {"yarn as linear",
     [](Hyperparameters& model) { model.features.rope.scaling = RopeScaling::linear; }},
    {"yarn magnitude",
     [](Hyperparameters& model) {
         Rope& rope = model.features.rope;
         rope.log_multiplier = rope.log_multiplier == 0 ? 1 : 0;
     }},
    {"rope_freqs", [](Hyperparameters& model) { model.features.rope.divisors.clear(); }},
    {"longrope factors",
     [](Hyperparameters& model) {
         model.features.rope.divisors.clear();
         model.features.rope.long_divisors.clear();
     }},
    {"attn_factor", [](Hyperparameters& model) { model.features.rope.magnitude = 1; }},
    {"partial rotation", [](Hyperparameters& model) { model.features.rotated = 0; }},
    {"qkv bias", [](Hyperparameters& model) { model.qkv_bias = false; }},
    {"qk norm", [](Hyperparameters& model) { model.qk_norm = QkNorm::none; }},
    {"post norm",
     [](Hyperparameters& model) {
         if (model.norm_place == NormPlace::after) {
             move_norms(model);
         }
         model.norm_place = NormPlace::before;
     }},
    {"window", [](Hyperparameters& model) { model.window = 0; }},
    {"window off by one", [](Hyperparameters& model) { ++model.window; }},
    {"window period", [](Hyperparameters& model) { ++model.window_period; }},
    {"swa base",
     [](Hyperparameters& model) { model.features.window_rope.base = model.features.rope.base; }},
    {"attn softcap", [](Hyperparameters& model) { model.features.attention_softcap = 0; }},
    {"final softcap", [](Hyperparameters& model) { model.features.final_softcap = 0; }},
    {"embed scale", [](Hyperparameters& model) { model.features.embedding_scale = 1; }},
    {"gelu as silu", [](Hyperparameters& model) { model.features.activation = Activation::silu; }},
    {"nope", [](Hyperparameters& model) { model.features.no_rope_period = 0; }},
    {"attention temperature", [](Hyperparameters& model) { model.features.temperature_scale = 0; }},
};

TEST_P(PublicArchitecture, gives_other_logits_if_a_feature_is_left_out) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const Recording recording(GetParam());
    const Hyperparameters sound = read_hyperparameters(recording.file);
    ASSERT_LT(error_with(recording, sound), 1e-4);
    const auto features = listed_features(GetParam());
    EXPECT_THAT(features, testing::Not(testing::IsEmpty()));
    for (const std::string& feature : features) {
        Hyperparameters without = sound;
        ASSERT_TRUE(kChanges.contains(feature)) << feature;
        kChanges.at(feature)(without);
        EXPECT_GT(error_with(recording, without), 1e-3) << feature;
    }
}

TEST_P(PublicArchitecture, gives_the_same_bits_for_any_chunks_of_the_prompt) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const Recording recording(GetParam());
    const auto& kernels = kernels::kernels_for(kernels::best_level());
    for (const Slicing slicing : {Slicing{}, Slicing{4}}) {
        Oracle oracle(recording.file, kernels, slicing);
        const auto at_once = oracle.append(recording.prompt);
        const std::vector<float> expected(at_once.begin(), at_once.end());
        oracle.reset();
        for (std::size_t at = 0; at < recording.prompt.size(); at += 5) {
            const std::size_t n = std::min<std::size_t>(5, recording.prompt.size() - at);
            const auto last = oracle.append(std::span(recording.prompt).subspan(at, n));
            if (at + n == recording.prompt.size()) {
                EXPECT_EQ(std::vector<float>(last.begin(), last.end()), expected);
            }
        }
    }
}

TEST(PublicMixturesOfExperts, are_refused_by_name) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    for (const char* const name : {"mixtral", "qwen3moe", "olmoe"}) {
        const GgufFile file(public_model(std::string("arch/") + name + ".gguf"));
        EXPECT_THAT(
            report_on(file).problems, testing::Contains(testing::HasSubstr("a mixture of experts"))
        ) << name;
    }
}

} // namespace public_architectures
} // namespace
} // namespace headroom::model
