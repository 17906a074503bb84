// Layers with windows: a cache that keeps the last rows only gives the bits of one that keeps all,
// whatever the sizes of the turns.
#include <cstring>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/decoder/execute.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {
namespace windows {

constexpr std::int64_t kLength = 90;
constexpr std::int64_t kWidth = 64;

/// Fills all memory that it gives away with bytes that are NaN in every type.
class NanResource : public std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        void* const memory = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        std::memset(memory, 0xFF, bytes);
        return memory;
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }
};

std::vector<float> random_values(std::int64_t n, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) {
        value = static_cast<float>(2 * random.unit() - 1);
    }
    return values;
}

/// A group of two query heads (d = 32) with random weights, in a layer with a window.
struct WindowedGroup {
    WindowedGroup(std::int64_t window, WeightType type, kernels::Level level)
        : model(test::tiny_hyperparameters(
              {.layers = 1, .heads = 2, .kv_heads = 1, .width = kWidth, .context = kLength}
          )),
          context{&model, &kernels::kernels_for(level)}, input(random_values(kLength * kWidth, 3)) {
        model.window = window;
        model.kv_type = type;
        const BlockName name{BlockKind::group, 0, 0};
        group = std::make_unique<Block>(model, name, 1 << 20, std::pmr::new_delete_resource());
        for (std::size_t i = 0; i < group->pieces(); ++i) {
            const auto bytes = group->allocate_piece(i);
            const auto values = random_values(static_cast<std::int64_t>(bytes.size() / 4), i + 20);
            std::memcpy(bytes.data(), values.data(), bytes.size());
        }
    }

    /// Returns the outputs of all tokens, computed in turns of `chunk` tokens. kept: the window of
    /// the cache, 0 if it keeps all rows.
    [[nodiscard]] std::vector<float> run(std::int64_t chunk, std::int64_t kept) {
        GroupCache cache(32, model.kv_type, &memory, kept);
        std::vector<float> out(kLength * 64);
        for (std::int64_t first = 0; first < kLength; first += chunk) {
            const std::int64_t n = std::min(chunk, kLength - first);
            std::vector<float> angles(static_cast<std::size_t>(n * model.angle_width()));
            fill_rope_angles(model, first, n, angles.data());
            std::vector<float> projected(static_cast<std::size_t>(n * 4 * 32));
            std::vector<float> scores(kLength);
            std::vector<std::byte> rows(static_cast<std::size_t>(2 * n * cache.row_bytes()));
            cache.reserve(first + n);
            const GroupScratch scratch{
                {angles.data(), model.angle_width()},
                {projected.data(), 4 * 32},
                scores.data(),
                rows.data()};
            const SequenceRows sequence{&cache, first, n};
            run_group(
                context,
                *group,
                {&sequence, 1},
                {input.data() + first * kWidth, kWidth},
                scratch,
                {out.data() + first * 64, 64}
            );
        }
        return out;
    }

    Hyperparameters model;
    ExecutionContext context;
    std::vector<float> input;
    std::unique_ptr<Block> group;
    NanResource memory;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(WindowedGroup, has_the_same_bits_for_turns_of_any_size) {
    for (const kernels::Level level :
         {kernels::Level::reference, kernels::Level::openblas, kernels::best_level()}) {
        if (!kernels::available(level)) {
            continue;
        }
        for (const WeightType type : kCacheTypes) {
            for (const std::int64_t window : {1, 2, 8, 16, 17, 33, 60}) {
                WindowedGroup group(window, type, level);
                const auto expected = group.run(1, 0);
                for (const std::int64_t chunk : {1, 7, 16, 24, 90}) {
                    EXPECT_TRUE(same_bits(group.run(chunk, window), expected))
                        << name_of(type) << ", window " << window << ", turns of " << chunk;
                    EXPECT_TRUE(same_bits(group.run(chunk, 0), expected)) << "all rows kept";
                }
            }
        }
    }
}

TEST(WindowedGroup, has_other_values_with_a_window_or_a_cache_of_one_less) {
    WindowedGroup group(17, WeightType::f32, kernels::best_level());
    const auto expected = group.run(24, 17);
    EXPECT_FALSE(same_bits(group.run(24, 16), expected)) << "the cache keeps a row too few";
    for (const std::int64_t other : {16, 18}) {
        group.model.window = other;
        EXPECT_FALSE(same_bits(group.run(24, 0), expected)) << other;
    }
}

} // namespace windows
} // namespace
} // namespace headroom::model
