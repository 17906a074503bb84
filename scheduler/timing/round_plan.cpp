#include "scheduler/timing/round_plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.hpp"

namespace headroom::scheduler {

namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

template <class T>
std::uint32_t count(const std::vector<T>& all) {
    return static_cast<std::uint32_t>(all.size());
}

bool is_same_message(const Instruction& sent, const Instruction& received) {
    return sent.payload == received.payload && sent.layer == received.layer &&
           sent.bytes_per_token == received.bytes_per_token && sent.per_turn == received.per_turn;
}

class Planner {
  public:
    Planner(const Blocks& blocks, const std::vector<Program>& programs, const Snapshot& snapshot)
        : programs_(programs), device_numbers_(programs.size(), kNone) {
        plan_.blocks = &blocks;
        plan_.snapshot = &snapshot;
        for (std::size_t d = 0; d < programs.size(); ++d) {
            if (!programs[d].empty()) {
                device_numbers_[d] = count(plan_.active_devices);
                plan_.active_devices.emplace_back(d);
            }
        }
        link_between_.assign(plan_.active_devices.size() * plan_.active_devices.size(), kNone);
    }

    RoundPlan plan(DeviceId source, const PhaseOffsets& offsets) {
        plan_.source = device_numbers_[source.index()];
        HEADROOM_CHECK(plan_.source != kNone, "source {} has no program", source.value);
        plan_.period = offsets.period;
        for (std::uint32_t device = 0; device < plan_.active_devices.size(); ++device) {
            const std::size_t d = plan_.active_devices[device].index();
            const std::size_t before = plan_.segments.size();
            add(device, programs_[d], offsets.keys[d]);
            if (device == plan_.source && plan_.segments.size() - before > 1) {
                plan_.source_end = plan_.segments.size() - 1;
            }
        }
        for (const Link& link : links_) {
            HEADROOM_CHECK(
                link.sent == link.received, "{} of {} messages", link.received, link.sent
            );
        }
        plan_.links = links_.size();
        return std::move(plan_);
    }

  private:
    /// A link between two devices, whose messages are received in the order of sending.
    struct Link {
        std::vector<std::uint32_t> messages;
        std::size_t sent = 0;
        std::size_t received = 0;
    };

    void add(std::uint32_t device, const Program& program, const std::vector<ScheduleKey>& keys) {
        std::size_t nth = 0;
        for (const ProgramSegment& segment : segments_of(program)) {
            const std::uint32_t first = count(plan_.actions);
            for (std::size_t i = segment.begin; i < segment.end; ++i) {
                add(device, program[i], plan_.actions.size() > first);
            }
            plan_.segments.push_back({device, first, count(plan_.actions), keys[nth++]});
        }
    }

    void add(std::uint32_t device, const Instruction& instruction, bool continues_segment) {
        if (instruction.code == OpCode::compute) {
            compute(device, instruction, continues_segment);
        } else if (instruction.code == OpCode::send) {
            const std::uint32_t to = device_numbers_[instruction.peer.index()];
            Link& link = links_[link_between(device, to)];
            plan_.actions.push_back(
                {OpCode::send, message(link, link.sent++, device, to, instruction)}
            );
        } else if (instruction.code == OpCode::receive) {
            const std::uint32_t from = device_numbers_[instruction.peer.index()];
            Link& link = links_[link_between(from, device)];
            plan_.actions.push_back(
                {OpCode::receive, message(link, link.received++, from, device, instruction)}
            );
        }
    }

    void compute(std::uint32_t device, const Instruction& instruction, bool continues_segment) {
        if (!continues_segment || plan_.actions.back().code != OpCode::compute) {
            plan_.actions.push_back({OpCode::compute, plan_.operations++});
        }
        const std::uint32_t operation = plan_.actions.back().index;
        if (!plan_.runs.empty() && plan_.runs.back().operation == operation &&
            !instruction.starts_stage && plan_.runs.back().part == instruction.work &&
            has_equal_cost(plan_.runs.back().block, instruction.block)) {
            ++plan_.runs.back().count;
            return;
        }
        const bool sampling_only = is_sampling_only(instruction, *plan_.blocks);
        plan_.runs.push_back(
            {operation,
             device,
             instruction.block,
             1,
             sampling_only,
             instruction.starts_stage,
             instruction.work}
        );
    }

