// Hyperparameters are read as they were written. Models that the decoder would compute wrongly are
// refused, with all problems at once.
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/architectures/architecture.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/ggml_types.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

using test::GgufWriter;
using test::raw;
using test::StoredType;
using test::TemporaryFile;
using test::tiny_model;
using testing::HasSubstr;

std::vector<std::string> problems_of(const GgufWriter& writer) {
    const TemporaryFile file(writer.bytes());
    try {
        (void)read_hyperparameters(GgufFile(file.path()));
    } catch (const InputError& error) {
        for (const std::string& problem : error.problems()) {
            EXPECT_TRUE(problem.starts_with(file.path().string() + ": ")) << problem;
        }
        return error.problems();
    }
    return {};
}

/// Returns the only problem; the test fails if there are none or several.
std::string problem_of(const GgufWriter& writer) {
    const auto problems = problems_of(writer);
    EXPECT_EQ(problems.size(), 1U) << testing::PrintToString(problems);
    return problems.empty() ? "" : problems.front();
}

void expect_equal(const Hyperparameters& a, const Hyperparameters& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.layers, b.layers);
    EXPECT_EQ(a.heads, b.heads);
    EXPECT_EQ(a.kv_heads, b.kv_heads);
    EXPECT_EQ(a.width, b.width);
    EXPECT_EQ(a.ffn_width, b.ffn_width);
    EXPECT_EQ(a.vocabulary, b.vocabulary);
    EXPECT_EQ(a.context, b.context);
    EXPECT_EQ(a.rms_epsilon, b.rms_epsilon);
    EXPECT_EQ(a.features, b.features);
    EXPECT_EQ(a.tied, b.tied);
    EXPECT_EQ(a.embed_type, b.embed_type);
    EXPECT_EQ(a.lm_head_type, b.lm_head_type);
    ASSERT_EQ(a.layer_types.size(), b.layer_types.size());
    EXPECT_EQ(a.layer_types.back().q, b.layer_types.back().q);
    EXPECT_EQ(a.layer_types.back().down, b.layer_types.back().down);
}

TEST(Hyperparameters, are_read_as_written) {
    for (const bool tied : {false, true}) {
        for (const StoredType type : test::kStoredTypes) {
            const test::TinyShape shape{
                .width = 256,
                .ffn_width = 256,
                .tied = tied,
                .type = type,
                .output = StoredType::q6_k};
            const TemporaryFile file(tiny_model(shape).bytes());
            expect_equal(
                read_hyperparameters(GgufFile(file.path())), test::tiny_hyperparameters(shape)
            );
        }
    }
}

TEST(Hyperparameters, have_a_type_per_tensor_and_default_values) {
    GgufWriter writer = tiny_model({.layers = 2, .heads = 4, .kv_heads = 4});
    writer.remove("llama.attention.head_count_kv"); // plain multi-head attention
    writer.remove("llama.rope.freq_base");
    writer.remove("general.name");
    writer.tensor({"blk.1.ffn_down.weight", {64, 32}, 8, std::string(32 * 68, '\1')});
    const TemporaryFile file(writer.bytes());
    const Hyperparameters model = read_hyperparameters(GgufFile(file.path()));
    EXPECT_EQ(model.kv_heads, 4);
    EXPECT_EQ(model.features.rope.base, 10000.0);
    EXPECT_EQ(model.name, file.path().stem());
    EXPECT_EQ(model.layer_types[0].down, WeightType::f32);
    EXPECT_EQ(model.layer_types[1].down, WeightType::q8_0);
    EXPECT_EQ(model.layer_types[1].up, WeightType::f32);
}

TEST(Hyperparameters, of_every_architecture_are_read) {
    for (const Architecture* const architecture : architectures()) {
        EXPECT_EQ(find_architecture(architecture->name), architecture) << "the name is there twice";
        const test::TinyShape shape{.architecture = std::string(architecture->name)};
        const TemporaryFile file(tiny_model(shape).bytes());
        const Hyperparameters model = read_hyperparameters(GgufFile(file.path()));
        EXPECT_EQ(model.architecture, architecture);
        expect_equal(model, test::tiny_hyperparameters(shape));
    }
}

