#include "scheduler/policies/baselines/galaxy.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

using Counts = std::vector<std::int64_t>;

/// Distributes `total` over some devices by largest remainder and writes their shares.
void share_out(
    std::int64_t total,
    const std::vector<double>& speeds,
    const std::vector<std::size_t>& devices,
    Counts& shares
) {
    double sum = 0;
    for (const std::size_t d : devices) {
        sum += speeds[d];
    }
    std::vector<std::pair<double, std::size_t>>
        remainders; // negated, so that the largest is first after sorting
    std::int64_t left = total;
    for (const std::size_t d : devices) {
        const double quota = static_cast<double>(total) * (speeds[d] / sum);
        shares[d] = std::min(left, static_cast<std::int64_t>(std::floor(quota)));
        left -= shares[d];
        remainders.emplace_back(std::floor(quota) - quota, d);
    }
    std::sort(remainders.begin(), remainders.end());
    for (std::size_t i = 0; left > 0; i = (i + 1) % remainders.size()) {
        ++shares[remainders[i].second];
        --left;
    }
}

struct Shares {
    Counts groups;         ///< groups of each device in every layer
    Counts slices;         ///< slices of each device in every layer
    bool complete = false; ///< whether all units fit
};

/// Computes a split that is the same in every layer.
class Split {
  public:
    explicit Split(const Problem& problem) : blocks_(*problem.blocks), ledger_(problem) {
        for (const Nanoseconds time : times_of_all_layers(problem)) {
            speeds_.push_back(1.0 / static_cast<double>(std::max<Nanoseconds>(time, 1)));
        }
        place_other_blocks(problem);
        group_bytes_ = max_unit_bytes(&Blocks::group, blocks_.groups());
        slice_bytes_ = max_unit_bytes(&Blocks::slice, blocks_.slices());
    }

    [[nodiscard]] Placement placement() {
        Shares shares = distribute(true);
        if (!shares.complete) {
            Shares other = distribute(false);
            if (other.complete) {
                shares = std::move(other);
            }
        }
        add_rest(shares.groups, blocks_.groups());
        add_rest(shares.slices, blocks_.slices());
        for (std::int32_t l = 0; l < blocks_.shape().layers; ++l) {
            std::int32_t group = 0;
            std::int32_t slice = 0;
            for (std::size_t d = 0; d < speeds_.size(); ++d) {
                for (std::int64_t k = 0; k < shares.groups[d]; ++k) {
                    ledger_.place(blocks_.group(l, group++), DeviceId(d));
                }
                for (std::int64_t k = 0; k < shares.slices[d]; ++k) {
                    ledger_.place(blocks_.slice(l, slice++), DeviceId(d));
                }
            }
        }
        return ledger_.placement();
    }

    [[nodiscard]] Bytes shortage() const { return ledger_.shortage(); }

