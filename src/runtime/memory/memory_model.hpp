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

    /// Returns the bytes that a device holds. paged: the cache rows of all sequences in whole pages
    /// (Blocks::paged_rows).
    [[nodiscard]] Bytes bytes_held(std::size_t device, const scheduler::CacheRows& paged) const {
        const scheduler::CacheRows& groups = groups_[device];
        return weights_[device] +
               row_bytes_ * (groups.all * paged.all + groups.windowed * paged.windowed);
    }

    /// Returns the rows of the pages that hold the cache of a sequence of so many tokens.
    [[nodiscard]] scheduler::CacheRows paged_rows(std::int64_t tokens) const {
        return blocks_->paged_rows(tokens);
    }

    struct Shortage {
        DeviceId device;
        Bytes lacking = 0;
    };
    /// Returns the first device that would hold more bytes than its budget at time `at`. Returns
    /// nothing if no device would.
    [[nodiscard]] std::optional<Shortage> first_shortage(
        const scheduler::Rates& rates, Nanoseconds at, const scheduler::CacheRows& paged
    ) const;

  private:
    const scheduler::Blocks* blocks_;
    Bytes buffers_;
    Bytes row_bytes_;            ///< of a row of a group's cache
    std::vector<Bytes> weights_; ///< per device: weights and buffers
    /// Per device: the number of groups held of layers without a window and with one.
    std::vector<scheduler::CacheRows> groups_;
};

} // namespace headroom::runtime
