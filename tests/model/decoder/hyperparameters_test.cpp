// Hyperparameters are read as they were written. Models that the decoder would compute wrongly are
// refused, with all problems at once.
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/architecture.hpp"
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
    EXPECT_EQ(a.rope_theta, b.rope_theta);
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
    EXPECT_EQ(model.rope_theta, 10000.0);
    EXPECT_EQ(model.name, file.path().stem());
    EXPECT_EQ(model.layer_types[0].down, WeightType::f32);
    EXPECT_EQ(model.layer_types[1].down, WeightType::q8_0);
    EXPECT_EQ(model.layer_types[1].up, WeightType::f32);
}

TEST(Hyperparameters, of_every_architecture_are_read) {
    for (const Architecture& architecture : architectures()) {
        EXPECT_EQ(find_architecture(architecture.name), &architecture) << "the name is there twice";
        const test::TinyShape shape{.architecture = std::string(architecture.name)};
        const TemporaryFile file(tiny_model(shape).bytes());
        const Hyperparameters model = read_hyperparameters(GgufFile(file.path()));
        EXPECT_EQ(model.architecture, &architecture);
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
    for (const Architecture& architecture : architectures()) {
        EXPECT_THAT(page, HasSubstr(fmt::format("`{}`", architecture.name)));
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
        EXPECT_LE(type.block_elements, kLargestBlock) << type.name;
    }
}

TEST(Hyperparameters, name_an_architecture_that_cannot_be_computed) {
    GgufWriter writer = tiny_model({});
    writer.text("general.architecture", "llava");
    EXPECT_THAT(problem_of(writer), HasSubstr("the architecture is \"llava\"; only \"llama\""));
    EXPECT_THAT(problem_of(writer), testing::EndsWith("\" can be computed"));
    writer.remove("general.architecture");
    EXPECT_THAT(problem_of(writer), HasSubstr("general.architecture is missing"));
    writer = tiny_model({});
    writer.put("split.count", 2, raw(std::uint16_t{3}));
    EXPECT_THAT(problem_of(writer), HasSubstr("one part of a split model"));
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
    writer.u32("llama.rope.dimension_count", 4);
    EXPECT_THAT(problem_of(writer), HasSubstr("llama.rope.dimension_count is 4, but the head"));
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
    EXPECT_THAT(problem_of(with_number("llama.rope.scale_linear", 4)), HasSubstr("rope scaling"));
    GgufWriter writer = tiny_model({});
    writer.text("llama.rope.scaling.type", "yarn");
    EXPECT_THAT(problem_of(writer), HasSubstr("rope.scaling.type is \"yarn\""));
    writer.text("llama.rope.scaling.type", "linear");
    writer.f32("llama.rope.scaling.factor", 1.0F);
    EXPECT_EQ(problems_of(writer).size(), 0U);
    writer.f32("llama.rope.scaling.factor", 2.0F);
    EXPECT_THAT(problem_of(writer), HasSubstr("rope scaling is not computed yet"));
    writer = tiny_model({});
    writer.boolean("llama.attention.causal", false);
    EXPECT_THAT(problem_of(writer), HasSubstr("causal"));
}

TEST(Hyperparameters, refuse_tensors_that_the_decoder_would_not_use) {
    GgufWriter writer = tiny_model({});
    writer.tensor({"rope_freqs.weight", {4}, 0, std::string(16, '\0')});
    writer.tensor({"blk.1.attn_q.bias", {32}, 0, std::string(128, '\0')});
    writer.tensor({"blk.0.ffn_gate_inp.weight", {32}, 0, std::string(128, '\0')});
    const std::string problem = problem_of(writer);
    EXPECT_THAT(problem, HasSubstr("\"rope_freqs.weight\" (rope frequency factors, Llama 3.1"));
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
        writer.tensor({fmt::format("x{}", i), {256}, 10, std::string(84, '\0')});
    }
    writer.tensor({"y", {256}, 23, std::string(136, '\0')});
    writer.tensor({"z", {1}, 99, ""});
    const auto problems = problems_of(writer);
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_THAT(
        problems[0],
        HasSubstr("Q2_K (13 tensors, \"x0\" first), IQ4_XS (1 tensor, \"y\"), type 99 (1 tensor")
    );
    EXPECT_THAT(problems[0], HasSubstr("F32, F16, BF16, Q8_0 and Q4_0 can be computed"));
    EXPECT_THAT(problems[0], HasSubstr("Q4_K, Q5_K and Q6_K are expanded"));
    EXPECT_THAT(problems[0], HasSubstr("llama-quantize --allow-requantize"));
}

TEST(Report, gives_metadata_and_types_of_a_file_that_cannot_be_computed) {
    GgufWriter writer = tiny_model({.layers = 2});
    writer.tensor({"blk.1.ffn_up.weight", {32, 64}, 6, std::string(22 * 64, '\0')});
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
    EXPECT_EQ(uses[0].computed_as, WeightType::f32);
    EXPECT_EQ(uses[1].name, "Q5_0");
    EXPECT_EQ(uses[1].bytes, 22U * 64);
    EXPECT_EQ(uses[1].computed_as, std::nullopt);
    EXPECT_EQ(uses[1].first_tensor, "blk.1.ffn_up.weight");
}

TEST(Report, of_another_architecture_has_its_name_and_nothing_else) {
    GgufWriter writer = tiny_model({});
    writer.text("general.architecture", "qwen2");
    const TemporaryFile file(writer.bytes());
    const ModelReport report = report_on(GgufFile(file.path()));
    ASSERT_EQ(report.problems.size(), 1U);
    EXPECT_THAT(report.problems[0], HasSubstr("\"qwen2\""));
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
