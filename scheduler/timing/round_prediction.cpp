// Rounds that repeat, walked at a snapshot's rates.
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

/// A pipeline that fills takes other times until its rounds repeat; some repeat only over several.
constexpr int kLeast = 4;
constexpr int kMost = 24;
constexpr int kLast = 8;
constexpr std::int64_t kMostChunks = 8;

/// A sequence's prompt as it is walked.
struct Prompt {
    std::int64_t left = 0;
    std::int64_t chunk = 0;
};

std::vector<Prompt> prompts_of(const Problem& problem) {
    std::vector<Prompt> prompts;
    for (const InFlight& sequence : problem.sequences) {
        const std::int64_t left = sequence.prompt.left;
        const std::int64_t least = (left + kMostChunks - 1) / kMostChunks;
        prompts.push_back(
            {left, problem.prefill_chunk > 0 ? std::max(problem.prefill_chunk, least) : left}
        );
    }
    return prompts;
}

/// The source's visits, over and over, from the moment that nothing is under way.
class Rounds {
  public:
    /// Both must outlive it.
    Rounds(
        const Problem& problem,
        const RoundPlan& plan,
        std::int64_t batch,
        std::vector<Prompt> prompts
    )
        : problem_(problem), batch_(batch), prompts_(std::move(prompts)),
          walk_(plan, (problem.in_flight() + batch - 1) / batch) {
        prompts_.resize(static_cast<std::size_t>(problem_.in_flight()));
    }

    /// One more round: when the last turn of the one before is over.
    Nanoseconds walk() {
        stop_if_asked(problem_.stop);
        Nanoseconds over = 0;
        const std::int64_t all = problem_.in_flight();
        for (std::int64_t first = 0; first < all; first += batch_) {
            over = walk_.visit(batches(first, std::min(all, first + batch_)));
        }
        return over;
    }

    [[nodiscard]] bool has_prompts() const {
        return std::any_of(prompts_.begin(), prompts_.end(), [](const Prompt& prompt) {
            return prompt.left > 0;
        });
    }

  private:
    /// As the source begins them: those that decode, joined, then prompts one by one.
    std::vector<Batch> batches(std::int64_t first, std::int64_t last) {
        Batch joined;
        std::vector<Batch> alone;
        for (std::int64_t slot = first; slot < last; ++slot) {
            const auto number = static_cast<std::int32_t>(slot);
            Prompt& prompt = prompts_[static_cast<std::size_t>(slot)];
            if (prompt.left == 0) {
                joined.turns.push_back({context(slot) - 1, 1, true, number, 0});
                continue;
            }
            const PromptAhead& whole = problem_.sequences[static_cast<std::size_t>(slot)].prompt;
            const std::int64_t rows = whole.rows + whole.left - prompt.left;
            const std::int64_t tokens = std::min(prompt.left, prompt.chunk);
            prompt.left -= tokens;
            alone.push_back({{{rows, tokens, prompt.left == 0, number, 0}}, nullptr});
        }
        if (!joined.turns.empty()) {
            alone.insert(alone.begin(), std::move(joined));
        }
        return alone;
    }

    /// A decoding sequence's context stays as it is.
    [[nodiscard]] std::int64_t context(std::int64_t slot) const {
        return problem_.sequences.empty()
                   ? problem_.horizon()
                   : problem_.sequences[static_cast<std::size_t>(slot)].context + problem_.interval;
    }

    const Problem& problem_;
    std::int64_t batch_;
    std::vector<Prompt> prompts_; ///< left to be taken in, per slot
    RoundWalk walk_;
};

/// Do the last two rounds take the same time?
bool repeat(const std::vector<Nanoseconds>& ends) {
    const Nanoseconds last = ends.end()[-1] - ends.end()[-2];
    const Nanoseconds before = ends.end()[-2] - ends.end()[-3];
    return std::abs(last - before) <= last / 1000;
}

/// When each round was over, until rounds repeat or enough are walked. The last is kNever if it
/// never is.
std::vector<Nanoseconds> walk_until_they_repeat(Rounds& rounds) {
    std::vector<Nanoseconds> ends;
    for (int round = 0; round <= kMost; ++round) {
        ends.push_back(rounds.walk());
        if (ends.back() == kNever || (round > kLeast && repeat(ends))) {
            break;
        }
    }
    return ends;
}

Nanoseconds round_of(const std::vector<Nanoseconds>& ends) {
    if (ends.back() == kNever) {
        return kNever;
    }
    return repeat(ends) ? (ends.end()[-1] - ends.end()[-3]) / 2
                        : (ends.end()[-1] - ends.end()[-1 - kLast]) / kLast;
}

} // namespace

RoundTimes predict_rounds(const Problem& problem, const Placement& placement, std::int64_t batch) {
    HEADROOM_CHECK(batch >= 1, "batches of {}", batch);
    const RoundPlan plan =
        plan_rounds(*problem.blocks, placement, problem.snapshot, problem.source);
    Rounds decoding(problem, plan, batch, {});
    const std::vector<Nanoseconds> ends = walk_until_they_repeat(decoding);
    RoundTimes times{round_of(ends), 0};
    if (times.round == kNever || problem.prompts_spread() == 0) {
        return times;
    }
    Rounds taking_in(problem, plan, batch, prompts_of(problem));
    std::size_t count = 0;
    for (; taking_in.has_prompts(); ++count) {
        (void)taking_in.walk();
    }
    const Nanoseconds with = taking_in.walk();
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
