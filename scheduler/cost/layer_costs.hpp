// The times of whole layers on one device, and of the hop (the transfer of one token's activations)
// from one layer's device to the next. Every policy that places whole layers uses these times.
// Their sum over a placement equals predict_inference, also with egress and ingress caps. The
// tables grow with the square of the number of devices, so in large fleets layer_hosts() chooses
// some.
//
// If x, the residual stream, comes from another device, a layer receives two messages over one
// link: normed x, then x (docs/explanation/blocks.md#data-flow-of-a-decode-step). Its groups start
// after the first message, and proj (or the hub) waits for the second.
//
// Under cost profile `paper` a layer takes the sum of its blocks' FLOP / the device's rate, rounded
// to nanoseconds. Hops take no time, because the published D_T does not count the transfer of x
// between layers.
#pragma once

#include <cstddef>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the devices that a search considers for layers: the source first, then the others by id.
/// Devices without room for a layer are left out, except the source. If the fleet has more than 32
/// devices, the devices that compute one layer fastest are taken, until they are at least
/// max(`least`, 32) and have room for twice the model's layers, but at most kMaxLayerHosts.
[[nodiscard]] std::vector<DeviceId> layer_hosts(const Problem& problem, std::size_t least);
inline constexpr std::size_t kMaxLayerHosts = 256;

/// Returns, for every device of the problem, the time of all layers of the model on it alone.
[[nodiscard]] std::vector<Nanoseconds> times_of_all_layers(const Problem& problem);

/// Tables of layer and hop times. A device is given by its index in `devices`, whose first entry is
/// the source. An operation or message that never ends counts as kStall (step_cost.hpp).
class LayerCosts {
  public:
    LayerCosts(const Problem& problem, std::vector<DeviceId> devices);

    [[nodiscard]] std::size_t layers() const { return layers_; }
    [[nodiscard]] std::size_t devices() const { return devices_.size(); }
    [[nodiscard]] DeviceId device(std::size_t j) const { return devices_[j]; }

    /// Returns the time of layers [first, last) on device j if x is already there.
    [[nodiscard]] Nanoseconds time_alone(std::size_t first, std::size_t last, std::size_t j) const {
        return time_before_[j * (layers_ + 1) + last] - time_before_[j * (layers_ + 1) + first];
    }
    /// Returns the time of layer l on `to` if x is on `from`, the hop included.
    [[nodiscard]] Nanoseconds time_after_hop(std::size_t l, std::size_t from, std::size_t to) const;
    /// Returns the time from the last layer's end on j until the source has sampled the id.
    [[nodiscard]] Nanoseconds finish(std::size_t j) const { return back_[j] + lm_head_; }
    /// Returns the time of lm_head on the source; 0 if the shape has no ends.
    [[nodiscard]] Nanoseconds lm_head() const { return lm_head_; }
    /// Return how long the hop of one token occupies a link or a cap, without the latency: busy()
    /// between two stages, busy_back() from the last stage to the source.
    [[nodiscard]] Nanoseconds busy(std::size_t from, std::size_t to) const {
        return hops_[from * devices() + to].busy;
    }
    [[nodiscard]] Nanoseconds busy_back(std::size_t j) const { return busy_back_[j]; }

    /// Returns the bytes for layers on j, besides buffers and, on the source, embed and lm_head.
    [[nodiscard]] Bytes room(std::size_t j) const { return room_[j]; }
    [[nodiscard]] Bytes bytes(std::size_t first, std::size_t last) const {
        return bytes_[last] - bytes_[first];
    }
    /// Returns whether the source has room for embed and lm_head; true if the shape has no ends.
    [[nodiscard]] bool has_room_for_ends() const { return !ends_ || room_[0] >= 0; }
    /// Returns whether j can compute a layer within T_budget; true under cost profile `physical`.
    [[nodiscard]] bool can_compute(std::size_t j) const { return computes_[j]; }
    /// Returns whether j can hold layers [first, last) by memory and compute.
    [[nodiscard]] bool fits(std::size_t first, std::size_t last, std::size_t j) const {
        return first == last || (computes_[j] && bytes(first, last) <= room_[j]);
    }

  private:
    struct Hop {
        Nanoseconds normed_x = 0; ///< until normed x has arrived
        Nanoseconds x = 0;        ///< until x has arrived
        Nanoseconds busy = 0;
    };
    void tabulate_layers(const Problem& problem);
    void tabulate_hops(const Problem& problem);
    void tabulate_room(const Problem& problem);

    std::vector<DeviceId> devices_;
    std::size_t layers_;
    bool ends_;
    /// [device][layer]: sum over the layers before it; layers_ + 1 entries
    std::vector<Nanoseconds> time_before_;
    /// [device][layer]: the part of the layer's time that its groups take
    std::vector<Nanoseconds> groups_;
    std::vector<Hop> hops_;         ///< [from][to]
    std::vector<Nanoseconds> back_; ///< [device]
    std::vector<Nanoseconds> busy_back_;
    Nanoseconds lm_head_ = 0;
    std::vector<Bytes> room_;
    std::vector<bool> computes_;
    std::vector<Bytes> bytes_; ///< [layer]: sum over the layers before it
};

} // namespace headroom::scheduler
