// The KV cache of a group: pages of 16 rows, exact bytes, and the used parts of pages.
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
        GroupCache cache(8, &memory);
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
        moved = GroupCache(8, &memory);
        EXPECT_EQ(memory.held(), 0);
    }
    EXPECT_EQ(memory.held(), 0);
}

TEST(GroupCache, gives_every_row_a_place_of_its_own) {
    test::TrackingResource memory;
    GroupCache cache(2, &memory);
    cache.reserve(20);
    std::set<const float*> places;
    for (std::int64_t row = 0; row < 32; ++row) {
        for (std::int64_t i = 0; i < 2; ++i) {
            places.insert(cache.keys(row) + i);
            places.insert(cache.values(row) + i);
        }
    }
    EXPECT_EQ(places.size(), 32U * 2 * 2);
    EXPECT_EQ(cache.keys(17), cache.page_table()[1] + 2);            // (page 1, row 1)
    EXPECT_EQ(cache.values(17), cache.page_table()[1] + 16 * 2 + 2); // behind the 16 keys
    EXPECT_THROW((void)cache.values(32), Bug);
    EXPECT_THROW((void)cache.keys(-1), Bug);
}

TEST(GroupCache, shows_the_used_rows_of_a_page) {
    test::TrackingResource memory;
    GroupCache cache(4, &memory);
    cache.reserve(40);
    const std::size_t expected[] = {16, 4, 0}; // rows of each page if 20 are used
    for (std::size_t page = 0; page < 3; ++page) {
        const auto [keys, values] = cache.used_parts(page, 20);
        EXPECT_EQ(keys.size(), expected[page] * 4 * sizeof(float));
        EXPECT_EQ(values.size(), keys.size());
    }
    const auto [keys, values] = cache.used_parts(1, 20);
    EXPECT_EQ(static_cast<void*>(keys.data()), static_cast<void*>(cache.keys(16)));
    EXPECT_EQ(static_cast<void*>(values.data()), static_cast<void*>(cache.values(16)));
}

} // namespace
} // namespace headroom::model
