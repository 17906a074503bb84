// A model that is split into several files is read as one. Parts that are missing or do not belong
// together are named.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/decoder/oracle.hpp"
#include "model/gguf/content_hash.hpp"
#include "model/gguf/scan_file.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {
namespace split_parts {

using test::GgufWriter;
using test::input_error_of;
using test::raw;
using test::TemporaryFile;
using testing::HasSubstr;

/// A folder with the parts of a model, which the destructor removes.
class SplitModel {
  public:
    explicit SplitModel(std::uint16_t parts = 3) : whole_(test::tiny_model({}).bytes()) {
        const GgufFile file(whole_.path());
        std::filesystem::create_directory(folder_);
        for (std::uint16_t i = 0; i < parts; ++i) {
            GgufWriter writer = i == 0 ? test::tiny_model({}) : GgufWriter();
            for (const GgufTensor& tensor : file.tensors()) {
                writer.remove_tensor(tensor.name);
            }
            for (std::size_t t = 0; t < file.tensors().size(); ++t) {
                const GgufTensor& tensor = file.tensors()[t];
                if (t % parts == i) {
                    std::string data(tensor.bytes, '\0');
                    file.read(tensor, 0, std::as_writable_bytes(std::span(data)));
                    const std::vector<std::uint64_t> dimensions(
                        tensor.dimensions.begin(), tensor.dimensions.end()
                    );
                    writer.tensor({tensor.name, dimensions, tensor.ggml_type, data});
                }
            }
            writer.put("split.no", 2, raw(i));
            writer.put("split.count", 2, raw(parts));
            writer.i32("split.tensors.count", static_cast<std::int32_t>(file.tensors().size()));
            parts_.push_back(writer);
            write(i);
        }
    }
    SplitModel(const SplitModel&) = delete;
    SplitModel& operator=(const SplitModel&) = delete;
    ~SplitModel() { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::filesystem::path path(std::size_t i) const {
        return folder_ / fmt::format("tiny-{:05}-of-{:05}.gguf", i + 1, parts_.size());
    }
    GgufWriter& part(std::size_t i) { return parts_.at(i); }
    void write(std::size_t i) {
        const std::string name = fmt::format("tiny-{:05}-of-{:05}.gguf", i + 1, count_);
        std::ofstream(folder_ / name, std::ios::binary) << parts_.at(i).bytes();
    }
    [[nodiscard]] const std::filesystem::path& whole() const { return whole_.path(); }

  private:
    TemporaryFile whole_;
    std::filesystem::path folder_ = whole_.path().string() + "-parts";
    std::size_t count_ = 3;
    std::vector<GgufWriter> parts_;
};

std::string error_of(const std::filesystem::path& path) {
    return input_error_of([&] { const GgufFile file(path); });
}

TEST(SplitModels, are_read_as_one_model) {
    const SplitModel split;
    const GgufFile whole(split.whole());
    const GgufFile file(split.path(0));
    EXPECT_EQ(file.tensors().size(), whole.tensors().size());
    const std::vector<std::int32_t> ids{3, 9, 17};
    const auto& kernels = kernels::kernels_for(kernels::Level::reference);
    Oracle one(whole, kernels);
    Oracle several(file, kernels);
    const auto expected = one.append(ids);
    const auto logits = several.append(ids);
    EXPECT_TRUE(std::ranges::equal(logits, expected));
}

TEST(SplitModels, are_hashed_and_checked_as_one_file) {
    SplitModel split;
    std::string bytes;
    for (std::size_t i = 0; i < 3; ++i) {
        bytes += split.part(i).bytes();
    }
    const FileScan scan = scan_file(GgufFile(split.path(0)));
    EXPECT_EQ(scan.hash, fmt::format("{:016x}", content_hash(std::as_bytes(std::span(bytes)))));
    EXPECT_EQ(scan.problem, "");
    const std::string name = GgufFile(split.path(0)).tensors().back().name;
    split.part(2).find_tensor(name).data.replace(4, 4, raw(std::nanf("")));
    split.write(2);
    EXPECT_THAT(scan_file(GgufFile(split.path(0))).problem, HasSubstr(name));
}

TEST(SplitModels, name_a_missing_part_and_the_first_one) {
    const SplitModel split;
    EXPECT_THAT(
        error_of(split.path(1)),
        HasSubstr(
            "it is part 2 of 3 of a split model; give the first part, " + split.path(0).string()
        )
    );
    std::filesystem::remove(split.path(2));
    EXPECT_THAT(
        error_of(split.path(0)),
        HasSubstr("part 3 of 3 of the model is missing: " + split.path(2).string())
    );
    const std::filesystem::path other = split.path(0).parent_path() / "other.gguf";
    std::filesystem::copy_file(split.path(0), other);
    EXPECT_THAT(error_of(other), HasSubstr("its name does not end in -00001-of-00003.gguf"));
}

TEST(SplitModels, refuse_parts_that_do_not_belong_together) {
    SplitModel split;
    split.part(1).put("split.count", 2, raw(std::uint16_t{4}));
    split.write(1);
    EXPECT_THAT(
        error_of(split.path(0)),
        HasSubstr("expected part 2 of 3 of a split model, found part 2 of 4")
    );
    split.part(1).put("split.count", 2, raw(std::uint16_t{3}));
    split.part(1).put("split.no", 2, raw(std::uint16_t{2}));
    split.write(1);
    EXPECT_THAT(error_of(split.path(0)), HasSubstr("found part 3 of 3"));
    split.part(1).put("split.no", 2, raw(std::uint16_t{1}));
    split.part(1).tensor({"output_norm.weight", {32}, 0, std::string(128, '\0')});
    split.part(2).tensor({"output_norm.weight", {32}, 0, std::string(128, '\0')});
    split.write(1);
    split.write(2);
    EXPECT_THAT(error_of(split.path(0)), HasSubstr("\"output_norm.weight\" is in another part"));
}

TEST(SplitModels, have_as_many_tensors_as_the_first_part_says) {
    SplitModel split;
    split.part(0).i32("split.tensors.count", 5);
    split.write(0);
    EXPECT_THAT(error_of(split.path(0)), HasSubstr("split.tensors.count says 5"));
}

} // namespace split_parts
} // namespace
} // namespace headroom::model
