// Shapes in scenarios: head widths, windows, experts, norms, and how each matrix is stored.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/scenario/weight_mixture.hpp"
#include "config/sections/catalogue.hpp"
#include "scenarios.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// A scenario whose model is a shape with these keys beside the required ones.
std::string with_shape(std::string_view keys, std::string_view ffn = "ffn_width = 512") {
    return fmt::format(
        "model.shape = {{ layers = 8, heads = 8, kv_heads = 2, width = 256, {}, vocab = 50, "
        "context = 128{}{} }}\n{}",
        ffn,
        keys.empty() ? "" : ", ",
        keys,
        kSmall
    );
}

ModelShape shape_with(std::string_view keys, std::string_view ffn = "ffn_width = 512") {
    return read(with_shape(keys, ffn)).shape.value();
}

constexpr std::string_view kExperts = "experts = { count = 8, used = 2, width = 256 }";

TEST(Shape, has_the_features_of_published_models) {
    const ModelShape plain = shape_with("");
    EXPECT_EQ(plain.own_head_width, 0);
    EXPECT_EQ(plain.window, 0);
    EXPECT_EQ(plain.experts, 0);
    EXPECT_FALSE(plain.qkv_bias);
    EXPECT_EQ(plain.qk_norm, QkNorm::none);
    EXPECT_EQ(plain.norm_place, NormPlace::before);

    const ModelShape wide = shape_with("head_width = 64");
    EXPECT_EQ(wide.attention_width(), 512);
    EXPECT_EQ(shape_with("head_width = 32"), plain) << "32 is width / heads";

    const ModelShape windowed = shape_with("window = 16, window_period = 4");
    EXPECT_EQ(windowed.window_of(2), 16);
    EXPECT_EQ(windowed.window_of(3), 0);
    EXPECT_EQ(shape_with("window = 16").window_of(3), 16);

    const ModelShape normed =
        shape_with("qkv_bias = true, qk_norm = \"width\", norm_place = \"after\"");
    EXPECT_TRUE(normed.qkv_bias);
    EXPECT_EQ(normed.qk_norm, QkNorm::width);
    EXPECT_EQ(normed.norm_place, NormPlace::after);
    EXPECT_EQ(shape_with("norm_place = \"around\"").norm_place, NormPlace::around);

    const ModelShape mixture = shape_with("", kExperts);
    EXPECT_EQ(mixture.experts, 8);
    EXPECT_EQ(mixture.experts_used, 2);
    EXPECT_EQ(mixture.ffn_width, 256);
}

TEST(Shape, round_trips_with_every_key) {
    std::set<std::string> texts;
    for (const std::string_view keys :
         {"",
          "head_width = 64",
          "window = 16, window_period = 4",
          "qkv_bias = true, qk_norm = \"head\", norm_place = \"around\"",
          "tied = true, gated = false",
          "weight_type = \"q4_k_m\"",
          "weight_type = \"q4_k_m\", fused_qkv = true",
          "weight_type = \"q4_0_m\", tied = true",
          "weight_type = \"q8_0\", types = { v = \"f16\" }",
          "types = { down = [\"q6_k\", \"q4_k\", \"q4_k\", \"q4_k\", \"q4_k\", \"q4_k\", \"q4_k\", "
          "\"q6_k\"], embed = \"q8_0\", lm_head = \"q6_k\" }"}) {
        for (const std::string_view ffn : {std::string_view("ffn_width = 512"), kExperts}) {
            const Scenario s = read(with_shape(keys, ffn));
            const std::string text = resolved_text(s);
            EXPECT_TRUE(texts.insert(text).second) << text;
            const Scenario again = parse_scenario(text, s.path, {});
            EXPECT_TRUE(equivalent(s, again)) << text;
            EXPECT_EQ(resolved_text(again), text);
        }
    }
}

TEST(Shape, without_new_keys_is_written_as_before) {
    EXPECT_THAT(
        resolved_text(read(with_shape("weight_type = \"q8_0\""))),
        HasSubstr("shape = { layers = 8, heads = 8, kv_heads = 2, width = 256, ffn_width = 512, "
                  "gated = true, vocab = 50, context = 128, weight_type = \"q8_0\", tied = false }")
    );
}

TEST(Shape, says_all_that_is_wrong_with_the_features) {
    EXPECT_THAT(
        problems_of(with_shape("head_width = 0, window = -1, window_period = 0, qkv_bias = 1, "
                               "qk_norm = \"heads\", norm_place = \"both\", norm = true")),
        UnorderedElementsAre(
            HasSubstr("model.shape.head_width: expected"),
            HasSubstr("model.shape.window: expected"),
            HasSubstr("model.shape.window_period: expected"),
            HasSubstr("model.shape.qkv_bias: expected"),
            HasSubstr("model.shape.qk_norm: expected \"none\", \"head\" or \"width\""),
            HasSubstr("model.shape.norm_place: expected \"before\", \"after\" or \"around\""),
            HasSubstr("unknown key 'norm'")
        )
    );
    EXPECT_THAT(
        problems_of(with_shape("window_period = 4")),
        ElementsAre(HasSubstr("model.shape.window_period goes with window"))
    );
    EXPECT_THAT(
        problems_of(with_shape("head_width = 200000")),
        ElementsAre(HasSubstr("8 heads of width 200000 are more than 262144 columns"))
    );
}

