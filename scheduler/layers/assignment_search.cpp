#include "scheduler/layers/assignment_search.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "scheduler/layers/assignment_descent.hpp"
#include "scheduler/layers/layer_path.hpp"
#include "scheduler/layers/shard_chain.hpp"

namespace headroom::scheduler {
namespace {

constexpr Nanoseconds kNoPath = std::numeric_limits<Nanoseconds>::max() / 4;
constexpr int kPriceRounds = 9;
constexpr int kRepairEvery = 4; ///< the paths of every fourth round are repaired
/// Shares of a layer's slowest transfer that paths count. A share is less than 1 because transfers
/// to several devices take place at the same time. Under cost profile `paper` their times add up.
constexpr double kMoveShares[] = {0.5, 0.1};
constexpr double kPaperMoveShares[] = {1.0};
/// Candidates per layer and device: for a brief descent from each start, for a longer one from the
/// best two, and for all random changes together. With a previous placement there are more, because
/// migration makes most changes worse at first.
constexpr std::int64_t kBriefWork = 6;
constexpr std::int64_t kLongWork = 25;
constexpr std::int64_t kKickWork = 25;
constexpr std::int64_t kLeastKickWork = 1'000; ///< in all
constexpr std::int64_t kFactorIfMoving = 4;
constexpr std::size_t kMostStarts = 5;
/// Migrations are tried that take at most these parts of the time found, less 1 ns.
constexpr double kMigrationParts[] = {1.0, 0.75, 0.5, 0.25};
constexpr int kMostReliefs = 8; ///< for each part, while that helps
constexpr std::size_t kMostBranchedLayers = 8;
constexpr std::int64_t kMostNodes = 50'000;

class AssignmentSearch {
  public:
    AssignmentSearch(const Problem& problem, const LayerCosts& costs)
        : costs_(costs), descent_(problem, costs), layers_(costs.layers()),
          devices_(costs.devices()) {}

    AssignmentAnswer run(const Problem& problem) {
        std::vector<Start> starts;
        if (problem.previous) {
            previous_ = previous_assignment();
            add_start(previous_, starts);
            const bool paper = problem.cost_profile == CostProfile::paper;
            for (const double share : paper ? std::span<const double>(kPaperMoveShares)
                                            : std::span<const double>(kMoveShares)) {
                add_paths(share, starts);
            }
        }
        add_paths(0, starts);
        add_chain(starts);
        const auto size = static_cast<std::int64_t>(layers_ * devices_) *
                          (problem.previous ? kFactorIfMoving : 1);
        starts = descended(std::move(starts), kMostStarts, kBriefWork * size);
        if (layers_ > kMostBranchedLayers || !branch()) {
            starts = descended(std::move(starts), 2, kLongWork * size);
            if (!starts.empty()) {
                relieve(starts, kBriefWork * size);
                change_randomly(starts.front().second, std::max(kLeastKickWork, kKickWork * size));
            }
        }
        AssignmentAnswer answer;
        if (best_) {
            answer.best = best_;
            answer.objective = least_;
            answer.runner_up = problem.previous ? moving_ : std::nullopt;
        }
        answer.work = descent_.work() + nodes_;
        return answer;
    }

  private:
    /// An assignment that fits and its objective.
    using Start = std::pair<Int128, LayerAssignment>;

    [[nodiscard]] Nanoseconds step(std::size_t l, std::size_t from, std::size_t j) const {
        return descent_.step(l, from, j);
    }

    /// Returns the assignment of each layer to the device where its migration takes least.
    LayerAssignment previous_assignment() {
        LayerAssignment a;
        for (std::size_t l = 0; l < layers_; ++l) {
            std::size_t least = 0;
            for (std::size_t j = 1; j < devices_; ++j) {
                least = alone(l, j) < alone(l, least) ? j : least;
            }
            a.push_back(least);
        }
        return a;
    }
    [[nodiscard]] Nanoseconds alone(std::size_t l, std::size_t j) {
        return descent_.moves().alone(l, j);
    }

