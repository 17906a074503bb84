// What every device holds under a placement, by the closed forms: blocks, buffers, and caches that
// grow together.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

class Holdings {
  public:
    /// `buffers`: of every device that holds any block.
    Holdings(const scheduler::Blocks& blocks, Bytes buffers, std::size_t devices);

    void place(const scheduler::Placement& placement);

    /// Bytes on a device if all sequences together have so many cache rows, in whole pages each.
    [[nodiscard]] Bytes at(std::size_t device, std::int64_t paged_rows) const {
        return weights_[device] + groups_[device] * cache_bytes_of(paged_rows);
    }

    struct Shortage {
        DeviceId device;
        Bytes lacking = 0;
    };
    /// The first device that would hold more than its memory at a time, if there is one.
    [[nodiscard]] std::optional<Shortage> shortage(
        const scheduler::Rates& rates, Nanoseconds at, std::int64_t paged_rows
    ) const;

  private:
    [[nodiscard]] Bytes cache_bytes_of(std::int64_t rows) const;

    const scheduler::Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> weights_; ///< with buffers
    std::vector<std::int64_t> groups_;
};

/// Rows that whole pages for so many rows hold.
[[nodiscard]] std::int64_t paged(std::int64_t rows);

} // namespace headroom::runtime
