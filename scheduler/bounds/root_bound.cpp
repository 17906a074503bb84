// The best prices are found by subgradient steps with Polyak's step length: a constraint that the
// best chain violates becomes dearer.
#include "scheduler/bounds/root_bound.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/stop_check.hpp"
#include "scheduler/bounds/layer_chain.hpp"

namespace headroom::scheduler {
namespace {

using bounds::ChainSolution;
using bounds::kInfinite;
using bounds::LayerChain;
using bounds::Prices;
using bounds::RelaxedCosts;

constexpr std::size_t kSmallFleet = 64;
constexpr std::int64_t kEffort = 1'200'000;
constexpr std::int64_t kLargeEffort = 6'000'000;
constexpr int kMostIterations = 400;
constexpr int kPatience = 6;
constexpr double kShorter = 0.6;
constexpr double kOldDirection = 0.4;
constexpr double kShortest = 1e-3;
/// A part is divided where D_mig is this fraction of the width, because small D_mig are likelier.
constexpr double kSplit = 3;
/// Parts that are narrower than this share of the known objective are not divided.
constexpr double kNarrow = 1e-3;
constexpr std::int64_t kPartsOfEffort = 24;
/// A sum of weights above this counts as 1.
constexpr double kFullWeight = 1 - 1e-9;
/// Without a known objective, steps aim at this multiple of the best bound.
constexpr double kGuess = 1.1;
/// Sums of many prices are rounded; the bound is lowered by this share.
constexpr double kSumRounding = 1e-9;

bool is_covered(const Problem& problem) {
    return problem.blocks->cut().reduce != Reduce::ring && !problem.counts_rounds() &&
           problem.snapshot.size() <= kMostBoundedDevices;
}

/// Raises the bound step by step. Times are in nanoseconds.
class Ascent {
  public:
    Ascent(const RelaxedCosts& costs, double known)
        : costs_(costs), chain_(costs), known_(known), devices_(costs.devices()),
          lanes_(costs.moves() && !costs.by_formula()) {
        find_scales();
        find_limits();
        prices_.memory.assign(devices_, 0);
        prices_.hosting.assign(devices_, 0);
        prices_.link.assign(lanes_ ? devices_ * devices_ : 0, 0);
        prices_.storage.assign(lanes_ ? devices_ : 0, 0);
        prices_.longest_move = known;
        prices_.forbidden = known < kInfinite ? 4 * known : 0;
        best_prices_ = prices_;
        memory_direction_.assign(devices_, 0);
        hosting_direction_.assign(devices_, 0);
    }

    RootBound run(std::int64_t effort) {
        if (!lanes_) {
            climb(effort);
        } else {
            // The first prices are for the time of the steps alone, which limits D_mig.
            lanes_ = false;
            climb(effort / 4);
            lanes_ = true;
            lane_unit_ = std::max(best_, 1.0);
            longest_ = known_ - best_;
            if (known_ < kInfinite && devices_ <= kSmallFleet) {
                best_ = bound_by_parts(effort);
            } else {
                climb(effort);
            }
        }
        const double proven = std::max(0.0, best_ * (1 - kSumRounding));
        return {std::min(proven, known_) / kNsPerSecond, iterations_};
    }

  private:
    /// The placements with D_mig between two times.
    struct Part {
        double shortest = 0;
        double longest = 0;
        double bound = 0;
        Prices prices;
        std::vector<std::size_t> priced;
    };

    /// Divides the placements by their D_mig, again and again where the bound is lowest, and
    /// returns the lowest bound of all parts.
    double bound_by_parts(std::int64_t effort) {
        std::vector<Part> parts;
        const auto lower = [](const Part& x, const Part& y) { return x.bound < y.bound; };
        const auto add = [&](Part part, std::int64_t until) {
            shortest_ = part.shortest;
            longest_ = part.longest;
            best_ = part.bound;
            best_prices_ = prices_ = part.prices;
            best_priced_ = priced_ = part.priced;
            prices_.longest_move = longest_;
            climb(until);
            part.bound = best_;
            part.prices = best_prices_;
            part.priced = best_priced_;
            parts.push_back(std::move(part));
        };
        add({0, longest_, best_, prices_, {}}, effort / 2);
        for (;;) {
            const auto worst = std::ranges::min_element(parts, lower);
            const double width = worst->longest - worst->shortest;
            if (worst->bound >= known_ || width < kNarrow * known_ || chain_.work() >= effort) {
                return worst->bound;
            }
            Part low = *worst;
            Part high = *worst;
            parts.erase(worst);
            low.longest = high.shortest = low.shortest + width / kSplit;
            add(std::move(low), chain_.work() + effort / kPartsOfEffort);
            add(std::move(high), chain_.work() + effort / kPartsOfEffort);
        }
    }