    /// All groups of a layer have the same cost, and so have its slices.
    [[nodiscard]] bool has_equal_cost(BlockId a, BlockId b) const {
        const BlockName& one = plan_.blocks->name(a);
        const BlockName& other = plan_.blocks->name(b);
        return one.kind == other.kind && one.layer == other.layer;
    }

    [[nodiscard]] std::uint32_t link_between(std::size_t from, std::size_t to) {
        std::uint32_t& link = link_between_[from * plan_.active_devices.size() + to];
        if (link == kNone) {
            link = count(links_);
            links_.emplace_back();
        }
        return link;
    }

    /// Returns the index of the nth message of a link. The message is added when its send or its
    /// receive is seen first; the other one must match.
    std::uint32_t message(
        Link& link,
        std::size_t nth,
        std::uint32_t from,
        std::uint32_t to,
        const Instruction& instruction
    ) {
        if (nth < link.messages.size()) {
            const std::uint32_t known = link.messages[nth];
            Instruction& other = plan_.sent[known];
            HEADROOM_CHECK(
                is_same_message(other, instruction),
                "message {} from {} to {}: {} of layer {} meets {} of layer {}",
                nth,
                plan_.active_devices[from].value,
                plan_.active_devices[to].value,
                name_of(other.payload),
                other.layer,
                name_of(instruction.payload),
                instruction.layer
            );
            if (instruction.code == OpCode::send) { // only the send knows the shares
                other = instruction;
                plan_.messages[known].one_token = plan_.transfer(known, 1);
            }
            return known;
        }
        const SnapshotRates rates(*plan_.snapshot);
        const DeviceId sender = plan_.active_devices[from];
        const DeviceId receiver = plan_.active_devices[to];
        const std::uint32_t added = count(plan_.messages);
        link.messages.push_back(added);
        plan_.sent.push_back(instruction);
        plan_.messages.push_back({
            .from = from,
            .to = to,
            .link = link_between(from, to),
            .egress_capped = rates.egress_capped(sender),
            .ingress_capped = rates.ingress_capped(receiver),
            .sampling_only = is_sampling_only(instruction, *plan_.blocks),
            .latency = rates.latency(sender, receiver, 0),
            .sender_overhead = rates.message_overhead(sender),
            .receiver_overhead = rates.message_overhead(receiver),
            .one_token = {},
        });
        plan_.messages.back().one_token = plan_.transfer(added, 1);
        return added;
    }

    const std::vector<Program>& programs_;
    std::vector<std::uint32_t> device_numbers_; ///< [device]: its index in active_devices
    std::vector<std::uint32_t> link_between_;   ///< [device][device]
    std::vector<Link> links_;
    RoundPlan plan_;
};

} // namespace

RoundPlan::Transfer RoundPlan::transfer(std::size_t message, std::int64_t tokens) const {
    const SnapshotRates rates(*snapshot);
    const DeviceId from = active_devices[messages[message].from];
    const DeviceId to = active_devices[messages[message].to];
    const Bytes bytes = sent[message].bytes(tokens);
    return {
        std::max(
            rates.link(from, to, 0, bytes), rates.media(from, to, 0, bytes, sent[message].shares)
        ),
        rates.egress(from, 0, bytes),
        rates.ingress(to, 0, bytes)};
}

RoundPlan plan_rounds(
    const Blocks& blocks, const Placement& placement, const Snapshot& snapshot, DeviceId source
) {
    const std::vector<Program> programs =
        lower(blocks, placement, source, snapshot.size(), medium_of(snapshot));
    return Planner(blocks, programs, snapshot)
        .plan(source, phase_offsets(blocks, programs, snapshot, source, 1, false));
}

} // namespace headroom::scheduler
