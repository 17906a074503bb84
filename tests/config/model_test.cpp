// Models without weights (presets of the catalogue, shapes in the scenario) and their prompts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections/catalogue.hpp"
#include "scenarios.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Weights that a shape has: every block's matrices and norms once, a tied matrix once. Groups have
/// copies of the norms of heads, of which one per layer counts.
std::int64_t parameters_of(ModelShape shape) {
    shape.embed_type = shape.lm_head_type = WeightType::f32;
    shape.layer_types.assign(shape.layer_types.size(), LayerTypes::all(WeightType::f32));
    const scheduler::Blocks blocks(shape);
    const scheduler::Placement together(blocks.size(), DeviceId(0));
    Bytes bytes = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        bytes += blocks.weight_bytes(BlockId(i), together);
    }
    const std::int64_t copies = shape.qk_norm == QkNorm::head ? shape.kv_heads - 1 : 0;
    return bytes / 4 - shape.layers * copies * 2 * shape.head_width();
}

TEST(ModelPresets, have_the_published_number_of_parameters) {
    ASSERT_GE(model_presets().size(), 46U);
    for (const ModelPreset& preset : model_presets()) {
        SCOPED_TRACE(preset.name);
        EXPECT_THAT(preset.shape.problems(), IsEmpty());
        EXPECT_EQ(parameters_of(preset.shape), preset.parameters - preset.left_out);
        EXPECT_EQ(preset.left_out > 0, !preset.left_out_what.empty());
        EXPECT_LT(preset.left_out, preset.parameters / 100);
    }
}

TEST(ModelPresets, count_notices_a_wrong_figure) {
    ModelShape shape = find_entry(model_presets(), "llama-2-7b")->shape;
    shape.kv_heads = 8;
    EXPECT_NE(parameters_of(shape), find_entry(model_presets(), "llama-2-7b")->parameters);
}

TEST(ModelPresets, are_refused_if_damaged) {
    EXPECT_THROW((void)parse_model_presets("[x]\ntitle = \"t\"", "m.toml"), InputError);
    EXPECT_EQ(find_entry(model_presets(), "llama-7"), nullptr);
}

std::string with_model(const std::string& model) {
    return model + "\n" + std::string(kSmall);
}

constexpr const char* kShape = "model.shape = { layers = 3, heads = 8, kv_heads = 2, width = 64, "
                               "ffn_width = 96, gated = false, vocab = 50, context = 128, "
                               "weight_type = \"q8_0\", tied = true }";

TEST(Model, may_be_a_preset) {
    const Scenario s = read(with_model("model.preset = \"llama-2-70b\""));
    EXPECT_EQ(s.preset, "llama-2-70b");
    EXPECT_EQ(s.model_name(), "llama-2-70b");
    ASSERT_TRUE(s.shape.has_value());
    EXPECT_EQ(s.shape->kv_heads, 8);
    EXPECT_EQ(s.shape->embed_type, WeightType::f16) << "weights are 16 bits wide by default";
    EXPECT_EQ(s.shape->layer_types.size(), 80U);
    EXPECT_THAT(s.workload.prompt_tokens, ElementsAre(16));
    EXPECT_TRUE(s.model_file.empty());
}

TEST(Model, may_be_a_preset_with_other_weight_types) {
    const Scenario s = read(with_model("[model]\npreset = \"gpt2\"\nweight_type = \"q4_0\""));
    EXPECT_EQ(s.shape->embed_type, WeightType::q4_0);
    EXPECT_EQ(s.shape->layer_types.back(), LayerTypes::all(WeightType::q4_0));
    for (const WeightFormat& format : kWeightFormats) { // 768 and 3072 suit every type
        const Scenario any = read(
            with_model(fmt::format("[model]\npreset = \"gpt2\"\nweight_type = \"{}\"", format.name))
        );
        EXPECT_EQ(any.shape->lm_head_type, format.type) << format.name;
    }
}

TEST(Model, of_a_preset_has_caches_in_f16_unless_the_key_says_otherwise) {
    const auto types_of = [](const std::string& model) {
        const Scenario s = read(with_model(model));
        EXPECT_TRUE(!s.shape || s.shape->kv_type == s.cache_type());
        return s.cache_type();
    };
    EXPECT_EQ(types_of("model.preset = \"llama-2-7b\""), WeightType::f16);
    for (const WeightType type : kCacheTypes) {
        const std::string key = fmt::format("kv_type = \"{}\"", name_of(type));
        EXPECT_EQ(types_of("[model]\npreset = \"llama-2-7b\"\n" + key), type);
        EXPECT_EQ(types_of("[model]\nfile = \"m.gguf\"\n" + key), type);
    }
    EXPECT_EQ(types_of("model.file = \"m.gguf\""), WeightType::f32);
    EXPECT_EQ(types_of(kShape), WeightType::f32);
    EXPECT_EQ(types_of(std::string(kShape) + "\nmodel.kv_type = \"bf16\""), WeightType::bf16);
}

