// The oracle with KV caches of every type, compared with the naive decoder in double precision and
// with recordings of public models. Levels, chunks of the prompt and slices change no bits.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "model/decoder/oracle.hpp"
#include "tests/model/decoder/public_models.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/naive_decoder.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

using kernels::Level;
using Ids = std::vector<std::int32_t>;
using Logits = std::vector<float>;

Oracle oracle_with(
    const GgufFile& file,
    WeightType kv_type,
    Level level = kernels::best_level(),
    const Slicing& slicing = {}
) {
    auto* const memory = std::pmr::new_delete_resource();
    return {file, kernels::kernels_for(level), slicing, memory, 1 << 16, kv_type};
}

/// A model with heads of width 32.
test::GgufWriter wide_heads() {
    return test::tiny_model({.heads = 4, .kv_heads = 2, .width = 128, .ffn_width = 96, .seed = 31});
}

Ids twenty_ids() {
    Random random(stream_seed(29, "ids"));
    Ids ids;
    for (int i = 0; i < 20; ++i) { // past the first page of 16
        ids.push_back(static_cast<std::int32_t>(random.below(test::TinyShape{}.vocabulary)));
    }
    return ids;
}

Logits logits_of(Oracle oracle, std::span<const std::int32_t> ids) {
    const auto logits = oracle.append(ids);
    return {logits.begin(), logits.end()};
}

/// Returns the largest difference, relative to the largest logit.
double relative_error(const Logits& logits, const std::vector<double>& exact) {
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double difference = std::abs(static_cast<double>(logits[i]) - exact[i]);
        error = std::isnan(difference) ? HUGE_VAL : std::max(error, difference);
        size = std::max(size, std::abs(exact[i]));
    }
    return error / size;
}

/// How far rounding keys and values to a type may move the logits of a tiny model: about half a
/// unit in the last place of the type, for each of some layers.
double tolerance(WeightType type) {
    switch (type) {
    case WeightType::f16:
        return 0x1p-10;
    case WeightType::bf16:
    case WeightType::q8_0:
        return 0x1p-7;
    default:
        return 1e-5;
    }
}

TEST(CacheTypes, move_the_logits_by_no_more_than_their_rounding) {
    const test::TemporaryFile temporary(wide_heads().bytes());
    const GgufFile file(temporary.path());
    const Ids ids = twenty_ids();
    const auto exact = test::naive_logits(file, ids);
    double previous = 0;
    for (const WeightType type : {WeightType::f32, WeightType::f16, WeightType::bf16}) {
        const double error = relative_error(logits_of(oracle_with(file, type), ids), exact);
        EXPECT_LT(error, tolerance(type)) << name_of(type);
        EXPECT_GT(error, 3 * previous) << name_of(type) << ": as exact as a larger type";
        previous = error;
    }
    const double error = relative_error(logits_of(oracle_with(file, WeightType::q8_0), ids), exact);
    EXPECT_LT(error, tolerance(WeightType::q8_0));
    EXPECT_GT(error, tolerance(WeightType::f32));
}

TEST(CacheTypes, give_the_same_bits_for_any_level_chunks_and_after_reset) {
    const test::TemporaryFile temporary(wide_heads().bytes());
    const GgufFile file(temporary.path());
    const Ids ids = twenty_ids();
    for (const WeightType type : kCacheTypes) {
        for (const Slicing& slicing : {Slicing{}, Slicing{3}}) {
            const Logits expected =
                logits_of(oracle_with(file, type, Level::reference, slicing), ids);
            for (const Level level : {Level::reference, Level::avx2, Level::avx512}) {
                if (!kernels::available(level)) {
                    continue;
                }
                Oracle oracle = oracle_with(file, type, level, slicing);
                (void)oracle.append(std::span(ids).first(9));
                oracle.reset();
                Logits last;
                for (std::size_t at = 0; at < ids.size(); at += 4) {
                    const auto logits = oracle.append(std::span(ids).subspan(at, 4));
                    last.assign(logits.begin(), logits.end());
                }
                EXPECT_EQ(last, expected) << name_of(type) << " " << kernels::name_of(level);
            }
        }
    }
}

TEST(CacheTypes, are_refused_where_heads_are_no_whole_blocks) {
    const test::TemporaryFile temporary(test::tiny_model({.width = 32}).bytes());
    const GgufFile file(temporary.path());
    EXPECT_NO_THROW((void)oracle_with(file, WeightType::f16));
    EXPECT_THAT(
        [&] { (void)oracle_with(file, WeightType::q8_0); },
        testing::ThrowsMessage<InputError>(testing::HasSubstr(
            "KV caches of type q8_0 need heads whose width is a multiple of 32, not 8; choose "
            "kv_type f16, bf16 or f32"
        ))
    );
    EXPECT_THAT(
        [&] { (void)oracle_with(file, WeightType::q4_0); },
        testing::ThrowsMessage<InputError>(testing::HasSubstr("q4_0 is no type of KV caches"))
    );
}

/// Decodes a recorded text with the recorded ids. Returns the largest margin by which another id
/// than the recorded one has the largest logit; 0 if all ids are the recorded ones.
double worst_margin(Oracle oracle, const nlohmann::json& record) {
    const Ids recorded = record.at("generated_ids");
    auto logits = oracle.append(Ids(record.at("prompt_ids")));
    double worst = 0;
    for (const std::int32_t id : recorded) {
        const auto ours = static_cast<std::size_t>(kernels::argmax(logits));
        worst =
            std::max(worst, double{logits[ours]} - double{logits[static_cast<std::size_t>(id)]});
        if (&id != &recorded.back()) {
            logits = oracle.append(std::span(&id, 1));
        }
    }
    return worst;
}

TEST(CacheTypes, decode_the_recorded_ids_of_public_models) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    // BF16 chooses another id in one of the texts, where two logits are nearly equal (0.007 apart).
    constexpr double kNearlyEqual = 0.01;
    int records = 0;
    nlohmann::json all = test::public_record("greedy.json");
    for (auto& record : all) {
        const std::string model = record.at("model");
        if (!model.ends_with("-f32.gguf")) {
            continue;
        }
        const GgufFile file(test::public_model(model));
        EXPECT_EQ(worst_margin(oracle_with(file, WeightType::f32), record), 0) << model;
        EXPECT_EQ(worst_margin(oracle_with(file, WeightType::f16), record), 0) << model;
        EXPECT_LT(worst_margin(oracle_with(file, WeightType::bf16), record), kNearlyEqual) << model;
        auto& id = record.at("generated_ids").at(5);
        id = id.get<std::int32_t>() == 7 ? 8 : 7;
        EXPECT_GT(worst_margin(oracle_with(file, WeightType::f16), record), kNearlyEqual)
            << model << ": another id passes";
        ++records;
    }
    EXPECT_EQ(records, 9);
}

} // namespace
} // namespace headroom::model