    /// Returns the shortest path that begins on the source; empty if there is none. A layer on a
    /// device costs extra[layer][device] besides its time.
    LayerAssignment path(const std::vector<Nanoseconds>& extra) const {
        LayerPaths<Nanoseconds> paths(layers_ + 1, devices_, kNoPath);
        paths.at(0, 0) = 0;
        const auto edge = [&](std::size_t l) {
            return [&, l](std::size_t from, std::size_t to) {
                return step(l, from, to) + extra[l * devices_ + to];
            };
        };
        for (std::size_t l = 0; l < layers_; ++l) {
            paths.forward(l + 1, edge(l));
        }
        LayerAssignment a(layers_);
        std::size_t j = paths.least(layers_, [&](std::size_t d) { return costs_.finish(d); });
        if (!paths.reaches(layers_, j)) {
            return {};
        }
        for (std::size_t l = layers_; l-- > 0;) {
            a[l] = j;
            j = paths.before(l + 1, j, edge(l));
        }
        return a;
    }

    /// Adds an assignment, repaired if it does not fit.
    void add_start(const LayerAssignment& a, std::vector<Start>& starts) {
        if (descent_.start(a)) {
            note(descent_.assignment(), descent_.objective());
            starts.emplace_back(descent_.objective(), descent_.assignment());
        }
    }

    /// Adds a fast chain of contiguous layers: with slow links few hops count most.
    void add_chain(std::vector<Start>& starts) {
        LayerAssignment a;
        for (const Shard& shard : heuristic_chain(costs_).shards) {
            a.resize(shard.last, shard.device);
        }
        if (!a.empty()) {
            add_start(a, starts);
        }
    }

    /// Adds some of the paths that prices lead to, with a share of migration.
    void add_paths(double share, std::vector<Start>& starts) {
        std::vector<double> price(devices_, 0); // ns per byte
        for (int round = 0; round < kPriceRounds; ++round) {
            const LayerAssignment found = path(extra_costs(share, price));
            if (found.empty()) {
                return;
            }
            const bool lacks = change_prices(found, 1.0 / (1 + round), price);
            if (round % kRepairEvery == 0 || !lacks) {
                add_start(found, starts);
            }
            if (!lacks) {
                return;
            }
        }
    }

    /// Descends from the best of `starts`, at most `most`, and returns the results, the best first.
    std::vector<Start> descended(std::vector<Start> starts, std::size_t most, std::int64_t work) {
        std::sort(starts.begin(), starts.end());
        starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
        starts.resize(std::min(starts.size(), most));
        for (Start& start : starts) {
            descent_.start(start.second);
            descent_.descend(work);
            note(descent_.assignment(), descent_.objective());
            start = {descent_.objective(), descent_.assignment()};
        }
        std::sort(starts.begin(), starts.end());
        return starts;
    }

    /// Shortens the migration of the best start to parts of what it was, and descends from there.
    void relieve(std::vector<Start>& starts, std::int64_t work) {
        for (const double part : kMigrationParts) {
            for (int round = 0; round < kMostReliefs; ++round) {
                descent_.start(starts.front().second);
                const auto most =
                    static_cast<double>(std::max<Nanoseconds>(descent_.migration() - 1, 0));
                if (!descent_.relieve(static_cast<Nanoseconds>(part * most))) {
                    break;
                }
                descent_.descend(work);
                note(descent_.assignment(), descent_.objective());
                if (descent_.objective() >= starts.front().first) {
                    break;
                }
                starts.front() = {descent_.objective(), descent_.assignment()};
            }
        }
    }

    /// Makes random changes, each followed by a descent.
    void change_randomly(const LayerAssignment& a, std::int64_t work) {
        descent_.start(a);
        const std::int64_t end = descent_.work() + work;
        for (std::uint64_t k = 0; descent_.work() < end; ++k) {
            descent_.kick(stream_seed(0, "layers", k), end - descent_.work());
        }
        note(descent_.assignment(), descent_.objective());
    }

    /// Returns what each layer costs on each device besides its time, per step: the share of its
    /// slowest transfer and the price of its memory.
    std::vector<Nanoseconds> extra_costs(double share, const std::vector<double>& price) {
        const double part = share / static_cast<double>(descent_.steps());
        std::vector<Nanoseconds> extra(layers_ * devices_, kNoPath);
        for (std::size_t l = 0; l < layers_; ++l) {
            const Bytes size = descent_.bytes(l);
            for (std::size_t j = 0; j < devices_; ++j) {
                const auto moved = static_cast<double>(descent_.moves().least(l, j));
                if (descent_.room(j) >= size) {
                    extra[l * devices_ + j] = static_cast<Nanoseconds>(
                        price[j] * static_cast<double>(size) + part * moved
                    );
                }
            }
        }
        return extra;
    }

