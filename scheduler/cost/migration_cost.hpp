// D_mig of a placement, kept up to date block by block: what predict_migration finds, for searches.
// Without caps, moves over distinct links run in parallel and over one link one after the other,
// and a target's loads from its storage run beside them one after the other: D_mig is the largest
// of the links' sums plus that link's latency and of the storages' sums. With an egress or ingress
// cap the order over links matters too; then predict_migration itself is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

class MoveDelay {
  public:
    /// Starts at the given placement. Without a previous placement nothing ever moves.
    MoveDelay(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    /// What total() has found out: whoever takes changes back may give it back too.
    struct Known {
        std::size_t slowest = 0;
        bool stale = true;
    };
    [[nodiscard]] Known known() const { return {slowest_, stale_}; }
    void know(Known known) {
        slowest_ = known.slowest;
        stale_ = known.stale;
    }
    [[nodiscard]] Nanoseconds total();
    /// What all transfers take together, one after the other.
    [[nodiscard]] Nanoseconds sum() const { return sum_; }
    /// Blocks that are not where they were.
    [[nodiscard]] std::int32_t moved() const { return moved_; }
    /// Where the block was before; invalid without a previous placement.
    [[nodiscard]] DeviceId home(BlockId b) const {
        return home_.empty() ? DeviceId() : home_[b.index()];
    }
    /// What moving the block from its home to `to` takes if nothing else moves.
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const;
    /// When the lanes that the block would take to `to` would be done if it moved there as well,
    /// caps left out of account; 0 if that is its home.
    [[nodiscard]] Nanoseconds beside(BlockId b, DeviceId to) const;
    /// What takes longest: the link with blocks from `from` to `to`, or, with an invalid `from`,
    /// the storage of `to`. Both are invalid if nothing moves.
    struct Link {
        DeviceId from;
        DeviceId to;
    };
    [[nodiscard]] Link slowest();

  private:
    /// What serves one transfer after the other: a link, or a device's storage.
    struct Lane {
        Nanoseconds busy = 0;
        std::int32_t transfers = 0;
        std::int32_t place = 0; ///< in used_, while there are transfers
    };
    /// What a block costs when it moves, as indices into sizes_.
    struct Cost {
        std::size_t message = 0;
        std::size_t load = 0;
    };
    [[nodiscard]] std::size_t size_class(Bytes bytes);
    [[nodiscard]] Cost cost_of(Bytes weights, Bytes rows);
    [[nodiscard]] Nanoseconds timed(Bytes bytes, std::size_t lane) const;
    [[nodiscard]] Nanoseconds time_of(std::size_t size, std::size_t lane) const {
        return time_.empty() ? timed(sizes_[size], lane) : time_[size * lanes_.size() + lane];
    }
    void charge(BlockId b, std::int32_t sign);
    void charge(std::size_t lane, std::size_t size, std::int32_t sign);
    void find_slowest();
    [[nodiscard]] Nanoseconds completion(std::size_t lane) const;
    [[nodiscard]] std::size_t links() const { return devices_ * devices_; }

    const Problem* problem_;
    std::size_t devices_;
    bool capped_;
    bool tied_;
    Placement home_;
    Placement now_;
    std::int32_t moved_ = 0;
    std::vector<Bytes> sizes_;      ///< distinct sizes of messages and loads
    std::vector<Cost> cost_;        ///< per block, apart from embed
    Cost shared_cost_;              ///< a tied lm_head that lands beside embed
    std::vector<Nanoseconds> time_; ///< [size class][lane]; empty in large fleets
    std::vector<Lane> lanes_;       ///< [from][to] of links, then one storage per device
    std::vector<std::size_t> used_; ///< lanes with transfers, in no order
    Nanoseconds sum_ = 0;
    std::size_t slowest_ = 0;
    bool stale_ = true; ///< slowest_ must be looked for
};

} // namespace headroom::scheduler
