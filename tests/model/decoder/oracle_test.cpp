// The oracle, compared with a naive decoder in double precision on random models of many shapes.
// Chunks of a prompt and sizes of pieces change no bit of its logits. If sliced, kernel levels do
// not either, but for openblas.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "model/architectures/architecture.hpp"
#include "model/decoder/oracle.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/naive_decoder.hpp"
#include "tests/model/support/tiny_model.hpp"
#include "tests/model/support/tracking_resource.hpp"

namespace headroom::model {
namespace {

using kernels::Level;
using test::TemporaryFile;
using test::TinyShape;
using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;
using Logits = std::vector<float>;

std::vector<Level> available_levels() {
    std::vector<Level> levels;
    for (const Level level : {Level::reference, Level::openblas, Level::avx2, Level::avx512}) {
        if (kernels::available(level)) {
            levels.push_back(level);
        }
    }
    return levels;
}

Ids random_ids(std::size_t count, std::uint32_t vocabulary) {
    Random random(stream_seed(23, "ids"));
    Ids ids;
    for (std::size_t i = 0; i < count; ++i) {
        ids.push_back(static_cast<std::int32_t>(random.below(vocabulary)));
    }
    return ids;
}

Logits append(Oracle& oracle, std::span<const std::int32_t> ids) {
    const auto logits = oracle.append(ids);
    return {logits.begin(), logits.end()};
}

/// Returns the largest difference of logits, relative to the largest logit; infinite if one is NaN.
double error_of(const Logits& logits, const std::vector<double>& exact) {
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double difference = std::abs(logits[i] - exact[i]);
        error = std::isnan(difference) ? HUGE_VAL : std::max(error, difference);
        size = std::max(size, std::abs(exact[i]));
    }
    return error / size;
}

const TinyShape kShapes[] = {
    {},
    {.tied = true, .seed = 2},
    {.type = test::StoredType::q8_0, .seed = 3},
    {.tied = true, .type = test::StoredType::q8_0, .seed = 4},
    {.layers = 1, .heads = 4, .kv_heads = 4, .width = 24, .ffn_width = 20, .seed = 5},
    {.layers = 3, .heads = 6, .kv_heads = 1, .width = 36, .ffn_width = 7, .seed = 6},
    {.layers = 2, .heads = 1, .kv_heads = 1, .width = 18, .vocabulary = 5, .seed = 7},
    {.layers = 1,
     .heads = 2,
     .width = 128,
     .ffn_width = 160,
     .type = test::StoredType::q8_0,
     .seed = 8},
    {.layers = 1,
     .heads = 3,
     .kv_heads = 3,
     .width = 30,
     .type = test::StoredType::f16,
     .seed = 10},
    {.tied = true, .type = test::StoredType::bf16, .seed = 11},
    {.kv_heads = 4, .width = 64, .ffn_width = 96, .type = test::StoredType::q4_0, .seed = 12},
    {.layers = 1,
     .width = 256,
     .ffn_width = 256,
     .type = test::StoredType::q4_0,
     .output = test::StoredType::q6_k,
     .seed = 13},
    {.layers = 1,
     .width = 256,
     .ffn_width = 512,
     .type = test::StoredType::q4_k,
     .output = test::StoredType::q6_k,
     .seed = 14},
    {.layers = 1,
     .width = 256,
     .ffn_width = 256,
     .tied = true,
     .type = test::StoredType::q6_k,
     .seed = 15},
    {.layers = 1, .width = 256, .ffn_width = 256, .type = test::StoredType::q5_k, .seed = 16},
};

// Single precision with a few hundred terms in a few layers has about 100 roundings of 6e-8.
constexpr double kTolerance = 1e-5;

TEST(Oracle, agrees_with_a_naive_decoder_in_double_precision) {
    for (const TinyShape& shape : kShapes) {
        const TemporaryFile temporary(test::tiny_model(shape).bytes());
        const GgufFile file(temporary.path());
        const Ids ids = random_ids(20, shape.vocabulary); // past the first page of 16
        const auto exact = test::naive_logits(file, ids);
        for (const Level level : available_levels()) {
            Oracle oracle(file, kernels::kernels_for(level));
            EXPECT_LT(error_of(append(oracle, ids), exact), kTolerance)
                << "seed " << shape.seed << " " << kernels::name_of(level);
        }
    }
}

TEST(Oracle, agrees_with_the_naive_decoder_for_every_architecture) {
    for (const Architecture* const architecture : architectures()) {
        const TinyShape shape{.architecture = std::string(architecture->name), .seed = 17};
        const TemporaryFile temporary(test::tiny_model(shape).bytes());
        const GgufFile file(temporary.path());
        const Ids ids = random_ids(20, shape.vocabulary);
        Oracle oracle(file, kernels::kernels_for(Level::reference));
        EXPECT_LT(error_of(append(oracle, ids), test::naive_logits(file, ids)), kTolerance)
            << architecture->name;
    }
}

TEST(Oracle, disagrees_with_the_naive_decoder_after_a_small_change_of_any_tensor) {
    const TinyShape shape{.layers = 2, .seed = 9};
    const test::GgufWriter sound = test::tiny_model(shape);
    const TemporaryFile sound_file(sound.bytes());
    const Ids ids = random_ids(5, shape.vocabulary);
    const auto exact = test::naive_logits(GgufFile(sound_file.path()), ids);
    const GgufFile names(sound_file.path());
    for (const GgufTensor& tensor : names.tensors()) {
        test::GgufWriter changed = sound;
        std::string& data = changed.find_tensor(tensor.name).data;
        // One weight is changed; in the embedding it is in the row of an id of the prompt.
        const std::size_t at = tensor.name == "token_embd.weight"
                                   ? static_cast<std::size_t>(ids[0]) * shape.width * 4
                                   : 0;
        data.replace(at, 4, test::raw(0.9F));
        const TemporaryFile file(changed.bytes());
        Oracle oracle(GgufFile(file.path()), kernels::kernels_for(Level::reference));
        EXPECT_GT(error_of(append(oracle, ids), exact), 2 * kTolerance) << tensor.name;
    }
}

TEST(Oracle, gives_the_same_bits_for_any_chunks_of_the_prompt) {
    for (const TinyShape& shape : kShapes) {
        const TemporaryFile temporary(test::tiny_model(shape).bytes());
        const GgufFile file(temporary.path());
        const Ids ids = random_ids(21, shape.vocabulary);
        for (const Level level : available_levels()) {
            Oracle oracle(file, kernels::kernels_for(level));
            const Logits at_once = append(oracle, ids);
            for (const std::size_t chunk : {1U, 5U, 16U}) {
                oracle.reset();
                Logits last;
                for (std::size_t at = 0; at < ids.size(); at += chunk) {
                    const std::size_t n = std::min(chunk, ids.size() - at);
                    last = append(oracle, std::span(ids).subspan(at, n));
                }
                EXPECT_EQ(last, at_once) << "seed " << shape.seed << " chunk " << chunk << " "
                                         << kernels::name_of(level);
            }
        }
    }
}

TEST(Oracle, gives_the_same_bits_for_any_size_of_pieces) {
    for (const TinyShape& shape : kShapes) {
        const TemporaryFile temporary(test::tiny_model(shape).bytes());
        const GgufFile file(temporary.path());
        const Ids ids = random_ids(9, shape.vocabulary);
        for (const Level level : available_levels()) {
            const auto& table = kernels::kernels_for(level);
            Oracle whole(file, table, {}, std::pmr::new_delete_resource(), Bytes{1} << 30);
            const Logits expected = append(whole, ids);
            for (const Bytes piece_bytes : {1, 700, 65536}) {
                Oracle pieces(file, table, {}, std::pmr::new_delete_resource(), piece_bytes);
                EXPECT_EQ(append(pieces, ids), expected)
                    << "seed " << shape.seed << " pieces " << piece_bytes << " "
                    << kernels::name_of(level);
            }
        }
    }
}

/// Returns slicings with one slice, with one slice per column, and with some numbers in between.
std::vector<Slicing> slicings_of(std::uint32_t ffn_width) {
    std::vector<Slicing> slicings{{1}, {static_cast<std::int32_t>(ffn_width)}};
    for (const std::uint32_t slices : {2U, 3U, 4U, 5U, 7U, 12U}) {
        if (ffn_width % slices == 0) {
            slicings.push_back({static_cast<std::int32_t>(slices)});
        }
    }
    return slicings;
}

TEST(SlicedOracle, agrees_with_a_naive_decoder_whatever_the_number_of_slices) {
    for (const TinyShape& shape : kShapes) {
        const TemporaryFile temporary(test::tiny_model(shape).bytes());
        const GgufFile file(temporary.path());
        const Ids ids = random_ids(20, shape.vocabulary);
        const auto exact = test::naive_logits(file, ids);
        for (const Slicing& slicing : slicings_of(shape.ffn_width)) {
            Oracle oracle(file, kernels::kernels_for(kernels::best_level()), slicing);
            EXPECT_LT(error_of(append(oracle, ids), exact), kTolerance)
                << "seed " << shape.seed << " slices " << slicing.slices;
        }
    }
}

TEST(SlicedOracle, gives_the_same_bits_for_any_chunks_pieces_and_level_but_openblas) {
    for (const TinyShape& shape : kShapes) {
        const TemporaryFile temporary(test::tiny_model(shape).bytes());
        const GgufFile file(temporary.path());
        const Ids ids = random_ids(9, shape.vocabulary);
        for (const Slicing& slicing : slicings_of(shape.ffn_width)) {
            auto* const memory = std::pmr::new_delete_resource();
            Oracle whole(
                file, kernels::kernels_for(kernels::best_level()), slicing, memory, Bytes{1} << 30
            );
            const Logits expected = append(whole, ids);
            for (const Level level : {Level::reference, Level::avx2, Level::avx512}) {
                if (!kernels::available(level)) {
                    continue;
                }
                Oracle other(file, kernels::kernels_for(level), slicing, memory, 700);
                (void)other.append(std::span(ids).first(5));
                EXPECT_EQ(append(other, std::span(ids).subspan(5)), expected)
                    << "seed " << shape.seed << " slices " << slicing.slices << " "
                    << kernels::name_of(level);
            }
        }
    }
}

// Shows that the comparisons above can fail.
TEST(SlicedOracle, depends_on_every_weight_of_columns_and_slices) {
    const TinyShape shape{.layers = 1, .type = test::StoredType::q8_0, .seed = 9};
    const test::GgufWriter sound = test::tiny_model(shape);
    const Ids ids = random_ids(5, shape.vocabulary);
    const Slicing slicing{4}; // slices of 16 columns, half a quantisation block of Q8_0
    const auto logits_of = [&](const test::GgufWriter& writer) {
        const TemporaryFile file(writer.bytes());
        Oracle oracle(GgufFile(file.path()), kernels::kernels_for(Level::reference), slicing);
        return append(oracle, ids);
    };
    const Logits expected = logits_of(sound);
    for (const char* name : {"blk.0.attn_output.weight", "blk.0.ffn_down.weight"}) {
        for (const std::size_t quant : {0U, 15U, 16U, 31U}) {
            test::GgufWriter changed = sound;
            char& weight = changed.find_tensor(name).data[2 + quant];
            weight = static_cast<char>(weight ^ 0x40);
            EXPECT_NE(logits_of(changed), expected) << name << " quant " << quant;
        }
    }
}

TEST(SlicedOracle, names_the_block_whose_result_exceeds_fixed_point) {
    test::GgufWriter writer = test::tiny_model({.layers = 1});
    writer.find_tensor("blk.0.ffn_down.weight").data.replace(4 * 20, 4, test::raw(3e38F));
    const TemporaryFile temporary(writer.bytes());
    const GgufFile file(temporary.path());
    const std::string error = test::input_error_of([&] {
        Oracle oracle(file, kernels::kernels_for(Level::reference), {4});
        (void)oracle.append(Ids{1, 2});
    });
    EXPECT_THAT(error, HasSubstr("L0.s1 of model tiny yields"));
    EXPECT_THAT(error, HasSubstr("at element 0 of token 0"));
    EXPECT_THAT(error, HasSubstr("below 33554432"));
    EXPECT_THAT(error, HasSubstr("granularity = \"paper\""));
    const std::string indivisible = test::input_error_of([&] {
        const Oracle oracle(file, kernels::kernels_for(Level::reference), {5});
    });
    EXPECT_THAT(indivisible, HasSubstr("64 wide and cannot be cut into 5 equal slices"));
}

// Shows that the comparisons of bits above can fail.
TEST(Oracle, depends_on_the_order_of_tokens) {
    const TemporaryFile temporary(test::tiny_model({}).bytes());
    const GgufFile file(temporary.path());
    Oracle oracle(file, kernels::kernels_for(Level::reference));
    const Logits one = append(oracle, Ids{4, 5, 6});
    oracle.reset();
    EXPECT_NE(append(oracle, Ids{5, 4, 6}), one);
    oracle.reset();
    EXPECT_EQ(append(oracle, Ids{4, 5, 6}), one);
}

TEST(Oracle, outgrows_its_first_rope_table) {
    const TinyShape shape{.layers = 1, .context = 1100};
    const TemporaryFile temporary(test::tiny_model(shape).bytes());
    const GgufFile file(temporary.path());
    const Ids ids = random_ids(1100, shape.vocabulary);
    Oracle grown(file, kernels::kernels_for(kernels::best_level()));
    (void)grown.append(std::span(ids).first(500));
    (void)grown.append(std::span(ids).subspan(500, 100));
    const Logits last = append(grown, std::span(ids).subspan(600));
    Oracle at_once(file, kernels::kernels_for(kernels::best_level()));
    EXPECT_EQ(append(at_once, ids), last);
    EXPECT_LT(error_of(last, test::naive_logits(file, ids)), kTolerance);
}

TEST(Oracle, refuses_ids_outside_the_vocabulary_and_tokens_beyond_the_context) {
    const TemporaryFile temporary(test::tiny_model({.context = 8}).bytes());
    Oracle oracle(GgufFile(temporary.path()), kernels::kernels_for(Level::reference));
    const auto error = [&](const Ids& ids) {
        return test::input_error_of([&] { (void)oracle.append(ids); });
    };
    EXPECT_THAT(error({40}), HasSubstr("token id 40 is not in the vocabulary"));
    EXPECT_THAT(error({-1}), HasSubstr("token id -1"));
    EXPECT_THAT(error({}), HasSubstr("at least one token"));
    EXPECT_THAT(error(Ids(9, 3)), HasSubstr("exceed the context of model tiny, 8 tokens"));
    EXPECT_EQ(error(Ids(8, 3)), "");
    EXPECT_THAT(error({3}), HasSubstr("1 tokens after 8 exceed the context"));
}

TEST(Oracle, allocates_its_blocks_from_the_given_resource) {
    test::TrackingResource memory;
    const TinyShape shape{.tied = true};
    auto temporary = std::make_unique<TemporaryFile>(test::tiny_model(shape).bytes());
    auto file = std::make_unique<GgufFile>(temporary->path());
    {
        Oracle oracle(*file, kernels::kernels_for(Level::reference), {}, &memory);
        // V·D + final norm + first norm + per layer (2·D² + 2·D·kv + 3·D·F), norms: 2·D, last D.
        const std::int64_t matrices = 40 * 32 + 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64);
        EXPECT_EQ(memory.held(), 4 * (matrices + 5 * 32));
        file.reset();
        temporary.reset();
        (void)oracle.append(Ids{4, 5}); // one page of 2·16·d·4 for each of 2 layers · 2 groups
        EXPECT_EQ(memory.held(), 4 * (matrices + 5 * 32) + 4 * 2 * 16 * 8 * 4);
    }
    EXPECT_EQ(memory.held(), 0);
}

TEST(Oracle, runs_models_with_damaged_headers_that_load) {
    const test::GgufWriter writer = test::tiny_model({.layers = 1, .vocabulary = 12});
    const std::string bytes = writer.bytes();
    const TemporaryFile temporary(bytes);
    Random random(stream_seed(24, "damage"));
    int decoded = 0;
    for (int i = 0; i < 1500; ++i) {
        std::string damaged = bytes;
        damaged[random.below(writer.header().size())] = static_cast<char>(random.below(256));
        temporary.overwrite(damaged);
        const std::string error = test::input_error_of([&] {
            Oracle oracle(GgufFile(temporary.path()), kernels::kernels_for(Level::reference));
            (void)oracle.append(Ids{1, 2});
        });
        decoded += error.empty() ? 1 : 0;
    }
    EXPECT_GT(decoded, 50);
    EXPECT_LT(decoded, 1450);
}

} // namespace
} // namespace headroom::model
