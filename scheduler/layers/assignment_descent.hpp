// One assignment of whole layers to devices that fits, with its objective D_mig + λ·D_inf, and the
// moves that make it better. Layers of one device need not be consecutive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/int128.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/layer_migration_cost.hpp"

namespace headroom::scheduler {

/// A descent. Its moves change a window of consecutive layers: all of a window go to one device,
/// two layers or two runs of layers exchange their devices, or runs change their order. A run is a
/// largest window on one device.
class AssignmentDescent {
  public:
    /// Keeps a reference to `costs`.
    AssignmentDescent(const Problem& problem, const LayerCosts& costs);

    [[nodiscard]] std::size_t layers() const { return layers_; }
    [[nodiscard]] std::size_t devices() const { return devices_; }
    /// Returns the bytes of layer l.
    [[nodiscard]] Bytes bytes(std::size_t l) const { return costs_.bytes(l, l + 1); }
    /// Returns the bytes that j has for layers; −1 if it may have none.
    [[nodiscard]] Bytes room(std::size_t j) const { return room_[j]; }
    /// Returns the time of layer l on j if x is on `from` (the source before the first layer).
    [[nodiscard]] Nanoseconds step(std::size_t l, std::size_t from, std::size_t j) const {
        return costs_.time_after_hop(l, from, j);
    }
    [[nodiscard]] std::int64_t steps() const { return steps_; }
    [[nodiscard]] LayerMoves& moves() { return moves_; }

    /// Removes the assignment.
    void clear();
    /// Takes an assignment of all layers. If it does not fit, layers move from devices that lack
    /// memory to others, one by one, each time the layer for which that costs least. Returns
    /// whether the result fits; if not, the descent has no assignment.
    bool start(const LayerAssignment& assignment);
    /// Does moves that lower the objective until there are none or `work` candidates are looked at.
    void descend(std::int64_t work);
    /// Moves layers, one by one, whose moves take longer than `most` to other devices, each time
    /// the layer for which that lengthens a step least. A descent rarely does this: as long as
    /// another link is as slow, such a move does not shorten the migration. Returns whether D_mig
    /// is then at most `most`.
    bool relieve(Nanoseconds most);
    /// Makes a random change that fits, whatever it costs, and descends from there. If the result
    /// is worse, takes it back.
    void kick(std::uint64_t random, std::int64_t work);

    [[nodiscard]] const LayerAssignment& assignment() const { return device_; }
    [[nodiscard]] Int128 objective() const { return objective_; }
    [[nodiscard]] Nanoseconds migration() const { return migration_; }
    [[nodiscard]] std::int64_t work() const { return work_; }

  private:
    /// A device and a number of layers.
    using Part = std::pair<std::size_t, std::size_t>;

    bool repair();
    bool relieve_one(Nanoseconds most);
    [[nodiscard]] Nanoseconds change(std::size_t first, std::size_t last) const;
    [[nodiscard]] Nanoseconds least_migration(std::size_t first, std::size_t last) const;
    [[nodiscard]] Nanoseconds rest_of_migration(std::size_t first, std::size_t last) const;
    void give_memory_back(std::size_t first);
    bool move_blocks(std::size_t first, Nanoseconds least, Int128 most);
    template <class Use>
    void for_each_moved(std::size_t first, const Use& use) const;
    [[nodiscard]] bool take_memory(std::size_t first);
    [[nodiscard]] Nanoseconds longest_change(std::size_t first, std::size_t last) const;
    [[nodiscard]] Nanoseconds time_of(std::size_t first, std::size_t last, std::size_t j) const;
    bool consider(std::size_t first, std::size_t last, bool always = false);
    void apply(std::size_t first, std::size_t last);
    void find_runs();
    void find_sums();
    [[nodiscard]] bool is_new(std::size_t first, std::size_t last) const {
        return looked_at_[first] || looked_at_[last - 1];
    }
    void move_windows();
    void exchange_layers();
    void reorder_runs();
    void copy_runs(std::size_t begin, std::size_t end) {
        window_.assign(
            runs_.begin() + static_cast<std::ptrdiff_t>(begin),
            runs_.begin() + static_cast<std::ptrdiff_t>(end)
        );
    }

    const LayerCosts& costs_;
    LayerMoves moves_;
    std::int64_t steps_;
    std::size_t layers_;
    std::size_t devices_;
    bool moving_; ///< whether there is a previous placement
    std::vector<Bytes> room_;
    LayerAssignment device_;          ///< per layer
    std::vector<Bytes> left_;         ///< per device: bytes beside its layers
    std::vector<Nanoseconds> before_; ///< per layer: time before its hop; then before the end
    Nanoseconds migration_ = 0;
    Int128 objective_ = 0;
    /// Sums over the layers before each layer, for rest_of_migration(): LayerMoves::least() of the
    /// layers, and the numbers of layers that are LayerMoves::is_slowest(), and that are on each of
    /// the devices in busiest_
    std::vector<Nanoseconds> least_before_;
    std::vector<std::int32_t> slowest_before_;
    std::vector<std::int32_t> on_busiest_before_; ///< [rank][layer]
    /// The devices whose incoming transfers take longest, by decreasing time, and that time
    std::vector<std::pair<Nanoseconds, std::size_t>> busiest_;
    Bytes most_room_ = 0;             ///< the largest of room_
    std::vector<Part> runs_;          ///< of device_
    std::vector<std::size_t> begins_; ///< the first layer of each run, then the number of layers
    std::vector<Part> window_;        ///< the candidate's devices in the window
    std::vector<bool> changed_;       ///< layers whose device or neighbour has changed since tried
    std::vector<bool> looked_at_;     ///< layers whose moves are being tried
    std::int64_t work_ = 0;
    std::int64_t most_ = 0;
};

} // namespace headroom::scheduler
