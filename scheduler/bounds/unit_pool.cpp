#include "scheduler/bounds/unit_pool.hpp"

#include <algorithm>
#include <utility>

namespace headroom::scheduler::bounds {
namespace {

/// Gains below this, in ns and relative to the prices, may be rounding errors and are ignored.
constexpr double kNoGain = 1e-6;
constexpr std::int64_t kStepsPerEvent = 25;
/// In larger fleets sorting takes longer than it saves.
constexpr std::size_t kMostSorted = 64;

} // namespace

MoveBounds move_bounds(const RelaxedCosts& costs, const PoolUnits& pool, const Prices& prices) {
    const std::size_t n = costs.devices();
    MoveBounds bounds;
    bounds.at_home.assign(n, 0);
    bounds.extra.assign(n, kInfinite);
    bounds.item.assign(n, 0);
    bounds.home.assign(n, 0);
    for (std::size_t d = 0; d < n; ++d) {
        for (std::size_t i = 0; i < pool.by_origin.size(); ++i) {
            const Units& units = pool.by_origin[i];
            if (units.origin == d) {
                bounds.at_home[d] = units.count;
                bounds.home[d] = i;
                continue;
            }
            const double price = move_price(costs, prices, pool.size, units.origin, d);
            bounds.item[d] = price < bounds.extra[d] ? i : bounds.item[d];
            bounds.extra[d] = std::min(bounds.extra[d], price);
        }
    }
    return bounds;
}

UnitPool::UnitPool(const RelaxedCosts& costs)
    : costs_(costs), price_(costs.devices()), distance_(costs.devices(), kInfinite),
      next_(costs.devices()), by_(costs.devices()) {}

/// Returns how many units the device can hold and, under cost profile `paper`, compute.
std::int32_t UnitPool::room(std::size_t d) const {
    Bytes bytes = costs_.capacity(d);
    Flops flops = 0;
    if (d == hosts_.holder) {
        bytes -= hosts_.holder_bytes;
        flops += costs_.ffn_flops();
    }
    if (d == hosts_.target) {
        bytes -= hosts_.target_bytes;
        flops += costs_.proj_flops();
    }
    if (bytes < 0) {
        return d == hosts_.holder || d == hosts_.target ? -1 : 0;
    }
    std::int64_t most = pool_->count;
    if (pool_->size.weight > 0) {
        most = std::min(most, bytes / pool_->size.weight);
    }
    return static_cast<std::int32_t>(std::min(most, costs_.groups_within_budget(d, flops)));
}

/// Returns the time of the pool if device d has n units.
double UnitPool::time(std::size_t d, std::int32_t n) const {
    const std::size_t a = hosts_.holder;
    const std::size_t p = hosts_.target;
    const double units = n * (*each_)[d];
    if (costs_.by_formula()) {
        return costs_.gathers_max() && d != p ? units + n * costs_.output(d, p) : units;
    }
    const double done = costs_.x_time(a, d) + units;
    if (p == kNoOrigin) {
        return done;
    }
    if (d == p) {
        // x arrives after the units' input, on the same link.
        return a == p ? done : std::max(done, 2 * costs_.x_busy(a, p) + costs_.latency(a, p));
    }
    const double begin = d == a ? std::max(done, costs_.x_busy(a, p)) : done;
    const std::int32_t outputs = costs_.sliced() ? std::min(n, 2) : n;
    return begin + outputs * costs_.output(d, p) + costs_.latency(d, p);
}

void UnitPool::start(const PoolUnits& pool, const Hosts& hosts, const Prices& prices) {
    pool_ = &pool;
    hosts_ = hosts;
    const LayerTimes& times = costs_.times()[pool.times];
    each_ = pool.slices ? &times.slice : &times.group;
    const std::size_t a = hosts.holder;
    const std::size_t p = hosts.target;
    const bool input = !costs_.by_formula() && a != p && p != kNoOrigin;
    base_ = input ? costs_.x_time(a, p) : 0;
    const bool sums = costs_.by_formula() && !costs_.gathers_max();
    events_.clear();
    double least = kInfinite;
    for (std::size_t d = 0; d < costs_.devices(); ++d) {
        const std::int32_t most = room(d);
        if (most < 0) {
            events_.clear(); // a host does not fit
            break;
        }
        if (most == 0) {
            continue;
        }
        price_[d] = prices.memory[d] * static_cast<double>(pool.size.weight) +
                    (sums && d != p ? costs_.output(d, p) : 0);
        least = std::min(least, price_[d]);
        events_.push_back({time(d, 1), d, 1});
    }
    least_price_ = least;
    std::ranges::make_heap(events_, [](const Event& x, const Event& y) {
        return x.time != y.time ? x.time > y.time : x.device > y.device;
    });
}

/// Takes the next event. Precondition: there is one.
UnitPool::Event UnitPool::next_event() {
    const auto later = [](const Event& x, const Event& y) {
        return x.time != y.time ? x.time > y.time : x.device > y.device;
    };
    std::ranges::pop_heap(events_, later);
    const Event event = events_.back();
    events_.pop_back();
    if (event.n < room(event.device)) {
        // An output that is sent with others can take less time than alone.
        const double after = std::max(event.time, time(event.device, event.n + 1));
        events_.push_back({after, event.device, event.n + 1});
        std::ranges::push_heap(events_, later);
    }
    return {std::max(event.time, base_), event.device, event.n};
}

/// Returns a lower bound of the sum of prices, whatever the time: in small fleets the sum of the
/// cheapest units that fit.
double UnitPool::least_total(const MoveBounds& moves) const {
    if (moves.extra.empty() || costs_.devices() > kMostSorted) {
        return least_price_ * pool_->count;
    }
    std::vector<std::pair<double, std::int32_t>> offers; // price and number of units
    for (const Event& event : events_) {                 // the first event of each device
        const std::size_t d = event.device;
        const std::int32_t most = room(d);
        const std::int32_t home = std::min(most, moves.at_home[d]);
        offers.emplace_back(price_[d], home);
        offers.emplace_back(price_[d] + moves.extra[d], most - home);
    }
    std::ranges::sort(offers);
    std::int32_t left = pool_->count;
    double sum = 0;
    for (const auto& [price, number] : offers) {
        const std::int32_t units = std::min(left, number);
        sum += units > 0 ? units * price : 0;
        left -= units;
    }
    return sum;
}

const UnitPool::Solution& UnitPool::solve_by_device(
    const PoolUnits& pool, const Hosts& hosts, const Prices& prices, const MoveBounds& moves
) {
    start(pool, hosts, prices);
    std::vector<std::pair<double, std::size_t>> placed; // price and device, the dearest first
    const auto all = static_cast<std::size_t>(pool.count);
    const double least = least_total(moves);
    double total = 0;
    solution_ = {kInfinite, {}};
    std::vector<std::pair<double, std::size_t>> best;
    while (!events_.empty()) {
        const Event event = next_event();
        steps_ += kStepsPerEvent;
        if (event.time + least >= solution_.cost) {
            break;
        }
        const std::size_t d = event.device;
        const bool moved = !moves.extra.empty() && event.n > moves.at_home[d];
        const double price = price_[d] + (moved ? moves.extra[d] : 0);
        if (placed.size() == all) {
            if (price >= placed.front().first) {
                continue;
            }
            std::ranges::pop_heap(placed);
            total -= placed.back().first;
            placed.pop_back();
        }
        placed.emplace_back(price, d);
        std::ranges::push_heap(placed);
        total += price;
        if (placed.size() == all && event.time + total < solution_.cost) {
            solution_.cost = event.time + total;
            best = placed;
        }
    }
    std::ranges::sort(best, {}, [](const auto& unit) { return unit.second; });
    for (std::size_t i = 0; i < best.size() && !moves.extra.empty();) {
        const std::size_t d = best[i].second;
        std::int32_t units = 0;
        for (; i < best.size() && best[i].second == d; ++i) {
            ++units;
        }
        const std::int32_t stay = std::min(units, moves.at_home[d]);
        solution_.cells.push_back({moves.home[d], d, stay});
        solution_.cells.push_back({moves.item[d], d, units - stay});
    }
    return solution_;
}

/// Makes the device one that units can be on, and computes the prices of their moves.
void UnitPool::activate(std::size_t d, const Prices& prices) {
    if (std::ranges::find(active_, d) != active_.end()) {
        return;
    }
    active_.push_back(d);
    const std::vector<Units>& items = pool_->by_origin;
    for (std::size_t i = 0; i < items.size(); ++i) {
        moves_[d * items.size() + i] = move_price(costs_, prices, pool_->size, items[i].origin, d);
    }
}

/// Computes the cheapest paths from all devices with units to device `to`.
void UnitPool::find_paths(std::size_t to) {
    for (const std::size_t d : active_) {
        distance_[d] = kInfinite;
    }
    distance_[to] = 0;
    for (std::size_t round = 0; round <= active_.size(); ++round) {
        bool changed = false;
        steps_ += static_cast<std::int64_t>(cells_.size() * active_.size());
        for (std::size_t c = 0; c < cells_.size(); ++c) {
            const Cell& cell = cells_[c];
            if (cell.count == 0 || cell.device == to) {
                continue;
            }
            const double here = price(cell.item, cell.device);
            for (const std::size_t b : active_) {
                if (b == cell.device || distance_[b] >= kInfinite) {
                    continue;
                }
                const double d = price(cell.item, b) - here + distance_[b];
                if (d < distance_[cell.device] - kNoGain) {
                    distance_[cell.device] = d;
                    next_[cell.device] = b;
                    by_[cell.device] = c;
                    changed = true;
                }
            }
        }
        if (!changed) {
            break;
        }
    }
}

void UnitPool::change(std::size_t item, std::size_t d, std::int32_t by) {
    total_ += by * price(item, d);
    const auto found = std::ranges::find_if(cells_, [&](const Cell& cell) {
        return cell.item == item && cell.device == d;
    });
    if (found != cells_.end()) {
        found->count += by;
    } else {
        cells_.push_back({item, d, by});
    }
}

/// Moves one unit along the path from one device to another. Returns false, and moves nothing, if
/// rounding has made the path a cycle.
bool UnitPool::shift(std::size_t from, std::size_t to) {
    std::size_t hops = 0;
    for (std::size_t d = from; d != to; d = next_[d]) {
        if (++hops > active_.size()) {
            return false;
        }
    }
    for (std::size_t d = from; d != to; d = next_[d]) {
        const std::size_t item = cells_[by_[d]].item;
        change(item, d, -1);
        change(item, next_[d], 1);
    }
    return true;
}

/// Places one waiting unit, so that device `to` has one unit more.
bool UnitPool::place(std::size_t to) {
    double best = kInfinite;
    std::size_t item = 0;
    std::size_t first = to;
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        for (const std::size_t b : active_) {
            if (waiting_[i] > 0 && price(i, b) + distance_[b] < best) {
                best = price(i, b) + distance_[b];
                item = i;
                first = b;
            }
        }
    }
    if (!shift(first, to)) {
        return false;
    }
    --waiting_[item];
    change(item, first, 1);
    return true;
}

