// Fixed blocks use memory and lanes. Hosts and counts that do not fit beside them are removed.
#include <algorithm>
#include <cmath>

#include "scheduler/exact/attainable.hpp"
#include "scheduler/exact/domain.hpp"

namespace headroom::scheduler::exact {
namespace {

/// Returns whether the bytes of lm_head on d depend on the device of embed, which is still open.
bool is_lm_head_open(const Tables& tables, const Domain& domain, std::size_t d) {
    return tables.tied() && has(domain.chain.back(), d) && has(domain.chain.front(), d) &&
           !one(domain.chain.front());
}

/// Calls take(item, least count, most count) for every item that device d may hold in the box.
void visit_items(const Tables& tables, const Domain& domain, std::size_t d, const auto& take) {
    const std::size_t n = tables.devices();
    for (std::size_t i = 0; i < domain.chain.size(); ++i) {
        const Item* item = tables.chain_item(i, has(domain.chain.front(), d));
        if (item != nullptr && has(domain.chain[i], d)) {
            take(*item, one(domain.chain[i]) ? 1 : 0, 1);
        }
    }
    for (std::size_t l = 0; l < domain.proj.size(); ++l) {
        if (has(domain.proj[l], d)) {
            take(tables.proj(l), one(domain.proj[l]) ? 1 : 0, 1);
        }
    }
    for (std::size_t i = 0; i < tables.items().size(); ++i) {
        take(tables.items()[i], domain.least[i * n + d], domain.most[i * n + d]);
    }
}

/// One pass over all constraints.
class Pass {
  public:
    Pass(const Tables& tables, Domain& domain)
        : tables_(tables), domain_(domain), n_(tables.devices()), left_(n_),
          busy_(tables.lanes(), 0), used_(tables.lanes(), false) {}

    /// Returns false if the box is empty. changed() then says whether something was removed.
    bool run() {
        for (std::size_t d = 0; d < n_; ++d) {
            left_[d] = static_cast<double>(tables_.capacity(d));
        }
        charge_fixed();
        if (!within()) {
            return false;
        }
        return filter_hosts() && filter_counts();
    }
    [[nodiscard]] bool changed() const { return changed_; }

  private:
    void charge(const Item& item, std::size_t d, std::int32_t count) {
        left_[d] -= static_cast<double>(count) * static_cast<double>(item.weight);
        tables_.visit_lanes(item, d, [&](std::size_t lane, double time) {
            busy_[lane] += count > 0 ? count * time : 0;
            used_[lane] = used_[lane] || count > 0;
        });
    }

    /// Returns the item on d. If it is open whether embed is on d, lm_head counts as beside embed.
    const Item* host_item(std::size_t position, std::size_t d) const {
        return tables_.chain_item(position, has(domain_.chain.front(), d));
    }

    void charge_fixed() {
        for (std::size_t d = 0; d < n_; ++d) {
            visit_items(tables_, domain_, d, [&](const Item& item, std::int32_t low, auto) {
                charge(item, d, low);
            });
        }
    }

    bool within() {
        for (std::size_t d = 0; d < n_; ++d) {
            if (left_[d] < 0 && tables_.capacity(d) >= 0) {
                return false;
            }
        }
        for (std::size_t lane = 0; lane < busy_.size(); ++lane) {
            if (used_[lane]) {
                const double end = busy_[lane] + tables_.lane_latency(lane);
                if (end > domain_.migration.least) {
                    domain_.migration.least = end;
                }
            }
        }
        return domain_.migration.least <= domain_.migration.most;
    }

    /// Returns whether one block of the item fits on d beside the fixed blocks.
    bool fits(const Item& item, std::size_t d) const {
        if (static_cast<double>(item.weight) > left_[d]) {
            return false;
        }
        bool allowed = item.charge[d] < kInfinite;
        tables_.visit_lanes(item, d, [&](std::size_t lane, double time) {
            allowed = allowed && time <= left_on(lane);
        });
        return allowed;
    }

