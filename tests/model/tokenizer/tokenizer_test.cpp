// The tokenizer, by examples and compared with an algorithm that rescans the text for every merge.
#include <chrono>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/tokenizer/merge.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "tests/model/support/gguf_writer.hpp"

namespace headroom::model {
namespace {

using test::GgufWriter;
using test::input_error_of;
using test::TemporaryFile;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSpace = "\xE2\x96\x81";

struct Token {
    std::string piece;
    float score = 0;
    std::int32_t type = 1;
};

GgufWriter vocabulary(const std::vector<Token>& tokens) {
    std::vector<std::string> pieces;
    std::vector<float> scores;
    std::vector<std::int32_t> types;
    for (const Token& token : tokens) {
        pieces.push_back(token.piece);
        scores.push_back(token.score);
        types.push_back(token.type);
    }
    GgufWriter writer;
    writer.text("tokenizer.ggml.model", "llama");
    writer.texts("tokenizer.ggml.tokens", pieces);
    writer.floats("tokenizer.ggml.scores", scores);
    writer.i32s("tokenizer.ggml.token_type", types);
    return writer;
}

Tokenizer tokenizer_of(const GgufWriter& writer) {
    const TemporaryFile file(writer.bytes());
    return Tokenizer(GgufFile(file.path()));
}

/// Returns a vocabulary with <unk> 0, <s> 1, </s> 2 and then the given tokens.
std::vector<Token> with_special(std::vector<Token> tokens) {
    tokens.insert(tokens.begin(), {{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}});
    return tokens;
}

TEST(Tokenizer, merges_the_best_pair_first_and_the_leftmost_of_equals) {
    const Tokenizer t = tokenizer_of(vocabulary(with_special({
        {kSpace, -9},
        {"a", -9},
        {"b", -9},
        {"ab", -2},
        {"ba", -1},
        {"aa", -3},
        {std::string(kSpace) + "a", -4},
    })));
    // ▁aba: "ba" (-1) beats "ab" (-2), then ▁a.
    EXPECT_THAT(t.encode("aba"), ElementsAre(1, 9, 7));
    // ▁baaa: "ba" first, then of the two a left "aa".
    EXPECT_THAT(t.encode("baaa"), ElementsAre(1, 3, 7, 8));
    // ▁aaa: (a,a) -3 twice possible: the left one is merged.
    EXPECT_THAT(t.encode("aaa"), ElementsAre(1, 3, 8, 4));
    EXPECT_THAT(t.encode(""), ElementsAre(1));
    EXPECT_EQ(t.bos(), 1);
    EXPECT_EQ(t.eos(), 2);
    EXPECT_EQ(t.size(), 10);
}

TEST(Tokenizer, falls_back_to_bytes_or_to_unknown) {
    auto tokens = with_special({{kSpace}, {"a"}, {"<0xC3>", 0, 6}, {"<0xA9>", 0, 6}});
    const Tokenizer t = tokenizer_of(vocabulary(tokens));
    EXPECT_THAT(t.encode("aé"), ElementsAre(1, 3, 4, 5, 6));
    EXPECT_EQ(t.decode(t.encode("aé")), "aé");
    EXPECT_THAT(t.encode("a!"), ElementsAre(1, 3, 4, 0)); // neither piece nor byte
    EXPECT_THAT(t.encode("\xC3"), ElementsAre(1, 3, 5));  // not UTF-8: byte by byte
    EXPECT_THAT(t.encode("\xA9\xC3\xA9"), ElementsAre(1, 3, 6, 5, 6));
    EXPECT_EQ(t.piece(0), "");
}

TEST(Tokenizer, follows_the_flags_of_the_file) {
    GgufWriter writer = vocabulary(with_special({{kSpace}, {"a"}}));
    writer.boolean("tokenizer.ggml.add_bos_token", false);
    writer.boolean("tokenizer.ggml.add_space_prefix", false);
    const Tokenizer t = tokenizer_of(writer);
    EXPECT_THAT(t.encode("a"), ElementsAre(4));
    EXPECT_THAT(t.encode(" a"), ElementsAre(3, 4));
    EXPECT_EQ(t.decode(std::vector<std::int32_t>{3, 4}), " a");
    writer.u32("tokenizer.ggml.bos_token_id", 2);
    writer.boolean("tokenizer.ggml.add_bos_token", true);
    EXPECT_THAT(tokenizer_of(writer).encode("a"), ElementsAre(2, 4));
}

TEST(Tokenizer, decodes_without_the_space_prefix_and_control_tokens) {
    const Tokenizer t =
        tokenizer_of(vocabulary(with_special({{std::string(kSpace) + "hi"}, {"!"}})));
    EXPECT_EQ(t.decode(std::vector<std::int32_t>{1, 3, 3, 4, 2}), "hi hi!");
    EXPECT_EQ(t.piece(3), " hi");
    EXPECT_EQ(t.piece(3, true), "hi");
    EXPECT_EQ(t.piece(1), "");
}

TEST(Tokenizer, recognises_user_defined_tokens_but_no_control_tokens_in_text) {
    const Tokenizer t = tokenizer_of(vocabulary(with_special({
        {kSpace},
        {"a"},
        {"<", -1},
        {"s", -1},
        {">", -1},
        {"<s", -1},
        {"<x>", 0, 4},
        {"<x>>", 0, 4},
        {std::string("a") + kSpace + "z", 0, 4},
    })));
    EXPECT_THAT(t.encode("<x>a"), ElementsAre(1, 9, 4));
    EXPECT_THAT(t.encode("a<x>>a"), ElementsAre(1, 3, 4, 10, 4)); // the longer one
    EXPECT_THAT(t.encode("a za z"), ElementsAre(1, 11, 11));      // a plain space in it
    EXPECT_THAT(t.encode("<s>"), ElementsAre(1, 3, 8, 7));        // text, not BOS
    for (const char* text : {"<x>a", "a<x>>a", "a za z", "<s>", " <x> a", "  a"}) {
        EXPECT_EQ(t.decode(t.encode(text)), text);
    }
}

/// Merges by a scan of all adjacent pairs for every merge, which is simple and takes O(n²) time.
std::vector<std::string> slow_merge(
    const std::string& text, const std::map<std::string, float>& pieces
) {
    std::vector<std::string> symbols;
    for (std::size_t at = 0; at < text.size(); at += symbols.back().size()) {
        symbols.push_back(text.substr(at, character_bytes(std::string_view(text).substr(at))));
    }
    while (true) {
        std::size_t best = symbols.size();
        float best_score = 0;
        for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
            const auto found = pieces.find(symbols[i] + symbols[i + 1]);
            if (found != pieces.end() && (best == symbols.size() || found->second > best_score)) {
                best = i;
                best_score = found->second;
            }
        }
        if (best == symbols.size()) {
            return symbols;
        }
        symbols[best] += symbols[best + 1];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

std::string random_text(Random& random, std::uint64_t length) {
    const std::string letters[] = {"a", "b", "c", "é", "\xFF"};
    std::string text;
    for (std::uint64_t i = 0; i < length; ++i) {
        text += letters[random.below(5)];
    }
    return text;
}

TEST(MergePieces, agrees_with_rescanning_for_every_merge) {
    Random random(stream_seed(22, "merge"));
    int merged = 0;
    for (int trial = 0; trial < 300; ++trial) {
        std::map<std::string, float> pieces;
        for (int i = 0; i < 60; ++i) { // few scores, so that ties are common
            pieces[random_text(random, 2 + random.below(4))] = -static_cast<float>(random.below(8));
        }
        const std::string text = random_text(random, random.below(60));
        const auto score = [&](std::string_view piece) {
            const auto found = pieces.find(std::string(piece));
            return found == pieces.end() ? nullptr : &found->second;
        };
        const auto fast = merge_pieces(text, score, 100);
        const auto slow = slow_merge(text, pieces);
        EXPECT_EQ(std::vector<std::string>(fast.begin(), fast.end()), slow) << text;
        merged += slow.size() < text.size() ? 1 : 0;
    }
    EXPECT_GT(merged, 200); // merges must occur
}

TEST(Tokenizer, encodes_long_texts_in_little_more_than_linear_time) {
    std::vector<Token> tokens = with_special({{kSpace}});
    std::string run;
    for (int i = 0; i < 12; ++i) { // a, aa, aaaa, …: as many merges as can be
        run = i == 0 ? "a" : run + run;
        tokens.push_back({run, -static_cast<float>(i)});
    }
    const Tokenizer t = tokenizer_of(vocabulary(tokens));
    const auto start = std::chrono::steady_clock::now();
    const auto ids = t.encode(std::string(1 << 18, 'a'));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(ids.size(), 2U + (1U << 18) / (1U << 11));
    EXPECT_LT(taken.count(), 20.0); // quadratic time would take hours
}

TEST(Tokenizer, reads_a_vocabulary_without_types) {
    GgufWriter writer = vocabulary({{"<unk>"}, {"<s>"}, {"</s>"}, {kSpace}, {"a"}, {"<0x21>"}});
    writer.remove("tokenizer.ggml.token_type");
    writer.u32("tokenizer.ggml.bos_token_id", 1);
    writer.u32("tokenizer.ggml.eos_token_id", 2);
    const Tokenizer t = tokenizer_of(writer);
    EXPECT_THAT(t.encode("a!"), ElementsAre(1, 3, 4, 5));
    EXPECT_EQ(t.decode(std::vector<std::int32_t>{1, 3, 4, 5, 2}), "a!");
}

TEST(Tokenizer, refuses_damaged_vocabularies) {
    const auto error = [](const GgufWriter& writer) {
        return input_error_of([&] { (void)tokenizer_of(writer); });
    };
    const GgufWriter sound = vocabulary(with_special({{kSpace}, {"a"}}));
    EXPECT_EQ(error(sound), "");
    EXPECT_THAT(error(GgufWriter()), HasSubstr("tokenizer.ggml.model is missing"));
    GgufWriter writer = sound;
    writer.text("tokenizer.ggml.model", "gpt2");
    EXPECT_THAT(error(writer), HasSubstr("its kind is \"gpt2\""));
    writer = sound;
    writer.texts("tokenizer.ggml.tokens", {});
    EXPECT_THAT(error(writer), HasSubstr("missing or empty"));
    writer = sound;
    writer.floats("tokenizer.ggml.scores", {1});
    EXPECT_THAT(error(writer), HasSubstr("expected 5 scores, found 1"));
    writer.floats("tokenizer.ggml.scores", {0, 0, 0, std::nanf(""), 0});
    EXPECT_THAT(error(writer), HasSubstr("score 3 is not a number"));
    writer = sound;
    writer.i32s("tokenizer.ggml.token_type", {2, 3, 3, 1, 7});
    EXPECT_THAT(error(writer), HasSubstr("token 4: expected a type from 0 to 6, found 7"));
    writer.i32s("tokenizer.ggml.token_type", {2, 3, 3, 1, 6});
    EXPECT_THAT(error(writer), HasSubstr("expected a byte's name"));
}

TEST(Tokenizer, accepts_faults_that_other_programs_accept) {
    const GgufWriter sound = vocabulary(with_special({{kSpace, 0}, {"a", 0}, {"!", 0}}));
    const Tokenizer plain = tokenizer_of(sound);
    const std::vector<std::int32_t> ids = plain.encode("a!");
    EXPECT_THAT(ids, ElementsAre(1, 3, 4, 5));
    EXPECT_TRUE(plain.warnings().empty());

    GgufWriter writer = sound;
    writer.remove("tokenizer.ggml.scores");
    EXPECT_EQ(tokenizer_of(writer).encode("a!"), ids);

    writer = sound;
    writer.i32s("tokenizer.ggml.token_type", {2, 3, 3, 0, 0, 1});
    const Tokenizer untyped = tokenizer_of(writer);
    EXPECT_EQ(untyped.encode("a!"), ids);
    EXPECT_EQ(untyped.decode(ids), "a!");

    for (const std::uint32_t id : {6U, 4294967295U}) {
        writer = sound;
        writer.u32("tokenizer.ggml.bos_token_id", id);
        writer.u32("tokenizer.ggml.eos_token_id", id);
        const Tokenizer odd = tokenizer_of(writer);
        EXPECT_EQ(odd.bos(), -1);
        EXPECT_EQ(odd.eos(), -1);
        EXPECT_THAT(odd.encode("a!"), ElementsAre(3, 4, 5));
        EXPECT_THAT(
            odd.warnings(),
            ElementsAre(
                HasSubstr("bos_token_id is " + std::to_string(id) + ", but there are 6 tokens"),
                HasSubstr("eos_token_id is")
            )
        );
    }
    writer = sound;
    writer.i32("tokenizer.ggml.unknown_token_id", -1);
    const Tokenizer odd = tokenizer_of(writer);
    EXPECT_THAT(odd.encode("?"), ElementsAre(1, 3, 0));
    EXPECT_THAT(odd.warnings(), ElementsAre(HasSubstr("unknown_token_id is -1")));
}

} // namespace
} // namespace headroom::model
