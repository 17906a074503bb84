// The storage of a block: exact bytes, whole rows, and the right rows and columns of the file.
#include <cstring>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/tiny_model.hpp"
#include "tests/model/support/tracking_resource.hpp"

namespace headroom::model {
namespace {

using test::StoredType;
using test::TemporaryFile;
using test::tiny_hyperparameters;
using test::TinyShape;
using test::TrackingResource;

Bytes all_bytes(const Block& block) {
    Bytes sum = 0;
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        sum += block.piece_bytes(i);
    }
    return sum;
}

TEST(Block, has_the_bytes_that_the_cost_table_says) {
    // q = 2, d = 8, D = 32, F = 64, V = 40, w = 4: group (q+2)·d·D·w, proj D²·w, ffn 3·D·F·w + 8·D
    // (last layer 4·D), embed and lm_head V·D·w + 4·D.
    TrackingResource memory;
    const Hyperparameters model = tiny_hyperparameters({});
    const auto bytes = [&](BlockName name, bool with_matrix = true) {
        return all_bytes(Block(model, name, 1000, &memory, with_matrix));
    };
    EXPECT_EQ(bytes({BlockKind::group, 0, 1}), 4 * 8 * 32 * 4);
    EXPECT_EQ(bytes({BlockKind::proj, 1}), 32 * 32 * 4);
    EXPECT_EQ(bytes({BlockKind::ffn, 0}), 3 * 32 * 64 * 4 + 8 * 32);
    EXPECT_EQ(bytes({BlockKind::ffn, 1}), 3 * 32 * 64 * 4 + 4 * 32);
    EXPECT_EQ(bytes({BlockKind::embed}), 40 * 32 * 4 + 4 * 32);
    EXPECT_EQ(bytes({BlockKind::lm_head}), 40 * 32 * 4 + 4 * 32);
    EXPECT_EQ(bytes({BlockKind::lm_head}, false), 4 * 32);
    // Q8_0: a row of 32 is 34 bytes.
    const Hyperparameters quantised = tiny_hyperparameters({.type = StoredType::q8_0});
    EXPECT_EQ(all_bytes(Block(quantised, {BlockKind::proj, 0}, 1000, &memory)), 32 * 34);
}

TEST(Block, has_pieces_of_whole_rows_a_multiple_of_four_where_four_fit) {
    TrackingResource memory;
    const Hyperparameters model = tiny_hyperparameters({});
    const auto rows = [&](Bytes piece_bytes) {
        const Block block(model, {BlockKind::proj, 0}, piece_bytes, &memory);
        std::vector<std::int64_t> result;
        for (std::size_t i = 0; i < block.pieces(); ++i) {
            result.push_back(block.piece_spec(i).rows);
        }
        return result;
    };
    using Rows = std::vector<std::int64_t>; // a row is 128 bytes
    EXPECT_EQ(rows(1), Rows(32, 1));
    EXPECT_EQ(rows(400), (Rows{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2}));
    EXPECT_EQ(rows(13 * 128), (Rows{12, 12, 8}));
    EXPECT_EQ(rows(1 << 20), Rows{32});
}

void allocate_all(Block& block) {
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        (void)block.allocate_piece(i);
    }
}

TEST(Block, allocates_exact_bytes_and_frees_all_of_them) {
    TrackingResource memory;
    const Hyperparameters model = tiny_hyperparameters({});
    {
        Block block(model, {BlockKind::ffn, 0}, 1000, &memory);
        EXPECT_EQ(memory.held(), 0);
        EXPECT_FALSE(block.complete());
        EXPECT_EQ(block.allocate_piece(3).size(), static_cast<std::size_t>(block.piece_bytes(3)));
        EXPECT_EQ(memory.held(), block.piece_bytes(3));
        EXPECT_EQ(block.bytes(), block.piece_bytes(3));
        EXPECT_THROW(block.allocate_piece(3), Bug);
        EXPECT_THROW((void)block.piece(2), Bug);
        block.free_piece(3);
        EXPECT_THROW(block.free_piece(3), Bug);
        EXPECT_EQ(memory.held(), 0);
        allocate_all(block);
        EXPECT_TRUE(block.complete());
        EXPECT_EQ(memory.held(), all_bytes(block));
        Block moved(std::move(block));
        EXPECT_EQ(memory.held(), all_bytes(moved));
        Block other(model, {BlockKind::proj, 1}, 1000, &memory);
        allocate_all(other);
        other = std::move(moved);
        EXPECT_EQ(other.name(), (BlockName{BlockKind::ffn, 0}));
        EXPECT_EQ(memory.held(), all_bytes(other));
    }
    EXPECT_EQ(memory.held(), 0);
}

