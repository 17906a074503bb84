// The shortest path over the hosts of all layers. A layer begins on the device of its *holder* (the
// ffn or hub before it, which has x; at first embed or the source), gathers the outputs of its pool
// at its *target* (the device of proj or of the hub), and ends on the device of its ffn or hub, the
// holder of the next layer. After the last layer the path goes on to an *end*, the device of
// lm_head or the source. A layer's pool depends on its holder and its target; under cost profile
// `paper` on its target and the device of its own ffn, which is the next holder.
//
// Holders, targets and ends are indices into lists that the owner of the path keeps, which need not
// be of the same length. LayerPaths (layers/layer_path.hpp) has one kind of node and no memory of
// how a path came to it. Here a device can also be limited to a number of ffns in a row.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

class HostPath {
  public:
    using Grid = std::vector<double>;
    /// The costs of one layer, infinite where a host is not allowed. They belong to the owner.
    struct Layer {
        double* pool = nullptr;         ///< [holder][target]; `paper`: [next holder][target]
        const double* target = nullptr; ///< [target]
        const double* after = nullptr;  ///< [target][next holder]
        const double* holder = nullptr; ///< [next holder]
        const double* back = nullptr;   ///< `after` as [next holder][target]; for limit_runs() only
        /// If other layers use the same `pool`: the entries of this layer that differ, by their
        /// index. They are in `pool` only while the path looks at this layer.
        std::vector<std::pair<std::size_t, double>>* own = nullptr;
    };
    /// The costs before the first and after the last layer.
    struct Ends {
        const double* begin = nullptr;  ///< [holder]
        const double* finish = nullptr; ///< [holder][end]
        const double* end = nullptr;    ///< [end]
    };
    struct Widths {
        std::size_t holders = 0;
        std::size_t targets = 0;
        std::size_t ends = 0;
    };

    HostPath(std::size_t layers, const Widths& widths, bool by_next_holder);

    [[nodiscard]] Layer& layer(std::size_t l) { return layers_[l]; }
    /// Limits the number of ffns (or hubs) in a row on each holder; 0: no limit. The holder of the
    /// first layer does not count.
    void limit_runs(const std::vector<std::size_t>& most);

    /// Returns the length of the shortest path, infinite if there is none.
    [[nodiscard]] double find(const Ends& ends);
    /// Returns the hosts of the last path that find() has found. The holder of number layers() is
    /// where the last layer ends.
    [[nodiscard]] std::size_t holder(std::size_t l) const { return path_holder_[l]; }
    [[nodiscard]] std::size_t target(std::size_t l) const { return path_target_[l]; }
    [[nodiscard]] std::size_t end() const { return path_end_; }

    /// Computes how long paths are that visit a given host; a limit of runs counts before the host
    /// only. Precondition: find() has been called with the same costs.
    void measure_detours(const Ends& ends);
    [[nodiscard]] double through_holder(std::size_t l, std::size_t i) const {
        return to_holder_[l][i] + from_holder_[l][i];
    }
    [[nodiscard]] double through_target(std::size_t l, std::size_t k) const {
        return to_target_[l][k] + from_target_[l][k];
    }
    [[nodiscard]] double through_end(std::size_t e) const { return to_end_[e]; }

  private:
    void exchange(std::size_t l);
    void to_targets(std::size_t l);
    void to_holders(std::size_t l);
    void keep_holders(std::size_t l);
    [[nodiscard]] double to_end(const Ends& ends);
    [[nodiscard]] double stay(std::size_t l, std::size_t i, std::size_t& target) const;
    [[nodiscard]] double arrival(std::size_t l, std::size_t k, std::size_t i) const;
    [[nodiscard]] bool limited(std::size_t i) const { return !first_.empty() && limited_[i]; }
    [[nodiscard]] std::size_t best_state(std::size_t l, std::size_t i) const;
    void trace();
    void trace_arrival(std::size_t l);

    std::vector<Layer> layers_;
    Widths widths_;
    bool by_next_holder_;
    /// The states of a holder: it has had the ffn of 1, 2, … layers in a row. Its states begin at
    /// this index; the last entry is the number of all states. Empty without limits.
    std::vector<std::size_t> first_;
    std::vector<bool> limited_;         ///< [holder]
    std::vector<Grid> to_state_;        ///< [layer, end][state]
    std::vector<Grid> to_holder_;       ///< [layer, end][holder]: the least over its states
    std::vector<Grid> to_target_;       ///< [layer][target]: cost until the target has computed
    std::vector<Grid> to_target_other_; ///< the same from any holder but before_[layer][target]
    std::vector<std::vector<std::size_t>> before_; ///< [layer][target]: the best holder
    Grid to_end_;
    std::vector<Grid> from_holder_;
    std::vector<Grid> from_target_;
    std::vector<std::size_t> path_holder_;
    std::vector<std::size_t> path_target_;
    std::size_t path_end_ = 0;
};

} // namespace headroom::scheduler::exact
