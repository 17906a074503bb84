// A memory resource that counts the allocated bytes and checks sizes and alignment.
#pragma once

#include <cstdint>
#include <map>
#include <memory_resource>

#include <gtest/gtest.h>

namespace headroom::model::test {

class TrackingResource : public std::pmr::memory_resource {
  public:
    [[nodiscard]] std::int64_t held() const { return held_; } ///< bytes allocated at the moment
    [[nodiscard]] std::int64_t peak() const { return peak_; } ///< the most bytes at any time

  private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        EXPECT_EQ(alignment, 64U);
        void* const memory = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        sizes_[memory] = bytes;
        held_ += static_cast<std::int64_t>(bytes);
        peak_ = std::max(peak_, held_);
        return memory;
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        EXPECT_EQ(sizes_.at(memory), bytes);
        sizes_.erase(memory);
        held_ -= static_cast<std::int64_t>(bytes);
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }
    std::map<void*, std::size_t> sizes_;
    std::int64_t held_ = 0;
    std::int64_t peak_ = 0;
};

} // namespace headroom::model::test
