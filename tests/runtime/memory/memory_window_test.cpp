// MemoryWindow, compared with the minimum of all recorded values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "runtime/memory/memory_window.hpp"

namespace headroom::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

scheduler::Snapshot seen(Nanoseconds at, std::vector<Bytes> memory) {
    scheduler::Snapshot snapshot;
    snapshot.at = at;
    snapshot.devices.resize(memory.size());
    for (std::size_t d = 0; d < memory.size(); ++d) {
        snapshot.devices[d].memory = memory[d];
    }
    return snapshot;
}

TEST(MemoryWindow, has_the_least_memory_of_each_device_within_its_length) {
    MemoryWindow window(1600);
    EXPECT_THAT(window.safe_memory(seen(0, {10, 50})), ElementsAre(10, 50));
    EXPECT_THAT(window.safe_memory(seen(100, {30, 20})), ElementsAre(10, 20));
    EXPECT_THAT(window.safe_memory(seen(1599, {30, 60})), ElementsAre(10, 20));
    EXPECT_THAT(window.safe_memory(seen(1600, {30, 60})), ElementsAre(30, 20));
    EXPECT_THAT(window.safe_memory(seen(1700, {30, 60})), ElementsAre(30, 60));
}

TEST(MemoryWindow, of_length_0_has_only_the_present_memory) {
    MemoryWindow window(0);
    EXPECT_THAT(window.safe_memory(seen(0, {10, 50})), IsEmpty());
    EXPECT_THAT(window.safe_memory(seen(1, {30, 20})), IsEmpty());
}

TEST(MemoryWindow, applies_the_reserve_to_the_present_memory) {
    MemoryWindow reserve(0, scheduler::kWhole / 4);
    EXPECT_THAT(reserve.safe_memory(seen(0, {1000, 40})), ElementsAre(750, 30));
    EXPECT_THAT(reserve.safe_memory(seen(1, {2000, 20})), ElementsAre(1500, 15));
    MemoryWindow both(1600, scheduler::kWhole / 4);
    EXPECT_THAT(both.safe_memory(seen(0, {1000, 40})), ElementsAre(750, 30));
    EXPECT_THAT(both.safe_memory(seen(1, {2000, 20})), ElementsAre(1000, 15));
}

/// The result lies between the minima of the last 15 and of the last 16 sixteenths.
TEST(MemoryWindow, is_between_a_shorter_and_the_whole_history) {
    Random random(stream_seed(1, "memory window"));
    int forgot = 0;
    for (Nanoseconds length = 1; length < 4000; length += 37) {
        MemoryWindow window(length);
        std::vector<std::pair<Nanoseconds, Bytes>> history;
        Nanoseconds at = 0;
        for (int i = 0; i < 200; ++i) {
            at += static_cast<Nanoseconds>(random.below(60));
            history.emplace_back(at, static_cast<Bytes>(random.below(1'000'000)));
            const Bytes least = window.safe_memory(seen(at, {history.back().second})).front();
            const Nanoseconds span = (length + 15) / 16;
            Bytes sure = history.back().second;
            Bytes most = sure;
            Bytes all = sure;
            for (const auto& [then, memory] : history) {
                sure = then > at - 15 * span ? std::min(sure, memory) : sure;
                most = then > at - 16 * span ? std::min(most, memory) : most;
                all = std::min(all, memory);
            }
            ASSERT_LE(least, sure) << "length " << length << " at " << at;
            ASSERT_GE(least, most) << "length " << length << " at " << at;
            forgot += least > all ? 1 : 0;
        }
    }
    EXPECT_GT(forgot, 1000);
}

} // namespace
} // namespace headroom::runtime
