// The GGUF reader returns the contents that the writer wrote, and refuses damaged files with a
// message that states the place and the fault.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/gguf/gguf.hpp"
#include "model/gguf/scan_file.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

using test::GgufWriter;
using test::input_error_of;
using test::raw;
using test::raw_text;
using test::TemporaryFile;
using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& bytes) {
    const TemporaryFile file(bytes);
    return input_error_of([&] { GgufFile{file.path()}; });
}

GgufWriter with_everything() {
    GgufWriter writer;
    writer.put("a.u8", 0, raw(std::uint8_t{200}));
    writer.put("a.i8", 1, raw(std::int8_t{-5}));
    writer.put("a.u16", 2, raw(std::uint16_t{60000}));
    writer.put("a.i16", 3, raw(std::int16_t{-3000}));
    writer.u32("a.u32", 4'000'000'000U);
    writer.i32("a.i32", -7);
    writer.f32("a.f32", 0.5F);
    writer.boolean("a.bool", true);
    writer.text("a.text", "héllo");
    writer.texts("a.texts", {"x", "", "yz"});
    writer.floats("a.floats", {1.5F, -2.0F});
    writer.i32s("a.i32s", {3, -4});
    writer.put("a.u64", 10, raw(~std::uint64_t{0}));
    writer.put("a.i64", 11, raw(std::int64_t{-1} << 40));
    writer.put("a.f64", 12, raw(0.1));
    const std::string inner = raw(std::uint32_t{0}) + raw(std::uint64_t{2}) + "ab";
    writer.put("a.nested", 9, raw(std::uint32_t{9}) + raw(std::uint64_t{2}) + inner + inner);
    writer.tensor({"first", {3, 2}, 0, std::string(24, 'f')});
    writer.tensor({"second", {32}, 8, std::string(34, 's')});
    return writer;
}

void expect_everything(const GgufFile& file) {
    EXPECT_EQ(file.integer("a.u8"), 200);
    EXPECT_EQ(file.integer("a.i8"), -5);
    EXPECT_EQ(file.integer("a.u16"), 60000);
    EXPECT_EQ(file.integer("a.i16"), -3000);
    EXPECT_EQ(file.integer("a.u32"), 4'000'000'000);
    EXPECT_EQ(file.integer("a.i32"), -7);
    EXPECT_EQ(file.integer("a.i64"), std::int64_t{-1} << 40);
    EXPECT_EQ(file.number("a.f32"), 0.5);
    EXPECT_EQ(file.number("a.f64"), 0.1);
    EXPECT_EQ(file.number("a.i32"), -7.0);
    EXPECT_EQ(file.boolean("a.bool"), true);
    EXPECT_EQ(file.text("a.text"), "héllo");
    EXPECT_THAT(*file.texts("a.texts"), ElementsAre("x", "", "yz"));
    EXPECT_THAT(*file.floats("a.floats"), ElementsAre(1.5F, -2.0F));
    EXPECT_THAT(*file.integers("a.i32s"), ElementsAre(3, -4));
    EXPECT_EQ(std::get<GgufArray>(*file.find("a.nested")).count, 2U);
    EXPECT_EQ(file.integer("absent"), std::nullopt);
    EXPECT_EQ(file.texts("absent"), std::nullopt);
    EXPECT_EQ(file.find("absent"), nullptr);
}

TEST(Gguf, returns_every_value_type_in_versions_2_and_3) {
    for (const std::uint32_t version : {2U, 3U}) {
        GgufWriter writer = with_everything();
        writer.version = version;
        const TemporaryFile file(writer.bytes());
        const GgufFile read(file.path());
        EXPECT_EQ(read.version(), version);
        EXPECT_EQ(read.metadata().size(), 16U);
        expect_everything(read);
    }
}

TEST(Gguf, finds_tensors_and_their_data_at_any_alignment) {
    for (const std::uint32_t alignment : {1U, 8U, 32U, 4096U, 1U << 20}) {
        GgufWriter writer = with_everything();
        writer.alignment = alignment;
        writer.u32("general.alignment", alignment);
        const TemporaryFile file(writer.bytes());
        GgufFile first(file.path());
        const GgufFile read = std::move(first); // the open file moves too
        ASSERT_EQ(read.tensors().size(), 2U);
        const GgufTensor* const tensor = read.tensor("second");
        ASSERT_NE(tensor, nullptr);
        EXPECT_THAT(tensor->dimensions, ElementsAre(32));
        EXPECT_EQ(tensor->offset % alignment, 0U);
        std::string data(tensor->bytes, '\0');
        read.read(*tensor, 0, std::as_writable_bytes(std::span(data)));
        EXPECT_EQ(data, std::string(34, 's'));
        EXPECT_EQ(read.tensor("third"), nullptr);
    }
}

TEST(Gguf, getters_name_key_and_types_if_the_type_is_wrong) {
    const TemporaryFile file(with_everything().bytes());
    const GgufFile read(file.path());
    EXPECT_EQ(
        input_error_of([&] { (void)read.integer("a.text"); }),
        file.path().string() + ": metadata \"a.text\": expected an integer, found a text"
    );
    EXPECT_THAT(input_error_of([&] { (void)read.integer("a.u64"); }), HasSubstr("below 2^63"));
    EXPECT_THAT(input_error_of([&] { (void)read.number("a.bool"); }), HasSubstr("a number"));
    EXPECT_THAT(input_error_of([&] { (void)read.boolean("a.u8"); }), HasSubstr("a truth value"));
    EXPECT_THAT(input_error_of([&] { (void)read.text("a.texts"); }), HasSubstr("found an array"));
    EXPECT_THAT(input_error_of([&] { (void)read.texts("a.floats"); }), HasSubstr("array of texts"));
    EXPECT_THAT(input_error_of([&] { (void)read.floats("a.i32s"); }), HasSubstr("of numbers"));
    EXPECT_THAT(input_error_of([&] { (void)read.integers("a.texts"); }), HasSubstr("of integers"));
}

TEST(Gguf, hash_depends_on_content_only) {
    const TemporaryFile one(with_everything().bytes());
    const TemporaryFile same(with_everything().bytes());
    const TemporaryFile longer(with_everything().bytes() + "x");
    const auto hash = [](const TemporaryFile& file) {
        return scan_file(GgufFile(file.path())).hash;
    };
    EXPECT_EQ(hash(one), hash(same));
    EXPECT_EQ(hash(one).size(), 16U);
    EXPECT_NE(hash(one), hash(longer));
}

TEST(Gguf, refuses_paths_that_are_not_readable_files) {
    const auto error = [](const char* path) { return input_error_of([&] { GgufFile{path}; }); };
    EXPECT_EQ(
        error("/nowhere/x.gguf"),
        "/nowhere/x.gguf: cannot read the model file: No such file or directory"
    );
    EXPECT_THAT(error("/"), HasSubstr("it is a directory"));
    EXPECT_THAT(error("/dev/null"), HasSubstr("not a regular file"));
    EXPECT_THAT(error_of(""), HasSubstr("it is empty (0 bytes)"));
}

TEST(Gguf, recognises_other_kinds_of_files) {
    EXPECT_THAT(
        error_of("PK\x03\x04zip"),
        HasSubstr("expected \"GGUF\" (47 47 55 46) as its first bytes, found "
                  "\"PK\\x03\\x04\" (50 4b 03 04)")
    );
    EXPECT_THAT(error_of("G"), HasSubstr("found \"G\" (47)"));
    EXPECT_THAT(error_of("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("lfs pull"));
    EXPECT_THAT(error_of("tjggxxxx"), HasSubstr("older format"));
}

TEST(Gguf, refuses_other_versions_and_the_other_byte_order) {
    GgufWriter writer = with_everything();
    writer.version = 1;
    EXPECT_THAT(error_of(writer.bytes()), HasSubstr("found version 1; convert the model again"));
    writer.version = 4;
    EXPECT_THAT(error_of(writer.bytes()), HasSubstr("expected GGUF version 2 or 3"));
    writer.version = 0x03000000;
    EXPECT_THAT(error_of(writer.bytes()), HasSubstr("big-endian"));
}

/// Returns a file whose only metadata entry has this value type and payload.
std::string error_of_value(std::uint32_t code, const std::string& payload) {
    GgufWriter writer;
    writer.put("key", code, payload);
    return error_of(writer.bytes());
}

TEST(Gguf, refuses_counts_that_cannot_fit_before_allocating) {
    constexpr std::uint64_t kHuge = std::uint64_t{1} << 60;
    const std::string counts = "GGUF" + raw(std::uint32_t{3});
    EXPECT_THAT(error_of(counts + raw(kHuge) + raw(kHuge)), HasSubstr("a number of tensors of at"));
    EXPECT_THAT(error_of(counts + raw(std::uint64_t{0}) + raw(kHuge)), HasSubstr("entries of at"));
    for (const std::uint32_t element : {0U, 4U, 8U, 9U, 12U}) {
        EXPECT_THAT(
            error_of_value(9, raw(element) + raw(kHuge)), HasSubstr("an array's length of at most")
        );
    }
    EXPECT_THAT(error_of_value(8, raw(~std::uint64_t{0}) + "abc"), HasSubstr("a text"));
}

TEST(Gguf, errors_state_offset_fault_and_file_size) {
    GgufWriter writer;
    writer.u32("key", 1);
    const std::string bytes = writer.header();
    EXPECT_EQ(bytes.size(), 24U + 8 + 3 + 4 + 4);
    const TemporaryFile file(bytes.substr(0, bytes.size() - 1));
    EXPECT_EQ(
        input_error_of([&] { GgufFile{file.path()}; }),
        file.path().string() +
            ": at byte 39: expected 4 bytes of a value in metadata \"key\", found 3 bytes until "
            "the end of the file; the file is damaged or truncated (size 42 bytes): copy or "
            "download it again"
    );
}

TEST(Gguf, refuses_damaged_metadata) {
    EXPECT_THAT(
        error_of_value(13, "x"),
        HasSubstr("a value type from 0 to 12 in metadata \"key\", found 13")
    );
    EXPECT_THAT(error_of_value(7, raw(std::uint8_t{2})), HasSubstr("0 or 1"));
    std::string nested;
    for (int depth = 0; depth < 100; ++depth) {
        nested += raw(std::uint32_t{9}) + raw(std::uint64_t{1});
    }
    EXPECT_THAT(error_of_value(9, nested), HasSubstr("nested at most 4 deep"));
    GgufWriter twice;
    twice.u32("same", 1);
    twice.append("same", 4, raw(std::uint32_t{1}));
    EXPECT_THAT(error_of(twice.bytes()), HasSubstr("expected a key that is new"));
}

TEST(Gguf, refuses_invalid_alignments) {
    for (const std::uint32_t alignment : {0U, 3U, 48U, 1U << 21}) {
        GgufWriter writer = with_everything();
        writer.u32("general.alignment", alignment);
        EXPECT_THAT(error_of(writer.bytes()), HasSubstr("a power of two up to 1048576"));
    }
    GgufWriter writer = with_everything();
    writer.text("general.alignment", "32");
    EXPECT_THAT(error_of(writer.bytes()), HasSubstr("found another type"));
}

/// Returns with_everything with these dimensions and this type in its first tensor.
std::string error_of_tensor(
    std::vector<std::uint64_t> dimensions, std::uint32_t type, std::string data = ""
) {
    GgufWriter writer = with_everything();
    writer.tensor({"first", std::move(dimensions), type, std::move(data)});
    return error_of(writer.bytes());
}

TEST(Gguf, refuses_damaged_tensor_tables) {
    constexpr std::uint64_t kHuge = std::uint64_t{1} << 62;
    EXPECT_THAT(
        error_of_tensor({}, 0), HasSubstr("1 to 4 dimensions in tensor \"first\", found 0")
    );
    EXPECT_THAT(
        error_of_tensor({1, 1, 1, 1, 1}, 0),
        HasSubstr("1 to 4 dimensions in tensor \"first\", found 5")
    );
    EXPECT_THAT(error_of_tensor({4, 0}, 0), HasSubstr("a dimension of at least 1"));
    EXPECT_THAT(error_of_tensor({~std::uint64_t{0}}, 0), HasSubstr("a dimension of at least 1"));
    EXPECT_THAT(error_of_tensor({kHuge, 8}, 0), HasSubstr("a tensor that fits the file"));
    EXPECT_THAT(error_of_tensor({kHuge}, 0), HasSubstr("a tensor that fits the file"));
    EXPECT_THAT(error_of_tensor({33}, 8), HasSubstr("rows of a multiple of 32 (Q8_0)"));
    EXPECT_THAT(
        error_of_tensor({1000, 1000}, 0, "x"),
        HasSubstr("expected 4000000 bytes of tensor \"first\" (F32, 1000 x 1000)")
    );
    GgufWriter twice = with_everything();
    twice.append_tensor({"first", {1}, 0, "abcd"});
    EXPECT_THAT(error_of(twice.bytes()), HasSubstr("a tensor name that is new"));
}

TEST(Gguf, refuses_offsets_beyond_the_file_or_not_aligned) {
    GgufWriter writer;
    writer.tensor({"only", {2}, 0, std::string(8, 'x')});
    const std::string header = writer.header();
    const std::string data(64, '\0');
    const auto with_offset = [&](std::uint64_t offset) {
        std::string bytes = header.substr(0, header.size() - 8) + raw(offset);
        bytes.resize(64, '\0'); // the end of the header, aligned to 32
        return error_of(bytes + data);
    };
    EXPECT_EQ(with_offset(32), "");
    EXPECT_THAT(with_offset(64), HasSubstr("8 bytes of tensor \"only\""));
    EXPECT_THAT(with_offset(4), HasSubstr("a multiple of 32 in tensor \"only\", found 4"));
    EXPECT_THAT(with_offset(~std::uint64_t{31}), HasSubstr("8 bytes of tensor \"only\""));
}

TEST(Gguf, lists_tensors_of_unknown_types) {
    GgufWriter writer = with_everything();
    writer.tensor({"first", {7}, 99, ""});
    const TemporaryFile file(writer.bytes());
    EXPECT_EQ(GgufFile(file.path()).tensor("first")->bytes, 0U);
    EXPECT_EQ(ggml_type_name(99), "type 99");
    EXPECT_EQ(ggml_type_name(12), "Q4_K");
    EXPECT_EQ(ggml_type_name(30), "BF16");
}

} // namespace
} // namespace headroom::model