    /// Raises the prices of devices that lack memory for the assignment, by up to `part` of the
    /// mean time of a layer per byte, and lowers those of devices that have memory left. Returns
    /// whether any device lacks memory.
    bool change_prices(const LayerAssignment& a, double part, std::vector<double>& price) const {
        std::vector<Bytes> used(devices_, 0);
        Nanoseconds time = 0;
        for (std::size_t l = 0; l < layers_; ++l) {
            used[a[l]] += descent_.bytes(l);
            time += step(l, l > 0 ? a[l - 1] : 0, a[l]);
        }
        const double unit = part * static_cast<double>(time) /
                            static_cast<double>(std::max<Bytes>(costs_.bytes(0, layers_), 1));
        bool lacks = false;
        for (std::size_t j = 0; j < devices_; ++j) {
            const Bytes room = std::max<Bytes>(descent_.room(j), 1);
            lacks |= used[j] > std::max<Bytes>(descent_.room(j), 0);
            const double over = static_cast<double>(used[j] - room) / static_cast<double>(room);
            price[j] = std::max(0.0, price[j] + unit * std::clamp(over, -1.0, 1.0));
        }
        return lacks;
    }

    void note(const LayerAssignment& a, Int128 objective) {
        if (!best_ || objective < least_) {
            best_ = a;
            least_ = objective;
        }
        if (a != previous_ && (!moving_ || objective < least_moving_)) {
            moving_ = a;
            least_moving_ = objective;
        }
    }

    /// Looks for the optimum by branch and bound. Returns whether that ended within its limit.
    bool branch() {
        if (!costs_.has_room_for_ends()) {
            return true; // nothing fits
        }
        LayerPaths<Nanoseconds> to_go(layers_ + 1, devices_, kNoPath);
        std::vector<Bytes> left;
        for (std::size_t j = 0; j < devices_; ++j) {
            to_go.at(layers_, j) = costs_.finish(j);
            left.push_back(descent_.room(j));
        }
        for (std::size_t l = layers_; l-- > 0;) {
            to_go.backward(l, [&](std::size_t from, std::size_t to) {
                return left[to] >= descent_.bytes(l) ? step(l, from, to) : kNoPath;
            });
        }
        descent_.clear();
        LayerAssignment a(layers_);
        visit(to_go, 0, 0, 0, a, left);
        return nodes_ < kMostNodes;
    }

    /// Enumerates the assignments of layers l and later, the ones with the least bounds first.
    void visit(
        const LayerPaths<Nanoseconds>& to_go,
        std::size_t l,
        std::size_t from,
        Nanoseconds so_far,
        LayerAssignment& a,
        std::vector<Bytes>& left
    ) {
        LayerMoves& moves = descent_.moves();
        const Int128 steps = descent_.steps();
        if (l == layers_) {
            note(a, Int128{moves.total()} + steps * (so_far + costs_.finish(from)));
            return;
        }
        std::vector<std::pair<Nanoseconds, std::size_t>> order;
        for (std::size_t j = 0; j < devices_; ++j) {
            if (left[j] >= descent_.bytes(l) && to_go.reaches(l + 1, j)) {
                order.emplace_back(so_far + step(l, from, j) + to_go.at(l + 1, j), j);
            }
        }
        std::sort(order.begin(), order.end());
        for (const auto& [bound, j] : order) {
            if (nodes_ >= kMostNodes || (best_ && steps * bound >= least_)) {
                return;
            }
            ++nodes_;
            moves.add(l, j);
            if (!best_ || Int128{moves.total()} + steps * bound < least_) {
                left[j] -= descent_.bytes(l);
                a[l] = j;
                visit(to_go, l + 1, j, so_far + step(l, from, j), a, left);
                left[j] += descent_.bytes(l);
            }
            moves.remove(l, j);
        }
    }

    const LayerCosts& costs_;
    AssignmentDescent descent_;
    std::size_t layers_;
    std::size_t devices_;
    std::optional<LayerAssignment> best_;
    Int128 least_ = 0;
    LayerAssignment previous_;
    std::optional<LayerAssignment> moving_; ///< the best one other than previous_
    Int128 least_moving_ = 0;
    std::int64_t nodes_ = 0;
};

} // namespace

AssignmentAnswer search_assignments(const Problem& problem, const LayerCosts& costs) {
    return AssignmentSearch(problem, costs).run(problem);
}

} // namespace headroom::scheduler
