// D_mig (the time to migrate) of a placement of whole layers, kept up to date while layers are
// added and removed. If the order of messages does not matter (order_matters() in
// message_cost.hpp), because no device has a cap, a message overhead or a medium, the result equals
// that of predict_migration (timing/evaluate.hpp). Otherwise it is a lower bound: the time of the
// busiest link, cap, medium or storage, or of the device that handles messages longest. Searches
// compare candidates by this bound. Afterwards evaluate() (timing/evaluate.hpp) computes the true
// D_mig of the placement that was found. Under cost profile `paper` the result is the published
// sum, rounded per moved block.
//
// A medium is shared statically (core/media.hpp): every message of the migration counts as often as
// all links have ends on the medium. The link with most bytes therefore is busy at least as long as
// the medium would be with all bytes, each counted as often as its own link has ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"

namespace headroom::scheduler {

/// The device of every layer, as LayerCosts (layer_costs.hpp) numbers devices.
using LayerAssignment = std::vector<std::size_t>;

/// D_mig of embed, lm_head and the layers that have been added. Devices are numbered as above.
class LayerMoves {
  public:
    /// Starts without layers. Transfers of embed and lm_head to the source are counted from the
    /// start, except under cost profile `paper`, whose formulas give these blocks no bytes.
    LayerMoves(const Problem& problem, const LayerCosts& costs);

    void add(std::size_t layer, std::size_t j) { charge(layer, j, 1); }
    void remove(std::size_t layer, std::size_t j) { charge(layer, j, -1); }
    [[nodiscard]] Nanoseconds total();

    /// Returns the times that the layer's move to j takes on all links and other lanes, summed.
    [[nodiscard]] Nanoseconds alone(std::size_t layer, std::size_t j) const {
        return alone_[layer * devices_.size() + j].sum;
    }
    /// Returns the least D_mig of a placement with the layer on j.
    [[nodiscard]] Nanoseconds least(std::size_t layer, std::size_t j) const {
        return alone_[layer * devices_.size() + j].longest;
    }
    /// Returns whether D_mig is the sum of least() over all layers, as under cost profile `paper`.
    [[nodiscard]] bool adds_up() const { return paper_; }
    /// Returns whether total() might be less without this layer on j, where it is now. total() must
    /// have been called since the last change.
    [[nodiscard]] bool is_slowest(std::size_t layer, std::size_t j) const;
    /// Returns the time of the slowest of the links to j, its storage, its ingress cap and its
    /// handling of messages. Under cost profile `paper` it is 0.
    [[nodiscard]] Nanoseconds slowest_to(std::size_t j) {
        return paper_ || lanes_.empty() ? 0 : slowest_of(lanes_[j]);
    }
    /// Returns the number of transfers that a layer's move may need: the work of add() and
    /// remove().
    [[nodiscard]] std::size_t transfers(std::size_t layer) const { return parcels_[layer].size(); }

  private:
    /// Blocks that would leave the same device with the same bytes, and their transfer times.
    struct Kind {
        std::size_t from = 0; ///< an index into sources_
        Bytes sent = 0;       ///< bytes per block in a message
        Bytes loaded = 0;     ///< bytes per block from storage
        Nanoseconds egress = 0;
        Nanoseconds sender = 0; ///< the sender's message overhead
    };
    /// The transfer times of one block of a kind to one device.
    struct Times {
        Nanoseconds link = 0; ///< on the link and, as the only one, on the media of its ends
        Nanoseconds ingress = 0;
        Nanoseconds load = 0;
        Nanoseconds receiver = 0;           ///< the receiver's message overhead
        Nanoseconds medium_of_sender = 0;   ///< of the medium's time
        Nanoseconds medium_of_receiver = 0; ///< 0 if it is the same medium
    };
    /// Blocks of one layer that are of one kind.
    struct Parcel {
        std::size_t kind = 0;
        std::int32_t count = 0;
    };
    /// A resource on which transfers queue: a link, a cap, a medium, a storage or a device that
    /// handles messages.
    struct Lane {
        Nanoseconds busy = 0; ///< the sum of the transfer times
        Nanoseconds latency = 0;
        std::int32_t transfers = 0;
    };
    /// Lanes with the time of the slowest of them.
    struct Lanes {
        std::vector<Lane> lanes;
        Nanoseconds slowest = 0;
        bool stale = false; ///< `slowest` may be too large, because transfers have been removed
    };
    struct Alone {
        Nanoseconds sum = 0;
        Nanoseconds longest = 0;
    };

    [[nodiscard]] std::vector<Parcel> parcels_of(const Problem& problem, std::int32_t layer);
    [[nodiscard]] std::size_t kind_of(const Problem& problem, BlockId b, const Placement& after);
    void find_times(const Problem& problem);
    [[nodiscard]] Times times_of(
        const Problem& problem, const Kind& kind, DeviceId from, DeviceId to
    ) const;
    /// Returns the lane, behind those of all sources, of the medium of a device.
    [[nodiscard]] std::size_t medium_lane(std::int32_t medium) const {
        return kFirstLink + 2 * sources_.size() + static_cast<std::size_t>(medium);
    }
    /// Calls use(lanes, index of the lane, busy time per block) for each transfer of a parcel.
    template <class Moves, class Use>
    static void for_each_transfer(
        Moves& moves, const Parcel& parcel, std::size_t j, const Use& use
    );
    [[nodiscard]] static Nanoseconds slowest_of(Lanes& lanes);
    void charge(std::size_t layer, std::size_t j, std::int32_t sign);

    /// The first lane of a device that is a link, behind the storage, the ingress cap and the
    /// handling of messages. The same lanes are unused in the last element of lanes_.
    static constexpr std::size_t kFirstLink = 3;

    std::vector<DeviceId> devices_;
    bool paper_;
    std::vector<DeviceId> sources_;           ///< devices that blocks may leave
    std::vector<std::int32_t> source_medium_; ///< the medium of each, if any
    std::vector<std::int32_t> device_medium_;
    std::vector<Kind> kinds_;
    std::vector<Times> times_;                 ///< [kind][device]
    std::vector<std::vector<Parcel>> parcels_; ///< per layer, then those of the ends
    /// For each device its storage, its ingress cap, its handling of received messages and the
    /// links to it; then all egress caps, the sources' handling of sent messages, and the media.
    /// Under cost profile `paper` all transfers queue on one lane, the storage of device 0, because
    /// the published D_mig is the sum of all transfer times.
    std::vector<Lanes> lanes_;
    std::vector<Alone> alone_; ///< [layer][device]
    Nanoseconds total_ = 0;
};

} // namespace headroom::scheduler
