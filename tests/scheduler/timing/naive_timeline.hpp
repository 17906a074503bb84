// A second, deliberately plain implementation of docs/explanation/time.md to judge the timeline
// with. No programs and no lowering: it tells the story of a step from x to x, straight from the
// placement. Its `finish` sums and bisects. It shares with the room only the values of profiles and
// costs.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler::testing {

class NaiveTimeline {
  public:
    NaiveTimeline(const Fleet& fleet, const Blocks& blocks)
        : fleet_(fleet), blocks_(blocks), clocks_(fleet.size()), egress_free_(fleet.size()),
          ingress_free_(fleet.size()) {}

    /// over: bytes held over the budget, per device.
    void turn(
        const Placement& placement,
        const TurnWork& work,
        std::int64_t tokens,
        const std::vector<Bytes>& over
    );
    Nanoseconds migrate(const std::vector<Move>& moves, Nanoseconds t_switch, std::int64_t tokens);

    [[nodiscard]] const std::vector<Nanoseconds>& clocks() const { return clocks_; }
    using Times = std::pair<Nanoseconds, Nanoseconds>;
    /// Of the last turn, by block: a hub operates twice, all others once.
    [[nodiscard]] const std::map<BlockId, std::vector<Times>>& ops() const { return ops_; }

    /// For negative twins: added to every latency; loads of one device that do not wait for each
    /// other; sums of several terms in 4 bytes a number.
    Nanoseconds error = 0;
    bool parallel_loads = false;
    bool narrow_sums = false;

  private:
    struct Flying {
        Nanoseconds begin = 0;
        Nanoseconds end = 0;
        Nanoseconds latency = 0;
        Bytes bytes = 0;
    };
    Flying depart(DeviceId from, DeviceId to, Bytes bytes);
    void arrive(DeviceId to, const Flying& flying);
    void carry(DeviceId from, DeviceId to, Bytes bytes);
    /// Until when the device reads its share of the moves from its storage.
    [[nodiscard]] Nanoseconds loaded(const std::vector<Move>& moves, DeviceId d) const;
    void operate(BlockId b);

    using Teams = std::map<DeviceId, std::vector<BlockId>>; ///< who works on which blocks
    [[nodiscard]] Teams teams(BlockId first, std::int32_t count) const;
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * 4 * work_.tokens; }
    [[nodiscard]] Bytes output_bytes(std::size_t blocks) const;
    /// The holder of x hands its input to every team, and x to the target; all that they make goes
    /// to the target.
    void scatter_gather(const Teams& teams, DeviceId holder, DeviceId target);
    void paper_layer(std::int32_t layer, DeviceId holder);
    void hub_layer(std::int32_t layer, DeviceId holder);
    void ring_layer(std::int32_t layer, const std::vector<DeviceId>& ring);
    void all_reduce(const std::vector<DeviceId>& ring);
    void pass_on(const std::vector<DeviceId>& ring, std::vector<std::size_t>& parts, Bytes each);
    [[nodiscard]] std::vector<DeviceId> ring() const;
    /// From x on `holder` to where the last layer leaves it.
    DeviceId layers(DeviceId holder);

    const Fleet& fleet_;
    const Blocks& blocks_;
    std::vector<Nanoseconds> clocks_;
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::map<std::pair<DeviceId, DeviceId>, Nanoseconds> link_free_;
    std::map<BlockId, std::vector<Times>> ops_;
    Placement placement_;
    TurnWork work_;
    std::int64_t tokens_ = 0;
    std::vector<Bytes> over_; ///< still to be paged in this turn
};

} // namespace headroom::scheduler::testing
