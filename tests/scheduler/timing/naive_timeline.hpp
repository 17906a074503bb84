// A second, deliberately simple implementation of docs/explanation/time.md, with which tests
// compare the timeline. It has no programs: it follows a turn through the layers directly by the
// placement. It finds the end of work by summing rates and bisection. It shares only the values of
// profiles, the costs of blocks and what is drawn for a message with the library.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler::testing {

/// Deliberate faults in the costs of real devices.
enum class CostFault : std::uint8_t {
    none,
    joint_pieces,       ///< an operation takes the slower of all its computing and all its reading
    dear_prefill,       ///< the work of n tokens takes n times that of one
    overhead_per_block, ///< every block begins with the operation overhead
    silent_receiver,    ///< a receive takes no message overhead
    quick_repetition,   ///< a lost message is repeated without a time-out
    early_latency,      ///< a message that was lost has the latency of its first transmission
    free_link,          ///< a lost message leaves its link after the first transmission
    private_media,      ///< every message has its medium for itself
    no_exchange,        ///< groups do not wait for the sums of other devices
    joint_parts,        ///< both parts of a group are one operation
};

class NaiveTimeline {
  public:
    NaiveTimeline(const Fleet& fleet, const Blocks& blocks)
        : fleet_(fleet), blocks_(blocks), clocks_(fleet.size()), egress_free_(fleet.size()),
          ingress_free_(fleet.size()) {}

    /// Executes the turns of one batch; the clocks then have its times. tokens: tokens sampled so
    /// far, by which events are due. over: bytes that each device holds over its budget.
    void turns(
        const Placement& placement,
        const std::vector<TurnWork>& batch,
        std::int64_t tokens,
        const std::vector<Bytes>& over
    );
    /// Executes the moves of the migration to `epoch` and returns t_resume.
    Nanoseconds migrate(
        const std::vector<Move>& moves,
        Nanoseconds t_switch,
        std::int64_t tokens,
        std::int64_t epoch
    );

    [[nodiscard]] const std::vector<Nanoseconds>& clocks() const { return clocks_; }
    using StartAndEnd = std::pair<Nanoseconds, Nanoseconds>;
    /// Returns the start and end of the last batch's operations. A hub has two, and so has a group
    /// that is computed in parts; all other blocks have one.
    [[nodiscard]] const std::map<BlockId, std::vector<StartAndEnd>>& ops() const { return ops_; }

    // Deliberate faults, by which tests show that the comparison notices them.
    Nanoseconds error = 0;       ///< added to every latency
    bool parallel_loads = false; ///< loads of one device do not wait for each other
    bool narrow_sums = false;    ///< partial sums of several terms take 4 bytes a number
    CostFault fault = CostFault::none;

  private:
    /// Sender and receiver of each message of a phase: messages of one payload, layer and step.
    using Links = std::vector<std::pair<DeviceId, DeviceId>>;

    /// What is equal in all messages of a phase.
    struct Phase {
        Payload payload = Payload::token;
        std::int32_t layer = -1;
        Links links; ///< distinct
    };

    /// A message of one turn.
    struct Sending {
        Bytes bytes = 0;
        MessageKey key;
    };

    struct SentMessage {
        Nanoseconds begin = 0; ///< of the transmission that gets through
        Nanoseconds end = 0;
        Nanoseconds latency = 0;
        Bytes bytes = 0;
    };
    using SentMessages = std::vector<SentMessage>; ///< of the turns of the batch
    using Link = std::pair<DeviceId, DeviceId>;

    SentMessage send(const Link& link, const Sending& sending, const Links& phase);
    SentMessage transmit(const Link& link, Nanoseconds begin, Bytes bytes, const Links& phase);
    /// Returns when the bytes have passed the media of both ends.
    [[nodiscard]] Nanoseconds pass_media(
        const Link& link, Nanoseconds begin, Bytes bytes, const Links& phase
    ) const;
    void receive(DeviceId to, const SentMessage& message);

    /// Sends one message per turn, with this many bytes per token. last_x and sampled are sent once
    /// per turn that samples.
    SentMessages send_all(
        DeviceId from, DeviceId to, const Phase& phase, Bytes per_token, std::int32_t part = 0
    );
    void receive_all(DeviceId to, const SentMessages& messages);
    void transfer(DeviceId from, DeviceId to, const Phase& phase, Bytes per_token);
    /// Returns when the device has loaded from its storage what the moves to it load.
    [[nodiscard]] Nanoseconds loaded(const std::vector<Move>& moves, DeviceId d) const;

    /// Executes consecutive blocks of one stage on one device, or one part of each.
    void compute_stage(const std::vector<BlockId>& blocks, BlockPart part = BlockPart::whole);
    void compute(BlockId b, Nanoseconds overhead, BlockPart part = BlockPart::whole);
    [[nodiscard]] Nanoseconds operation_end(
        BlockId b, DeviceId d, Nanoseconds start, BlockPart part
    ) const;
    [[nodiscard]] Nanoseconds typed_end(
        const TypeRates<Profile>& rates, const WeightWork& work, Nanoseconds start, std::int64_t n
    ) const;

    using BlocksByDevice = std::map<DeviceId, std::vector<BlockId>>;
    [[nodiscard]] BlocksByDevice blocks_by_device(BlockId first, std::int32_t count) const;
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * 4; }
    [[nodiscard]] Bytes output_bytes(std::size_t blocks) const;
    /// The groups or the slices of a layer and the payloads of their messages.
    struct Units {
        std::int32_t layer = -1;
        BlocksByDevice blocks;
        Payload input = Payload::normed_x;
        Payload output = Payload::head_outputs;
    };
    /// The activation device sends the units' input to every device of `units`, and x to the
    /// target. The outputs of the units go to the target.
    void run_units(const Units& units, DeviceId activation_device, DeviceId target);
    /// Computes the groups of a layer, whose devices have the input: in one part, or in two with
    /// the sums of squares exchanged between them. `x` is what the target receives before the sums
    /// of the activation device; the result says whether it did.
    bool compute_groups(
        std::int32_t layer,
        const BlocksByDevice& groups,
        const Link& way_of_x,
        const SentMessages& x
    );
    bool exchange_sums(
        std::int32_t layer,
        const BlocksByDevice& groups,
        const Link& way_of_x,
        const SentMessages& x
    );
    void paper_layer(std::int32_t layer, DeviceId activation_device);
    void hub_layer(std::int32_t layer, DeviceId activation_device);
    void ring_layer(std::int32_t layer, const std::vector<DeviceId>& ring);
    void all_reduce(std::int32_t layer, std::int32_t stage, const std::vector<DeviceId>& ring);
    void rotate_parts(
        const Phase& phase,
        std::int32_t step,
        const std::vector<DeviceId>& ring,
        std::vector<std::size_t>& parts
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
    std::map<Link, Nanoseconds> link_free_;
    std::map<BlockId, std::vector<StartAndEnd>> ops_;
    Placement placement_;
    std::vector<TurnWork> batch_;
    std::int64_t tokens_ = 0;
    std::vector<Bytes> over_; ///< bytes that are still to be paged in this turn
};

} // namespace headroom::scheduler::testing
