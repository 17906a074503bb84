#include "scheduler/bounds/layer_chain.hpp"

#include <algorithm>
#include <numeric>

namespace headroom::scheduler::bounds {
namespace {

/// The most rounds of path and pools for one set of prices.
constexpr int kMostRounds = 16;
/// Up to this number of pairs of hosts, each pair gets a bound of its own.
constexpr std::size_t kMostPairs = 1100;
/// In larger fleets the previous devices of units are only counted (MoveBounds).
constexpr std::size_t kMostExact = 64;
/// Differences below this many ns are rounding errors.
constexpr double kEqual = 1e-3;
/// Steps of a path, and of a pool, that take as long as one unit of work, which is about a
/// microsecond.
constexpr std::int64_t kStepsPerWork = 1500;
constexpr std::int64_t kPoolStepsPerWork = 500;
/// What a bound of a pool and a solution cost besides their steps.
constexpr std::int64_t kWorkOfBound = 2;
constexpr std::int64_t kWorkOfPool = 10;
constexpr std::int64_t kDevicesPerWork = 20;
constexpr std::int64_t kMovePricesPerWork = 400;
constexpr std::int64_t kLooks = 3; ///< of a path at each pair of hosts of a layer

/// Returns the devices that can hold x at the start of a layer.
std::vector<std::size_t> holders_of(const RelaxedCosts& costs) {
    const HostBlock* const embed = costs.end(true);
    std::vector<std::size_t> holders;
    for (std::size_t d = 0; d < costs.devices(); ++d) {
        const bool first = embed == nullptr ? d == costs.problem().source.index()
                                            : costs.capacity(d) >= embed->size.weight;
        if (first || costs.capacity(d) >= costs.smallest_host()) {
            holders.push_back(d);
        }
    }
    return holders;
}

/// Returns the devices that can have a proj or a hub.
std::vector<std::size_t> targets_of(const RelaxedCosts& costs) {
    const Bytes least = costs.sliced() ? costs.smallest_host() : costs.smallest_proj();
    std::vector<std::size_t> targets;
    for (std::size_t d = 0; d < costs.devices(); ++d) {
        if (costs.capacity(d) >= least) {
            targets.push_back(d);
        }
    }
    return targets;
}

/// Returns the devices that can have lm_head, or the source if it is pinned or not counted.
std::vector<std::size_t> ends_of(const RelaxedCosts& costs) {
    std::vector<std::size_t> ends{costs.problem().source.index()};
    if (costs.end(false) != nullptr) {
        ends.resize(costs.devices());
        std::iota(ends.begin(), ends.end(), std::size_t{0});
    }
    return ends;
}

} // namespace

LayerChain::LayerChain(const RelaxedCosts& costs)
    : costs_(costs), solver_(costs), holders_(holders_of(costs)), targets_(targets_of(costs)),
      ends_(ends_of(costs)), by_pool_(costs.by_formula() && costs.devices() <= kMostExact),
      bound_(by_pool_ ? costs.pools().size() : costs.times().size()), solved_(costs.pools().size()),
      target_price_(costs.layers()), holder_price_(costs.layers()),
      path_(costs.layers(), {holders_.size(), targets_.size(), ends_.size()}, costs.by_formula()) {
    limit_runs();
    tabulate_after();
}

/// Limits the ffns in a row on each holder to those that fit there.
void LayerChain::limit_runs() {
    const Bytes smallest = costs_.smallest_host();
    std::vector<std::size_t> runs;
    for (const std::size_t d : holders_) {
        const Bytes most = smallest > 0 ? std::max<Bytes>(1, costs_.capacity(d) / smallest) : 0;
        const bool limited = most < static_cast<Bytes>(costs_.layers()) && !costs_.by_formula();
        runs.push_back(limited ? static_cast<std::size_t>(most) : 0);
    }
    path_.limit_runs(runs);
}

/// Tabulates the time from the end of proj to the end of ffn, and the times after the last layer. A
/// hub is target and holder in one.
void LayerChain::tabulate_after() {
    for (std::size_t t = 0; t < costs_.times().size(); ++t) {
        std::size_t layer = 0; // any layer of this class
        while (costs_.times_of(layer) != t) {
            ++layer;
        }
        const Bytes both = costs_.proj(layer).size.weight + costs_.host(layer).size.weight;
        Grid grid;
        for (const std::size_t p : targets_) {
            for (const std::size_t f : holders_) {
                const bool impossible =
                    costs_.sliced() ? p != f : p == f && costs_.capacity(p) < both;
                grid.push_back(
                    impossible ? kInfinite : costs_.to_ffn(p, f) + costs_.times()[t].ffn[f]
                );
            }
        }
        Grid back;
        for (std::size_t i = 0; i < holders_.size(); ++i) {
            for (std::size_t k = 0; k < targets_.size(); ++k) {
                back.push_back(grid[k * holders_.size() + i]);
            }
        }
        after_.push_back(std::move(grid));
        back_.push_back(std::move(back));
    }
    for (const std::size_t holder : holders_) {
        for (const std::size_t end : ends_) {
            finish_.push_back(costs_.finish(holder, end));
        }
    }
}

/// Returns the price of the block on device d; infinite if it does not fit.
double LayerChain::host_price(const HostBlock& block, std::size_t d) const {
    if (costs_.capacity(d) < block.size.weight) {
        return kInfinite;
    }
    return prices_->memory[d] * static_cast<double>(block.size.weight) +
           move_price(costs_, *prices_, block.size, block.origin, d);
}

void LayerChain::load_prices() {
    for (std::size_t l = 0; l < costs_.layers(); ++l) {
        const std::vector<double>& proj = costs_.times()[costs_.times_of(l)].proj;
        target_price_[l].clear();
        for (const std::size_t p : targets_) {
            target_price_[l].push_back(host_price(costs_.proj(l), p) + proj[p]);
        }
        holder_price_[l].clear();
        for (const std::size_t f : holders_) {
            holder_price_[l].push_back(host_price(costs_.host(l), f) + prices_->hosting[f]);
        }
    }
    begin_.clear();
    for (const std::size_t d : holders_) {
        const HostBlock* const embed = costs_.end(true);
        const bool allowed = costs_.by_formula() || d == costs_.problem().source.index();
        const double elsewhere = allowed ? 0 : kInfinite;
        begin_.push_back((embed != nullptr ? host_price(*embed, d) : elsewhere) + costs_.start(d));
    }
    end_price_.clear();
    for (const std::size_t d : ends_) {
        const HostBlock* const lm_head = costs_.end(false);
        end_price_.push_back(lm_head != nullptr ? host_price(*lm_head, d) : 0);
    }
}

double LayerChain::pool_bound(const PoolUnits& pool, const Hosts& hosts, const MoveBounds& moves) {
    const double cost = solver_.solve_by_device(pool, hosts, *prices_, moves).cost;
    work_ += kWorkOfBound + static_cast<std::int64_t>(costs_.devices()) / kDevicesPerWork +
             solver_.take_steps() / kPoolStepsPerWork;
    return cost;
}

/// Computes a lower bound of the pool's cost for each pair of hosts. If there are many pairs, it
/// is computed once for each holder and leaves out what depends on the target; under cost profile
/// `paper`, once for each target.
void LayerChain::bound_pairs(std::size_t pool_index, Grid& grid) {
    const PoolUnits& pool = costs_.pools()[pool_index];
    const std::size_t width = targets_.size();
    grid.assign(holders_.size() * width, 0);
    if (costs_.by_formula()) {
        for (std::size_t k = 0; k < width; ++k) {
            const double bound = pool_bound(
                pool, {kNowhere, targets_[k], 0, 0}, by_pool_ ? moves_of(pool_index) : MoveBounds{}
            );
            for (std::size_t i = 0; i < holders_.size(); ++i) {
                grid[i * width + k] = bound;
            }
        }
        return;
    }
    const bool each = grid.size() <= kMostPairs;
    for (std::size_t i = 0; i < holders_.size(); ++i) {
        const std::size_t a = holders_[i];
        const double any = each ? 0 : pool_bound(pool, {a, kNowhere, 0, 0}, {});
        for (std::size_t k = 0; k < width; ++k) {
            const std::size_t p = targets_[k];
            grid[i * width + k] = each || a == p ? pool_bound(pool, {a, p, 0, 0}, {})
                                                 : std::max(any, costs_.x_time(a, p));
        }
    }
}

void LayerChain::load_bounds() {
    solved_.assign(costs_.pools().size(), {});
    moves_.assign(costs_.pools().size(), {});
    std::vector<Grid> slices(bound_.size());
    std::vector<bool> known(bound_.size(), false);
    for (std::size_t l = 0; l < costs_.layers(); ++l) {
        const std::size_t pool = costs_.pool(l, false);
        const std::size_t grid = grid_of(pool);
        if (!known[grid]) {
            bound_pairs(pool, bound_[grid]);
            for (std::size_t k = 0; k < targets_.size() && costs_.sliced(); ++k) {
                const Hosts hub{targets_[k], targets_[k], 0, 0};
                slices[grid].push_back(pool_bound(costs_.pools()[costs_.pool(l, true)], hub, {}));
            }
        }
        known[grid] = true;
        if (costs_.sliced()) {
            target_price_[l] = slices[grid];
        }
        path_.layer(l) = {
            bound_[grid].data(),
            target_price_[l].data(),
            after_[costs_.times_of(l)].data(),
            holder_price_[l].data(),
            back_[costs_.times_of(l)].data(),
            &solved_[pool].costs};
    }
}

const MoveBounds& LayerChain::moves_of(std::size_t pool) {
    if (moves_[pool].extra.empty()) {
        const PoolUnits& units = costs_.pools()[pool];
        moves_[pool] = move_bounds(costs_, units, *prices_);
        work_ += static_cast<std::int64_t>(costs_.devices() * units.by_origin.size()) /
                 kMovePricesPerWork;
    }
    return moves_[pool];
}

std::size_t LayerChain::index_on_path(std::size_t layer, bool slices) const {
    const std::size_t holder = path_.holder(costs_.by_formula() ? layer + 1 : layer);
    return slices ? path_.target(layer) : holder * targets_.size() + path_.target(layer);
}

/// Solves the layer's pool for the hosts on the path, unless this has been done. Returns whether
/// its cost is above the bound.
bool LayerChain::solve_pool(std::size_t layer, bool slices) {
    const std::size_t pool = costs_.pool(layer, slices);
    const std::size_t index = index_on_path(layer, slices);
    if (solved_[pool].at.contains(index)) {
        return false;
    }
    const PoolUnits& units = costs_.pools()[pool];
    const Bytes target_bytes =
        costs_.sliced() ? costs_.host(layer).size.weight : costs_.proj(layer).size.weight;
    const std::size_t target = targets_[path_.target(layer)];
    Hosts hosts{target, target, 0, target_bytes};
    if (!slices) {
        hosts.holder = holders_[index / targets_.size()];
        hosts.holder_bytes =
            costs_.by_formula() ? costs_.host(layer).size.weight : units.holder_bytes;
    }
    const UnitPool::Solution& solution =
        costs_.devices() > kMostExact
            ? solver_.solve_by_device(units, hosts, *prices_, moves_of(pool))
            : solver_.solve(units, hosts, *prices_);
    work_ += kWorkOfPool + static_cast<std::int64_t>(costs_.devices()) / kDevicesPerWork +
             solver_.take_steps() / kPoolStepsPerWork;
    const double before = slices ? target_price_[layer][index] : bound_[grid_of(pool)][index];
    const double after = std::max(before, solution.cost);
    for (std::size_t l = 0; l < costs_.layers() && slices; ++l) {
        double& other = target_price_[l][index];
        other = costs_.pool(l, true) == pool ? after : other;
    }
    solved_[pool].costs.emplace_back(index, after);
    solved_[pool].at.emplace(index, solution);
    return solution.cost > before + kEqual;
}

bool LayerChain::solve_pools_on_path() {
    bool longer = false;
    for (std::size_t l = 0; l < costs_.layers(); ++l) {
        longer = solve_pool(l, false) || longer;
        longer = (costs_.sliced() && solve_pool(l, true)) || longer;
    }
    return longer;
}

void LayerChain::use(const BlockSize& size, std::size_t origin, std::size_t d, double count) {
    solution_.used[d] += count * static_cast<double>(size.weight);
    if (origin == kNowhere || origin == d || costs_.by_formula()) {
        return;
    }
    const std::size_t n = costs_.devices();
    if (size.message > 0) {
        solution_.busy[d * n + origin] += count * costs_.move_time(size.message, origin, d);
    }
    if (size.load > 0) {
        solution_.busy[n * n + d] += count * costs_.load_time(size.load, d);
    }
}

void LayerChain::collect_pool(std::size_t layer, bool slices) {
    const std::size_t pool = costs_.pool(layer, slices);
    const auto found = solved_[pool].at.find(index_on_path(layer, slices));
    if (found == solved_[pool].at.end()) {
        return; // the rounds are used up
    }
    const PoolUnits& units = costs_.pools()[pool];
    for (const UnitPool::Cell& cell : found->second.cells) {
        use(units.size, units.by_origin[cell.item].origin, cell.device, cell.count);
    }
}

void LayerChain::collect() {
    solution_.used.assign(costs_.devices(), 0);
    solution_.hosting.assign(costs_.devices(), 0);
    solution_.busy.clear();
    for (std::size_t l = 0; l < costs_.layers(); ++l) {
        const std::size_t target = targets_[path_.target(l)];
        const std::size_t holder = holders_[path_.holder(l + 1)];
        use(costs_.proj(l).size, costs_.proj(l).origin, target, costs_.sliced() ? 0 : 1);
        use(costs_.host(l).size, costs_.host(l).origin, holder, 1);
        solution_.hosting[holder] += 1;
        collect_pool(l, false);
        if (costs_.sliced()) {
            collect_pool(l, true);
        }
    }
    if (const HostBlock* const embed = costs_.end(true)) {
        use(embed->size, embed->origin, holders_[path_.holder(0)], 1);
        const HostBlock* const lm_head = costs_.end(false);
        use(lm_head->size, lm_head->origin, ends_[path_.end()], 1);
    }
}

const ChainSolution& LayerChain::solve(const Prices& prices, std::int64_t most_work) {
    prices_ = &prices;
    load_prices();
    load_bounds();
    const auto pairs = holders_.size() * targets_.size() * costs_.layers();
    for (int round = 0; true; ++round) {
        solution_.cost = path_.find({begin_.data(), finish_.data(), end_price_.data()});
        work_ += 1 + kLooks * static_cast<std::int64_t>(pairs) / kStepsPerWork;
        if (solution_.cost >= kInfinite || round >= kMostRounds || work_ >= most_work ||
            !solve_pools_on_path()) {
            break;
        }
    }
    if (solution_.cost < kInfinite) {
        collect();
    }
    return solution_;
}

} // namespace headroom::scheduler::bounds
