#include "scheduler/search/throughput_search.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "scheduler/construct/pipelines.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/round_cost.hpp"
#include "scheduler/cost/round_estimates.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/cost_model.hpp"
#include "scheduler/search/device_subset.hpp"
#include "scheduler/search/local_search.hpp"
#include "scheduler/search/settings.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kTooMany = 64; // no descents if memory needs a larger subset
/// The limit on blocks × sequences of predictions for optional candidates.
constexpr std::int64_t kMostWalkedSteps = 20'000;
/// A candidate is not predicted if this factor times its estimate is above the best prediction. In
/// problems with at most kLittleWalked blocks × sequences, mandatory candidates are always
/// predicted.
constexpr double kTrust = 0.94;
constexpr std::int64_t kLittleWalked = 5'000;

struct RoundStart {
    Placement placement; ///< for the subset of devices
    std::int64_t batch = 1;
    Int128 objective = 0;
};

bool is_better(const RoundStart& a, const RoundStart& b) {
    return std::tie(a.objective, a.batch) < std::tie(b.objective, b.batch);
}

/// The device subset, with a model of rounds for each batch size.
class Models {
  public:
    explicit Models(const Problem& problem)
        : small_(focus(problem, kMaxSearchedDevices)), batches_(batches_of(problem)),
          guesses_(small_.problem, batches_) {}

    [[nodiscard]] const Focus& small() const { return small_; }
    [[nodiscard]] std::span<RoundModel> all() { return guesses_.models(); }
    [[nodiscard]] std::vector<RoundEstimate> guess(
        const Problem& problem, const Placement& placement
    ) {
        const std::optional<Placement> narrow = small_.narrow(placement);
        return narrow ? guesses_.of(*narrow) : guess_rounds(problem, placement, batches_);
    }

  private:
    Focus small_;
    std::vector<std::int64_t> batches_;
    RoundEstimates guesses_;
};

/// Descends from the most promising candidates.
class Descents {
  public:
    Descents(const Problem& problem, Models& models, const SearchObserver* observer)
        : small_(models.small()), models_(models.all()), observer_(observer),
          settings_(round_settings(problem, small_.devices.size())) {}

    void add(const Placement& placement) {
        const std::optional<Placement> narrow = small_.narrow(placement);
        if (!narrow || small_.devices.size() > kTooMany) {
            return;
        }
        const Incumbent incumbent(small_.problem, models_.front().step(), *narrow);
        std::optional<RoundStart> best;
        for (RoundModel& model : models_) {
            RoundCosts costs(small_.problem, model, settings_.simulated_steps);
            const Score score = costs.score(Incumbent(incumbent, model.step()), nullptr);
            work_ += costs.take_work();
            RoundStart start{*narrow, model.batch(), score.objective};
            if (!best || is_better(start, *best)) {
                best = std::move(start);
            }
        }
        starts_.push_back(std::move(*best));
    }

    [[nodiscard]] std::vector<Placement> run() {
        std::stable_sort(starts_.begin(), starts_.end(), is_better);
        std::vector<RoundStart> found;
        for (std::size_t i = 0; i < std::min(starts_.size(), settings_.descents); ++i) {
            RoundCosts costs(small_.problem, model_of(starts_[i].batch), settings_.simulated_steps);
            LocalSearch search(small_.problem, costs, settings_.descent, observer_);
            search.descend_from(starts_[i].placement);
            work_ += search.evaluations();
            if (search.best()) {
                found.push_back(
                    {search.best()->placement, starts_[i].batch, search.best()->objective}
                );
            }
        }
        std::stable_sort(found.begin(), found.end(), is_better);
        std::vector<Placement> placements;
        for (const RoundStart& end : found) {
            placements.push_back(small_.widen(end.placement));
        }
        return placements;
    }

    [[nodiscard]] std::int64_t work() const { return work_; }

  private:
    [[nodiscard]] RoundModel& model_of(std::int64_t batch) {
        return *std::ranges::find(models_, batch, &RoundModel::batch);
    }

    const Focus& small_;
    std::span<RoundModel> models_;
    const SearchObserver* observer_;
    std::vector<RoundStart> starts_;
    RoundSettings settings_;
    std::int64_t work_ = 0;
};

struct Candidate {
    Placement placement;
    std::vector<RoundEstimate> guesses; ///< of its rounds
    double guess = 0;                   ///< of its objective, ns
};

struct Offer {
    Decision decision;
    double value = 0;  ///< the objective
    double steady = 0; ///< the objective without pending prompts
};

/// Chooses among candidates. Of equal objectives it prefers the smaller batch, then the previous
/// placement, then the better estimate. Pending prompts count, but a candidate that is worse than
/// the ring without them is never chosen.
class BestRound {
  public:
    BestRound(const Problem& problem, Models& models) : problem_(problem), models_(models) {}

    /// Adds a candidate unless it has been added before.
    void add(const Placement& placement) {
        if (find(placement) != candidates_.end()) {
            return;
        }
        std::vector<RoundEstimate> guesses = models_.guess(problem_, placement);
        const double rounds = static_cast<double>(problem_.steps()) * guesses.front().round;
        const auto migration = static_cast<double>(predict_migration(problem_, placement));
        candidates_.push_back({placement, std::move(guesses), migration + rounds});
    }
    [[nodiscard]] std::vector<Placement> placements() const {
        std::vector<Placement> all;
        for (const Candidate& candidate : candidates_) {
            all.push_back(candidate.placement);
        }
        return all;
    }

