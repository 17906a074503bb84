// The shapes that plan and simulate take from model files, also from those that cannot be run.
#include <functional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/costs/cost_shape.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/decoder/public_models.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

using test::GgufWriter;
using test::raw;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

using Change = std::function<void(GgufWriter&)>;
constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kBoolean = 7;
constexpr std::uint32_t kArray = 9;

/// A tensor of zeros in F32.
void add(GgufWriter& writer, const std::string& name, const std::vector<std::uint64_t>& sizes) {
    std::uint64_t elements = 1;
    for (const std::uint64_t size : sizes) {
        elements *= size;
    }
    writer.tensor({name, sizes, kF32, std::string(4 * elements, '\0')});
}

/// Adds a tensor to both layers of the model.
void add_to_layers(
    GgufWriter& writer, const std::string& name, const std::vector<std::uint64_t>& sizes
) {
    add(writer, "blk.0." + name, sizes);
    add(writer, "blk.1." + name, sizes);
}

void remove_from_layers(GgufWriter& writer, const std::string& name) {
    writer.remove_tensor("blk.0." + name);
    writer.remove_tensor("blk.1." + name);
}

/// The tiny model (D 32, 4 heads, 2 K/V heads, F 64) of an architecture that nobody knows.
test::TemporaryFile strange_file(const Change& change) {
    GgufWriter writer = test::tiny_model({});
    writer.text("general.architecture", "strange");
    writer.u32("strange.block_count", 2);
    writer.u32("strange.embedding_length", 32);
    writer.u32("strange.feed_forward_length", 64);
    writer.u32("strange.attention.head_count", 4);
    writer.u32("strange.attention.head_count_kv", 2);
    writer.u32("strange.context_length", 64);
    change(writer);
    return test::TemporaryFile(writer.bytes());
}

CostShape strange(const Change& change) {
    const test::TemporaryFile file = strange_file(change);
    return cost_shape_of(GgufFile(file.path()));
}

std::vector<std::string> problems_of(const Change& change) {
    const test::TemporaryFile file = strange_file(change);
    try {
        (void)cost_shape_of(GgufFile(file.path()));
        return {};
    } catch (const InputError& error) {
        return error.problems();
    }
}

ModelShape plain_shape() {
    return strange([](GgufWriter&) {}).shape;
}

/// Turns the ffns into mixtures of 8 experts of width 16, of which a token uses 2.
void make_mixture(GgufWriter& writer) {
    writer.u32("strange.expert_count", 8);
    writer.u32("strange.expert_used_count", 2);
    writer.u32("strange.expert_feed_forward_length", 16);
    for (const std::string name : {"ffn_gate", "ffn_up", "ffn_down"}) {
        remove_from_layers(writer, name + ".weight");
    }
    add_to_layers(writer, "ffn_gate_inp.weight", {32, 8});
    add_to_layers(writer, "ffn_gate_exps.weight", {32, 16, 8});
    add_to_layers(writer, "ffn_up_exps.weight", {32, 16, 8});
    add_to_layers(writer, "ffn_down_exps.weight", {16, 32, 8});
}

TEST(CostShape, of_a_model_that_runs_is_that_of_its_hyperparameters) {
    const test::TemporaryFile file(test::tiny_model({.type = test::StoredType::q8_0}).bytes());
    const GgufFile gguf(file.path());
    const CostShape costs = cost_shape_of(gguf);
    EXPECT_EQ(costs.shape, static_cast<const ModelShape&>(read_hyperparameters(gguf)));
    EXPECT_EQ(costs.name, "tiny");
    EXPECT_THAT(costs.notes, IsEmpty());
}

TEST(CostShape, of_an_unknown_architecture_is_read_from_the_usual_names) {
    const CostShape costs = strange([](GgufWriter&) {});
    ModelShape known = test::tiny_hyperparameters({});
    EXPECT_EQ(costs.shape, known);
    EXPECT_THAT(
        costs.notes,
        ElementsAre(AllOf(
            HasSubstr("plan and simulate know what the model costs"),
            HasSubstr("headroom run cannot run it: the architecture is \"strange\"")
        ))
    );
}

TEST(CostShape, has_experts) {
    const ModelShape shape = strange(make_mixture).shape;
    EXPECT_EQ(shape.experts, 8);
    EXPECT_EQ(shape.experts_used, 2);
    EXPECT_EQ(shape.ffn_width, 16);
    EXPECT_TRUE(shape.gated);
    EXPECT_THAT(
        problems_of([](GgufWriter& writer) {
            make_mixture(writer);
            writer.u32("strange.expert_used_count", 9);
        }),
        Contains(HasSubstr("strange.expert_used_count: expected 1 to 8, found 9"))
    );
    EXPECT_THAT(
        problems_of([](GgufWriter& writer) {
            make_mixture(writer);
            add_to_layers(writer, "ffn_up_shexp.weight", {32, 16});
        }),
        Contains(AllOf(HasSubstr("matrices whose costs are not known"), HasSubstr("ffn_up_shexp")))
    );
}