  private:
    /// Places the hubs, embed and lm_head.
    void place_other_blocks(const Problem& problem) {
        for (std::int32_t l = 0; l < blocks_.shape().layers; ++l) {
            ledger_.place(blocks_.hub(l), problem.source);
        }
        if (!blocks_.shape().has_ends) {
            return;
        }
        std::vector<std::size_t> order(speeds_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t a) {
            return speeds_[a];
        });
        order.insert(order.begin(), problem.source.index());
        for (const BlockId b : {blocks_.embed(), blocks_.lm_head()}) {
            const auto host = std::ranges::find_if(order, [&](std::size_t d) {
                return ledger_.fits(b, DeviceId(d));
            });
            ledger_.place(b, host == order.end() ? problem.source : DeviceId(*host));
        }
    }

    /// Returns the bytes that unit n of all layers has together, for the n with the most. Units
    /// differ if cuts go through quantisation blocks.
    Bytes max_unit_bytes(
        BlockId (Blocks::*unit)(std::int32_t, std::int32_t) const, std::int32_t count
    ) const {
        Bytes largest = 1;
        for (std::int32_t n = 0; n < count; ++n) {
            Bytes bytes = 0;
            for (std::int32_t l = 0; l < blocks_.shape().layers; ++l) {
                bytes += ledger_.bytes((blocks_.*unit)(l, n));
            }
            largest = std::max(largest, bytes);
        }
        return largest;
    }

    /// Distributes one kind of units within the free memory, then the other kind within the rest.
    [[nodiscard]] Shares distribute(bool groups_first) const {
        Counts first_room;
        for (std::size_t d = 0; d < speeds_.size(); ++d) {
            first_room.push_back(std::max<Bytes>(ledger_.room(DeviceId(d)), 0));
        }
        const Bytes first_bytes = groups_first ? group_bytes_ : slice_bytes_;
        const Bytes second_bytes = groups_first ? slice_bytes_ : group_bytes_;
        const std::int64_t first_total = groups_first ? blocks_.groups() : blocks_.slices();
        const std::int64_t second_total = groups_first ? blocks_.slices() : blocks_.groups();
        Counts first_limits;
        for (const Bytes room : first_room) {
            first_limits.push_back(room / first_bytes);
        }
        Counts first = proportional_shares(first_total, speeds_, first_limits);
        Counts second_limits;
        for (std::size_t d = 0; d < speeds_.size(); ++d) {
            second_limits.push_back((first_room[d] - first[d] * first_bytes) / second_bytes);
        }
        Counts second = proportional_shares(second_total, speeds_, second_limits);
        const bool whole =
            std::accumulate(first.begin(), first.end(), std::int64_t{0}) == first_total &&
            std::accumulate(second.begin(), second.end(), std::int64_t{0}) == second_total;
        return groups_first ? Shares{std::move(first), std::move(second), whole}
                            : Shares{std::move(second), std::move(first), whole};
    }

    /// Gives the units that fit nowhere to the fastest device, so that the reason names its
    /// shortage.
    void add_rest(Counts& counts, std::int64_t total) const {
        const auto fastest = static_cast<std::size_t>(
            std::max_element(speeds_.begin(), speeds_.end()) - speeds_.begin()
        );
        counts[fastest] += total - std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    }

    const Blocks& blocks_;
    Ledger ledger_;
    std::vector<double> speeds_; ///< V_d
    Bytes group_bytes_ = 1;
    Bytes slice_bytes_ = 1;
};

} // namespace

Counts proportional_shares(
    std::int64_t total, const std::vector<double>& speeds, const Counts& limits
) {
    Counts counts(speeds.size(), 0);
    std::int64_t left = total;
    while (left > 0) {
        std::vector<std::size_t> free;
        for (std::size_t d = 0; d < speeds.size(); ++d) {
            if (counts[d] < limits[d]) {
                free.push_back(d);
            }
        }
        if (free.empty()) {
            break;
        }
        Counts shares(speeds.size(), 0);
        share_out(left, speeds, free, shares);
        for (const std::size_t d : free) {
            const std::int64_t taken = std::min(shares[d], limits[d] - counts[d]);
            counts[d] += taken;
            left -= taken;
        }
    }
    return counts;
}

Decision decide_galaxy(const Problem& problem) {
    if (!problem.blocks->sliced()) {
        return refused_decision(
            "galaxy splits heads and the FFN's columns over all devices: it needs "
            "controller.granularity = \"sliced\""
        );
    }
    if (problem.cost_profile == CostProfile::paper) {
        return refused_decision(
            "galaxy has no costs under controller.cost_profile = \"paper\", whose formulas do not "
            "know sliced layers"
        );
    }
    if (problem.previous) {
        return keep_first_placement(problem);
    }
    Split split(problem);
    Placement placement = split.placement();
    if (split.shortage() > 0) {
        return infeasible_decision(problem, placement, "split of every layer over all devices");
    }
    Decision decision = evaluate(problem, std::move(placement));
    explain_first(problem, decision);
    decision.why.notes = {"heads and slices in proportion to speed"};
    return decision;
}

} // namespace headroom::scheduler
