// One pass over a model file, for its hash and for weights that are not finite; and errors if
// another program shortens the file meanwhile.
#include <cmath>
#include <filesystem>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/content_hash.hpp"
#include "model/gguf/scan_file.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

using test::StoredType;
using test::TemporaryFile;
using testing::HasSubstr;

/// A shape whose embedding alone is larger than the pieces in which a file is read.
test::TinyShape large_shape(StoredType type) {
    test::TinyShape shape;
    shape.layers = 1;
    shape.width = 256;
    shape.ffn_width = 512;
    shape.vocabulary = 3000;
    shape.type = type;
    return shape;
}

/// Returns the bytes of an infinite number or of a NaN, as blocks of this type store numbers.
std::string not_finite(StoredType type, bool nan) {
    if (type == StoredType::f32) {
        return test::raw(nan ? std::nanf("") : std::numeric_limits<float>::infinity());
    }
    if (type == StoredType::mxfp4) { // 6·2^(253 − 127) overflows
        return nan ? std::string("\xFF", 1) : std::string("\xFD", 1);
    }
    if (type == StoredType::bf16) {
        return nan ? std::string("\xC0\xFF", 2) : std::string("\x80\x7F", 2);
    }
    return nan ? std::string("\x01\xFE", 2) : std::string("\x00\x7C", 2);
}

std::string problem_of(const test::GgufWriter& writer) {
    const TemporaryFile file(writer.bytes());
    return scan_file(GgufFile(file.path())).problem;
}

TEST(ScanFile, names_tensor_row_and_count_of_weights_that_are_not_finite) {
    for (const StoredType type : test::kStoredTypes) {
        const test::GgufWriter sound = test::tiny_model(large_shape(type));
        EXPECT_EQ(problem_of(sound), "") << test::name_of(type);
        const test::StoredBlock block = test::block_of(type);
        const std::size_t row = 256 / block.weights;
        for (const std::size_t place : block.numbers) {
            test::GgufWriter writer = sound;
            std::string& data = writer.find_tensor("token_embd.weight").data;
            // One block in every row from 1234 on, so also where two pieces of the file meet.
            for (std::size_t r = 1234; r < 3000; ++r) {
                const std::string bytes = not_finite(type, r % 2 == 0);
                const std::size_t number = r * row + (r * 7) % row;
                data.replace(number * block.bytes + place, bytes.size(), bytes);
            }
            EXPECT_THAT(
                problem_of(writer),
                HasSubstr(fmt::format(
                    "token_embd.weight has 1766 {}, the first in row 1234;",
                    block.weights > 1 ? "block scales" : "weights"
                ))
            ) << test::name_of(type);
        }
    }
}

TEST(ScanFile, accepts_the_largest_scales_with_which_no_weight_is_infinite) {
    test::GgufWriter writer = test::tiny_model(large_shape(StoredType::mxfp4));
    std::string& data = writer.find_tensor("token_embd.weight").data;
    data[17] = '\xFC'; // 6·2^(252 − 127) is finite
    EXPECT_EQ(problem_of(writer), "");
    data[17] = '\xFD';
    EXPECT_THAT(problem_of(writer), HasSubstr("token_embd.weight has 1 block scale"));
    writer = test::tiny_model(large_shape(StoredType::q6_k));
    std::string& halves = writer.find_tensor("token_embd.weight").data;
    halves.replace(208, 2, "\xFF\xFB"); // −65504
    EXPECT_EQ(problem_of(writer), "");
}

TEST(ScanFile, reports_all_tensors_in_one_sentence) {
    test::GgufWriter writer = test::tiny_model({.layers = 20});
    writer.find_tensor("blk.3.attn_q.weight").data.replace(0, 4, test::raw(std::nanf("")));
    const std::string one = problem_of(writer);
    EXPECT_THAT(one, HasSubstr("weights that are not finite numbers"));
    EXPECT_THAT(one, HasSubstr(": blk.3.attn_q.weight has 1 weight, the first in row 0; the file"));
    for (int layer = 0; layer < 20; ++layer) {
        std::string& data = writer.find_tensor(fmt::format("blk.{}.ffn_up.weight", layer)).data;
        data.replace(data.size() - 4, 4, test::raw(-std::numeric_limits<float>::infinity()));
    }
    EXPECT_THAT(problem_of(writer), HasSubstr("the first in row 63 and 11 more; the file"));
}

TEST(ScanFile, has_the_hash_of_the_whole_file) {
    const std::string bytes = test::tiny_model(large_shape(StoredType::q8_0)).bytes() + "odd tail";
    const TemporaryFile file(bytes);
    const std::uint64_t hash = content_hash(std::as_bytes(std::span(bytes)));
    int pieces = 0;
    EXPECT_EQ(
        scan_file(GgufFile(file.path()), [&] { ++pieces; }).hash, fmt::format("{:016x}", hash)
    );
    EXPECT_GT(pieces, 3);
}

TEST(ShortenedModel, is_reported_wherever_it_is_read) {
    const test::GgufWriter writer = test::tiny_model(large_shape(StoredType::f32));
    const TemporaryFile file(writer.bytes());
    const GgufFile open(file.path());
    const Hyperparameters model = read_hyperparameters(open);
    const WeightFile weights(open, model);
    std::filesystem::resize_file(file.path(), 1000);
    const auto expect_change_reported = [&](auto&& action) {
        try {
            action();
            FAIL() << "no error was thrown";
        } catch (const EnvironmentError& error) {
            EXPECT_THAT(error.what(), HasSubstr(file.path().string()));
            EXPECT_THAT(error.what(), HasSubstr("has changed since the run began"));
        }
    };
    expect_change_reported([&] { (void)scan_file(open); });
    expect_change_reported([&] { (void)report_on(open); });
    Block block(model, {BlockKind::ffn, 0, -1}, 4096, std::pmr::new_delete_resource());
    expect_change_reported([&] { load_block(weights, block); });
    // The metadata is in memory and stays valid.
    EXPECT_EQ(open.text("general.architecture"), "llama");
    EXPECT_GT(open.texts("tokenizer.ggml.tokens")->size(), 2000U);
}

TEST(LongMetadata, is_read_whole_however_long_it_is) {
    test::GgufWriter writer = test::tiny_model({});
    std::vector<std::string> texts;
    for (int i = 0; i < 100'000; ++i) {
        texts.push_back(fmt::format("text {}", i));
    }
    writer.texts("a.long.list", texts);
    const TemporaryFile file(writer.bytes());
    const GgufFile read(file.path());
    EXPECT_EQ(read.texts("a.long.list")->back(), "text 99999");
    EXPECT_EQ(read_hyperparameters(read).layers, 2);
    EXPECT_EQ(scan_file(read).problem, "");
}

} // namespace
} // namespace headroom::model
