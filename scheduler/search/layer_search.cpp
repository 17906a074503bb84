#include "scheduler/search/layer_search.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "scheduler/layers/shard_chain.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::int64_t kMostEvaluations = 20'000; ///< limit on evaluations, about 1 µs each
constexpr std::int64_t kMostNodes = 50'000;
constexpr Nanoseconds kNoPath = std::numeric_limits<Nanoseconds>::max() / 4;

class LayerSearch {
  public:
    LayerSearch(const Problem& problem, const LayerCosts& costs)
        : costs_(costs), moves_(problem, costs), steps_(problem.steps()), layers_(costs.layers()),
          devices_(costs.devices()) {
        for (std::size_t j = 0; j < devices_; ++j) {
            room_.push_back(costs.can_compute(j) ? costs.room(j) : -1);
        }
    }

    LayerAnswer run(const Problem& problem) {
        previous_ = previous_assignment(problem);
        for (const bool with_moves : {false, true}) {
            descend_from(path(with_moves));
        }
        descend_from(previous_);
        const Chain chain = fastest_chain(costs_, ChainOrder::any);
        if (!chain.shards.empty()) {
            LayerAssignment assignment;
            for (const Shard& shard : chain.shards) {
                assignment.resize(shard.last, shard.device);
            }
            descend_from(std::move(assignment));
        }
        branch();
        LayerAnswer answer;
        if (best_) {
            answer.best = best_;
            answer.objective = least_;
            answer.runner_up = problem.previous ? moving_ : std::nullopt;
        }
        answer.proven = nodes_ < kMostNodes;
        answer.work = evaluations_ + nodes_;
        return answer;
    }

  private:
    [[nodiscard]] Bytes bytes(std::size_t l) const { return costs_.bytes(l, l + 1); }

    /// Returns the time of layer l on j if x is on `from` (the source before the first layer).
    [[nodiscard]] Nanoseconds step(std::size_t l, std::size_t from, std::size_t j) const {
        return from == j ? costs_.time_alone(l, l + 1, j) : costs_.time_after_hop(l, from, j);
    }

    /// Returns the bytes that each device has left beside its layers.
    [[nodiscard]] std::vector<Bytes> left_by(const LayerAssignment& a) const {
        std::vector<Bytes> left = room_;
        for (std::size_t l = 0; l < layers_; ++l) {
            left[a[l]] -= bytes(l);
        }
        return left;
    }

    [[nodiscard]] bool fits(const LayerAssignment& a) const {
        const std::vector<Bytes> left = left_by(a);
        return costs_.has_room_for_ends() &&
               std::ranges::all_of(a, [&](std::size_t j) { return left[j] >= 0; });
    }

    Int128 evaluate(const LayerAssignment& a) {
        ++evaluations_;
        Nanoseconds inference = 0;
        std::size_t from = 0;
        for (std::size_t l = 0; l < layers_; ++l) {
            inference += step(l, from, a[l]);
            from = a[l];
            moves_.add(l, a[l]);
        }
        inference += costs_.finish(from);
        const Int128 objective = Int128{moves_.total()} + Int128{steps_} * inference;
        for (std::size_t l = 0; l < layers_; ++l) {
            moves_.remove(l, a[l]);
        }
        return objective;
    }

    /// Returns the shortest path over (layer, device), memory ignored. With moves, each layer also
    /// costs its own migration.
    LayerAssignment path(bool with_moves) const {
        std::vector<Int128> so_far(devices_, -1); // −1: not reachable
        so_far[0] = 0;
        std::vector<std::vector<std::size_t>> before;
        for (std::size_t l = 0; l < layers_; ++l) {
            std::vector<Int128> next(devices_, -1);
            before.emplace_back(devices_, 0);
            for (std::size_t j = 0; j < devices_; ++j) {
                if (room_[j] < bytes(l)) {
                    continue;
                }
                const Int128 moved = with_moves ? moves_.alone(l, j) : 0;
                for (std::size_t k = 0; k < devices_; ++k) {
                    const Int128 t = so_far[k] + Int128{steps_} * step(l, k, j) + moved;
                    if (so_far[k] >= 0 && (next[j] < 0 || t < next[j])) {
                        next[j] = t;
                        before[l][j] = k;
                    }
                }
            }
            so_far = std::move(next);
        }
        std::size_t last = devices_;
        for (std::size_t j = 0; j < devices_; ++j) {
            const auto end = [&](std::size_t d) {
                return so_far[d] + Int128{steps_} * costs_.finish(d);
            };
            last = so_far[j] >= 0 && (last == devices_ || end(j) < end(last)) ? j : last;
        }
        if (last == devices_) {
            return {};
        }
        LayerAssignment a(layers_);
        for (std::size_t l = layers_; l-- > 0;) {
            a[l] = last;
            last = before[l][last];
        }
        return a;
    }

    /// Returns the assignment of each layer to the device where its migration takes least.
    LayerAssignment previous_assignment(const Problem& problem) const {
        LayerAssignment a;
        for (std::size_t l = 0; problem.previous && l < layers_; ++l) {
            std::size_t least = 0;
            for (std::size_t j = 1; j < devices_; ++j) {
                least = moves_.alone(l, j) < moves_.alone(l, least) ? j : least;
            }
            a.push_back(least);
        }
        return a;
    }

