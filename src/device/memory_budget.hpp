// The memory of one emulated device as an allocator that counts bytes. The device's weights, cache
// pages and buffers are allocated from it. The allocator itself has no limit. The runtime compares
// the count with the device's memory, which changes over virtual time; the scenario key `overload`
// says what happens if the count is larger.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "base/units.hpp"

namespace headroom::device {

class MemoryBudget final : public std::pmr::memory_resource {
  public:
    explicit MemoryBudget(std::pmr::memory_resource* upstream = std::pmr::new_delete_resource())
        : upstream_(upstream) {}
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;
    ~MemoryBudget() override = default;

    /// Returns the number of bytes that are allocated now, without alignment padding.
    [[nodiscard]] Bytes held() const { return held_; }
    /// Returns the maximum of held() since the last reset_peak(), or since the constructor.
    [[nodiscard]] Bytes peak() const { return peak_; }
    void reset_peak() { peak_ = held_; }

  private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* pointer, std::size_t bytes, std::size_t alignment) override;
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::pmr::memory_resource* upstream_;
    Bytes held_ = 0;
    Bytes peak_ = 0;
};

} // namespace headroom::device
