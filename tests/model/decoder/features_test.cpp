// The oracle computes every feature of every architecture as the naive decoder does, on random
// models that have more of them at once than public models.
#include <algorithm>
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/decoder/oracle.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/naive_decoder.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {
namespace features {

using test::GgufWriter;
using test::raw;
using test::TemporaryFile;
using test::TinyShape;

struct Case {
    const char* name;
    TinyShape shape;
    std::function<void(GgufWriter&)> add_keys = [](GgufWriter&) {};
};

void add_divisors(GgufWriter& writer, const char* name, std::uint64_t pairs, float step) {
    std::string data;
    for (std::uint64_t i = 0; i < pairs; ++i) {
        data += raw(1 + step * static_cast<float>(i));
    }
    writer.tensor({name, {pairs}, 0, data});
}

void add_yarn(GgufWriter& writer, const std::string& architecture) {
    writer.text(architecture + ".rope.scaling.type", "yarn");
    writer.f32(architecture + ".rope.scaling.factor", 4);
    writer.u32(architecture + ".rope.scaling.original_context_length", 16);
}

const std::vector<Case> kCases{
    {"llama_with_wide_heads", {.layers = 3, .heads = 4, .kv_heads = 1, .head_width = 24}},
    {"llama_with_a_window_and_divisors",
     {.width = 64, .tied = true},
     [](GgufWriter& writer) {
         writer.u32("llama.attention.sliding_window", 5);
         add_divisors(writer, "rope_freqs.weight", 8, 0.7F);
     }},
    {"llama_with_partial_rotation",
     {.width = 64},
     [](GgufWriter& writer) { writer.u32("llama.rope.dimension_count", 6); }},
    {"mistral3_with_temperature_and_yarn",
     {.architecture = "mistral3", .head_width = 12},
     [](GgufWriter& writer) {
         add_yarn(writer, "mistral3");
         writer.u32("mistral3.rope.scaling.original_context_length", 4);
         writer.f32("mistral3.attention.temperature_scale", 0.3F);
         writer.f32("mistral3.rope.scaling.yarn_log_multiplier", 0.5F);
         writer.f32("mistral3.rope.scaling.yarn_beta_fast", 8);
     }},
    {"qwen2_with_yarn",
     {.architecture = "qwen2", .width = 64},
     [](GgufWriter& writer) { add_yarn(writer, "qwen2"); }},
    {"qwen3", {.architecture = "qwen3", .heads = 6, .kv_heads = 3, .head_width = 10}},
    {"gemma2_with_windows",
     {.architecture = "gemma2", .layers = 5, .head_width = 16, .tied = true},
     [](GgufWriter& writer) {
         writer.u32("gemma2.attention.sliding_window", 6);
         writer.f32("gemma2.attn_logit_softcapping", 2);
     }},
    {"gemma3_with_windows_and_scaling",
     {.architecture = "gemma3", .layers = 7, .head_width = 16, .tied = true},
     [](GgufWriter& writer) {
         writer.u32("gemma3.attention.sliding_window", 6);
         writer.f32("gemma3.rope.freq_base", 1e6F);
         writer.f32("gemma3.rope.freq_base_swa", 500);
         writer.text("gemma3.rope.scaling.type", "linear");
         writer.f32("gemma3.rope.scaling.factor", 8);
         writer.f32("gemma3.final_logit_softcapping", 1.5F);
     }},
    {"phi3_with_long_divisors_and_a_window",
     {.architecture = "phi3", .heads = 4, .kv_heads = 2, .width = 64},
     [](GgufWriter& writer) {
         writer.u32("phi3.attention.sliding_window", 9);
         writer.u32("phi3.rope.dimension_count", 12);
         writer.u32("phi3.rope.scaling.original_context_length", 32);
         writer.f32("phi3.rope.scaling.attn_factor", 1.2F);
         writer.text("phi3.rope.scaling.type", "longrope");
         add_divisors(writer, "rope_factors_short.weight", 6, 0.1F);
         add_divisors(writer, "rope_factors_long.weight", 6, 0.9F);
     }},
    {"phi3_with_short_divisors",
     {.architecture = "phi3"},
     [](GgufWriter& writer) {
         add_divisors(writer, "rope_factors_short.weight", 4, 0.1F);
         add_divisors(writer, "rope_factors_long.weight", 4, 0.9F);
     }},
    {"olmo2_with_windows_and_yarn",
     {.architecture = "olmo2", .layers = 5, .heads = 6, .kv_heads = 2, .width = 48},
     [](GgufWriter& writer) {
         writer.u32("olmo2.attention.sliding_window", 7);
         add_yarn(writer, "olmo2");
     }},
    {"smollm3", {.architecture = "smollm3", .layers = 5, .tied = true}},
};

/// Returns the largest error, relative to the largest logit.
double error_of(std::span<const float> logits, const std::vector<double>& exact) {
    double error = 0;
    double largest = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double difference = std::abs(logits[i] - exact[i]);
        error = std::isnan(difference) ? HUGE_VAL : std::max(error, difference);
        largest = std::max(largest, std::abs(exact[i]));
    }
    return error / largest;
}

class FeaturesOf : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Oracle, FeaturesOf, testing::ValuesIn(kCases), [](const auto& test) {
    return test.param.name;
});

