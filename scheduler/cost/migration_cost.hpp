// D_mig (the time to migrate) of a placement, kept up to date for searches while single blocks
// move. The result equals predict_migration (timing/evaluate.hpp). A lane is a link between two
// devices, or the storage of one device. Transfers of one lane queue, and lanes work in parallel.
// So D_mig is the time of the slowest lane: the sum of its transfer times, plus the latency if it
// is a link. With caps, message overheads or shared media the order of transfers on several links
// matters (order_matters() in message_cost.hpp), so total() then times all messages one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/media.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// D_mig under cost profile `physical`.
class MoveDelay {
  public:
    /// Starts at the given placement. Without a previous placement D_mig is always 0.
    MoveDelay(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    /// The slowest lane. Restoring it after an undo spares total() a search for the lane.
    struct SlowestLane {
        std::size_t slowest = 0;
        bool stale = true; ///< the slowest lane is not known
    };
    [[nodiscard]] SlowestLane slowest_lane() const { return {slowest_, stale_}; }
    void restore_slowest_lane(SlowestLane saved) {
        slowest_ = saved.slowest;
        stale_ = saved.stale;
    }
    /// Returns D_mig. If the order of transfers matters, a result above kStall (step_cost.hpp)
    /// becomes kStall.
    [[nodiscard]] Nanoseconds total();
    /// Returns the sum of all transfer times, without latencies.
    [[nodiscard]] Nanoseconds sum() const { return sum_; }
    /// Returns the number of blocks that are not on their previous device.
    [[nodiscard]] std::int32_t moved() const { return moved_; }
    /// Returns the block's device in the previous placement; invalid without such a placement.
    [[nodiscard]] DeviceId previous_device(BlockId b) const {
        return previous_.empty() ? DeviceId() : previous_[b.index()];
    }
    /// Returns the time of moving the block from its previous device to `to` if nothing else moves.
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const;
    /// Returns when a move of the block to `to` would be done if its transfers came after all
    /// present transfers of their lanes. Caps and the messages of other lanes are not counted. 0 if
    /// `to` is the block's previous device.
    [[nodiscard]] Nanoseconds completion_with(BlockId b, DeviceId to) const;
    /// A lane: the link from `from` to `to`, or the storage of `to` if only `from` is invalid.
    struct Link {
        DeviceId from;
        DeviceId to;
    };
    /// Returns the lane that takes longest, other lanes and caps not counted. Both ids are invalid
    /// if none is used.
    [[nodiscard]] Link slowest();

  private:
    struct Lane {
        Nanoseconds busy = 0; ///< the sum of the lane's transfer times
        std::int32_t transfers = 0;
        std::int32_t place = 0; ///< the lane's index in used_, while it has transfers
    };
    /// How many bytes of a moving block are sent and how many are loaded from storage. Both members
    /// are indices into sizes_, which has the numbers of bytes.
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
    [[nodiscard]] const Cost& cost_here(BlockId b) const;
    void find_slowest();
    // What follows is for total() where the order of transfers matters
    // (migration_cost_ordered.cpp).
    /// A block on its way. Its message is empty if it has no `bytes`.
    struct Sent {
        DeviceId to;
        Bytes bytes = 0;
        Nanoseconds first_byte = 0; ///< when it begins to arrive
        Nanoseconds arrival = 0;    ///< when all of it has arrived, if the ingress has no cap
        Nanoseconds load = 0;       ///< time on the storage of `to`
    };
    /// When a device and its queues are free.
    struct Free {
        Nanoseconds clock = 0;
        Nanoseconds egress = 0;
        Nanoseconds ingress = 0;
        Nanoseconds storage = 0;
    };
    [[nodiscard]] Nanoseconds total_in_order();
    void count_ends();
    [[nodiscard]] Sent send(BlockId b);
    [[nodiscard]] Nanoseconds receive(const Sent& sent);
    [[nodiscard]] Nanoseconds completion(std::size_t lane) const;
    [[nodiscard]] Nanoseconds delay(std::size_t link) const;
    [[nodiscard]] std::size_t links() const { return devices_ * devices_; }

    const Problem* problem_;
    std::size_t devices_;
    bool ordered_; ///< whether the order of transfers matters
    bool tied_;
    Placement previous_;
    Placement current_;
    std::int32_t moved_ = 0;
    std::vector<Bytes> sizes_;      ///< distinct sizes of messages and loads
    std::vector<Cost> cost_;        ///< per block; a tied lm_head counts with a matrix of its own
    Cost shared_cost_;              ///< for a tied lm_head that moves to embed's device
    std::vector<Nanoseconds> time_; ///< [size class][lane]; empty in large fleets
    std::vector<Lane> lanes_;       ///< the links [from][to], then the storage of each device
    std::vector<std::size_t> used_; ///< lanes with transfers, in no order
    Nanoseconds sum_ = 0;
    std::size_t slowest_ = 0;
    bool stale_ = true; ///< slowest_ must be computed again
    // Kept between calls of total_in_order():
    std::vector<Sent> sent_;
    std::vector<Free> free_;             ///< [device]
    std::vector<Nanoseconds> link_free_; ///< [link]
    MediumEnds ends_;                    ///< of the links that are used
};

} // namespace headroom::scheduler