TEST(Shape, says_all_that_is_wrong_with_experts) {
    EXPECT_THAT(
        problems_of(with_shape("experts = { count = 4, used = 5, with = 3 }")),
        UnorderedElementsAre(
            HasSubstr("model.shape.ffn_width and experts exclude each other"),
            HasSubstr("model.shape.experts.used = 5 are more than count = 4"),
            HasSubstr("unknown key 'with' in experts = { count, used, width }; did you mean "
                      "'width'?")
        )
    );
    EXPECT_THAT(
        problems_of(with_shape("", "experts = 8")), ElementsAre(HasSubstr("model.shape.experts"))
    );
    EXPECT_THAT(
        problems_of(with_shape("", "gated = true")),
        ElementsAre(HasSubstr("model.shape.ffn_width is missing"))
    );
    EXPECT_THAT(
        problems_of(with_shape("", kExperts) + "\n[controller]\ngranularity = \"sliced\""),
        ElementsAre(AllOf(HasSubstr("does not cut a mixture of experts"), HasSubstr("has 8")))
    );
}

TEST(Shape, says_all_that_is_wrong_with_types) {
    EXPECT_THAT(
        problems_of(with_shape("weight_type = \"q4_k_n\", types = { q = \"q9\", k = [\"f16\"], "
                               "lm = \"f16\" }")),
        UnorderedElementsAre(
            AllOf(HasSubstr("model.shape.weight_type: expected"), HasSubstr("q4_k_m")),
            HasSubstr("model.shape.types.q: expected"),
            HasSubstr("model.shape.types.k lists 1 types, but there are 8 layers"),
            HasSubstr("unknown key 'lm'")
        )
    );
    EXPECT_THAT(
        problems_of(with_shape("tied = true, types = { embed = \"q8_0\", lm_head = \"f16\" }")),
        ElementsAre(HasSubstr("lm_head = \"f16\" is not the type of embed, \"q8_0\""))
    );
    EXPECT_THAT(
        problems_of(with_shape("types = { down = \"q6_k\" }", "ffn_width = 384")),
        ElementsAre(AllOf(
            HasSubstr("model.shape: layer 0 down is q6_k with rows of 384 elements"),
            HasSubstr("and 5 more of this kind")
        ))
    );
}

/// Returns the layers that store the matrix in this type.
std::vector<int> layers_with(
    const ModelShape& shape, WeightType LayerTypes::*matrix, WeightType type
) {
    std::vector<int> layers;
    for (std::size_t i = 0; i < shape.layer_types.size(); ++i) {
        if (shape.layer_types[i].*matrix == type) {
            layers.push_back(static_cast<int>(i));
        }
    }
    return layers;
}

/// Of eight layers the first, the last, and each third of those between are the sensitive ones.
TEST(Mixture, q4_k_m_has_the_sensitive_matrices_in_q6_k) {
    const ModelShape shape = shape_with("weight_type = \"q4_k_m\"");
    EXPECT_THAT(layers_with(shape, &LayerTypes::v, WeightType::q6_k), ElementsAre(0, 3, 6, 7));
    EXPECT_THAT(layers_with(shape, &LayerTypes::down, WeightType::q6_k), ElementsAre(0, 3, 6, 7));
    EXPECT_THAT(layers_with(shape, &LayerTypes::v, WeightType::q4_k), ElementsAre(1, 2, 4, 5));
    for (WeightType LayerTypes::*const matrix :
         {&LayerTypes::q, &LayerTypes::k, &LayerTypes::o, &LayerTypes::gate, &LayerTypes::up}) {
        EXPECT_EQ(layers_with(shape, matrix, WeightType::q4_k).size(), 8U);
    }
    EXPECT_EQ(shape.embed_type, WeightType::q4_k);
    EXPECT_EQ(shape.lm_head_type, WeightType::q6_k);
    const ModelShape tied = shape_with("weight_type = \"q4_k_m\", tied = true");
    EXPECT_EQ(tied.embed_type, WeightType::q6_k) << "it is the output matrix";
}