    /// Returns the least (1 − Σ v)·D over the allowed D_mig.
    [[nodiscard]] double price_of_migration() {
        double sum = 0;
        for (const std::size_t lane : priced_) {
            sum += weight(lane);
        }
        return sum <= 1 || longest_ >= kInfinite ? std::max(0.0, 1 - sum) * shortest_
                                                 : (1 - sum) * longest_;
    }

    /// Improves the prices until the work of all climbs together reaches `effort`.
    void climb(std::int64_t effort) {
        double scale = 1;
        int without_improvement = 0;
        std::ranges::fill(memory_direction_, 0);
        std::ranges::fill(hosting_direction_, 0);
        for (int it = 0; it < kMostIterations && scale > kShortest && best_ < known_; ++it) {
            throw_if_stopped(costs_.problem().stop);
            const ChainSolution& solution = chain_.solve(prices_, effort);
            ++iterations_;
            const double bound =
                solution.cost - limits_price() + (lanes_ ? price_of_migration() : 0);
            if (bound > best_) {
                best_ = bound;
                best_prices_ = prices_;
                best_priced_ = priced_;
                without_improvement = 0;
                if (!prices_.link.empty() && !lanes_) {
                    prices_.longest_move = known_ - best_;
                }
            } else if (++without_improvement >= kPatience) {
                scale *= kShorter;
                without_improvement = 0;
                const double longest = prices_.longest_move;
                prices_ = best_prices_;
                prices_.longest_move = std::min(longest, prices_.longest_move);
                priced_ = best_priced_;
            }
            if (chain_.work() >= effort || !step(solution, bound, scale)) {
                break;
            }
        }
    }

    void find_scales() {
        for (std::size_t l = 0; l < costs_.layers(); ++l) {
            unit_bytes_ = std::max(unit_bytes_, static_cast<double>(costs_.host(l).size.weight));
        }
        for (const bounds::PoolUnits& pool : costs_.pools()) {
            unit_bytes_ = std::max(unit_bytes_, static_cast<double>(pool.size.weight));
        }
    }

    /// Sets K_j and c_j.
    void find_limits() {
        const Bytes smallest = costs_.smallest_host();
        for (std::size_t d = 0; d < devices_; ++d) {
            const Bytes room = std::max<Bytes>(0, costs_.capacity(d));
            room_.push_back(static_cast<double>(room));
            const bool counts = !costs_.sliced() && smallest > 0;
            most_ffns_.push_back(counts ? static_cast<double>(room / smallest) : kInfinite);
        }
    }

    /// Returns Σ m_j·K_j + Σ h_j·c_j.
    [[nodiscard]] double limits_price() const {
        double sum = 0;
        for (std::size_t d = 0; d < devices_; ++d) {
            sum += prices_.memory[d] * room_[d];
            sum += prices_.hosting[d] > 0 ? prices_.hosting[d] * most_ffns_[d] : 0;
        }
        return sum;
    }

    /// Changes the prices by one step. Returns false if they are optimal.
    bool step(const ChainSolution& solution, double bound, double scale) {
        if (!(solution.cost < kInfinite)) {
            return false;
        }
        double norm = 0;
        const auto turn = [&](double& direction, double price, double slope) {
            direction = (price <= 0 ? std::max(0.0, slope) : slope) + kOldDirection * direction;
            norm += direction * direction;
        };
        for (std::size_t d = 0; d < devices_; ++d) {
            const double over = (solution.used[d] - room_[d]) / unit_bytes_;
            turn(memory_direction_[d], prices_.memory[d], over);
            if (most_ffns_[d] < kInfinite) {
                turn(
                    hosting_direction_[d], prices_.hosting[d], solution.hosting[d] - most_ffns_[d]
                );
            }
        }
        const double target = known_ < kInfinite ? known_ : kGuess * std::max(best_, 1.0);
        const std::map<std::size_t, double> lanes =
            lanes_ ? lane_slopes(solution) : std::map<std::size_t, double>();
        for (const auto& [lane, slope] : lanes) {
            norm += slope * slope;
        }
        if (norm <= 0) {
            return false;
        }
        const double length = scale * (target - bound) / norm;
        if (lanes_) {
            shift_lanes(lanes, length);
        }
        for (std::size_t d = 0; d < devices_; ++d) {
            double& memory = prices_.memory[d];
            memory = std::max(0.0, memory + length * memory_direction_[d] / unit_bytes_);
            double& hosting = prices_.hosting[d];
            hosting = std::max(0.0, hosting + length * hosting_direction_[d]);
        }
        return true;
    }

