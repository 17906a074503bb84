// The times of whole layers on one device, and of hops: a hop is the transfer of one token's
// activations from the device of one layer to that of the next. Every policy that places whole
// layers uses these times. Their sum over a placement equals the result of predict_inference
// (timing/timeline.hpp), even if devices have caps (limits on all that a device sends or receives).
// The tables grow with the square of the number of devices, so in a large fleet layer_hosts()
// chooses the devices that a search considers.
//
// If the residual stream x comes from another device, a layer receives two messages over one link:
// first x after the norm (normed x), then x itself. The groups (attention heads) start after the
// first message, but proj (or the hub, which adds up their outputs) waits for the second, because
// it adds x to the result. See docs/explanation/blocks.md#data-flow-of-a-decode-step.
//
// A shared medium (core/media.hpp) counts as a cap of each of these messages, which are the only
// ones of their phases. Operation overheads belong to the layers and message overheads to the hops.
//
// Under cost profile `paper` the time of a layer is the FLOP of its blocks / the device's rate,
// rounded to a nanosecond. Hops take no time, because the published formula does not count them.
#pragma once

#include <cstddef>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the devices that a search considers for layers: always the source, then others by id. In
/// a fleet of up to 32 devices these are all with enough memory and compute for a layer. In a
/// larger fleet they are the fastest devices with enough memory and compute. Devices are added
/// until those other than the source together have room for twice the model's layers, so that the
/// search has a choice, and until there are at least max(`least`, 32) devices. There are never more
/// than kMaxLayerHosts devices. Both numbers of devices include the source.
[[nodiscard]] std::vector<DeviceId> layer_hosts(const Problem& problem, std::size_t least);
inline constexpr std::size_t kMaxLayerHosts = 256;

/// Returns, for every device of the problem, the time of a step's layers if all are on that device.
[[nodiscard]] std::vector<Nanoseconds> times_of_all_layers(const Problem& problem);

/// Tables of layer and hop times. Devices are numbered by their index in the constructor's list,
/// which begins with the source. What never ends counts as kStall (step_cost.hpp).
class LayerCosts {
  public:
    LayerCosts(const Problem& problem, std::vector<DeviceId> devices);

    [[nodiscard]] std::size_t layers() const { return layers_; }
    [[nodiscard]] std::size_t devices() const { return devices_.size(); }
    [[nodiscard]] DeviceId device(std::size_t j) const { return devices_[j]; }

    /// Returns the time of layers [first, last) on device j if j already has x.
    [[nodiscard]] Nanoseconds time_alone(std::size_t first, std::size_t last, std::size_t j) const {
        return time_before_[j * (layers_ + 1) + last] - time_before_[j * (layers_ + 1) + first];
    }
    /// Returns the time of the hop from `from` to `to` and of layer l on `to`. If both are the same
    /// device, there is no hop.
    [[nodiscard]] Nanoseconds time_after_hop(std::size_t l, std::size_t from, std::size_t to)
        const {
        return hop_times_[(hop_table_[l] * devices() + from) * devices() + to] +
               time_alone(l, l + 1, to);
    }
    /// Returns the time from the end of the last layer, on j, until the source has sampled the id,
    /// and the time of embed, which takes no more than the source's operation overhead.
    [[nodiscard]] Nanoseconds finish(std::size_t j) const { return back_[j] + end_time_; }
    /// Returns how long a stage of a pipeline keeps j busy besides its layers: with the messages of
    /// two hops, one to j and one from j, and on the source with embed and lm_head. The source
    /// receives one message, the last x.
    [[nodiscard]] Nanoseconds beside_layers(std::size_t j) const { return beside_layers_[j]; }
    /// Returns how long the two messages of a hop keep their link busy, or a cap if that takes
    /// longer. Latency is not included. busy_back() does the same for sending x from the last
    /// layer's device to the source.
    [[nodiscard]] Nanoseconds busy(std::size_t from, std::size_t to) const {
        return busy_[from * devices() + to];
    }
    [[nodiscard]] Nanoseconds busy_back(std::size_t j) const { return busy_back_[j]; }

    /// Returns the memory of j in bytes less the buffers and, on the source, embed and lm_head.
    [[nodiscard]] Bytes room(std::size_t j) const { return room_[j]; }
    [[nodiscard]] Bytes bytes(std::size_t first, std::size_t last) const {
        return bytes_[last] - bytes_[first];
    }
    /// Returns whether embed and lm_head fit on the source; true if the model has no such blocks.
    [[nodiscard]] bool has_room_for_ends() const { return !ends_ || room_[0] >= 0; }
    /// Returns whether j's compute_limit() (block_cost.hpp) allows a layer.
    [[nodiscard]] bool can_compute(std::size_t j) const { return computes_[j]; }
    /// Returns whether j has the memory and the compute for layers [first, last).
    [[nodiscard]] bool fits(std::size_t first, std::size_t last, std::size_t j) const {
        return first == last || (computes_[j] && bytes(first, last) <= room_[j]);
    }

  private:
    /// Returns the times of the groups of each layer: for each device the part of the layer's time
    /// in which its groups compute.
    std::vector<std::vector<Nanoseconds>> tabulate_layers(const Problem& problem);
    void tabulate_hops(const Problem& problem, const std::vector<std::vector<Nanoseconds>>& groups);
    void tabulate_stages(const Problem& problem);
    void tabulate_room(const Problem& problem);

    std::vector<DeviceId> devices_;
    std::size_t layers_;
    bool ends_;
    /// [device][layer]: the time of all layers before this one; layers_ + 1 entries per device
    std::vector<Nanoseconds> time_before_;
    /// [table][from][to]: by how much a hop delays the end of a layer. Layers whose groups take
    /// equally long on each device share a table.
    std::vector<Nanoseconds> hop_times_;
    std::vector<std::size_t> hop_table_; ///< per layer
    std::vector<Nanoseconds> busy_;      ///< [from][to]
    std::vector<Nanoseconds> back_;      ///< [device]: time of sending x to the source
    std::vector<Nanoseconds> busy_back_;
    std::vector<Nanoseconds> beside_layers_; ///< [device]
    Nanoseconds end_time_ = 0;               ///< of embed and lm_head
    std::vector<Bytes> room_;
    std::vector<bool> computes_;
    std::vector<Bytes> bytes_; ///< [layer]: the bytes of all layers before this one
};

} // namespace headroom::scheduler