    /// Returns how much longer the lane can be busy.
    double left_on(std::size_t lane) const {
        return domain_.migration.most - tables_.lane_latency(lane) - busy_[lane];
    }

    bool filter(std::uint64_t& mask, const auto& allowed) {
        if (one(mask)) {
            return true;
        }
        std::uint64_t kept = 0;
        for (std::size_t d = 0; d < n_; ++d) {
            kept |= has(mask, d) && allowed(d) ? std::uint64_t{1} << d : 0;
        }
        changed_ = changed_ || kept != mask;
        mask = kept;
        return mask != 0;
    }

    bool filter_hosts() {
        for (std::size_t i = 0; i < domain_.chain.size(); ++i) {
            const bool some = filter(domain_.chain[i], [&](std::size_t d) {
                const Item* item = host_item(i, d);
                return item == nullptr || fits(*item, d);
            });
            if (!some) {
                return false;
            }
        }
        for (std::size_t l = 0; l < domain_.proj.size(); ++l) {
            const auto allowed = [&](std::size_t d) { return fits(tables_.proj(l), d); };
            if (!filter(domain_.proj[l], allowed)) {
                return false;
            }
        }
        return true;
    }

    std::int32_t room(const Item& item, std::size_t d) const {
        double most = static_cast<double>(item.blocks.size());
        if (item.weight > 0) {
            most = std::min(most, std::floor(left_[d] / static_cast<double>(item.weight)));
        }
        if (tables_.capacity(d) < 0) {
            return 0;
        }
        most = item.charge[d] < kInfinite ? most : 0;
        tables_.visit_lanes(item, d, [&](std::size_t lane, double time) {
            most = std::min(most, lane_room(lane, time));
        });
        return static_cast<std::int32_t>(std::max(most, 0.0));
    }

    /// Returns how many moves of this time the lane still allows.
    double lane_room(std::size_t lane, double time) const {
        if (time <= 0) {
            return left_on(lane) >= 0 ? kInfinite : 0;
        }
        return time < kInfinite ? std::floor(left_on(lane) / time) : 0;
    }

    bool filter_counts() {
        for (std::size_t i = 0; i < tables_.items().size(); ++i) {
            const Item& item = tables_.items()[i];
            const auto units = static_cast<std::int32_t>(item.blocks.size());
            std::int32_t most = 0;
            for (std::size_t d = 0; d < n_; ++d) {
                std::int32_t& high = domain_.most[i * n_ + d];
                const std::int32_t limit = domain_.least[i * n_ + d] + room(item, d);
                if (limit < high) {
                    high = limit;
                    changed_ = true;
                }
                if (high < domain_.least[i * n_ + d]) {
                    return false;
                }
                most += high;
            }
            if (most < units || !raise(i, units, most)) {
                return false;
            }
        }
        return true;
    }

    /// Raises the minimum of each device to the units that all other devices together cannot take,
    /// and lowers its maximum to the units that the minima of the others leave.
    bool raise(std::size_t i, std::int32_t units, std::int32_t most) {
        std::int32_t placed = 0;
        for (std::size_t d = 0; d < n_; ++d) {
            std::int32_t& low = domain_.least[i * n_ + d];
            const std::int32_t needed = units - (most - domain_.most[i * n_ + d]);
            if (needed > low) {
                low = needed;
                changed_ = true;
            }
            placed += low;
        }
        for (std::size_t d = 0; d < n_ && placed <= units; ++d) {
            const std::int32_t low = domain_.least[i * n_ + d];
            std::int32_t& high = domain_.most[i * n_ + d];
            if (high > low + units - placed) {
                high = low + units - placed;
                changed_ = true;
            }
        }
        return placed <= units;
    }

