// A second, deliberately simple implementation of docs/explanation/time.md, with which tests
// compare the timeline. It has no programs: it follows a turn through the layers directly by the
// placement. It finds the end of work by summing rates and bisection. It shares only the values of
// profiles and the costs of blocks with the library.
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

    /// Executes one turn; the clocks then have its times. tokens: tokens sampled so far, by which
    /// events are due. over: bytes that each device holds over its budget.
    void turn(
        const Placement& placement,
        const TurnWork& work,
        std::int64_t tokens,
        const std::vector<Bytes>& over
    );
    /// Executes the moves and returns t_resume.
    Nanoseconds migrate(const std::vector<Move>& moves, Nanoseconds t_switch, std::int64_t tokens);

    [[nodiscard]] const std::vector<Nanoseconds>& clocks() const { return clocks_; }
    using StartAndEnd = std::pair<Nanoseconds, Nanoseconds>;
    /// Returns the start and end of the last turn's operations. A hub has two, all other blocks
    /// one.
    [[nodiscard]] const std::map<BlockId, std::vector<StartAndEnd>>& ops() const { return ops_; }

    // Deliberate faults, by which tests show that the comparison notices them.
    Nanoseconds error = 0;       ///< added to every latency
    bool parallel_loads = false; ///< loads of one device do not wait for each other
    bool narrow_sums = false;    ///< partial sums of several terms take 4 bytes a number

  private:
    struct SentMessage {
        Nanoseconds begin = 0;
        Nanoseconds end = 0;
        Nanoseconds latency = 0;
        Bytes bytes = 0;
    };
    SentMessage send(DeviceId from, DeviceId to, Bytes bytes);
    void receive(DeviceId to, const SentMessage& message);
    void transfer(DeviceId from, DeviceId to, Bytes bytes);
    /// Returns when the device has loaded from its storage what the moves to it load.
    [[nodiscard]] Nanoseconds loaded(const std::vector<Move>& moves, DeviceId d) const;
    void compute(BlockId b);

    using BlocksByDevice = std::map<DeviceId, std::vector<BlockId>>;
    [[nodiscard]] BlocksByDevice blocks_by_device(BlockId first, std::int32_t count) const;
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * 4 * work_.tokens; }
    [[nodiscard]] Bytes output_bytes(std::size_t blocks) const;
    /// The activation device sends the units' input to every device of `units`, and x to the
    /// target. The outputs of the units go to the target.
    void run_units(
        const BlocksByDevice& blocks_by_device, DeviceId activation_device, DeviceId target
    );
    void paper_layer(std::int32_t layer, DeviceId activation_device);
    void hub_layer(std::int32_t layer, DeviceId activation_device);
    void ring_layer(std::int32_t layer, const std::vector<DeviceId>& ring);
    void all_reduce(const std::vector<DeviceId>& ring);
    void rotate_parts(
        const std::vector<DeviceId>& ring, std::vector<std::size_t>& parts, Bytes each
    );
    [[nodiscard]] std::vector<DeviceId> ring() const;
    /// Executes all layers and returns the device that then holds x; invalid with a ring, where all
    /// do.
    DeviceId layers(DeviceId activation_device);

    const Fleet& fleet_;
    const Blocks& blocks_;
    std::vector<Nanoseconds> clocks_;
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::map<std::pair<DeviceId, DeviceId>, Nanoseconds> link_free_;
    std::map<BlockId, std::vector<StartAndEnd>> ops_;
    Placement placement_;
    TurnWork work_;
    std::int64_t tokens_ = 0;
    std::vector<Bytes> over_; ///< bytes that are still to be paged in this turn
};

} // namespace headroom::scheduler::testing
