// What whole layers cost, on one device and from one to the next: the costs of every policy that
// places layers. Exact: with the costs of its steps added up, a placement of whole layers takes
// what predict_inference finds, caps included. Nothing here grows with the square of the fleet
// unless all of its devices are asked for.
//
// A layer that x enters from another device is handed two messages over one link, normed x and x
// (docs/explanation/blocks.md#data-flow-of-a-decode-step), so its groups begin after the first and
// proj (or the hub) waits for the second.
//
// Under cost profile `paper` a layer takes Σ c_i/C_j, rounded to nanoseconds, and messages between
// layers nothing, because the published D_T hands x to nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// The devices that are worth a look as hosts of layers, the source first, the others in id order:
/// all of at most 32; of more, the source and those that are fastest with one layer, until there
/// are `least` of them and they have room for twice the layers, but never more than 256. Devices
/// without room for a layer are left out, but for the source.
[[nodiscard]] std::vector<DeviceId> layer_hosts(const Problem& problem, std::size_t least);
inline constexpr std::size_t kMostLayerHosts = 256;

/// Per device of the problem: all layers of the model on it alone, added up.
[[nodiscard]] std::vector<Nanoseconds> times_of_all_layers(const Problem& problem);

/// Devices go by their index in `devices`, whose first is the source. A time that never ends
/// counts as kStall per operation or message (step_cost.hpp).
class LayerCosts {
  public:
    LayerCosts(const Problem& problem, std::vector<DeviceId> devices);

    [[nodiscard]] std::size_t layers() const { return layers_; }
    [[nodiscard]] std::size_t devices() const { return devices_.size(); }
    [[nodiscard]] DeviceId device(std::size_t j) const { return devices_[j]; }

    /// Layers [first, last) on j, x being there.
    [[nodiscard]] Nanoseconds stay(std::size_t first, std::size_t last, std::size_t j) const {
        return until_[j * (layers_ + 1) + last] - until_[j * (layers_ + 1) + first];
    }
    /// Layer l on `to`, x being on `from`; the hop included.
    [[nodiscard]] Nanoseconds enter(std::size_t l, std::size_t from, std::size_t to) const;
    /// x on the last layer's device -> the sampled id on the source, lm_head there included.
    [[nodiscard]] Nanoseconds finish(std::size_t j) const { return back_[j] + lm_head_; }
    /// lm_head on the source; 0 without ends.
    [[nodiscard]] Nanoseconds lm_head() const { return lm_head_; }
    /// How long a token's hop keeps a link or a cap busy, latency apart: between stages, and back
    /// to the source from the last one.
    [[nodiscard]] Nanoseconds busy(std::size_t from, std::size_t to) const {
        return hops_[from * devices() + to].busy;
    }
    [[nodiscard]] Nanoseconds busy_back(std::size_t j) const { return busy_back_[j]; }

    /// Bytes that j has for layers: embed and lm_head are on the source, buffers are set aside.
    [[nodiscard]] Bytes room(std::size_t j) const { return room_[j]; }
    [[nodiscard]] Bytes bytes(std::size_t first, std::size_t last) const {
        return bytes_[last] - bytes_[first];
    }
    /// Whether the source has room for embed and lm_head, if there are any.
    [[nodiscard]] bool holds_ends() const { return !ends_ || room_[0] >= 0; }
    /// Whether j may hold layers at all: cost profile `paper` limits a layer's FLOP.
    [[nodiscard]] bool computes(std::size_t j) const { return computes_[j]; }
    [[nodiscard]] bool fits(std::size_t first, std::size_t last, std::size_t j) const {
        return first == last || (computes_[j] && bytes(first, last) <= room_[j]);
    }

  private:
    struct Hop {
        Nanoseconds normed_x = 0; ///< when it has arrived
        Nanoseconds x = 0;
        Nanoseconds busy = 0;
    };
    void tabulate_layers(const Problem& problem);
    void tabulate_hops(const Problem& problem);
    void tabulate_room(const Problem& problem);

    std::vector<DeviceId> devices_;
    std::size_t layers_;
    bool ends_;
    std::vector<Nanoseconds> until_;  ///< [device][layers done]: sums of layers alone
    std::vector<Nanoseconds> groups_; ///< [device][layer]: the groups' part of it
    std::vector<Hop> hops_;           ///< [from][to]
    std::vector<Nanoseconds> back_;   ///< [device]
    std::vector<Nanoseconds> busy_back_;
    Nanoseconds lm_head_ = 0;
    std::vector<Bytes> room_;
    std::vector<bool> computes_;
    std::vector<Bytes> bytes_; ///< sums over layers
};

} // namespace headroom::scheduler
