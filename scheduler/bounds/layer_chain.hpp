// Minimises the sum of times and prices over all layers, for given prices. The layers form a chain
// of hosts (from the holder of x to proj and to ffn, or from hub to hub), and the pool of a layer
// depends only on its holder and its target, so the best chain is a shortest path. A device is left
// out of the chain when it has had as many ffns in a row as fit on it. (Without this rule the
// prices could be right for a mixture of chains that each stay on one device, and no transfer of x
// would be paid.) Under cost profile `paper` no time depends on the holder, and each layer is on
// its own.
//
// There are too many pairs of hosts to solve the pool of each. The path is first computed with
// lower bounds of the pools' costs; then the pools on the path are solved, and the path is computed
// again, until all pools on it have been solved or the number of rounds is used up. Either way the
// length of the path is a lower bound of the minimum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "scheduler/bounds/prices.hpp"
#include "scheduler/bounds/relaxed_costs.hpp"
#include "scheduler/bounds/unit_pool.hpp"

namespace headroom::scheduler::bounds {

/// The best chain, with what it uses of each constraint that has a price.
struct ChainSolution {
    double cost = 0;             ///< infinite if no placement fits
    std::vector<double> used;    ///< [device]: bytes
    std::vector<double> hosting; ///< [device]: number of ffns
    /// The times that moves take on lanes: the links [to][from], then the storage of each device.
    std::map<std::size_t, double> busy;
};

class LayerChain {
  public:
    explicit LayerChain(const RelaxedCosts& costs);

    /// Stops improving the bound when work() has reached `most_work`.
    [[nodiscard]] const ChainSolution& solve(const Prices& prices, std::int64_t most_work);
    /// Returns the work done so far: the number of solved pools and of steps of paths, weighted by
    /// the time that they take.
    [[nodiscard]] std::int64_t work() const { return work_; }

  private:
    using Grid = std::vector<double>; ///< [holder][target], or one row
    /// The pools that have been solved at the present prices, by their index in the Grid.
    struct Solved {
        std::map<std::size_t, UnitPool::Solution> at;
        std::vector<std::pair<std::size_t, double>> costs; ///< the same costs, see exchange()
    };
    void select_devices();
    void tabulate_after();
    void load_prices();
    void load_bounds();
    [[nodiscard]] double pool_bound(
        const PoolUnits& pool, const Hosts& hosts, const MoveBounds& moves
    );
    void bound_pairs(std::size_t pool, Grid& grid);
    [[nodiscard]] const MoveBounds& moves_of(std::size_t pool);
    /// Returns the index in bound_ or slice_bound_ of the bounds for this pool.
    [[nodiscard]] std::size_t grid_of(std::size_t pool) const {
        return by_pool_ ? pool : costs_.pools()[pool].times;
    }
    [[nodiscard]] double host_price(const HostBlock& block, std::size_t d) const;
    [[nodiscard]] double end_cost(std::size_t holder, std::size_t& lm_head) const;
    [[nodiscard]] double find_chain();
    void to_targets(std::size_t layer);
    void to_holders(std::size_t layer);
    [[nodiscard]] double to_target(std::size_t layer, std::size_t k, std::size_t i) const;
    [[nodiscard]] double stay(std::size_t layer, std::size_t i, std::size_t& target) const;
    [[nodiscard]] std::size_t states(std::size_t i) const { return first_[i + 1] - first_[i]; }
    void trace_chain(std::size_t end);
    void trace_arrival(std::size_t layer);
    [[nodiscard]] double find_layers();
    [[nodiscard]] bool solve_pools_on_path();
    [[nodiscard]] bool solve_pool(std::size_t layer, bool slices);
    [[nodiscard]] std::size_t index_on_path(std::size_t layer, bool slices) const;
    void exchange(std::size_t pool);
    void collect();
    void collect_pool(std::size_t layer, bool slices);
    void use(const BlockSize& size, std::size_t origin, std::size_t d, double count);

    const RelaxedCosts& costs_;
    const Prices* prices_ = nullptr;
    UnitPool solver_;
    std::int64_t work_ = 0;
    std::vector<std::size_t> holders_;  ///< devices that can hold x at the start of a layer
    std::vector<std::size_t> targets_;  ///< devices that can have a proj or a hub
    std::vector<Grid> after_;           ///< [times]: from targets to the holders of the next layer
    std::vector<Grid> after_by_holder_; ///< [times]: the same, [holder][target]
    bool by_pool_;                      ///< whether each pool has bounds of its own
    std::vector<Grid> bound_;           ///< [grid_of()]: lower bounds of the groups' costs
    std::vector<Grid> slice_bound_;     ///< [grid_of()]: the same for slices, [target]
    std::vector<Solved> solved_;        ///< [pool]
    std::vector<MoveBounds> moves_;     ///< [pool]; empty until it is needed
    std::vector<Grid> target_price_;    ///< [layer][target]
    std::vector<Grid> holder_price_;    ///< [layer][holder]: price of ffn or hub there
    /// The states of a holder: it has had the ffn (or hub) of 1, 2, … layers in a row, as many as
    /// fit. Its states begin at this index; the last entry is the number of all states.
    std::vector<std::size_t> first_;
    std::vector<bool> limited_;   ///< [holder]: whether the number of ffns is limited by memory
    std::vector<Grid> to_state_;  ///< [layer, end][state]: cost until x is there
    std::vector<Grid> to_holder_; ///< [layer, end][holder]: the least over its states
    std::vector<Grid> to_target_; ///< [layer][target]: cost until the target has computed
    std::vector<Grid> to_target_other_;                 ///< the same from any other holder
    std::vector<std::vector<std::size_t>> from_holder_; ///< [layer][target]: the best holder
    std::vector<std::size_t> path_holder_;              ///< [layer, end]: index into holders_
    std::vector<std::size_t> path_target_;              ///< [layer]: index into targets_
    ChainSolution solution_;
};

} // namespace headroom::scheduler::bounds