TEST_P(FeaturesOf, agree_with_the_naive_decoder) {
    for (const std::uint64_t seed : {1U, 2U}) {
        TinyShape shape = GetParam().shape;
        shape.seed = seed;
        GgufWriter writer = test::tiny_model(shape);
        GetParam().add_keys(writer);
        const TemporaryFile temporary(writer.bytes());
        const GgufFile file(temporary.path());
        Random random(stream_seed(seed, "ids"));
        std::vector<std::int32_t> ids;
        for (int i = 0; i < 22; ++i) { // past the first page of 16
            ids.push_back(static_cast<std::int32_t>(random.below(shape.vocabulary)));
        }
        const auto exact = test::naive_logits(file, ids);
        for (const Slicing slicing : {Slicing{}, Slicing{4}}) {
            Oracle oracle(file, kernels::kernels_for(kernels::best_level()), slicing);
            EXPECT_LT(error_of(oracle.append(ids), exact), 2e-5) << slicing.slices;
        }
        const TemporaryFile plain(test::tiny_model(shape).bytes());
        if (writer.bytes() != test::tiny_model(shape).bytes()) {
            Oracle without(GgufFile(plain.path()), kernels::kernels_for(kernels::best_level()));
            EXPECT_GT(error_of(without.append(ids), exact), 1e-3) << "the keys change nothing";
        }
    }
}

TEST(Scales, of_embedding_residual_and_logits_multiply) {
    const TinyShape shape{.layers = 1};
    const TemporaryFile temporary(test::tiny_model(shape).bytes());
    const GgufFile file(temporary.path());
    const std::vector<std::int32_t> ids{3, 4, 5};
    const auto logits_with = [&](const std::function<void(Features&)>& change, Slicing slicing) {
        Hyperparameters model = read_hyperparameters(file);
        change(model.features);
        Oracle oracle(file, model, kernels::kernels_for(kernels::best_level()), slicing);
        const auto logits = oracle.append(ids);
        return std::vector<float>(logits.begin(), logits.end());
    };
    for (const Slicing slicing : {Slicing{}, Slicing{2}}) {
        const auto plain = logits_with([](Features&) {}, slicing);
        const auto halved =
            logits_with([](Features& features) { features.logit_scale = 2; }, slicing);
        for (std::size_t i = 0; i < plain.size(); ++i) {
            EXPECT_EQ(halved[i], plain[i] / 2);
        }
        // Without outputs of attention and ffn, logits do not depend on the size of the embedding;
        // it is so large that the epsilon of the norm does not count.
        const auto with_embedding_scale = [&](float scale, float residual_scale) {
            return logits_with(
                [=](Features& features) {
                    features.embedding_scale = scale;
                    features.residual_scale = residual_scale;
                },
                slicing
            );
        };
        const auto small = with_embedding_scale(1024, 1e-30F);
        const auto large = with_embedding_scale(4096, 1e-30F);
        for (std::size_t i = 0; i < plain.size(); ++i) {
            EXPECT_NEAR(small[i], large[i], 1e-4);
        }
        const auto scaled = with_embedding_scale(1024, 1);
        EXPECT_NE(scaled, plain);
        EXPECT_NE(small, plain);
    }
}

} // namespace features
} // namespace
} // namespace headroom::model
