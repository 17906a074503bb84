// Weights that are read piece by piece from an open file: the right bytes, and no other bytes.
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/weight_file.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

std::filesystem::path written(const test::TinyShape& shape) {
    static int number = 0;
    const auto path = std::filesystem::temp_directory_path() /
                      ("headroom-weight-file-" + std::to_string(getpid()) + "-" +
                       std::to_string(number++) + ".gguf");
    std::ofstream(path, std::ios::binary) << test::tiny_model(shape).bytes();
    return path;
}

/// Returns the bytes that this process has read from files so far, including those of this call.
std::int64_t bytes_read() {
    std::ifstream io("/proc/self/io");
    std::string key;
    std::int64_t value = -1;
    io >> key >> value;
    return key == "rchar:" ? value : -1;
}

class WeightFiles : public testing::TestWithParam<bool> {
  protected:
    ~WeightFiles() override { std::filesystem::remove(path); }

    std::filesystem::path path = written({
        .tied = GetParam(),
        .type = GetParam() ? test::StoredType::q8_0 : test::StoredType::f32,
    });
    GgufFile file{path};
    Hyperparameters model = read_hyperparameters(file);
    WeightFile weights{file, model};
};

constexpr Bytes kPiece = 512; // several pieces per tensor

std::vector<BlockName> all_blocks(const Hyperparameters& model) {
    std::vector<BlockName> names{{BlockKind::embed, -1, -1}, {BlockKind::lm_head, -1, -1}};
    for (std::int32_t l = 0; l < model.layers; ++l) {
        for (std::int32_t g = 0; g < model.kv_heads; ++g) {
            names.push_back({BlockKind::group, l, g});
        }
        names.push_back({BlockKind::proj, l, -1});
        names.push_back({BlockKind::ffn, l, -1});
    }
    return names;
}

TEST_P(WeightFiles, fill_every_block_like_load_block) {
    for (const BlockName& name : all_blocks(model)) {
        Block copied(model, name, kPiece, std::pmr::new_delete_resource());
        load_block(file, model, copied);
        Block read(model, name, kPiece, std::pmr::new_delete_resource());
        for (std::size_t i = 0; i < read.pieces(); ++i) {
            const auto piece = read.allocate_piece(i);
            std::fill(piece.begin(), piece.end(), std::byte{0x5A});
            weights.read(read, i);
            EXPECT_TRUE(std::ranges::equal(piece, copied.piece(i)))
                << to_string(name) << " piece " << i;
        }
    }
}

TEST(WeightFile, fills_blocks_of_sliced_layers_equally_by_pieces_and_by_parts_of_pieces) {
    for (const test::StoredType type : test::kStoredTypes) {
        const auto path = written({.layers = 1, .width = 256, .ffn_width = 256, .type = type});
        const GgufFile file(path);
        const Hyperparameters model = read_hyperparameters(file);
        const WeightFile weights(file, model);
        const Slicing slicing{16};
        for (const BlockName name : {
                 BlockName{BlockKind::group, 0, 1},
                 BlockName{BlockKind::slice, 0, 7},
                 BlockName{BlockKind::hub, 0, -1},
             }) {
            auto* const memory = std::pmr::new_delete_resource();
            Block copied(model, name, 3000, memory, true, slicing);
            load_block(file, model, copied);
            Block read(model, name, 3000, memory, true, slicing);
            Block in_parts(model, name, 3000, memory, true, slicing);
            for (std::size_t i = 0; i < read.pieces(); ++i) {
                (void)read.allocate_piece(i);
                weights.read(read, i);
                EXPECT_TRUE(std::ranges::equal(read.piece(i), copied.piece(i)));
                const auto piece = in_parts.allocate_piece(i);
                std::fill(piece.begin(), piece.end(), std::byte{0x5A});
                for (Bytes done = 0; done < in_parts.piece_bytes(i);) {
                    const Bytes left = in_parts.piece_bytes(i) - done;
                    const Bytes now = std::min<Bytes>(left, 777);
                    weights.read(in_parts, i, done, now);
                    done += now;
                }
                EXPECT_TRUE(std::ranges::equal(piece, copied.piece(i)))
                    << to_string(name) << " piece " << i << " " << name_of(type);
            }
        }
        std::filesystem::remove(path);
    }
}

TEST_P(WeightFiles, read_exactly_the_requested_bytes) {
    Block block(model, {BlockKind::ffn, 1, -1}, kPiece, std::pmr::new_delete_resource());
    const auto piece = block.allocate_piece(2);
    std::fill(piece.begin(), piece.end(), std::byte{0x5A});
    const std::int64_t first = bytes_read();
    const std::int64_t before = bytes_read();
    weights.read(block, 2, 100, 33);
    const std::int64_t read = bytes_read() - before;
    EXPECT_NEAR(static_cast<double>(read - (before - first)), 33, 2)
        << "besides this figure's own length, which may have grown by a digit";
    Block whole(model, {BlockKind::ffn, 1, -1}, kPiece, std::pmr::new_delete_resource());
    load_block(file, model, whole);
    for (std::size_t k = 0; k < piece.size(); ++k) {
        const bool wanted = k >= 100 && k < 133;
        EXPECT_EQ(piece[k], wanted ? whole.piece(2)[k] : std::byte{0x5A}) << k;
    }
}

TEST_P(WeightFiles, outlive_the_gguf_file_and_the_path) {
    const BlockName name{BlockKind::proj, 0, -1};
    Block copied(model, name, kPiece, std::pmr::new_delete_resource());
    load_block(file, model, copied);
    { const GgufFile unmapped = std::move(file); }
    std::filesystem::remove(path);
    Block read(model, name, kPiece, std::pmr::new_delete_resource());
    (void)read.allocate_piece(0);
    weights.read(read, 0);
    EXPECT_TRUE(std::ranges::equal(read.piece(0), copied.piece(0)));
}

TEST_P(WeightFiles, refuse_a_file_that_has_changed) {
    Block block(model, {BlockKind::proj, 0, -1}, kPiece, std::pmr::new_delete_resource());
    (void)block.allocate_piece(0);
    std::ofstream(path, std::ios::app) << "x";
    try {
        weights.read(block, 0);
        FAIL() << "the change went unnoticed";
    } catch (const EnvironmentError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
        EXPECT_THAT(error.what(), testing::HasSubstr("has changed"));
    }
}

INSTANTIATE_TEST_SUITE_P(TiedAndQuantised, WeightFiles, testing::Bool());

} // namespace
} // namespace headroom::model