    /// Moves layers away from devices that lack memory, each to the device where it costs least.
    /// Returns whether the result fits.
    bool repair(LayerAssignment& a) {
        std::vector<Bytes> left = left_by(a);
        for (std::size_t l = layers_; l-- > 0;) {
            if (left[a[l]] >= 0) {
                continue;
            }
            const std::size_t from = a[l];
            std::optional<std::size_t> to;
            Int128 least = 0;
            for (std::size_t j = 0; j < devices_; ++j) {
                if (left[j] < bytes(l)) {
                    continue;
                }
                a[l] = j;
                const Int128 t = evaluate(a);
                if (!to || t < least) {
                    to = j;
                    least = t;
                }
            }
            a[l] = to.value_or(from);
            if (to) {
                left[from] += bytes(l);
                left[*to] -= bytes(l);
            }
        }
        return fits(a);
    }

    void descend_from(LayerAssignment a) {
        if (a.empty() || (!fits(a) && !repair(a))) {
            return;
        }
        Int128 now = evaluate(a);
        note(a, now);
        while (evaluations_ < kMostEvaluations && improve(a, now)) {
        }
        note(a, now);
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

    /// Tries once to move every sequence of consecutive layers to every device, and to exchange
    /// every pair of layers. Returns whether anything improved.
    bool improve(LayerAssignment& a, Int128& now) {
        bool better = false;
        const auto try_it = [&](LayerAssignment other) {
            if (other == a || !fits(other)) {
                return;
            }
            const Int128 t = evaluate(other);
            if (t < now) {
                now = t;
                a = std::move(other);
                better = true;
            }
        };
        for (std::size_t first = 0; first < layers_; ++first) {
            for (std::size_t last = first + 1; last <= layers_; ++last) {
                for (std::size_t j = 0; j < devices_ && evaluations_ < kMostEvaluations; ++j) {
                    LayerAssignment other = a;
                    std::fill(
                        other.begin() + static_cast<std::ptrdiff_t>(first),
                        other.begin() + static_cast<std::ptrdiff_t>(last),
                        j
                    );
                    try_it(std::move(other));
                }
            }
        }
        for (std::size_t l = 0; l < layers_; ++l) {
            for (std::size_t k = l + 1; k < layers_ && evaluations_ < kMostEvaluations; ++k) {
                LayerAssignment other = a;
                std::swap(other[l], other[k]);
                try_it(std::move(other));
            }
        }
        return better;
    }

    /// Tabulates the least time from x on j after l layers to the end, memory ignored.
    void find_to_go() {
        to_go_.assign((layers_ + 1) * devices_, kNoPath);
        for (std::size_t j = 0; j < devices_; ++j) {
            to_go_[layers_ * devices_ + j] = costs_.finish(j);
        }
        for (std::size_t l = layers_; l-- > 0;) {
            for (std::size_t j = 0; j < devices_; ++j) {
                for (std::size_t k = 0; k < devices_; ++k) {
                    if (room_[k] >= bytes(l) && to_go_[(l + 1) * devices_ + k] < kNoPath) {
                        Nanoseconds& least = to_go_[l * devices_ + j];
                        least = std::min(least, step(l, j, k) + to_go_[(l + 1) * devices_ + k]);
                    }
                }
            }
        }
    }

    void branch() {
        if (!costs_.has_room_for_ends()) {
            return;
        }
        find_to_go();
        std::vector<Bytes> left = room_;
        LayerAssignment a(layers_);
        visit(0, 0, 0, a, left);
    }

    /// Enumerates the assignments of layers l and later, the ones with the least bounds first.
    void visit(
        std::size_t l,
        std::size_t from,
        Nanoseconds so_far,
        LayerAssignment& a,
        std::vector<Bytes>& left
    ) {
        if (l == layers_) {
            note(a, Int128{moves_.total()} + Int128{steps_} * (so_far + costs_.finish(from)));
            return;
        }
        std::vector<std::pair<Nanoseconds, std::size_t>> order;
        for (std::size_t j = 0; j < devices_; ++j) {
            const Nanoseconds rest = to_go_[(l + 1) * devices_ + j];
            if (left[j] >= bytes(l) && rest < kNoPath) {
                order.emplace_back(so_far + step(l, from, j) + rest, j);
            }
        }
        std::sort(order.begin(), order.end());
        for (const auto& [bound, j] : order) {
            if (nodes_ >= kMostNodes) {
                return;
            }
            ++nodes_;
            moves_.add(l, j);
            const Int128 least = Int128{moves_.total()} + Int128{steps_} * bound;
            if (!best_ || least < least_) {
                left[j] -= bytes(l);
                a[l] = j;
                visit(l + 1, j, so_far + step(l, from, j), a, left);
                left[j] += bytes(l);
            }
            moves_.remove(l, j);
        }
    }

    const LayerCosts& costs_;
    LayerMoves moves_;
    std::int64_t steps_;
    std::size_t layers_;
    std::size_t devices_;
    std::vector<Bytes> room_;
    std::vector<Nanoseconds> to_go_;
    std::optional<LayerAssignment> best_;
    Int128 least_ = 0;
    LayerAssignment previous_;
    std::optional<LayerAssignment> moving_; ///< the best one other than previous_
    Int128 least_moving_ = 0;
    std::int64_t evaluations_ = 0;
    std::int64_t nodes_ = 0;
};

} // namespace

LayerAnswer search_layers(const Problem& problem, const LayerCosts& costs) {
    return LayerSearch(problem, costs).run(problem);
}

} // namespace headroom::scheduler
