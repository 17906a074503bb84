#include "device/memory_budget.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace headroom::device {

void* MemoryBudget::do_allocate(std::size_t bytes, std::size_t alignment) {
    void* const pointer =
        upstream_->allocate(bytes, alignment); // throws before anything is charged
    held_ += static_cast<Bytes>(bytes);
    peak_ = std::max(peak_, held_);
    return pointer;
}

void MemoryBudget::do_deallocate(void* pointer, std::size_t bytes, std::size_t alignment) {
    HEADROOM_CHECK(
        static_cast<Bytes>(bytes) <= held_, "{} bytes given back, {} held", bytes, held_
    );
    upstream_->deallocate(pointer, bytes, alignment);
    held_ -= static_cast<Bytes>(bytes);
}

} // namespace headroom::device
