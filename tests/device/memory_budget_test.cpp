// The budget counts what was asked for, exactly, and remembers the most.
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "device/memory_budget.hpp"

namespace headroom::device {
namespace {

TEST(MemoryBudget, counts_what_is_held_and_the_peak) {
    MemoryBudget budget;
    void* const a = budget.allocate(1000, 64);
    void* const b = budget.allocate(24, 64);
    EXPECT_EQ(budget.held(), 1024);
    budget.deallocate(a, 1000, 64);
    EXPECT_EQ(budget.held(), 24);
    EXPECT_EQ(budget.peak(), 1024);
    budget.reset_peak();
    EXPECT_EQ(budget.peak(), 24);
    budget.deallocate(b, 24, 64);
    EXPECT_EQ(budget.held(), 0);
}

TEST(MemoryBudget, charges_nothing_for_an_allocation_that_failed) {
    MemoryBudget budget(std::pmr::null_memory_resource());
    EXPECT_THROW((void)budget.allocate(8, 8), std::bad_alloc);
    EXPECT_EQ(budget.held(), 0);
    EXPECT_EQ(budget.peak(), 0);
}

TEST(MemoryBudget, notices_more_given_back_than_taken) {
    MemoryBudget budget;
    void* const a = budget.allocate(8, 8);
    EXPECT_THROW(budget.deallocate(a, 9, 8), Bug);
    budget.deallocate(a, 8, 8);
}

} // namespace
} // namespace headroom::device