/// Returns the bytes of all pieces of a tensor, one after the other.
std::string content(const Block& block, TensorRole role) {
    std::string bytes;
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        if (block.piece_spec(i).role == role) {
            const auto piece = block.piece(i);
            bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        }
    }
    return bytes;
}

/// Returns the stored bytes of `rows` rows of a tensor from row `first` on.
std::string stored_rows(
    test::GgufWriter& writer, const std::string& name, std::uint64_t first, std::uint64_t rows
) {
    const auto& tensor = writer.find_tensor(name);
    const auto type = static_cast<StoredType>(tensor.type);
    const std::uint64_t columns = tensor.dimensions[0];
    const std::uint64_t row = test::stored_bytes(type, columns);
    return tensor.data.substr(first * row, rows * row);
}

TEST(LoadBlock, reads_the_stored_rows_of_its_group_and_its_layer) {
    for (const StoredType type : test::kStoredTypes) {
        const TinyShape shape{.width = 256, .ffn_width = 256, .type = type};
        test::GgufWriter writer = test::tiny_model(shape);
        const TemporaryFile temporary(writer.bytes());
        const GgufFile file(temporary.path());
        const Hyperparameters model = read_hyperparameters(file);
        for (const Bytes piece_bytes : {Bytes{1}, Bytes{5000}, Bytes{1} << 20}) {
            TrackingResource memory;
            Block group(model, {BlockKind::group, 1, 1}, piece_bytes, &memory);
            load_block(file, model, group);
            // Loading needs no memory besides the stored form of the weights.
            EXPECT_EQ(memory.held(), 4 * 64 * row_bytes(test::weight_type_of(type), 256));
            EXPECT_EQ(memory.peak(), memory.held());
            // Group 1 of q = 2, d = 64: query rows 128 to 255, key and value rows 64 to 127.
            const auto same = [&](const Block& block, TensorRole role, std::string expected) {
                EXPECT_TRUE(content(block, role) == expected)
                    << name_of(type) << " role " << static_cast<int>(role);
                expected[expected.size() / 2] ^= 1;
                EXPECT_FALSE(content(block, role) == expected);
            };
            same(group, TensorRole::q, stored_rows(writer, "blk.1.attn_q.weight", 128, 128));
            same(group, TensorRole::k, stored_rows(writer, "blk.1.attn_k.weight", 64, 64));
            same(group, TensorRole::v, stored_rows(writer, "blk.1.attn_v.weight", 64, 64));
            Block ffn(model, {BlockKind::ffn, 0}, piece_bytes, &memory);
            load_block(file, model, ffn);
            same(ffn, TensorRole::down, stored_rows(writer, "blk.0.ffn_down.weight", 0, 256));
            same(ffn, TensorRole::next_norm, writer.find_tensor("blk.1.attn_norm.weight").data);
            Block proj(model, {BlockKind::proj, 1}, piece_bytes, &memory);
            load_block(file, model, proj);
            same(proj, TensorRole::o, stored_rows(writer, "blk.1.attn_output.weight", 0, 256));
        }
    }
}

