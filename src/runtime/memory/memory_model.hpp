// Computes the bytes that every device holds under a placement, from the sizes of blocks and
// buffers and the number of cache rows. Nothing is allocated.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

class MemoryModel {
  public:
    /// buffers: bytes of buffers on a device that holds a block. `blocks` must outlive this object.
    MemoryModel(const scheduler::Blocks& blocks, Bytes buffers, std::size_t devices);

    void set_placement(const scheduler::Placement& placement);

    /// Returns the bytes that a device holds. paged_rows: the number of cache rows of all
    /// sequences, where the rows of each sequence have been rounded up to whole pages.
    [[nodiscard]] Bytes bytes_held(std::size_t device, std::int64_t paged_rows) const {
        return weights_[device] +
               groups_[device] * blocks_->cache_bytes(blocks_->group(0, 0), paged_rows);
    }

    struct Shortage {
        DeviceId device;
        Bytes lacking = 0;
    };
    /// Returns the first device that would hold more bytes than its budget at time `at`. Returns
    /// nothing if no device would.
    [[nodiscard]] std::optional<Shortage> first_shortage(
        const scheduler::Rates& rates, Nanoseconds at, std::int64_t paged_rows
    ) const;

  private:
    const scheduler::Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> weights_;       ///< per device: weights and buffers
    std::vector<std::int64_t> groups_; ///< per device: number of attention groups held
};

/// Returns `rows` rounded up to a multiple of the rows of a page.
[[nodiscard]] std::int64_t rows_in_whole_pages(std::int64_t rows);

} // namespace headroom::runtime
