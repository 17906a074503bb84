#include "scheduler/bounds/unit_pool.hpp"

#include <algorithm>
#include <utility>

namespace headroom::scheduler::bounds {
namespace {

constexpr std::int64_t kStepsPerEvent = 25;
constexpr std::int64_t kStepsPerPrice = 4;
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
    : costs_(costs), price_(costs.devices()), transport_(costs.devices()) {}

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
    double done = costs_.x_time(a, d) + costs_.operation_overhead(d) + units;
    if (p == kNowhere || (d == a && a == p)) {
        return done;
    }
    const double sending = costs_.message_overhead(a);
    const double receiving = costs_.message_overhead(p);
    if (d == p) {
        // x arrives after the units' input, on the same link.
        const double x = costs_.x_busy(a, p);
        const double sent = sending + std::max(2 * x, sending + x);
        return std::max(done, sent + costs_.latency(a, p)) + receiving;
    }
    if (d == a) {
        // The device sends x before it computes, and its outputs on the same link.
        done = std::max(sending + done, costs_.x_busy(a, p));
    }
    const std::int32_t outputs = costs_.sliced() ? std::min(n, 2) : n;
    return done + costs_.message_overhead(d) + outputs * costs_.output(d, p) +
           costs_.latency(d, p) + receiving;
}

void UnitPool::start(const PoolUnits& pool, const Hosts& hosts, const Prices& prices) {
    pool_ = &pool;
    hosts_ = hosts;
    const LayerTimes& times = costs_.times()[pool.times];
    each_ = pool.slices ? &times.slice : &times.group;
    const std::size_t a = hosts.holder;
    const std::size_t p = hosts.target;
    const bool input = !costs_.by_formula() && a != p && p != kNowhere;
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

const UnitPool::Solution& UnitPool::solve(
    const PoolUnits& pool, const Hosts& hosts, const Prices& prices
) {
    start(pool, hosts, prices);
    const std::size_t n = costs_.devices();
    std::vector<std::int32_t> counts;
    std::vector<std::size_t> origins;
    std::vector<double> price(pool.by_origin.size() * n, kInfinite);
    for (const Units& units : pool.by_origin) {
        for (const Event& event : events_) { // the first event of each device
            price[counts.size() * n + event.device] =
                price_[event.device] +
                move_price(costs_, prices, pool.size, units.origin, event.device);
        }
        counts.push_back(units.count);
        origins.push_back(units.origin);
    }
    transport_.load(counts, origins, price);
    transport_.start();
    solution_ = {kInfinite, {}};
    while (!events_.empty()) {
        const Event event = next_event();
        if (event.time + transport_.least_total() >= solution_.cost) {
            break;
        }
        if (transport_.admit(event.device) && event.time + transport_.total() < solution_.cost) {
            solution_.cost = event.time + transport_.total();
            transport_.keep();
        }
    }
    steps_ += transport_.operations() - counted_;
    steps_ += kStepsPerPrice * static_cast<std::int64_t>(price.size());
    counted_ = transport_.operations();
    if (!(solution_.cost < kInfinite)) {
        return solution_;
    }
    const std::vector<std::int32_t> units = transport_.units();
    for (std::size_t k = 0; k < units.size(); ++k) {
        if (units[k] > 0) {
            solution_.cells.push_back({k / n, k % n, units[k]});
        }
    }
    return solution_;
}

} // namespace headroom::scheduler::bounds
