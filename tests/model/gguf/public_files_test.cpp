// The files of public models: the tokenizer agrees with recorded ids and texts, and hyperparameters
// and types are read correctly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/decoder/weights.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "tests/model/decoder/public_models.hpp"

namespace headroom::model {
namespace {

using test::public_model;
using Ids = std::vector<std::int32_t>;

TEST(PublicTokenizers, produce_the_recorded_ids_and_texts) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    int records = 0;
    for (const char* name : {"greedy.json", "logits.json"}) {
        for (const auto& record : test::public_record(name)) {
            const GgufFile file(public_model(record.at("model")));
            const Tokenizer tokenizer(file);
            const std::string prompt = record.at("prompt");
            const Ids ids = tokenizer.encode(prompt);
            EXPECT_EQ(ids, record.at("prompt_ids").get<Ids>()) << record.at("model") << prompt;
            ++records;
            if (!record.contains("text")) {
                continue; // random256: its vocabulary has the space sign only as bytes
            }
            EXPECT_EQ(tokenizer.decode(ids), prompt);
            std::string text;
            for (const std::int32_t id : record.at("generated_ids").get<Ids>()) {
                text += tokenizer.piece(id);
            }
            EXPECT_EQ(text, record.at("text")) << record.at("model") << prompt;
        }
    }
    EXPECT_GE(records, 27);
}

TEST(PublicFiles, have_the_published_hyperparameters) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const GgufFile file(public_model("babyllama-q8_0.gguf"));
    const Hyperparameters model = read_hyperparameters(file);
    EXPECT_EQ(model.width, 128);
    EXPECT_EQ(model.ffn_width, 352);
    EXPECT_EQ(model.layers, 5);
    EXPECT_EQ(model.heads, 8);
    EXPECT_EQ(model.kv_heads, 4);
    EXPECT_EQ(model.vocabulary, 105);
    EXPECT_EQ(model.context, 256);
    EXPECT_EQ(model.layer_types.at(4).down, WeightType::q8_0);
    EXPECT_FALSE(read_hyperparameters(GgufFile(public_model("random256-f32.gguf"))).tied);
}

TEST(PublicFiles, of_quantised_types_are_held_as_they_are_stored) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    struct Expected {
        const char* name;
        WeightType down;
        WeightType lm_head;
    };
    const Expected files[] = {
        {"babyllama-f16.gguf", WeightType::f16, WeightType::f16},
        {"babyllama-q4_0.gguf", WeightType::q4_0, WeightType::q8_0},
        {"random256-bf16.gguf", WeightType::bf16, WeightType::bf16},
        {"random256-q4_0.gguf", WeightType::q4_0, WeightType::q6_k},
        {"random256-q4_k_s.gguf", WeightType::q4_k, WeightType::q6_k},
        {"random256-q6_k.gguf", WeightType::q6_k, WeightType::q6_k},
    };
    for (const auto& [name, down, lm_head] : files) {
        const Hyperparameters model = read_hyperparameters(GgufFile(public_model(name)));
        EXPECT_EQ(model.layer_types.back().down, down) << name;
        EXPECT_EQ(model.lm_head_type, lm_head) << name;
    }
}

} // namespace
} // namespace headroom::model
