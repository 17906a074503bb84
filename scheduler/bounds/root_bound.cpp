// The best prices are found by subgradient steps with Polyak's step length: a constraint that the
// best chain violates becomes dearer.
#include "scheduler/bounds/root_bound.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "base/stop_check.hpp"
#include "scheduler/bounds/layer_chain.hpp"
#include "scheduler/exact/price_steps.hpp"

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
constexpr double kShortest = 1e-3;
/// A part is divided where D_mig is this fraction of the width, because small D_mig are likelier.
constexpr double kSplit = 3;
/// Parts that are narrower than this share of the known objective are not divided.
constexpr double kNarrow = 1e-3;
/// The shares of the effort: of the prices for the time of the steps alone, until the first part,
/// which has every D_mig, has been improved, and of each further part.
constexpr std::int64_t kStepsOfEffort = 4;
constexpr std::int64_t kWholeOfEffort = 2;
constexpr std::int64_t kPartsOfEffort = 24;
/// A sum of weights above this counts as 1.
constexpr double kFullWeight = 1 - 1e-9;
/// The price of a forbidden move, as a multiple of the known objective.
constexpr double kForbidden = 4;
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
          lanes_(costs.moves() && !costs.by_formula()), prices_(2 * devices_, 0) {
        find_limits();
        used_.memory.assign(devices_, 0);
        used_.hosting.assign(devices_, 0);
        used_.lane.assign(lanes_ ? devices_ * (devices_ + 1) : 0, 0);
        used_.longest_move = known;
        used_.forbidden = known < kInfinite ? kForbidden * known : 0;
    }

    RootBound run(std::int64_t effort) {
        if (!lanes_) {
            climb(effort);
        } else {
            // The first prices are for the time of the steps alone, which limits D_mig.
            lanes_ = false;
            climb(effort / kStepsOfEffort);
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
        std::vector<double> prices;
    };

    /// Divides the placements by their D_mig, again and again where the bound is lowest, and
    /// returns the lowest bound of all parts.
    double bound_by_parts(std::int64_t effort) {
        std::vector<Part> parts;
        const auto lower = [](const Part& x, const Part& y) { return x.bound < y.bound; };
        const auto add = [&](const Part& part, std::int64_t until) {
            shortest_ = part.shortest;
            longest_ = part.longest;
            best_ = part.bound;
            best_prices_ = prices_ = part.prices;
            used_.longest_move = longest_;
            climb(until);
            parts.push_back({part.shortest, part.longest, best_, best_prices_});
        };
        add({0, longest_, best_, prices_}, effort / kWholeOfEffort);
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
            add(low, chain_.work() + effort / kPartsOfEffort);
            add(high, chain_.work() + effort / kPartsOfEffort);
        }
    }

    /// Improves the prices until the work of all climbs together reaches `effort`.
    void climb(std::int64_t effort) {
        exact::PriceSteps steps(kPatience, 2 * devices_, best_);
        for (int it = 0; it < kMostIterations && steps.scale() > kShortest && best_ < known_;
             ++it) {
            throw_if_stopped(costs_.problem().stop);
            load_prices();
            const ChainSolution& solution = chain_.solve(used_, effort);
            ++iterations_;
            const double bound =
                solution.cost - limits_price() + (lanes_ ? price_of_migration() : 0);
            const exact::PriceSteps::Progress progress = steps.note(bound);
            if (progress == exact::PriceSteps::Progress::higher) {
                best_ = bound;
                best_prices_ = prices_;
                if (!used_.lane.empty() && !lanes_) {
                    used_.longest_move = known_ - best_;
                }
            } else if (progress == exact::PriceSteps::Progress::shorter) {
                prices_ = best_prices_;
            }
            if (chain_.work() >= effort || !(solution.cost < kInfinite)) {
                break;
            }
            find_slopes(solution);
            const double target = known_ < kInfinite ? known_ : kGuess * std::max(best_, 1.0);
            if (!steps.move(prices_, slopes_, target - bound)) {
                break;
            }
            if (lanes_ && !(longest_ < kInfinite)) {
                limit_weights();
            }
        }
    }

    /// Sets the unit of the memory prices, K_j and c_j.
    void find_limits() {
        for (std::size_t l = 0; l < costs_.layers(); ++l) {
            unit_bytes_ = std::max(unit_bytes_, static_cast<double>(costs_.host(l).size.weight));
        }
        for (const bounds::PoolUnits& pool : costs_.pools()) {
            unit_bytes_ = std::max(unit_bytes_, static_cast<double>(pool.size.weight));
        }
        const Bytes smallest = costs_.smallest_host();
        for (std::size_t d = 0; d < devices_; ++d) {
            const Bytes room = std::max<Bytes>(0, costs_.capacity(d));
            room_.push_back(static_cast<double>(room));
            const bool counts = !costs_.sliced() && smallest > 0;
            most_ffns_.push_back(counts ? static_cast<double>(room / smallest) : kInfinite);
        }
    }

    /// Converts prices_, which have units that suit the steps, to those of the chain.
    void load_prices() {
        prices_.resize(2 * devices_ + lane_of_.size(), 0);
        for (std::size_t d = 0; d < devices_; ++d) {
            used_.memory[d] = prices_[d] / unit_bytes_;
            used_.hosting[d] = prices_[devices_ + d];
        }
        for (std::size_t i = 0; i < lane_of_.size(); ++i) {
            used_.lane[lane_of_[i]] = weight(i);
        }
    }

    /// Returns Σ m_j·K_j + Σ h_j·c_j.
    [[nodiscard]] double limits_price() const {
        double sum = 0;
        for (std::size_t d = 0; d < devices_; ++d) {
            sum += used_.memory[d] * room_[d];
            sum += used_.hosting[d] > 0 ? used_.hosting[d] * most_ffns_[d] : 0;
        }
        return sum;
    }

    /// Returns the weight v of a lane, which is its price divided by the unit.
    [[nodiscard]] double weight(std::size_t i) const {
        return prices_[2 * devices_ + i] / lane_unit_;
    }
    [[nodiscard]] double sum_of_weights() const {
        double sum = 0;
        for (std::size_t i = 0; i < lane_of_.size(); ++i) {
            sum += weight(i);
        }
        return sum;
    }

    /// Returns the least (1 − Σ v)·D over the allowed D_mig.
    [[nodiscard]] double price_of_migration() const {
        const double sum = sum_of_weights();
        return sum <= 1 || longest_ >= kInfinite ? std::max(0.0, 1 - sum) * shortest_
                                                 : (1 - sum) * longest_;
    }

    /// Sets the slopes of all prices. Lanes get a price when they are busy for the first time.
    void find_slopes(const ChainSolution& solution) {
        for (const auto& [lane, busy] : solution.busy) {
            if (lanes_ && index_of_.emplace(lane, lane_of_.size()).second) {
                lane_of_.push_back(lane);
            }
        }
        prices_.resize(2 * devices_ + lane_of_.size(), 0);
        slopes_.assign(prices_.size(), 0);
        for (std::size_t d = 0; d < devices_; ++d) {
            slopes_[d] = (solution.used[d] - room_[d]) / unit_bytes_;
            const bool counts = most_ffns_[d] < kInfinite;
            slopes_[devices_ + d] = counts ? solution.hosting[d] - most_ffns_[d] : 0;
        }
        if (lanes_) {
            find_lane_slopes(solution);
        }
    }

    /// Sets the slopes of lanes: how much busier than D_mig they are. D_mig is as short as possible
    /// while the weights v add up to less than 1, and then as long as possible. If it has no limit,
    /// the sum stays at 1, and D_mig is the weighted mean of the lanes.
    void find_lane_slopes(const ChainSolution& solution) {
        double mean = 0;
        for (const auto& [lane, busy] : solution.busy) {
            const std::size_t i = index_of_.at(lane);
            mean += weight(i) * busy;
            slopes_[2 * devices_ + i] = busy / lane_unit_;
        }
        if (sum_of_weights() < kFullWeight) {
            mean = shortest_;
        } else if (longest_ < kInfinite) {
            mean = longest_;
        }
        for (std::size_t i = 0; i < lane_of_.size(); ++i) {
            slopes_[2 * devices_ + i] -= mean / lane_unit_;
        }
    }

    /// Lowers all weights by the same number, so that those that remain positive add up to at most
    /// 1.
    void limit_weights() {
        std::vector<double> weights(
            prices_.begin() + static_cast<std::ptrdiff_t>(2 * devices_), prices_.end()
        );
        std::ranges::sort(weights, std::greater<>());
        double sum = 0;
        double excess = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            sum += weights[i];
            const double candidate = (sum - lane_unit_) / static_cast<double>(i + 1);
            excess = weights[i] > candidate ? std::max(0.0, candidate) : excess;
        }
        sum = 0;
        for (std::size_t k = 2 * devices_; k < prices_.size(); ++k) {
            prices_[k] = std::max(0.0, prices_[k] - excess);
            sum += prices_[k];
        }
        // The difference of large numbers may be too large.
        const double share = sum > lane_unit_ ? lane_unit_ / sum : 1;
        for (std::size_t k = 2 * devices_; k < prices_.size(); ++k) {
            prices_[k] *= share;
        }
    }

    const RelaxedCosts& costs_;
    LayerChain chain_;
    double known_;
    std::size_t devices_;
    double unit_bytes_ = 1; ///< the unit of the memory prices: the bytes of the largest block
    std::vector<double> room_;
    std::vector<double> most_ffns_;
    bool lanes_;                 ///< whether lanes have weights
    std::vector<double> prices_; ///< of memory, of ffns, then of the lanes in lane_of_
    std::vector<double> slopes_; ///< of the same
    std::vector<double> best_prices_;
    double best_ = -kInfinite;
    Prices used_;                ///< prices_ in the units of the chain
    double shortest_ = 0;        ///< the least D_mig of the placements that are bounded
    double longest_ = kInfinite; ///< the most
    std::int64_t iterations_ = 0;
    double lane_unit_ = 1;                        ///< ns: the unit of the lanes' prices
    std::vector<std::size_t> lane_of_;            ///< the lanes that have been busy
    std::map<std::size_t, std::size_t> index_of_; ///< the inverse of lane_of_
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