TEST(CostShape, has_head_widths_norms_and_biases) {
    const ModelShape shape = strange([](GgufWriter& writer) {
                                 writer.u32("strange.attention.key_length", 16);
                                 writer.u32("strange.attention.value_length", 16);
                                 add_to_layers(writer, "attn_q.weight", {32, 64});
                                 add_to_layers(writer, "attn_k.weight", {32, 32});
                                 add_to_layers(writer, "attn_v.weight", {32, 32});
                                 add_to_layers(writer, "attn_output.weight", {64, 32});
                                 add_to_layers(writer, "attn_q.bias", {64});
                                 add_to_layers(writer, "attn_k.bias", {32});
                                 add_to_layers(writer, "attn_v.bias", {32});
                                 add_to_layers(writer, "attn_q_norm.weight", {16});
                                 add_to_layers(writer, "attn_k_norm.weight", {16});
                                 add_to_layers(writer, "post_attention_norm.weight", {32});
                                 add_to_layers(writer, "post_ffw_norm.weight", {32});
                             }).shape;
    EXPECT_EQ(shape.head_width(), 16);
    EXPECT_EQ(shape.attention_width(), 64);
    EXPECT_TRUE(shape.qkv_bias);
    EXPECT_EQ(shape.qk_norm, QkNorm::head);
    EXPECT_EQ(shape.norm_place, NormPlace::around);
    const ModelShape after = strange([](GgufWriter& writer) {
                                 remove_from_layers(writer, "attn_norm.weight");
                                 remove_from_layers(writer, "ffn_norm.weight");
                                 add_to_layers(writer, "post_attention_norm.weight", {32});
                                 add_to_layers(writer, "post_ffw_norm.weight", {32});
                                 add_to_layers(writer, "attn_q_norm.weight", {32});
                                 add_to_layers(writer, "attn_k_norm.weight", {16});
                             }).shape;
    EXPECT_EQ(after.norm_place, NormPlace::after);
    EXPECT_EQ(after.qk_norm, QkNorm::width);
}

TEST(CostShape, has_the_types_of_fused_matrices) {
    const ModelShape shape = strange([](GgufWriter& writer) {
                                 for (const std::string name : {"attn_q", "attn_k", "attn_v"}) {
                                     remove_from_layers(writer, name + ".weight");
                                 }
                                 remove_from_layers(writer, "ffn_gate.weight");
                                 add_to_layers(writer, "attn_qkv.weight", {32, 64});
                                 add_to_layers(writer, "ffn_up.weight", {32, 128});
                             }).shape;
    EXPECT_EQ(shape, plain_shape());
    const ModelShape plain =
        strange([](GgufWriter& writer) { remove_from_layers(writer, "ffn_gate.weight"); }).shape;
    EXPECT_FALSE(plain.gated);
}

std::string truth_values(const std::vector<int>& values) {
    std::string list = raw(kBoolean) + raw(std::uint64_t{values.size()});
    for (const int value : values) {
        list += static_cast<char>(value);
    }
    return list;
}

TEST(CostShape, has_windows_of_which_the_layers_are_known) {
    const auto with_pattern = [](const Change& pattern) {
        return [=](GgufWriter& writer) {
            writer.u32("strange.attention.sliding_window", 8);
            pattern(writer);
        };
    };
    const std::string key = "strange.attention.sliding_window_pattern";
    const auto list = [&](std::vector<int> values) {
        return with_pattern([=](GgufWriter& writer) {
            writer.put(key, kArray, truth_values(values));
        });
    };
    const ModelShape counted =
        strange(with_pattern([&](GgufWriter& writer) { writer.u32(key, 2); })).shape;
    EXPECT_EQ(counted.window, 8);
    EXPECT_EQ(counted.window_period, 2);
    EXPECT_EQ(strange(list({1, 0})).shape, counted);
    EXPECT_EQ(strange(list({1, 1})).shape.window_period, 0);
    EXPECT_EQ(strange(list({1, 1})).shape.window, 8);
    EXPECT_EQ(strange(list({0, 0})).shape, plain_shape());
    EXPECT_THAT(problems_of(list({0, 1})), Contains(HasSubstr(key + ": expected a number, or")));
    EXPECT_THAT(problems_of(list({1, 0, 1})), Contains(HasSubstr(key)));
    const CostShape unknown = strange(with_pattern([](GgufWriter&) {}));
    EXPECT_EQ(unknown.shape, plain_shape());
    EXPECT_THAT(
        unknown.notes,
        Contains(HasSubstr("sliding_window is 8, but the file does not say in which layers"))
    );
}