/// Returns every stored weight of a tensor, by the formula of its type.
void expect_weights(
    const Block& block,
    TensorRole role,
    test::GgufWriter& writer,
    const std::string& name,
    std::int64_t first_row,
    std::int64_t first_column
) {
    const auto& tensor = writer.find_tensor(name);
    const auto type = static_cast<StoredType>(tensor.type);
    const auto columns = static_cast<std::int64_t>(tensor.dimensions[0]);
    std::int64_t wrong = 0;
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        const TensorSpec spec = block.piece_spec(i);
        if (spec.role != role) {
            continue;
        }
        std::vector<float> row(static_cast<std::size_t>(spec.columns));
        for (std::int64_t r = 0; r < spec.rows; ++r) {
            block.expand_row(role, block.first_row(i) + r, row.data());
            const std::int64_t at = (first_row + block.first_row(i) + r) * columns + first_column;
            for (std::size_t c = 0; c < row.size(); ++c) {
                const double weight =
                    test::weight_at(tensor.data, static_cast<std::uint64_t>(at) + c, type);
                wrong += row[c] == static_cast<float>(weight) ? 0 : 1;
            }
        }
    }
    EXPECT_EQ(wrong, 0) << name << " in " << name_of(type) << " of " << to_string(block.name());
}

TEST(LoadBlock, reads_own_columns_with_their_whole_quantisation_blocks) {
    for (const StoredType type : test::kStoredTypes) {
        // Four groups of one head, 64 wide, cut quantisation blocks of 256, but not those of 32. 16
        // slices of 16 columns cut both.
        const TinyShape shape{
            .heads = 4, .kv_heads = 4, .width = 256, .ffn_width = 256, .type = type};
        test::GgufWriter writer = test::tiny_model(shape);
        const TemporaryFile temporary(writer.bytes());
        const GgufFile file(temporary.path());
        const Hyperparameters model = read_hyperparameters(file);
        const Slicing slicing{16};
        for (const Bytes piece_bytes : {Bytes{1}, Bytes{50000}}) {
            TrackingResource memory;
            Block group(model, {BlockKind::group, 1, 1}, piece_bytes, &memory, true, slicing);
            load_block(file, model, group);
            EXPECT_EQ(memory.held(), all_bytes(group));
            EXPECT_EQ(memory.peak(), memory.held());
            expect_weights(
                group,
                TensorRole::o,
                writer,
                "blk.1.attn_output.weight",
                0,
                columns_of(model, group.name(), slicing).stored_first
            );
            expect_weights(group, TensorRole::q, writer, "blk.1.attn_q.weight", 64, 0);
            Block slice(model, {BlockKind::slice, 0, 7}, piece_bytes, &memory, true, slicing);
            load_block(file, model, slice);
            expect_weights(slice, TensorRole::gate, writer, "blk.0.ffn_gate.weight", 7 * 16, 0);
            expect_weights(slice, TensorRole::up, writer, "blk.0.ffn_up.weight", 7 * 16, 0);
            const Columns columns = columns_of(model, slice.name(), slicing);
            EXPECT_EQ(columns.first, 7 * 16);
            EXPECT_EQ(columns.count, 16);
            const std::int64_t each = format_of(test::weight_type_of(type)).elements;
            EXPECT_EQ(columns.stored, std::max<std::int64_t>(each, 16));
            EXPECT_EQ(columns.foreign_before(), each == 1 ? 0 : 112 % each);
            expect_weights(
                slice, TensorRole::down, writer, "blk.0.ffn_down.weight", 0, columns.stored_first
            );
            Block hub(model, {BlockKind::hub, 0}, piece_bytes, &memory, true, slicing);
            load_block(file, model, hub);
            const auto norm = [&](TensorRole role) { return content(hub, role); };
            EXPECT_EQ(norm(TensorRole::ffn_norm), writer.find_tensor("blk.0.ffn_norm.weight").data);
            EXPECT_EQ(
                norm(TensorRole::next_norm), writer.find_tensor("blk.1.attn_norm.weight").data
            );
        }
    }
}

