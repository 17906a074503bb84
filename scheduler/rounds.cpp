// Rounds that repeat, walked at a snapshot's rates.
#include "scheduler/rounds.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "scheduler/timeline.hpp"

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

/// What a placement's rounds are walked with.
struct Lowered {
    Lowered(const Problem& of, const Placement& placement, std::int64_t joined)
        : problem(&of), batch(joined),
          programs(lower(*of.blocks, placement, of.source, of.snapshot.size())),
          rates(std::make_shared<SnapshotRates>(of.snapshot)) {
        const std::int64_t visits = (of.in_flight() + batch - 1) / batch;
        const bool one_at_a_time = visits == 1 && of.prompts_spread() == 0;
        stagger = stagger_of(*of.blocks, programs, of.snapshot, of.source, visits, one_at_a_time);
    }
    const Problem* problem;
    std::int64_t batch;
    std::vector<Program> programs;
    std::shared_ptr<const Rates> rates;
    Stagger stagger;
};

/// The source's visits, over and over, from the moment that nothing is under way.
class Rounds {
  public:
    /// `lowered` must outlive it.
    Rounds(const Lowered& lowered, std::vector<Prompt> prompts)
        : lowered_(lowered), problem_(*lowered.problem), prompts_(std::move(prompts)),
          timeline_(*problem_.blocks, problem_.snapshot.size()) {
        timeline_.install(&lowered.programs, lowered.stagger, {problem_.source, {}, false});
        prompts_.resize(static_cast<std::size_t>(problem_.in_flight()));
    }

    /// One more round: when the last turn of the one before is over.
    Nanoseconds walk() {
        Nanoseconds over = 0;
        const std::int64_t all = problem_.in_flight();
        std::size_t group = 0;
        for (std::int64_t first = 0; first < all; first += lowered_.batch, ++group) {
            over = visit(group, batches(first, std::min(all, first + lowered_.batch)));
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
        Batch joined{{}, lowered_.rates};
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
            alone.push_back({{{rows, tokens, prompt.left == 0, number, 0}}, lowered_.rates});
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

    /// The turns before of these slots end, the next ones begin.
    Nanoseconds visit(std::size_t group, std::vector<Batch> batches) {
        Nanoseconds over = 0;
        if (group == running_.size()) {
            running_.emplace_back();
        }
        for (const std::int64_t batch : running_[group]) {
            over = timeline_.end(batch);
        }
        running_[group].clear();
        const std::size_t count = batches.size();
        const std::int64_t number = timeline_.visit(std::move(batches));
        for (std::size_t i = 0; i < count; ++i) {
            running_[group].push_back(number + static_cast<std::int64_t>(i));
        }
        return over;
    }

    const Lowered& lowered_;
    const Problem& problem_;
    std::vector<Prompt> prompts_; ///< left to be taken in, per slot
    Timeline timeline_;
    std::vector<std::vector<std::int64_t>> running_; ///< batches, per group of slots
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

Nanoseconds predict_round(const Problem& problem, const Placement& placement, std::int64_t batch) {
    HEADROOM_CHECK(batch >= 1, "batches of {}", batch);
    const Lowered lowered(problem, placement, batch);
    Rounds rounds(lowered, {});
    return round_of(walk_until_they_repeat(rounds));
}

RoundTimes predict_rounds(const Problem& problem, const Placement& placement, std::int64_t batch) {
    HEADROOM_CHECK(batch >= 1, "batches of {}", batch);
    const Lowered lowered(problem, placement, batch);
    Rounds decoding(lowered, {});
    const std::vector<Nanoseconds> ends = walk_until_they_repeat(decoding);
    RoundTimes times{round_of(ends), 0};
    if (times.round == kNever || problem.prompts_spread() == 0) {
        return times;
    }
    Rounds taking_in(lowered, prompts_of(problem));
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
