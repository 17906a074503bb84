// D_mig (the time to migrate) of a placement, kept up to date for searches while single blocks
// move. The result equals predict_migration. Without egress and ingress caps, transfers queue on
// lanes (a lane is a link, or the storage of one device) that work in parallel: D_mig is the
// largest sum of transfer times of a lane, plus the latency if the lane is a link. With a cap the
// order of transfers over several links matters, so total() calls predict_migration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// D_mig by cost profile `physical`.
class MoveDelay {
  public:
    /// Starts at the given placement. Without a previous placement nothing ever moves.
    MoveDelay(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    /// The slowest lane, as far as known. Restoring it after an undo saves total() a search.
    struct SlowestLane {
        std::size_t slowest = 0;
        bool stale = true;
    };
    [[nodiscard]] SlowestLane slowest_lane() const { return {slowest_, stale_}; }
    void restore_slowest_lane(SlowestLane saved) {
        slowest_ = saved.slowest;
        stale_ = saved.stale;
    }
    /// Returns D_mig in ns; with caps at most kStall (step_cost.hpp).
    [[nodiscard]] Nanoseconds total();
    /// Returns the sum of the times of all transfers.
    [[nodiscard]] Nanoseconds sum() const { return sum_; }
    /// Returns the number of blocks that are not on their previous device.
    [[nodiscard]] std::int32_t moved() const { return moved_; }
    /// Returns the block's device in the previous placement; invalid if there is none.
    [[nodiscard]] DeviceId previous_device(BlockId b) const {
        return previous_.empty() ? DeviceId() : previous_[b.index()];
    }
    /// Returns the time of moving the block from its previous device to `to` if nothing else moves.
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const;
    /// Returns when the lanes of the block's move to `to` would be done if that move were added to
    /// their present transfers, without regard to caps; 0 if `to` is the block's previous device.
    [[nodiscard]] Nanoseconds completion_with(BlockId b, DeviceId to) const;
    /// The lane that takes longest: the link from `from` to `to`, or the storage of `to` if only
    /// `from` is invalid. Both ids are invalid if nothing moves.
    struct Link {
        DeviceId from;
        DeviceId to;
    };
    [[nodiscard]] Link slowest();

  private:
    /// A link or a device's storage, which serves one transfer after the other.
    struct Lane {
        Nanoseconds busy = 0;
        std::int32_t transfers = 0;
        std::int32_t place = 0; ///< index in used_ while there are transfers
    };
    /// The message and the load of a block that moves, as indices into sizes_.
    struct Cost {
        std::size_t message = 0;
        std::size_t load = 0;
    };
    [[nodiscard]] std::size_t size_class(Bytes bytes);
    [[nodiscard]] Cost cost_of(Bytes weights, Bytes rows);
    [[nodiscard]] Nanoseconds transfer_time(Bytes bytes, std::size_t lane) const;
    [[nodiscard]] Nanoseconds time_of(std::size_t size, std::size_t lane) const {
        return time_.empty() ? transfer_time(sizes_[size], lane)
                             : time_[size * lanes_.size() + lane];
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
    Placement previous_;
    Placement current_;
    std::int32_t moved_ = 0;
    std::vector<Bytes> sizes_;      ///< distinct sizes of messages and loads
    std::vector<Cost> cost_;        ///< per block, if it does not share embed's matrix
    Cost shared_cost_;              ///< of a tied lm_head that moves to embed's device
    std::vector<Nanoseconds> time_; ///< [size class][lane]; empty in large fleets
    std::vector<Lane> lanes_;       ///< links [from][to], then one storage per device
    std::vector<std::size_t> used_; ///< lanes with transfers, in no order
    Nanoseconds sum_ = 0;
    std::size_t slowest_ = 0;
    bool stale_ = true; ///< slowest_ must be computed again
};

} // namespace headroom::scheduler