TEST(Block, of_a_cut_layer_has_the_bytes_that_the_cost_table_says) {
    // As above, sliced: group + q·d columns of o, (2q+2)·d·D·w; slice of F/S: 3·D·F/S·w.
    TrackingResource memory;
    const Hyperparameters model = tiny_hyperparameters({});
    const auto bytes = [&](const Hyperparameters& of, BlockName name, std::int32_t slices) {
        return all_bytes(Block(of, name, 1000, &memory, true, Slicing{slices}));
    };
    EXPECT_EQ(bytes(model, {BlockKind::group, 0, 1}, 4), 6 * 8 * 32 * 4);
    EXPECT_EQ(bytes(model, {BlockKind::slice, 0, 3}, 4), 3 * 32 * 16 * 4);
    EXPECT_EQ(bytes(model, {BlockKind::hub, 0}, 4), 8 * 32);
    EXPECT_EQ(bytes(model, {BlockKind::hub, 1}, 4), 4 * 32);
    // Q8_0, slices of 16: rows of gate and up, and of down the whole block of 32 on both sides.
    const Hyperparameters quantised = tiny_hyperparameters({.type = StoredType::q8_0});
    EXPECT_EQ(bytes(quantised, {BlockKind::slice, 0, 3}, 4), (2 * 16 + 32) * 34);
    EXPECT_EQ(bytes(quantised, {BlockKind::group, 0, 0}, 4), (4 * 8 + 32) * 34);
    EXPECT_THROW((void)bytes(model, {BlockKind::slice, 0, 0}, 3), Bug);
}

TEST(Block, finds_embedding_rows_whatever_the_pieces) {
    const TinyShape shape{};
    test::GgufWriter writer = test::tiny_model(shape);
    const TemporaryFile temporary(writer.bytes());
    const GgufFile file(temporary.path());
    const Hyperparameters model = read_hyperparameters(file);
    TrackingResource memory;
    Block embed(model, {BlockKind::embed}, 1000, &memory); // 4 rows of 128 bytes each
    load_block(file, model, embed);
    EXPECT_EQ(embed.pieces(), 11U); // 10 of the matrix, and the norm
    const std::string& data = writer.find_tensor("token_embd.weight").data;
    for (std::int64_t row = 0; row < 40; ++row) {
        std::vector<float> values(32);
        embed.expand_row(TensorRole::embedding, row, values.data());
        EXPECT_EQ(std::memcmp(values.data(), data.data() + row * 128, 128), 0) << row;
    }
    std::vector<float> values(32);
    EXPECT_THROW(embed.expand_row(TensorRole::embedding, 40, values.data()), Bug);
    EXPECT_THROW(embed.expand_row(TensorRole::embedding, -1, values.data()), Bug);
    EXPECT_THROW((void)embed.norm(TensorRole::output_norm), Bug);
    EXPECT_EQ(
        std::memcmp(
            embed.norm(TensorRole::first_norm),
            writer.find_tensor("blk.0.attn_norm.weight").data.data(),
            128
        ),
        0
    );
}

TEST(TiedHead, releases_its_matrix_beside_embed_and_adopts_it_when_embed_leaves) {
    const TemporaryFile temporary(test::tiny_model({.tied = true}).bytes());
    const GgufFile file(temporary.path());
    const Hyperparameters model = read_hyperparameters(file);
    TrackingResource memory;
    Block embed(model, {BlockKind::embed}, 1000, &memory);
    Block head(model, {BlockKind::lm_head}, 1000, &memory);
    load_block(file, model, embed);
    load_block(file, model, head);
    const std::string matrix = content(head, TensorRole::head);
    EXPECT_EQ(matrix, content(embed, TensorRole::embedding));
    EXPECT_THROW(head.adopt_matrix(embed), Bug); // it has a matrix
    head.release_matrix();
    EXPECT_EQ(head.bytes(), 128);
    EXPECT_FALSE(head.has(TensorRole::head));
    EXPECT_THROW(head.release_matrix(), Bug);
    const Bytes before = memory.held();
    head.adopt_matrix(embed);
    EXPECT_EQ(memory.held(), before); // moved, not copied
    EXPECT_EQ(content(head, TensorRole::head), matrix);
    EXPECT_EQ(embed.bytes(), 128);
    EXPECT_FALSE(embed.complete());
    EXPECT_THROW(embed.adopt_matrix(head), Bug);
}

} // namespace
} // namespace headroom::model