TEST(CostShape, leaves_out_other_vectors_and_says_so) {
    const CostShape costs = strange([](GgufWriter& writer) {
        add_to_layers(writer, "attn_sinks.weight", {4});
        add(writer, "rope_freqs.weight", {4});
    });
    EXPECT_EQ(costs.shape, plain_shape());
    EXPECT_THAT(
        costs.notes, Contains(HasSubstr("the costs leave out 3 vectors of 48 B in all, \"blk.0."))
    );
}

TEST(CostShape, refuses_sizes_that_are_missing_or_wrong_all_at_once) {
    EXPECT_THAT(
        problems_of([](GgufWriter& writer) {
            writer.remove("strange.block_count");
            writer.u32("strange.embedding_length", 0);
            writer.text("strange.context_length", "long");
        }),
        UnorderedElementsAre(
            HasSubstr("the architecture is \"strange\""),
            HasSubstr("the required metadata strange.block_count is missing"),
            HasSubstr("strange.embedding_length: expected 1 to 262144, found 0"),
            HasSubstr("strange.context_length")
        )
    );
    EXPECT_THAT(
        problems_of([](GgufWriter& writer) { writer.u32("strange.attention.value_length", 4); }),
        Contains(HasSubstr("key_length is 8 and strange.attention.value_length 4"))
    );
}

TEST(CostShape, refuses_tensors_that_are_missing_or_wrong_all_at_once) {
    EXPECT_THAT(
        problems_of([](GgufWriter& writer) {
            writer.remove_tensor("blk.1.attn_k.weight");
            add(writer, "blk.0.ffn_up.weight", {32, 60});
            add(writer, "blk.1.attn_q.bias", {32});
            add(writer, "blk.1.attn_q_norm.weight", {8});
            add(writer, "blk.1.attn_k_norm.weight", {8});
            add(writer, "blk.0.ssm_in.weight", {32, 32});
        }),
        UnorderedElementsAre(
            HasSubstr("the architecture is \"strange\""),
            HasSubstr("tensors are missing: blk.1.attn_k.weight"),
            HasSubstr("blk.0.ffn_up.weight is 32 x 60, expected 32 x 64"),
            HasSubstr("layers with other norms, biases or matrices than the first: layer 1"),
            AllOf(HasSubstr("matrices whose costs are not known"), HasSubstr("ssm_in"))
        )
    );
}

TEST(CostShape, of_a_file_that_is_no_model_says_only_that) {
    const test::TemporaryFile adapter([] {
        GgufWriter writer = test::tiny_model({});
        writer.text("general.type", "adapter");
        return writer.bytes();
    }());
    EXPECT_THROW((void)cost_shape_of(GgufFile(adapter.path())), InputError);
    try {
        (void)cost_shape_of(GgufFile(adapter.path()));
    } catch (const InputError& error) {
        EXPECT_THAT(error.problems(), ElementsAre(HasSubstr("it is an adapter")));
    }
}

/// Of every public model, also of those with experts, the shape is that of its metadata.
TEST(CostShape, of_public_models) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto costs_of = [](const std::string& name) {
        return cost_shape_of(GgufFile(test::public_model("arch/" + name + ".gguf")));
    };
    for (const std::string name : {"mixtral", "qwen3moe", "olmoe"}) {
        const CostShape costs = costs_of(name);
        SCOPED_TRACE(name);
        EXPECT_EQ(costs.shape.experts, 8);
        EXPECT_EQ(costs.shape.experts_used, 2);
        EXPECT_EQ(costs.shape.ffn_width, name == "qwen3moe" ? 32 : 96);
        EXPECT_EQ(costs.shape.width, 64);
        EXPECT_THAT(costs.notes, Contains(HasSubstr("headroom run cannot run it")));
    }
    EXPECT_EQ(costs_of("qwen3moe").shape.qk_norm, QkNorm::head);
    EXPECT_EQ(costs_of("qwen3moe").shape.head_width(), 32);
    EXPECT_EQ(costs_of("olmoe").shape.qk_norm, QkNorm::width);
    EXPECT_EQ(costs_of("mixtral").shape.qk_norm, QkNorm::none);
    int models = 0;
    for (const auto& entry : std::filesystem::directory_iterator(test::public_model("arch"))) {
        if (entry.path().extension() == ".gguf") {
            EXPECT_THAT(costs_of(entry.path().stem().string()).shape.problems(), IsEmpty());
            ++models;
        }
    }
    EXPECT_GE(models, 25);
}

} // namespace
} // namespace headroom::model
