// A device's memory as an allocator: every weight, cache page and buffer of the device comes out of
// it, so what the budget says is what the device holds. It counts and never refuses: what happens
// above the limit is the scenario's `overload`, and the limit itself moves with time.
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

    /// Bytes asked for and not given back; alignment slack is not counted.
    [[nodiscard]] Bytes held() const { return held_; }
    /// The most that was held since the last reset_peak().
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
