// Rounds that repeat, walked at a snapshot's rates.
#include "scheduler/rounds.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/check.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::scheduler {

namespace {

/// A pipeline that fills takes other times until its rounds repeat; some repeat only over several.
constexpr int kLeast = 4;
constexpr int kMost = 24;
constexpr int kLast = 8;

/// The source's visits, over and over.
class Rounds {
  public:
    Rounds(const Problem& problem, const Placement& placement, std::int64_t batch)
        : problem_(problem), batch_(batch),
          programs_(lower(*problem.blocks, placement, problem.source, problem.snapshot.size())),
          rates_(std::make_shared<SnapshotRates>(problem.snapshot)),
          timeline_(*problem.blocks, problem.snapshot.size()) {
        const std::int64_t visits = (problem.in_flight() + batch - 1) / batch;
        timeline_.install(
            &programs_,
            stagger_of(
                *problem.blocks, programs_, problem.snapshot, problem.source, visits, visits == 1
            ),
            {problem.source, {}, false}
        );
        for (std::int64_t slot = 0; slot < problem.in_flight(); ++slot) {
            works_.push_back({context(slot) - 1, 1, true, static_cast<std::int32_t>(slot), 0});
        }
    }

    /// One more round: when the last turn of the one before is sampled.
    Nanoseconds walk() {
        Nanoseconds sampled = 0;
        for (std::size_t first = 0, group = 0; first < works_.size(); ++group) {
            const std::size_t last =
                std::min(works_.size(), first + static_cast<std::size_t>(batch_));
            sampled = visit(group, {works_.data() + first, works_.data() + last});
            first = last;
        }
        return sampled;
    }

  private:
    [[nodiscard]] std::int64_t context(std::int64_t slot) const {
        return problem_.sequences.empty()
                   ? problem_.horizon()
                   : problem_.sequences[static_cast<std::size_t>(slot)].context + problem_.interval;
    }

    /// The turn before of these slots ends, the next one begins.
    Nanoseconds visit(std::size_t group, std::vector<TurnWork> turns) {
        Nanoseconds sampled = 0;
        if (group < running_.size()) {
            sampled = timeline_.end(running_[group]);
        } else {
            running_.push_back(-1);
        }
        running_[group] = timeline_.visit({Batch{std::move(turns), rates_}});
        return sampled;
    }

    const Problem& problem_;
    std::int64_t batch_;
    std::vector<Program> programs_;
    std::shared_ptr<const Rates> rates_;
    Timeline timeline_;
    std::vector<TurnWork> works_;
    std::vector<std::int64_t> running_; ///< per group of slots
};

} // namespace

Nanoseconds predict_round(const Problem& problem, const Placement& placement, std::int64_t batch) {
    HEADROOM_CHECK(batch >= 1, "batches of {}", batch);
    Rounds rounds(problem, placement, batch);
    std::vector<Nanoseconds> ends;
    for (int round = 0; round <= kMost; ++round) {
        ends.push_back(rounds.walk());
        if (ends.back() == kNever) {
            return kNever;
        }
        if (round > kLeast) {
            const Nanoseconds last = ends.end()[-1] - ends.end()[-2];
            const Nanoseconds before = ends.end()[-2] - ends.end()[-3];
            if (std::abs(last - before) <= last / 1000) {
                return (last + before) / 2;
            }
        }
    }
    return (ends.end()[-1] - ends.end()[-1 - kLast]) / kLast;
}

} // namespace headroom::scheduler