    [[nodiscard]] double& weight(std::size_t lane) {
        const std::size_t links = devices_ * devices_;
        return lane < links ? prices_.link[lane] : prices_.storage[lane - links];
    }

    /// Returns by how much each lane is busier than D_mig, in units of the prices. D_mig is as
    /// short as possible while the weights v add up to less than 1, and then as long as possible.
    /// If it has no limit, the sum stays at 1, and D_mig is the weighted mean of the lanes.
    [[nodiscard]] std::map<std::size_t, double> lane_slopes(const ChainSolution& solution) {
        std::map<std::size_t, double> slopes;
        double sum = 0;
        double mean = 0;
        for (const std::size_t lane : priced_) {
            sum += weight(lane);
            slopes[lane] = 0;
        }
        for (const auto& [lane, busy] : solution.busy) {
            mean += weight(lane) * busy;
            slopes[lane] = busy;
        }
        if (sum < kFullWeight) {
            mean = shortest_;
        } else if (longest_ < kInfinite) {
            mean = longest_;
        }
        for (auto& [lane, slope] : slopes) {
            slope = (slope - mean) / lane_unit_;
            slope = weight(lane) <= 0 ? std::max(0.0, slope) : slope;
        }
        return slopes;
    }

    /// Adds the slopes to the weights, which stay ≥ 0. If D_mig has no limit, Σ v stays ≤ 1.
    void shift_lanes(const std::map<std::size_t, double>& slopes, double length) {
        std::vector<double> weights;
        for (const auto& [lane, slope] : slopes) {
            double& v = weight(lane);
            v = std::max(0.0, v + length * slope / lane_unit_);
            weights.push_back(v);
        }
        const double excess = longest_ < kInfinite ? 0 : excess_of(std::move(weights));
        priced_.clear();
        for (const auto& [lane, slope] : slopes) {
            double& v = weight(lane);
            v = std::max(0.0, v - excess);
            if (v > 0) {
                priced_.push_back(lane);
            }
        }
    }

    /// Returns the number that has to be subtracted from all weights, so that those that remain
    /// positive add up to at most 1.
    [[nodiscard]] static double excess_of(std::vector<double> weights) {
        std::ranges::sort(weights, std::greater<>());
        double sum = 0;
        double excess = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            sum += weights[i];
            const double candidate = (sum - 1) / static_cast<double>(i + 1);
            excess = weights[i] > candidate ? std::max(0.0, candidate) : excess;
        }
        return excess;
    }

    const RelaxedCosts& costs_;
    LayerChain chain_;
    double known_;
    std::size_t devices_;
    double unit_bytes_ = 1; ///< the unit of the memory prices: the bytes of the largest block
    std::vector<double> room_;
    std::vector<double> most_ffns_;
    Prices prices_;
    Prices best_prices_;
    double best_ = -kInfinite;
    std::vector<double> memory_direction_;
    std::vector<double> hosting_direction_;
    bool lanes_;                 ///< whether lanes have weights
    double shortest_ = 0;        ///< the least D_mig of the placements that are bounded
    double longest_ = kInfinite; ///< the most
    std::int64_t iterations_ = 0;
    std::vector<std::size_t> best_priced_; ///< priced_ of best_prices_
    double lane_unit_ = 1;                 ///< ns: the unit of the lanes' prices
    std::vector<std::size_t> priced_;      ///< the lanes with a weight above 0, in ascending order
};

/// Returns the problem with the table of all links, which large fleets may leave out.
Problem with_all_links(const Problem& problem) {
    Problem full = problem;
    Snapshot& snapshot = full.snapshot;
    const std::size_t pairs = snapshot.size() * snapshot.size();
    std::vector<Snapshot::Link> links;
    links.reserve(pairs);
    for (std::size_t pair = 0; pair < pairs; ++pair) {
        links.push_back(problem.snapshot.link_at(pair));
    }
    snapshot.links = std::move(links);
    return full;
}

} // namespace

std::optional<RootBound> root_bound(const Problem& problem, const RootBoundSettings& settings) {
    if (!is_covered(problem)) {
        return std::nullopt;
    }
    if (problem.snapshot.links.empty()) {
        return root_bound(with_all_links(problem), settings);
    }
    const RelaxedCosts costs(problem);
    const std::int64_t usual = problem.snapshot.size() <= kSmallFleet ? kEffort : kLargeEffort;
    const std::int64_t effort = settings.effort > 0 ? settings.effort : usual;
    return Ascent(costs, settings.known * kNsPerSecond).run(effort);
}

} // namespace headroom::scheduler
