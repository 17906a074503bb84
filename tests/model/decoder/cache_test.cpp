// The KV cache of a group: pages of 16 rows, exact bytes, and the used parts of pages.
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "model/decoder/block.hpp"
#include "tests/model/support/tracking_resource.hpp"

namespace headroom::model {
namespace {

TEST(GroupCache, grows_by_whole_pages) {
    test::TrackingResource memory;
    {
        GroupCache cache(8, WeightType::f32, &memory);
        EXPECT_EQ(cache.page_bytes(), 2 * 16 * 8 * 4);
        cache.reserve(0);
        EXPECT_EQ(cache.pages(), 0U);
        cache.reserve(1);
        EXPECT_EQ(cache.pages(), 1U);
        cache.reserve(16);
        EXPECT_EQ(cache.pages(), 1U);
        cache.reserve(33);
        EXPECT_EQ(cache.pages(), 3U);
        EXPECT_EQ(cache.bytes(), 3 * cache.page_bytes());
        EXPECT_EQ(memory.held(), cache.bytes());
        cache.free_page(1);
        EXPECT_EQ(cache.pages(), 3U);
        EXPECT_EQ(cache.bytes(), 2 * cache.page_bytes());
        EXPECT_EQ(memory.held(), cache.bytes());
        EXPECT_THROW(cache.free_page(1), Bug);
        EXPECT_THROW((void)cache.keys(16), Bug);
        GroupCache moved(std::move(cache));
        EXPECT_EQ(memory.held(), moved.bytes());
        moved = GroupCache(8, WeightType::f32, &memory);
        EXPECT_EQ(memory.held(), 0);
    }
    EXPECT_EQ(memory.held(), 0);
}

TEST(GroupCache, gives_every_row_a_place_of_its_own) {
    test::TrackingResource memory;
    for (const WeightType type : kCacheTypes) {
        GroupCache cache(32, type, &memory);
        cache.reserve(20);
        const Bytes bytes = headroom::row_bytes(type, 32);
        EXPECT_EQ(cache.row_bytes(), bytes);
        std::set<const std::byte*> places;
        for (std::int64_t row = 0; row < 32; ++row) {
            for (std::int64_t i = 0; i < bytes; ++i) {
                places.insert(cache.keys(row) + i);
                places.insert(cache.values(row) + i);
            }
        }
        EXPECT_EQ(places.size(), static_cast<std::size_t>(cache.bytes()));
        EXPECT_EQ(cache.bytes(), 2 * 2 * 16 * bytes);
        EXPECT_EQ(cache.keys(17), cache.page_table()[1] + bytes);        // (page 1, row 1)
        EXPECT_EQ(cache.values(17), cache.page_table()[1] + 17 * bytes); // behind the 16 keys
        EXPECT_THROW((void)cache.values(32), Bug);
        EXPECT_THROW((void)cache.keys(-1), Bug);
    }
}

TEST(GroupCache, stores_rows_in_its_type) {
    test::TrackingResource memory;
    std::vector<float> key(32);
    std::vector<float> value(32);
    for (std::size_t i = 0; i < 32; ++i) {
        key[i] = static_cast<float>(i) - 16.0F;
        value[i] = 0.1F * static_cast<float>(i);
    }
    for (const WeightType type : kCacheTypes) {
        GroupCache cache(32, type, &memory);
        cache.reserve(18);
        EXPECT_EQ(cache.store(17, key.data(), value.data()), std::nullopt);
        std::vector<std::byte> expected(static_cast<std::size_t>(cache.row_bytes()));
        EXPECT_FALSE(kernels::store_row(type, key, expected.data()));
        EXPECT_EQ(std::memcmp(cache.keys(17), expected.data(), expected.size()), 0);
        EXPECT_FALSE(kernels::store_row(type, value, expected.data()));
        EXPECT_EQ(std::memcmp(cache.values(17), expected.data(), expected.size()), 0);
        GroupCache moved(std::move(cache));
        EXPECT_EQ(moved.type(), type);
    }
}

TEST(GroupCache, tells_which_element_its_type_cannot_hold) {
    test::TrackingResource memory;
    GroupCache cache(2, WeightType::f16, &memory);
    cache.reserve(1);
    const float fine[] = {1, 2};
    const float large[] = {1, 70000};
    EXPECT_EQ(cache.store(0, fine, fine), std::nullopt);
    EXPECT_EQ(cache.store(0, large, fine), 1);
    EXPECT_EQ(cache.store(0, fine, large), 3);
    EXPECT_THROW(GroupCache(48, WeightType::q8_0, &memory), Bug);
}

TEST(GroupCache, shows_the_used_rows_of_a_page) {
    test::TrackingResource memory;
    for (const WeightType type : kCacheTypes) {
        GroupCache cache(32, type, &memory);
        cache.reserve(40);
        const std::int64_t expected[] = {16, 4, 0}; // rows of each page if 20 are used
        for (std::size_t page = 0; page < 3; ++page) {
            const auto [keys, values] = cache.used_parts(page, 20);
            EXPECT_EQ(std::ssize(keys), expected[page] * cache.row_bytes());
            EXPECT_EQ(values.size(), keys.size());
        }
        const auto [keys, values] = cache.used_parts(1, 20);
        EXPECT_EQ(keys.data(), cache.keys(16));
        EXPECT_EQ(values.data(), cache.values(16));
    }
}

/// A window of 20 tokens needs 19 rows, which can lie in ⌈19/16⌉ + 1 = 3 pages.
TEST(GroupCache, of_a_window_has_a_ring_of_pages) {
    test::TrackingResource memory;
    GroupCache cache(8, WeightType::f32, &memory, 20);
    EXPECT_EQ(cache.ring(), 3);
    cache.reserve(17);
    EXPECT_EQ(cache.pages(), 2U);
    cache.reserve(100);
    EXPECT_EQ(cache.pages(), 3U);
    EXPECT_EQ(memory.held(), 3 * cache.page_bytes());
    EXPECT_EQ(cache.keys(50), cache.page_table()[0] + 2 * cache.row_bytes()); // page 3 mod 3
    EXPECT_EQ(cache.keys(50), cache.keys(2));
    EXPECT_NE(cache.keys(50), cache.keys(18));
}

TEST(GroupCache, of_a_window_keeps_the_last_rows_of_a_turn) {
    for (const std::int64_t n : {1, 7, 16, 24, 60}) {
        GroupCache cache(2, WeightType::f32, std::pmr::new_delete_resource(), 20);
        for (std::int64_t first = 0; first < 70; first += n) {
            std::vector<float> keys;
            std::vector<float> values;
            for (std::int64_t t = 0; t < n; ++t) {
                keys.insert(keys.end(), 2, static_cast<float>(first + t));
                values.insert(values.end(), 2, static_cast<float>(-first - t));
            }
            cache.reserve(first + n);
            cache.keep(
                first,
                n,
                reinterpret_cast<const std::byte*>(keys.data()),
                reinterpret_cast<const std::byte*>(values.data())
            );
            for (std::int64_t p = std::max<std::int64_t>(0, first + n - 19); p < first + n; ++p) {
                EXPECT_EQ(*reinterpret_cast<float*>(cache.keys(p)), static_cast<float>(p));
                EXPECT_EQ(*reinterpret_cast<float*>(cache.values(p)), static_cast<float>(-p));
            }
        }
    }
}

/// The used parts of all pages are the kept rows, each once; a migration sends them.
TEST(GroupCache, of_a_window_shows_the_rows_that_it_keeps) {
    for (const std::int64_t window : {1, 2, 16, 17, 18, 33, 40}) {
        GroupCache cache(2, WeightType::f16, std::pmr::new_delete_resource(), window);
        for (std::int64_t tokens = 0; tokens < 120; ++tokens) {
            cache.reserve(tokens);
            std::set<const std::byte*> shown;
            std::size_t rows = 0;
            for (std::size_t page = 0; page < cache.pages(); ++page) {
                const auto [keys, values] = cache.used_parts(page, tokens);
                EXPECT_EQ(keys.size(), values.size());
                for (std::size_t at = 0; at < keys.size(); at += 4, ++rows) {
                    shown.insert(keys.data() + at);
                    shown.insert(values.data() + at);
                }
            }
            std::set<const std::byte*> kept;
            for (std::int64_t p = std::max<std::int64_t>(0, tokens - window + 1); p < tokens; ++p) {
                kept.insert(cache.keys(p));
                kept.insert(cache.values(p));
            }
            EXPECT_EQ(shown, kept) << "window " << window << ", " << tokens << " tokens";
            EXPECT_EQ(rows, static_cast<std::size_t>(std::min(tokens, window - 1)));
        }
    }
}

TEST(GroupCache, allocates_pages_in_any_order) {
    test::TrackingResource memory;
    GroupCache cache(8, WeightType::f32, &memory, 20);
    cache.allocate_page(2);
    EXPECT_EQ(memory.held(), cache.page_bytes());
    EXPECT_THROW(cache.allocate_page(2), Bug);
    cache.allocate_page(0);
    cache.allocate_page(1);
    EXPECT_EQ(cache.bytes(), 3 * cache.page_bytes());
}

} // namespace
} // namespace headroom::model