/// Returns the page of the manual on models.
std::string page_on_models() {
    std::ifstream file(HEADROOM_SOURCE_DIR "/docs/reference/models.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Manual, names_every_architecture_and_every_type_that_can_be_computed) {
    const std::string page = page_on_models();
    for (const Architecture* const architecture : architectures()) {
        EXPECT_THAT(page, HasSubstr(fmt::format("`{}`", architecture->name)));
    }
    for (const GgmlType& type : ggml_types()) {
        const std::string name = ggml_type_name(type.code);
        const testing::Matcher<std::string> found = testing::ContainsRegex("[ (]" + name + "[ ,]");
        EXPECT_THAT(page, weight_type_of(type.code) ? found : testing::Not(found));
    }
}

TEST(GgmlTypes, have_different_codes_and_blocks_that_fit) {
    for (const GgmlType& type : ggml_types()) {
        EXPECT_EQ(find_ggml_type(type.code), &type) << type.name << " shares its code";
        EXPECT_LE(type.block_elements, static_cast<std::uint64_t>(kMaxBlockElements)) << type.name;
    }
}

TEST(Hyperparameters, name_an_architecture_that_cannot_be_computed) {
    GgufWriter writer = tiny_model({});
    writer.text("general.architecture", "llava");
    EXPECT_THAT(problem_of(writer), HasSubstr("the architecture is \"llava\"; only \"llama\", "));
    EXPECT_THAT(problem_of(writer), testing::EndsWith("\" can be computed"));
    writer.remove("general.architecture");
    EXPECT_THAT(problem_of(writer), HasSubstr("general.architecture is missing"));
    writer = tiny_model({});
    writer.text("general.architecture", "deepseek2");
    writer.u32("deepseek2.expert_count", 64);
    writer.u32("deepseek2.attention.kv_lora_rank", 512);
    EXPECT_THAT(
        problem_of(writer),
        HasSubstr("\"deepseek2\" (multi-head latent attention (MLA) and a mixture of experts); only"
        )
    );
    writer.text("general.architecture", "mamba");
    writer.u32("mamba.ssm.state_size", 16);
    EXPECT_THAT(problem_of(writer), HasSubstr("\"mamba\" (recurrent layers); only"));
}

TEST(Hyperparameters, refuse_files_that_are_not_models) {
    GgufWriter writer = tiny_model({});
    writer.text("general.type", "model");
    EXPECT_THAT(problems_of(writer), testing::IsEmpty());
    writer.text("general.type", "adapter");
    EXPECT_THAT(problem_of(writer), HasSubstr("it is an adapter (LoRA)"));
    writer.text("general.type", "mmproj");
    EXPECT_THAT(problem_of(writer), HasSubstr("it is a projector (mmproj)"));
    writer.text("general.type", "imatrix");
    EXPECT_THAT(problem_of(writer), HasSubstr("it is an importance matrix (imatrix)"));
    // Older files of these kinds have other keys.
    writer = tiny_model({});
    writer.text("adapter.type", "lora");
    EXPECT_THAT(problem_of(writer), HasSubstr("it is an adapter (LoRA)"));
    writer = tiny_model({});
    writer.text("general.architecture", "clip");
    EXPECT_THAT(problem_of(writer), HasSubstr("it is a projector (mmproj)"));
    writer = tiny_model({});
    writer.remove("general.architecture");
    writer.u32("imatrix.chunk_count", 100);
    EXPECT_THAT(problem_of(writer), HasSubstr("it is an importance matrix (imatrix)"));
}

TEST(Hyperparameters, list_all_missing_and_bad_keys_at_once) {
    GgufWriter writer = tiny_model({});
    writer.remove("llama.block_count");
    writer.remove("llama.attention.layer_norm_rms_epsilon");
    writer.u32("llama.context_length", 0);
    writer.text("llama.feed_forward_length", "64");
    writer.f32("llama.rope.freq_base", std::numeric_limits<float>::infinity());
    const auto problems = problems_of(writer);
    EXPECT_EQ(problems.size(), 5U) << testing::PrintToString(problems);
}

TEST(Hyperparameters, refuse_heads_that_do_not_fit) {
    GgufWriter writer = tiny_model({});
    writer.u32("llama.attention.head_count", 5);
    EXPECT_THAT(problem_of(writer), HasSubstr("5 heads do not divide the width 32"));
    writer.u32("llama.attention.head_count", 32);
    EXPECT_THAT(problem_of(writer), HasSubstr("head widths that are even"));
    writer = tiny_model({});
    writer.u32("llama.attention.head_count_kv", 3);
    EXPECT_THAT(problem_of(writer), HasSubstr("3 K/V heads do not divide 4 heads"));
    writer = tiny_model({});
    writer.u32("llama.rope.dimension_count", 10);
    EXPECT_THAT(
        problem_of(writer), HasSubstr("rope.dimension_count is 10, but the head width is 8")
    );
    writer.u32("llama.rope.dimension_count", 5);
    EXPECT_THAT(problem_of(writer), HasSubstr("rope.dimension_count is 5, but"));
    writer.u32("llama.rope.dimension_count", 4);
    EXPECT_THAT(problems_of(writer), testing::IsEmpty());
    writer.u32("llama.attention.value_length", 6);
    EXPECT_THAT(problem_of(writer), HasSubstr("value_length is 6, but keys have 8 elements"));
    writer = tiny_model({});
    writer.u32("llama.block_count", 4096);
    EXPECT_THAT(problem_of(writer), HasSubstr("are too few for that"));
    writer.u32("llama.block_count", 2'000'000'000);
    EXPECT_THAT(problem_of(writer), HasSubstr("llama.block_count: expected 1 to 4096"));
    writer = tiny_model({});
    writer.u32("llama.context_length", 2'000'000'000);
    EXPECT_THAT(problem_of(writer), HasSubstr("llama.context_length: expected 1 to"));
}

TEST(Hyperparameters, refuse_features_that_would_silently_change_results) {
    const auto with_number = [](const char* key, float value) {
        GgufWriter writer = tiny_model({});
        writer.f32(key, value);
        return writer;
    };
    EXPECT_THAT(problem_of(with_number("llama.expert_count", 8)), HasSubstr("mixture of experts"));
    EXPECT_EQ(problems_of(with_number("llama.expert_count", 0)).size(), 0U);
    EXPECT_THAT(problem_of(with_number("llama.logit_scale", 2)), HasSubstr("logit scaling"));
    EXPECT_THAT(
        problem_of(with_number("llama.final_logit_softcapping", 30)), HasSubstr("soft-capping")
    );
    EXPECT_THAT(
        problem_of(with_number("llama.attention.temperature_scale", 0.1F)),
        HasSubstr("attention temperature")
    );
    EXPECT_THAT(
        problems_of(with_number("llama.rope.scaling.yarn_ext_factor", 0)), testing::IsEmpty()
    ) << "the key has no effect without YaRN";
    GgufWriter writer = tiny_model({});
    writer.text("llama.rope.scaling.type", "dynamic");
    EXPECT_THAT(problem_of(writer), HasSubstr("rope.scaling.type is \"dynamic\""));
    writer.text("llama.rope.scaling.type", "longrope");
    EXPECT_THAT(problem_of(writer), HasSubstr("rope_factors_long.weight is missing"));
    writer.text("llama.rope.scaling.type", "yarn");
    writer.f32("llama.rope.scaling.factor", 4.0F);
    EXPECT_THAT(problems_of(writer), testing::IsEmpty());
    writer.f32("llama.rope.scaling.yarn_ext_factor", 0.5F);
    EXPECT_THAT(problem_of(writer), HasSubstr("another share of YaRN"));
    writer = tiny_model({});
    writer.f32("llama.rope.scaling.factor", 0.5F);
    EXPECT_THAT(problem_of(writer), HasSubstr("rope.scaling.factor: expected 1 to"));
    writer = tiny_model({});
    writer.f32("llama.rope.freq_base", 0.5F);
    EXPECT_THAT(problem_of(writer), HasSubstr("rope.freq_base: expected 1 to"));
    writer = tiny_model({});
    writer.boolean("llama.attention.causal", false);
    EXPECT_THAT(problem_of(writer), HasSubstr("causal"));
}

TEST(Hyperparameters, have_windows_where_the_architecture_has_them) {
    GgufWriter writer = tiny_model({.architecture = "qwen2", .context = 64});
    writer.u32("qwen2.attention.sliding_window", 64);
    EXPECT_THAT(problems_of(writer), testing::IsEmpty()) << "it covers the whole context";
    writer.u32("qwen2.attention.sliding_window", 63);
    EXPECT_THAT(problem_of(writer), HasSubstr("sliding-window attention is not computed in this"));
    writer = tiny_model({.architecture = "phi3", .context = 64});
    writer.u32("phi3.attention.sliding_window", 63);
    const TemporaryFile phi3(writer.bytes());
    const Hyperparameters model = read_hyperparameters(GgufFile(phi3.path()));
    EXPECT_EQ(model.window, 63);
    EXPECT_EQ(model.window_of(0), 63);
    EXPECT_EQ(model.angle_width(), model.head_width()) << "all layers have the same angles";
    writer = tiny_model({.architecture = "olmo2"});
    writer.u32("olmo2.attention.sliding_window", 8);
    writer.put(
        "olmo2.attention.sliding_window_pattern", 9, raw(7U) + raw(std::uint64_t{2}) + "\1\1"
    );
    EXPECT_THAT(problems_of(writer), testing::IsEmpty());
    writer.put(
        "olmo2.attention.sliding_window_pattern",
        9,
        raw(7U) + raw(std::uint64_t{2}) + std::string("\1\0", 2)
    );
    EXPECT_THAT(problem_of(writer), HasSubstr("only windows in all layers but the last of each 4"));
}

TEST(Hyperparameters, have_the_attention_scale_of_gemmas_largest_model) {
    for (const auto& [name, layers] : {std::pair{"gemma2", 46U}, std::pair{"gemma3", 62U}}) {
        for (const std::uint32_t fewer : {0U, 1U}) {
            const TemporaryFile file(
                tiny_model({.architecture = name, .layers = layers - fewer, .head_width = 4})
                    .bytes()
            );
            const Hyperparameters model = read_hyperparameters(GgufFile(file.path()));
            EXPECT_EQ(model.features.attention_scale, fewer == 0 ? 1 / std::sqrt(8.0F) : 0) << name;
        }
    }
}

TEST(Hyperparameters, refuse_divisors_of_frequencies_that_are_faulty) {
    const auto with_divisors = [](const char* name, std::uint64_t count, float value) {
        GgufWriter writer = tiny_model({});
        std::string data;
        for (std::uint64_t i = 0; i < count; ++i) {
            data += raw(value);
        }
        writer.tensor({name, {count}, 0, data});
        return writer;
    };
    EXPECT_THAT(problems_of(with_divisors("rope_freqs.weight", 4, 2)), testing::IsEmpty());
    EXPECT_THAT(
        problem_of(with_divisors("rope_freqs.weight", 3, 2)), HasSubstr("not a list of 4 F32")
    );
    for (const float faulty : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(), 1e9F}) {
        EXPECT_THAT(
            problem_of(with_divisors("rope_freqs.weight", 4, faulty)),
            HasSubstr("values that are not between")
        );
    }
    EXPECT_THAT(
        problem_of(with_divisors("rope_factors_long.weight", 4, 2)), HasSubstr("only one of")
    );
}

TEST(Hyperparameters, refuse_tensors_that_the_decoder_would_not_use) {
    GgufWriter writer = tiny_model({});
    writer.tensor({"blk.1.attn_q.bias", {32}, 0, std::string(128, '\0')});
    writer.tensor({"blk.0.ffn_gate_inp.weight", {32}, 0, std::string(128, '\0')});
    const std::string problem = problem_of(writer);
    EXPECT_THAT(problem, HasSubstr("\"blk.1.attn_q.bias\" (a bias)"));
    EXPECT_THAT(problem, HasSubstr("\"blk.0.ffn_gate_inp.weight\" (a mixture of experts)"));
}

TEST(Hyperparameters, refuse_missing_tensors_and_wrong_shapes) {
    GgufWriter writer = tiny_model({});
    writer.remove_tensor("blk.1.attn_k.weight");
    writer.tensor({"blk.0.ffn_up.weight", {32, 63}, 0, std::string(4 * 32 * 63, '\0')});
    writer.tensor({"output_norm.weight", {31}, 0, std::string(124, '\0')});
    writer.tensor({"blk.0.attn_norm.weight", {32}, 8, std::string(34, '\0')});
    const auto problems = problems_of(writer);
    ASSERT_EQ(problems.size(), 3U);
    EXPECT_THAT(problems[0], HasSubstr("tensors are missing: blk.1.attn_k.weight"));
    EXPECT_THAT(
        problems[1],
        HasSubstr("output_norm.weight is 31, expected 32, "
                  "blk.0.ffn_up.weight is 32 x 63, expected 32 x 64")
    );
    EXPECT_THAT(
        problems[2], HasSubstr("norms must be F32, these are not: blk.0.attn_norm.weight Q8_0")
    );
}

TEST(Hyperparameters, report_tensors_of_other_types_with_advice) {
    GgufWriter writer = tiny_model({});
    for (int i = 0; i < 13; ++i) {
        writer.tensor({fmt::format("x{}", i), {256}, 15, std::string(292, '\0')});
    }
    writer.tensor({"y", {256}, 16, std::string(66, '\0')});
    writer.tensor({"z", {1}, 99, ""});
    const auto problems = problems_of(writer);
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_THAT(
        problems[0],
        HasSubstr("Q8_K (13 tensors, \"x0\" first), IQ2_XXS (1 tensor, \"y\"), type 99 (1 tensor")
    );
    EXPECT_THAT(
        problems[0],
        HasSubstr("F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, "
                  "IQ4_NL, IQ4_XS and MXFP4 can be computed")
    );
    EXPECT_THAT(problems[0], HasSubstr("llama-quantize --allow-requantize"));
}

TEST(Report, gives_metadata_and_types_of_a_file_that_cannot_be_computed) {
    GgufWriter writer = tiny_model({.layers = 2});
    writer.tensor({"blk.1.ffn_up.weight", {32, 64}, 9, std::string(36 * 64, '\0')});
    const TemporaryFile temporary(writer.bytes());
    const GgufFile file(temporary.path());
    const ModelReport report = report_on(file);
    ASSERT_EQ(report.problems.size(), 1U);
    EXPECT_EQ(report.model.layers, 2);
    EXPECT_EQ(report.model.width, 32);
    EXPECT_EQ(report.model.vocabulary, 40);
    EXPECT_TRUE(report.model.layer_types.empty());
    const auto uses = tensor_type_uses(file);
    ASSERT_EQ(uses.size(), 2U);
    EXPECT_EQ(uses[0].name, "F32");
    EXPECT_EQ(uses[0].tensors, 20);
    EXPECT_TRUE(uses[0].computed);
    EXPECT_EQ(uses[1].name, "Q8_1");
    EXPECT_EQ(uses[1].bytes, 36U * 64);
    EXPECT_FALSE(uses[1].computed);
    EXPECT_EQ(uses[1].first_tensor, "blk.1.ffn_up.weight");
}

TEST(Report, of_another_architecture_has_its_name_and_nothing_else) {
    GgufWriter writer = tiny_model({});
    writer.text("general.architecture", "falcon");
    const TemporaryFile file(writer.bytes());
    const ModelReport report = report_on(GgufFile(file.path()));
    ASSERT_EQ(report.problems.size(), 1U);
    EXPECT_THAT(report.problems[0], HasSubstr("\"falcon\""));
    EXPECT_EQ(report.model.layers, 0);
}

TEST(Report, of_a_valid_file_has_no_problem) {
    const TemporaryFile file(tiny_model({}).bytes());
    const ModelReport report = report_on(GgufFile(file.path()));
    EXPECT_TRUE(report.problems.empty());
    expect_equal(report.model, test::tiny_hyperparameters({}));
}

TEST(Hyperparameters, refuse_norms_that_are_not_finite) {
    GgufWriter writer = tiny_model({});
    writer.find_tensor("blk.1.ffn_norm.weight")
        .data.replace(8, 4, raw(std::numeric_limits<float>::quiet_NaN()));
    EXPECT_THAT(problem_of(writer), HasSubstr("not finite; the file is damaged: blk.1.ffn_norm"));
}

TEST(Hyperparameters, refuse_a_vocabulary_that_disagrees_with_the_embedding) {
    GgufWriter writer = tiny_model({});
    writer.texts("tokenizer.ggml.tokens", {"a", "b"});
    EXPECT_THAT(problem_of(writer), HasSubstr("tokenizer.ggml.tokens says 2 tokens, but"));
    writer = tiny_model({});
    writer.u32("llama.vocab_size", 41);
    EXPECT_THAT(problem_of(writer), HasSubstr("llama.vocab_size says 41 tokens"));
}

} // namespace
} // namespace headroom::model