TEST(Model, refuses_caches_whose_blocks_do_not_divide_the_width_of_heads) {
    const std::string key = "\nmodel.kv_type = \"q8_0\"";
    EXPECT_THAT(
        problems_of(with_model(kShape + key)),
        ElementsAre(
            HasSubstr("model.kv_type does not suit the model: KV caches of type q8_0 need heads "
                      "whose width is a multiple of 32, not 8; choose kv_type f16, bf16 or f32")
        )
    );
    EXPECT_NO_THROW((void)read(with_model("model.preset = \"llama-2-7b\"" + key)));
}

TEST(Model, may_be_a_shape) {
    const Scenario s = read(with_model(kShape));
    ASSERT_TRUE(s.shape.has_value());
    EXPECT_EQ(s.model_name(), "shape");
    EXPECT_EQ(s.shape->layers, 3);
    EXPECT_EQ(s.shape->heads, 8);
    EXPECT_EQ(s.shape->kv_heads, 2);
    EXPECT_EQ(s.shape->width, 64);
    EXPECT_EQ(s.shape->ffn_width, 96);
    EXPECT_FALSE(s.shape->gated);
    EXPECT_TRUE(s.shape->tied);
    EXPECT_EQ(s.shape->vocabulary, 50);
    EXPECT_EQ(s.shape->context, 128);
    EXPECT_EQ(s.shape->lm_head_type, WeightType::q8_0);
    EXPECT_THAT(s.shape->problems(), IsEmpty());
}

TEST(Model, shape_has_defaults_for_optional_keys) {
    const Scenario s = read(with_model("model.shape = { layers = 1, heads = 4, width = 64, "
                                       "ffn_width = 96, vocab = 50, context = 128 }"));
    EXPECT_EQ(s.shape->kv_heads, 4) << "plain multi-head attention";
    EXPECT_TRUE(s.shape->gated);
    EXPECT_FALSE(s.shape->tied);
    EXPECT_EQ(s.shape->embed_type, WeightType::f16);
}

TEST(Model, without_weights_round_trips) {
    for (const std::string& model :
         {std::string("model.preset = \"qwen2.5-0.5b\""),
          std::string("[model]\npreset = \"gpt2-xl\"\nweight_type = \"q8_0\"\n"
                      "[workload]\nprompt_tokens = [3, 40]"),
          std::string(kShape)}) {
        const Scenario s = read(with_model(model));
        const std::string text = resolved_text(s);
        const Scenario again = parse_scenario(text, s.path, {});
        EXPECT_TRUE(equivalent(s, again)) << text;
        EXPECT_EQ(resolved_text(again), text);
    }
}

TEST(Model, has_the_context_of_the_scenario) {
    const Scenario file =
        read("[model]\nfile = \"m.gguf\"\ncontext = 8192\n" + std::string(kSmall));
    EXPECT_EQ(file.context, 8192);
    EXPECT_THAT(resolved_text(file), HasSubstr("\ncontext = 8192\n"));
    const Scenario preset = read(with_model("[model]\npreset = \"phi-4-mini\"\ncontext = 4096"));
    EXPECT_EQ(preset.shape->context, 4096);
    EXPECT_TRUE(equivalent(parse_scenario(resolved_text(preset), preset.path, {}), preset));
    EXPECT_THAT(
        problems_of(with_model(std::string(kShape) + "\nmodel.context = 9")),
        ElementsAre(HasSubstr("model.context goes with a file or a preset"))
    );
    EXPECT_THAT(
        problems_of(with_model("[model]\npreset = \"gpt2\"\ncontext = 0")),
        ElementsAre(HasSubstr("model.context: expected a whole number from 1 to 16777216"))
    );
}

TEST(Model, differences_make_scenarios_differ) {
    const Scenario s = read(with_model("model.preset = \"llama-2-7b\""));
    EXPECT_FALSE(equivalent(s, read(with_model("model.preset = \"llama-2-13b\""))));
    EXPECT_FALSE(equivalent(
        s, read(with_model("model.preset = \"llama-2-7b\"\nworkload.prompt_tokens = 17"))
    ));
}

TEST(Model, can_be_replaced_from_the_command_line) {
    const Overrides to_preset{.set = {"model.preset=llama-3-8b", "workload.prompt_tokens=[5, 6]"}};
    const Scenario s = read(small_with("[workload]\nprompts = [\"x\"]"), to_preset);
    EXPECT_EQ(s.preset, "llama-3-8b");
    EXPECT_THAT(s.workload.prompt_tokens, ElementsAre(5, 6));
    const Scenario back = read(with_model(kShape), {.set = {"model.file=m.gguf"}});
    EXPECT_FALSE(back.shape.has_value());
    const Scenario wider = read(with_model(kShape), {.set = {"model.shape.width=128"}});
    EXPECT_EQ(wider.shape->width, 128);
}

