// All sends of the exchange stand before all receives, so this keeps the global order of
// program.cpp.
#include "scheduler/timing/group_lowering.hpp"

#include <vector>

namespace headroom::scheduler {
namespace {

/// The devices with groups of a layer, and how many each has.
class Holders {
  public:
    Holders(const Emitter& out, std::int32_t layer) : counts_(out.devices()) {
        const Blocks& blocks = out.blocks();
        for (std::int32_t group = 0; group < blocks.groups(); ++group) {
            ++counts_[out.device_of(blocks.group(layer, group)).index()];
        }
        for (std::size_t d = 0; d < counts_.size(); ++d) {
            if (counts_[d] > 0) {
                devices_.emplace_back(d);
            }
        }
    }

    [[nodiscard]] Bytes bytes_from(DeviceId d) const { return counts_[d.index()] * kNormSumBytes; }

    /// Calls visit(from, to) for each message of the exchange, by increasing `first`, then by the
    /// other end; `sends` says whether `first` is the sender or the receiver.
    template <class Visit>
    void for_each_message(bool sends, const Visit& visit) const {
        for (const DeviceId first : devices_) {
            for (const DeviceId second : devices_) {
                if (first != second) {
                    visit(sends ? first : second, sends ? second : first);
                }
            }
        }
    }

  private:
    std::vector<std::int32_t> counts_; ///< [device]
    std::vector<DeviceId> devices_;    ///< by increasing id
};

void exchange_sums(
    Emitter& out,
    std::int32_t layer,
    const std::function<void(DeviceId from, DeviceId to)>& before_receive
) {
    const Holders holders(out, layer);
    holders.for_each_message(true, [&](DeviceId from, DeviceId to) {
        out.send(from, to, {Payload::norm_sums, layer, holders.bytes_from(from)});
    });
    holders.for_each_message(false, [&](DeviceId from, DeviceId to) {
        before_receive(from, to);
        out.receive(from, to, {Payload::norm_sums, layer, holders.bytes_from(from)});
    });
}

} // namespace

void compute_groups(
    Emitter& out,
    std::int32_t layer,
    const std::function<void(DeviceId from, DeviceId to)>& before_receive
) {
    const Blocks& blocks = out.blocks();
    for (const BlockPart part : blocks.parts_of(blocks.group(layer, 0))) {
        if (part == BlockPart::rest) {
            exchange_sums(out, layer, before_receive);
        }
        for (std::int32_t group = 0; group < blocks.groups(); ++group) {
            out.compute(blocks.group(layer, group), 0, part);
        }
    }
}

} // namespace headroom::scheduler