/// Returns the device from which moving a unit to `to` lowers the cost most, or `to` if none does.
std::size_t UnitPool::best_start(std::size_t to) const {
    double best = -kNoGain;
    std::size_t from = to;
    for (const std::size_t d : active_) {
        if (distance_[d] < best) {
            best = distance_[d];
            from = d;
        }
    }
    return from;
}

const UnitPool::Solution& UnitPool::solve(
    const PoolUnits& pool, const Hosts& hosts, const Prices& prices
) {
    start(pool, hosts, prices);
    moves_.resize(std::max(moves_.size(), costs_.devices() * pool.by_origin.size()));
    cells_.clear();
    active_.clear();
    waiting_.clear();
    for (const Units& units : pool.by_origin) {
        waiting_.push_back(units.count);
    }
    total_ = 0;
    std::int32_t unplaced = pool.count;
    solution_ = {kInfinite, {}};
    bool cycle = false;
    while (!events_.empty() && !cycle) {
        const Event event = next_event();
        if (event.time + least_price_ * pool.count >= solution_.cost) {
            break;
        }
        activate(event.device, prices);
        find_paths(event.device);
        if (unplaced > 0) {
            cycle = !place(event.device);
            --unplaced;
        } else if (const std::size_t from = best_start(event.device); from != event.device) {
            cycle = !shift(from, event.device);
        } else {
            continue;
        }
        if (unplaced == 0 && !cycle && event.time + total_ < solution_.cost) {
            solution_ = {event.time + total_, cells_};
        }
    }
    if (cycle) {
        const Solution kept = solution_;
        solution_ = {solve_by_device(pool, hosts, prices, {}).cost, kept.cells};
    }
    return solution_;
}

} // namespace headroom::scheduler::bounds