TEST(Mixture, others_follow_their_own_rules) {
    const auto with = [](std::string_view name) {
        return shape_with(fmt::format("weight_type = \"{}\"", name));
    };
    EXPECT_EQ(with("q5_k_m").layer_types[3].v, WeightType::q6_k);
    EXPECT_EQ(with("q5_k_m").layer_types[4].v, WeightType::q5_k);
    EXPECT_THAT(
        layers_with(with("q4_k_s"), &LayerTypes::v, WeightType::q5_k), ElementsAre(0, 1, 2, 3)
    );
    EXPECT_THAT(layers_with(with("q4_k_s"), &LayerTypes::down, WeightType::q5_k), ElementsAre(0));
    EXPECT_THAT(layers_with(with("q3_k_m"), &LayerTypes::v, WeightType::q5_k), ElementsAre(0, 1));
    EXPECT_EQ(with("q3_k_m").layer_types[5].o, WeightType::q4_k);
    EXPECT_EQ(with("q3_k_l").layer_types[5].down, WeightType::q5_k);
    EXPECT_EQ(with("q2_k_m").layer_types[5].v, WeightType::q4_k) << "four heads share v";
    EXPECT_EQ(with("q2_k_m").layer_types[5].o, WeightType::q3_k);
    const ModelShape q4_0 = with("q4_0_m");
    EXPECT_EQ(q4_0.layer_types[0], LayerTypes::all(WeightType::q4_0));
    EXPECT_EQ(q4_0.embed_type, WeightType::q4_0);
    EXPECT_EQ(q4_0.lm_head_type, WeightType::q6_k);
    EXPECT_EQ(with("q4_0").lm_head_type, WeightType::q4_0) << "a type is no mixture";
}

TEST(Mixture, has_smaller_blocks_where_rows_are_no_multiple_of_256) {
    const ModelShape shape = shape_with("weight_type = \"q4_k_m\"", "ffn_width = 96");
    EXPECT_EQ(shape.layer_types[0].down, WeightType::q8_0) << "for q6_k";
    EXPECT_EQ(shape.layer_types[1].down, WeightType::q5_0) << "for q4_k";
    EXPECT_EQ(shape.layer_types[1].up, WeightType::q4_k);
    EXPECT_THAT(shape.problems(), IsEmpty());
    const ModelShape small = find_entry(model_presets(), "qwen2.5-0.5b")->shape;
    ModelShape narrow = small;
    for (const WeightChoice& choice : weight_choices()) {
        if (choice.mixture) {
            set_weights(narrow, choice, false);
            EXPECT_THAT(narrow.problems(), IsEmpty()) << choice.name;
            EXPECT_EQ(narrow.lm_head_type, WeightType::q8_0) << choice.name;
        }
    }
}

TEST(Mixture, knows_fused_matrices_and_mixtral) {
    const ModelShape fused = shape_with("weight_type = \"q4_k_m\", fused_qkv = true");
    EXPECT_EQ(fused.layer_types[1].q, WeightType::q5_k);
    EXPECT_EQ(fused.layer_types[1].v, WeightType::q5_k);
    EXPECT_EQ(fused.layer_types[1].o, WeightType::q4_k);
    const ModelShape mixtral = shape_with("weight_type = \"q4_k_m\"", kExperts);
    EXPECT_EQ(mixtral.layer_types[1].k, WeightType::q8_0);
    EXPECT_EQ(mixtral.layer_types[1].v, WeightType::q8_0);
    EXPECT_EQ(mixtral.layer_types[1].o, WeightType::q5_k);
}

TEST(Mixture, of_a_preset_is_chosen_by_weight_type) {
    const Scenario s =
        read(fmt::format("[model]\npreset = \"phi-4-mini\"\nweight_type = \"q4_k_m\"\n{}", kSmall));
    EXPECT_EQ(s.shape->layer_types[5].q, WeightType::q5_k) << "its file has q, k and v in one";
    EXPECT_EQ(s.shape->embed_type, WeightType::q6_k);
    const std::string text = resolved_text(s);
    EXPECT_THAT(text, HasSubstr("weight_type = \"q4_k_m\", fused_qkv = true"));
    EXPECT_EQ(parse_scenario(text, s.path, {}).shape, s.shape);
}

/// Returns the bytes of all weights on one device.
Bytes bytes_of(const ModelShape& shape) {
    const scheduler::Blocks blocks(shape);
    const scheduler::Placement together(blocks.size(), DeviceId(0));
    Bytes bytes = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        bytes += blocks.weight_bytes(BlockId(i), together);
    }
    return bytes;
}

/// How far the weights of a preset are from its published size, as a fraction of it.
double error_of_size(const ModelPreset& preset, const ModelShape& shape) {
    const auto published = static_cast<double>(preset.size->bytes);
    return std::abs(static_cast<double>(bytes_of(shape)) - published) / published;
}

TEST(ModelPresets, have_the_published_size) {
    int compared = 0;
    for (const ModelPreset& preset : model_presets()) {
        if (!preset.size) {
            continue;
        }
        SCOPED_TRACE(preset.name);
        const auto choice =
            std::ranges::find(weight_choices(), preset.size->weights, &WeightChoice::name);
        ModelShape shape = preset.shape;
        set_weights(shape, *choice, preset.fused_qkv);
        EXPECT_THAT(shape.problems(), IsEmpty());
        EXPECT_LT(error_of_size(preset, shape), 0.005);
        // The twin: with one type for all matrices the size is another one.
        set_types(shape, WeightType::q8_0);
        EXPECT_GT(error_of_size(preset, shape), 0.05);
        ++compared;
    }
    EXPECT_GE(compared, 35);
}

} // namespace
} // namespace headroom::config
