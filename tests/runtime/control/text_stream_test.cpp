// The text that observers get: whole characters, in the order of each sequence, without losses.
#include <fstream>

#include <gtest/gtest.h>

#include "runtime/control/text_stream.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr std::int32_t kFirstByte = 5; ///< id of <0x00>

/// A vocabulary of <unk>, <s>, </s>, a space, " a", and every byte.
model::Tokenizer byte_tokenizer() {
    std::vector<std::string> tokens{
        "<unk>",
        "<s>",
        "</s>",
        "\xE2\x96\x81",
        "\xE2\x96\x81"
        "a"};
    std::vector<std::int32_t> types{2, 3, 3, 1, 1};
    for (int byte = 0; byte < 256; ++byte) {
        constexpr const char* kDigits = "0123456789ABCDEF";
        tokens.push_back(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">");
        types.push_back(6);
    }
    model::test::GgufWriter writer;
    writer.text("tokenizer.ggml.model", "llama");
    writer.texts("tokenizer.ggml.tokens", tokens);
    writer.floats("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0.0F));
    writer.i32s("tokenizer.ggml.token_type", types);
    const auto path = support::temporary_path("bytes.gguf");
    const std::string bytes = writer.bytes();
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return model::Tokenizer(model::GgufFile(path));
}

class Listener final : public runtime::Observer {
  public:
    void on_begin(const trace::RunHeader&) override {}
    void on_prompt(const std::string& text) override { heard.push_back("[" + text + "]"); }
    void on_token(const std::string& piece, std::int64_t sampled) override {
        heard.push_back(piece);
        last = sampled;
    }
    void on_text(std::int64_t sequence, const std::string& text) override {
        heard.push_back(std::to_string(sequence) + ": " + text);
    }
    void on_decision(const runtime::DecisionEvent&) override {}
    void on_interval(const trace::Interval&) override {}

    std::vector<std::string> heard;
    std::int64_t last = 0;
};

std::int32_t id_of(char byte) {
    return kFirstByte + static_cast<unsigned char>(byte);
}

TEST(TextStream, shows_a_character_of_several_tokens_when_it_is_complete) {
    const model::Tokenizer tokenizer = byte_tokenizer();
    Listener listener;
    runtime::TextStream stream(tokenizer, &listener);
    stream.begin(0, tokenizer.encode("\u00e9\nx"));
    for (const char byte : std::string("\u20ac!")) {
        stream.show(0, id_of(byte));
    }
    stream.end(0);
    EXPECT_EQ(listener.heard, (std::vector<std::string>{"[\u00e9\nx]", "", "", "\u20ac", "!"}));
    EXPECT_EQ(listener.last, 4);
}

TEST(TextStream, shows_incomplete_characters_at_the_end_of_their_sequence) {
    const model::Tokenizer tokenizer = byte_tokenizer();
    Listener listener;
    runtime::TextStream stream(tokenizer, &listener);
    stream.begin(0, tokenizer.encode("x"));
    stream.show(0, id_of('\xE2'));
    stream.end(0);
    stream.begin(0, tokenizer.encode("y"));
    stream.show(0, id_of('\x82'));
    stream.end(0);
    EXPECT_EQ(listener.heard, (std::vector<std::string>{"[x]", "", "\xE2", "[y]", "\x82"}))
        << "the second sequence's byte must not complete the first one's";
    EXPECT_EQ(listener.last, 2);
}

TEST(TextStream, drops_the_space_prefix_once_after_an_empty_prompt) {
    const model::Tokenizer tokenizer = byte_tokenizer();
    Listener listener;
    runtime::TextStream stream(tokenizer, &listener);
    for (int sequence = 0; sequence < 2; ++sequence) {
        stream.begin(0, tokenizer.encode(""));
        stream.show(0, 4);
        stream.show(0, 4);
        stream.end(0);
    }
    EXPECT_EQ(listener.heard, (std::vector<std::string>{"[]", "a", " a", "[]", "a", " a"}));
}

} // namespace
TEST(TextStream, shows_concurrent_sequences_one_by_one_when_they_end) {
    const model::Tokenizer tokenizer = byte_tokenizer();
    Listener listener;
    runtime::TextStream stream(tokenizer, &listener, false);
    stream.begin(0, tokenizer.encode("x"));
    stream.begin(1, tokenizer.encode("y"));
    stream.show(0, id_of('a'));
    stream.show(1, id_of('b'));
    stream.show(0, id_of('c'));
    stream.end(1);
    stream.end(0);
    EXPECT_EQ(listener.heard, (std::vector<std::string>{"", "", "", "1: yb", "0: xac"}));
    EXPECT_EQ(listener.last, 3);
}

} // namespace headroom