TEST(Model, is_exactly_one_of_file_preset_and_shape) {
    EXPECT_THAT(
        problems_of(with_model("[model]\nfile = \"m.gguf\"\npreset = \"gpt2\"")),
        ElementsAre(HasSubstr("model.preset and model.file exclude each other; give one of"))
    );
    EXPECT_THAT(
        problems_of(with_model("[model]")),
        ElementsAre(AllOf(HasSubstr("model.file is missing"), HasSubstr("preset = \"llama-2-7b\"")))
    );
    EXPECT_THAT(
        problems_of(with_model("[model]\nfile = \"m.gguf\"\nweight_type = \"f16\"")),
        ElementsAre(HasSubstr("model.weight_type goes with a preset"))
    );
    EXPECT_THAT(
        problems_of(with_model("[model]\nfile = \"m.gguf\"\nfrom_preset = \"gpt2\"")),
        ElementsAre(HasSubstr("model.from_preset names where a resolved text's shape is from"))
    );
}

TEST(Model, misspelt_preset_gets_a_suggestion) {
    EXPECT_THAT(
        problems_of(with_model("model.preset = \"lama-2-7b\"")),
        ElementsAre(HasSubstr("is not in the catalogue; did you mean \"llama-2-7b\"?"))
    );
    EXPECT_THAT(
        problems_of(with_model("model.preset = \"hal-9000\"")),
        ElementsAre(HasSubstr("there are tinyllama-1.1b, "))
    );
    EXPECT_THAT(
        problems_of(with_model("[model]\npreset = \"gpt2\"\nweight_type = \"q9_k\"")),
        ElementsAre(HasSubstr("model.weight_type: expected"))
    );
}

TEST(Model, all_problems_of_a_shape_are_reported) {
    EXPECT_THAT(
        problems_of(with_model("[model]\nshape = { layers = 0, heads = 7, kv_heads = 3, "
                               "width = 64, ffn_width = 90, weight_type = \"q4_0\", gate = true }")
        ),
        testing::UnorderedElementsAre(
            HasSubstr("model.shape.layers"),
            HasSubstr("model.shape.width = 64 is not a multiple of heads = 7"),
            HasSubstr("model.shape.heads = 7 is not a multiple of kv_heads = 3"),
            HasSubstr("model.shape.ffn_width = 90 is not a multiple of a quantisation block = 32"),
            HasSubstr("model.shape.vocab is missing"),
            HasSubstr("model.shape.context is missing"),
            HasSubstr("unknown key 'gate'")
        )
    );
}

TEST(Model, of_a_width_that_does_not_suit_a_type_is_refused) {
    EXPECT_THAT(
        problems_of(with_model("[model]\nshape = { layers = 1, heads = 7, width = 896, "
                               "ffn_width = 4864, vocab = 9, context = 9, weight_type = \"q4_k\" }")
        ),
        ElementsAre(HasSubstr("model.shape.width = 896 is not a multiple of a quantisation block = "
                              "256; q4_k stores so many elements together"))
    );
}

TEST(Model, file_may_have_the_lengths_of_prompts_only) {
    const Scenario s = read(small_with("[workload]\nprompt_tokens = [4, 7]"));
    EXPECT_FALSE(s.shape.has_value());
    EXPECT_THAT(s.workload.prompt_tokens, ElementsAre(4, 7));
    EXPECT_EQ(s.workload.requests(), 2U);
    const std::string text = resolved_text(s);
    EXPECT_THAT(text, Not(HasSubstr("prompts =")));
    EXPECT_TRUE(equivalent(parse_scenario(text, s.path, {}), s));
}

TEST(Model, without_tokenizer_refuses_text_prompts) {
    for (const char* const key : {"prompts = [\"a\"]", "prompt_file = \"p.txt\""}) {
        EXPECT_THAT(
            problems_of(with_model(fmt::format("model.preset = \"gpt2\"\n[workload]\n{}", key))),
            testing::Contains(HasSubstr("needs a tokenizer, and a preset or shape has none"))
        );
    }
    EXPECT_THAT(
        problems_of(small_with("[workload]\nprompt_tokens = 4\nprompts = [\"a\"]")),
        ElementsAre(HasSubstr("workload.prompt_tokens and prompts exclude each other"))
    );
    EXPECT_THAT(
        problems_of(with_model("model.preset = \"gpt2\"\nworkload.prompt_tokens = []")),
        ElementsAre(HasSubstr("workload.prompt_tokens is empty"))
    );
    EXPECT_THAT(
        problems_of(with_model("model.preset = \"gpt2\"\nworkload.prompt_tokens = [3, 0]")),
        ElementsAre(HasSubstr("workload.prompt_tokens.1"))
    );
}

TEST(Model, of_a_shape_is_known_when_its_slices_are_read) {
    const std::string sliced = "model.preset = \"llama-2-7b\"\n[controller]\n"
                               "granularity = \"sliced\"\n";
    EXPECT_THAT(problems_of(with_model(sliced)), IsEmpty()) << "11008 = 16 · 688";
    EXPECT_THAT(
        problems_of(with_model(sliced + "slices = 10")),
        ElementsAre(AllOf(
            HasSubstr("controller.slices = 10 does not divide the model's FFN width of 11008"),
            HasSubstr("1, 2, 4, 8, 16, 32, 43, 64")
        ))
    );
}

} // namespace
} // namespace headroom::config
