// Simulates rounds until two consecutive rounds take the same time. The first rounds take other
// times, because the pipeline fills. The times of some placements alternate between several values;
// then the last rounds are averaged.
#include "scheduler/timing/round_prediction.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "scheduler/timing/round_plan.hpp"
#include "scheduler/timing/round_simulation.hpp"

namespace headroom::scheduler {

namespace {

constexpr int kMinRounds = 4; ///< rounds that are simulated before rounds are compared
constexpr int kMaxRounds = 24;
constexpr int kAveragedRounds = 8; ///< last rounds that are averaged if rounds do not repeat
constexpr std::int64_t kMaxChunks = 8;

/// The remaining tokens of a prompt, and the tokens of each of its chunks.
struct Prompt {
    std::int64_t left = 0;
    std::int64_t chunk = 0;
};

std::vector<Prompt> prompts_of(const Problem& problem) {
    std::vector<Prompt> prompts;
    for (const InFlight& sequence : problem.sequences) {
        const std::int64_t left = sequence.prompt.remaining;
        const std::int64_t min_chunk = (left + kMaxChunks - 1) / kMaxChunks;
        prompts.push_back(
            {left, problem.prefill_chunk > 0 ? std::max(problem.prefill_chunk, min_chunk) : left}
        );
    }
    return prompts;
}

/// Simulates one round after the other, beginning with nothing under way.
class Rounds {
  public:
    /// Problem and plan must outlive the object.
    Rounds(
        const Problem& problem,
        const RoundPlan& plan,
        std::int64_t batch,
        std::vector<Prompt> prompts
    )
        : problem_(problem), batch_(batch), prompts_(std::move(prompts)),
          simulation_(plan, (problem.in_flight() + batch - 1) / batch) {
        prompts_.resize(static_cast<std::size_t>(problem_.in_flight()));
    }

    /// Simulates one more round. Returns when the last turn of the round before it has ended.
    Nanoseconds simulate_round() {
        throw_if_stopped(problem_.stop);
        Nanoseconds ended_at = 0;
        const std::int64_t all = problem_.in_flight();
        for (std::int64_t first = 0; first < all; first += batch_) {
            ended_at = simulation_.visit(batches(first, std::min(all, first + batch_)));
        }
        return ended_at;
    }

    [[nodiscard]] bool has_prompts() const {
        return std::ranges::any_of(prompts_, [](const Prompt& prompt) { return prompt.left > 0; });
    }

  private:
    /// Returns the batches of the slots [first, last): all decode turns in one batch, then one
    /// batch for each prompt.
    std::vector<Batch> batches(std::int64_t first, std::int64_t last) {
        Batch decoding;
        std::vector<Batch> all;
        for (std::int64_t slot = first; slot < last; ++slot) {
            const auto number = static_cast<std::int32_t>(slot);
            Prompt& prompt = prompts_[static_cast<std::size_t>(slot)];
            if (prompt.left == 0) {
                decoding.turns.push_back({context(slot) - 1, 1, true, number, 0});
                continue;
            }
            const PendingPrompt& whole = problem_.sequences[static_cast<std::size_t>(slot)].prompt;
            const std::int64_t rows = whole.rows + whole.remaining - prompt.left;
            const std::int64_t tokens = std::min(prompt.left, prompt.chunk);
            prompt.left -= tokens;
            all.push_back({{{rows, tokens, prompt.left == 0, number, 0}}, nullptr});
        }
        if (!decoding.turns.empty()) {
            all.insert(all.begin(), std::move(decoding));
        }
        return all;
    }

    /// Returns the context of a decode turn, which is the same in all rounds.
    [[nodiscard]] std::int64_t context(std::int64_t slot) const {
        return problem_.sequences.empty()
                   ? problem_.horizon()
                   : problem_.sequences[static_cast<std::size_t>(slot)].context + problem_.interval;
    }

    const Problem& problem_;
    std::int64_t batch_;
    std::vector<Prompt> prompts_; ///< [slot]
    RoundSimulator simulation_;
};

/// Returns whether the last two rounds take the same time.
bool has_repeated(const std::vector<Nanoseconds>& ends) {
    const Nanoseconds last = ends.end()[-1] - ends.end()[-2];
    const Nanoseconds before = ends.end()[-2] - ends.end()[-3];
    return std::abs(last - before) <= last / 1000;
}

/// Returns the end of each round. It stops at a round that repeats the one before it or never ends
/// (kNever), or at the largest number of rounds.
std::vector<Nanoseconds> simulate_until_repeated(Rounds& rounds) {
    std::vector<Nanoseconds> ends;
    for (int round = 0; round <= kMaxRounds; ++round) {
        ends.push_back(rounds.simulate_round());
        if (ends.back() == kNever || (round > kMinRounds && has_repeated(ends))) {
            break;
        }
    }
    return ends;
}

Nanoseconds round_of(const std::vector<Nanoseconds>& ends) {
    if (ends.back() == kNever) {
        return kNever;
    }
    return has_repeated(ends)
               ? (ends.end()[-1] - ends.end()[-3]) / 2
               : (ends.end()[-1] - ends.end()[-1 - kAveragedRounds]) / kAveragedRounds;
}

} // namespace

RoundTimes predict_rounds(const Problem& problem, const Placement& placement, std::int64_t batch) {
    HEADROOM_CHECK(batch >= 1, "batches of {}", batch);
    const RoundPlan plan =
        plan_rounds(*problem.blocks, placement, problem.snapshot, problem.source);
    Rounds decoding(problem, plan, batch, {});
    const std::vector<Nanoseconds> ends = simulate_until_repeated(decoding);
    RoundTimes times{round_of(ends), 0};
    if (times.round == kNever || problem.prompt_spread_rounds() == 0) {
        return times;
    }
    Rounds prefilling(problem, plan, batch, prompts_of(problem));
    std::size_t count = 0;
    for (; prefilling.has_prompts(); ++count) {
        (void)prefilling.simulate_round();
    }
    const Nanoseconds with = prefilling.simulate_round();
    if (with == kNever) {
        return {kNever, kNever};
    }
    const std::size_t walked = std::min(count, ends.size() - 1);
    const Nanoseconds without =
        ends[walked] + static_cast<Nanoseconds>(count - walked) * times.round;
    times.prompts = std::max<Nanoseconds>(0, with - without);
    return times;
}

} // namespace headroom::scheduler