    const Tables& tables_;
    Domain& domain_;
    std::size_t n_;
    std::vector<double> left_; ///< bytes; integers far below 2^53, so doubles are exact
    std::vector<double> busy_;
    std::vector<bool> used_;
    bool changed_ = false;
};

/// Sets Domain::room. For a tied lm_head whose bytes are still open it is the whole capacity.
void fill_rooms(const Tables& tables, Domain& domain) {
    const std::size_t n = tables.devices();
    domain.room.assign(n, 0);
    for (std::size_t d = 0; d < n; ++d) {
        const auto capacity = static_cast<double>(std::max<Bytes>(0, tables.capacity(d)));
        domain.room[d] = capacity;
        if (is_lm_head_open(tables, domain, d)) {
            continue;
        }
        Sums sums;
        visit_items(tables, domain, d, [&](const Item& item, std::int32_t low, std::int32_t high) {
            const auto weight = static_cast<double>(item.weight);
            sums.add_base(low * weight);
            sums.add(weight, high - low);
        });
        domain.room[d] = sums.below(capacity, capacity);
    }
}

/// What moves in a box can put on a lane.
struct LaneUse {
    Sums times;           ///< of moves that occupy the lane
    bool instant = false; ///< a message can be sent that takes no time apart from the latency
    bool forced = false;  ///< a move uses the lane in every placement of the box

    void add(double time, std::int32_t low, std::int32_t high) {
        forced = forced || low > 0;
        instant = instant || time <= 0;
        times.add_base(low * time);
        times.add(time, high - low);
    }
};

/// Returns the use of every lane, or nothing while the bytes that lm_head sends are open.
std::vector<LaneUse> lane_uses(const Tables& tables, const Domain& domain) {
    std::vector<LaneUse> lanes(tables.lanes());
    for (std::size_t to = 0; to < tables.devices(); ++to) {
        if (is_lm_head_open(tables, domain, to)) {
            return {};
        }
        visit_items(tables, domain, to, [&](const Item& item, std::int32_t low, std::int32_t high) {
            tables.visit_lanes(item, to, [&](std::size_t lane, double time) {
                if (high > 0 && time < kInfinite) {
                    lanes[lane].add(time, low, high);
                }
            });
        });
    }
    return lanes;
}

/// Shrinks the interval of D_mig to values that it can have: 0, and the times at which a lane can
/// end. Returns whether the interval has changed.
bool snap_migration(const Tables& tables, Domain& domain) {
    constexpr double kShortestMove = 1; // ns; times are whole nanoseconds
    const std::vector<LaneUse> lanes = lane_uses(tables, domain);
    if (lanes.empty()) {
        return false;
    }
    Interval& d = domain.migration;
    double least = kInfinite;
    double most = -kInfinite;
    bool forced = false;
    for (std::size_t k = 0; k < lanes.size(); ++k) {
        const double latency = tables.lane_latency(k);
        forced = forced || lanes[k].forced;
        if (!(latency < kInfinite)) {
            continue;
        }
        const double shortest = lanes[k].instant ? 0 : kShortestMove;
        const double up = lanes[k].times.above(std::max(d.least - latency, shortest), kInfinite);
        least = std::min(least, up + latency);
        const double down = lanes[k].times.below(d.most - latency, -kInfinite);
        most = std::max(most, down >= shortest ? down + latency : -kInfinite);
    }
    if (!forced && d.least <= 0) {
        least = 0;
        most = std::max(most, 0.0);
    }
    const bool dropped = least > d.least || most < d.most;
    d.least = std::max(d.least, least);
    d.most = std::min(d.most, most);
    return dropped;
}

} // namespace

bool propagate(const Tables& tables, Domain& domain) {
    constexpr int kMostPasses = 4;
    for (int pass = 0; pass < kMostPasses; ++pass) {
        Pass next(tables, domain);
        if (!next.run()) {
            return false;
        }
        const bool snapped =
            tables.moves() && !tables.by_formula() && snap_migration(tables, domain);
        if (domain.migration.least > domain.migration.most) {
            return false;
        }
        if (!next.changed() && !snapped) {
            break;
        }
    }
    fill_rooms(tables, domain);
    return true;
}

} // namespace headroom::scheduler::exact