    /// Predicts the first `mandatory` candidates, and of the others those with the best estimates,
    /// at least one, up to the limit of work. In large problems, candidates with much worse
    /// estimates are left out, in very large ones all but the one with the best estimate.
    Decision decide(std::size_t mandatory, const Placement* ring) {
        std::vector<std::size_t> order(candidates_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, {}, [&](std::size_t a) { return candidates_[a].guess; });
        const auto walk = static_cast<std::int64_t>(problem_.blocks->size()) * problem_.in_flight();
        std::int64_t left = std::max<std::int64_t>(1, kMostWalkedSteps / walk);
        for (const std::size_t i : order) {
            if (predicts_one_batch(problem_) && !offers_.empty()) {
                break;
            }
            const bool is_mandatory = i < mandatory;
            const bool is_promising = candidates_[i].guess * kTrust <= least_ * kNsPerSecond ||
                                      (is_mandatory && walk <= kLittleWalked);
            if (is_promising && (is_mandatory || left > 0)) {
                left -= is_mandatory ? 0 : 1;
                offer(candidates_[i]);
            }
        }
        return choose(ring);
    }
    /// Returns the prediction of a candidate that was added, and makes it if necessary.
    [[nodiscard]] Decision decision_of(const Placement& placement) const {
        for (const Offer& offer : offers_) {
            if (offer.decision.placement == placement) {
                return offer.decision;
            }
        }
        const auto found = find(placement);
        HEADROOM_CHECK(found != candidates_.end(), "a placement that was not added");
        return evaluated(*found);
    }

  private:
    [[nodiscard]] std::vector<Candidate>::const_iterator find(const Placement& placement) const {
        return std::ranges::find(candidates_, placement, &Candidate::placement);
    }

    [[nodiscard]] Decision evaluated(const Candidate& candidate) const {
        return evaluate_batched(problem_, candidate.placement, &candidate.guesses);
    }
    void offer(const Candidate& candidate) {
        Offer offer;
        offer.decision = evaluated(candidate);
        offer.value = objective(problem_, offer.decision);
        Decision steady = offer.decision;
        steady.prompts = 0;
        offer.steady = objective(problem_, steady);
        least_ = std::min(least_, offer.steady);
        offers_.push_back(std::move(offer));
    }
    [[nodiscard]] Decision choose(const Placement* ring) const {
        double limit = std::numeric_limits<double>::infinity();
        for (const Offer& offer : offers_) {
            limit = ring != nullptr && offer.decision.placement == *ring ? offer.steady : limit;
        }
        const Offer* best = nullptr;
        for (const Offer& offer : offers_) {
            const bool better =
                best == nullptr || offer.value < best->value ||
                (offer.value == best->value && ahead(offer.decision, best->decision));
            if (offer.steady <= limit && better) {
                best = &offer;
            }
        }
        return best->decision;
    }
    [[nodiscard]] bool ahead(const Decision& a, const Decision& b) const {
        if (a.batch != b.batch) {
            return a.batch < b.batch;
        }
        return problem_.previous && a.placement == *problem_.previous;
    }

    const Problem& problem_;
    Models& models_;
    std::vector<Candidate> candidates_;
    std::vector<Offer> offers_;
    double least_ = std::numeric_limits<double>::infinity(); ///< least objective without prompts
};

} // namespace

Problem one_step(const Problem& problem) {
    Problem one = problem;
    one.aim = Aim::latency;
    one.caches = {problem.memory_rows(), problem.moved_rows()};
    one.sequences = {{one.caches->held.all - problem.interval, problem.rows}};
    return one;
}

RoundDecision decide_for_throughput(
    const Problem& problem, const Decision& latency, bool keeps, const SearchObserver* observer
) {
    Models models(problem);
    BestRound best(problem, models);
    if (latency.feasible) {
        best.add(latency.placement);
    }
    if (keeps) {
        best.add(*problem.previous);
    }
    const Pipelines pipelines = pipelines_of(problem);
    if (!pipelines.layers.empty()) {
        best.add(pipelines.layers.front()); // the placement of policy ring, if it fits
    }
    std::vector<Placement> starts = best.placements();
    const std::size_t mandatory = starts.size();
    if (mandatory == 0) {
        return {latency, std::nullopt};
    }
    starts.insert(starts.end(), pipelines.layers.begin(), pipelines.layers.end());
    starts.insert(starts.end(), pipelines.blocks.begin(), pipelines.blocks.end());
    Descents descents(problem, models, observer);
    for (const Placement& placement : starts) {
        descents.add(placement);
    }
    for (const Placement& placement : descents.run()) {
        best.add(placement);
    }
    for (const Placement& placement : starts) {
        best.add(placement);
    }
    const Placement* const ring = pipelines.layers.empty() ? nullptr : pipelines.layers.data();
    RoundDecision decided{best.decide(mandatory, ring), std::nullopt};
    decided.decision.evaluations = latency.evaluations + descents.work();
    if (keeps && decided.decision.placement != *problem.previous) {
        decided.given_up = best.decision_of(*problem.previous);
    }
    return decided;
}

} // namespace headroom::scheduler
