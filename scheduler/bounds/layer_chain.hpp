// Minimises the sum of times and prices over all layers, for given prices. The layers form a chain
// of hosts (from the holder of x to proj and to ffn, or from hub to hub), and the pool of a layer
// depends only on its holder and its target, so the best chain is a shortest path
// (exact/host_path.hpp). A device is left out of the chain when it has had as many ffns in a row as
// fit on it. (Without this rule the prices could be right for a mixture of chains that each stay on
// one device, and no transfer of x would be paid.)
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
#include "scheduler/exact/host_path.hpp"

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
        std::vector<std::pair<std::size_t, double>> costs; ///< the same costs, for HostPath
    };
    void limit_runs();
    void tabulate_after();
    void load_prices();
    void load_bounds();
    [[nodiscard]] double pool_bound(
        const PoolUnits& pool, const Hosts& hosts, const MoveBounds& moves
    );
    void bound_pairs(std::size_t pool, Grid& grid);
    [[nodiscard]] const MoveBounds& moves_of(std::size_t pool);
    /// Returns the index in bound_ of the bounds for this pool.
    [[nodiscard]] std::size_t grid_of(std::size_t pool) const {
        return by_pool_ ? pool : costs_.pools()[pool].times;
    }
    [[nodiscard]] double host_price(const HostBlock& block, std::size_t d) const;
    [[nodiscard]] bool solve_pools_on_path();
    [[nodiscard]] bool solve_pool(std::size_t layer, bool slices);
    [[nodiscard]] std::size_t index_on_path(std::size_t layer, bool slices) const;
    void collect();
    void collect_pool(std::size_t layer, bool slices);
    void use(const BlockSize& size, std::size_t origin, std::size_t d, double count);

    const RelaxedCosts& costs_;
    const Prices* prices_ = nullptr;
    UnitPool solver_;
    std::int64_t work_ = 0;
    std::vector<std::size_t> holders_; ///< devices that can hold x at the start of a layer
    std::vector<std::size_t> targets_; ///< devices that can have a proj or a hub
    std::vector<std::size_t> ends_;    ///< devices that can have lm_head, or the source
    std::vector<Grid> after_;          ///< [times]: from targets to the holders of the next layer
    std::vector<Grid> back_;           ///< [times]: the same, [holder][target]
    Grid finish_;                      ///< [holder][end]: time after the last layer
    bool by_pool_;                     ///< whether each pool has bounds of its own
    std::vector<Grid> bound_;          ///< [grid_of()]: lower bounds of the groups' costs
    std::vector<Solved> solved_;       ///< [pool]
    std::vector<MoveBounds> moves_;    ///< [pool]; empty until it is needed
    std::vector<Grid> target_price_;   ///< [layer][target]: of proj, or of the hub's slices
    std::vector<Grid> holder_price_;   ///< [layer][holder]: price of ffn or hub there
    Grid begin_;                       ///< [holder]: cost until embed, or the source, has x
    Grid end_price_;                   ///< [end]: price of lm_head there
    exact::HostPath path_;
    ChainSolution solution_;
};

} // namespace headroom::scheduler::bounds
