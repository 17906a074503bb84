// The figures that people want of a run, added up row by row: after `run`, and for `inspect`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "trace/analysis/request_figures.hpp"
#include "trace/records/records.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

struct DeviceSummary {
    std::string name;
    Bytes peak_bytes = 0;    ///< the most that it held at any time
    Bytes budget_bytes = 0;  ///< at the last decision
    Bytes fullest_bytes = 0; ///< the most of the interval in which that was most of the budget
    Bytes fullest_budget_bytes = 0; ///< of that interval
    Bytes used_bytes = 0;           ///< at the end
    std::int64_t blocks = 0;        ///< at the end
    Nanoseconds busy = 0;           ///< spent on operations, at most Summary::span
    double utilisation = 0;         ///< busy / Summary::span; 0 for a span of 0

    /// The largest peak/budget of one interval; -1: it held something while its budget was 0.
    [[nodiscard]] double fullness() const;
    /// Whether the other was fuller at its fullest. Budgets may be 0.
    [[nodiscard]] bool is_less_full_than(const DeviceSummary& other) const;
};

struct SequenceSummary {
    std::int64_t number = 0; ///< of its request
    std::int32_t slot = -1;  ///< -1: not known
    bool ended = false;
    std::int64_t prompt_tokens = 0;
    std::int64_t sampled_tokens = 0;
    /// Of its prompt. A trace tells it when the sequence has ended; until then it is `begin`.
    Nanoseconds arrival = 0;
    Nanoseconds begin = 0;           ///< when it was given a slot
    Nanoseconds first_token = 0;     ///< end of the step that yielded it
    Nanoseconds last_token = 0;      ///< end of the step that yielded it
    Nanoseconds to_first_token = -1; ///< first_token − arrival; -1: there is none
    /// Mean from the first to the last token, migrations included; -1: there is only one.
    Nanoseconds per_output_token = -1;
    std::string prompt; ///< as the text shows it; of a sequence that ended
    std::string text;   ///< prompt and continuation, of a sequence that ended

    [[nodiscard]] Nanoseconds waited() const { return begin - arrival; } ///< for a slot
};

struct Summary {
    std::vector<SequenceSummary> sequences; ///< that have a token, in order
    std::int64_t prompt_tokens = 0;         ///< of these
    std::int64_t sampled_tokens = 0;
    /// Mean over sequences that have ended, or, if none has, over those that have begun.
    Nanoseconds to_first_token = 0;
    Nanoseconds to_first_token_p50 = -1; ///< of the same sequences; -1: there are none
    Nanoseconds to_first_token_p95 = -1;
    /// Mean over all tokens but each sequence's first, migrations included; -1: there are none.
    Nanoseconds per_output_token = -1;
    /// So much, or less, took 50 of 100 of these tokens, each from the end of the one before.
    Nanoseconds per_output_token_p50 = -1;
    Nanoseconds per_output_token_p95 = -1;
    double tokens_per_s = 0; ///< of all sequences: sampled / span, prefill and migrations included
    Nanoseconds end = 0;
    Nanoseconds span = 0;            ///< from the first arrival to the last token
    std::int64_t most_in_flight = 0; ///< sequences at one time
    double mean_in_flight = 0;       ///< over the span
    std::int64_t smallest_batch = 1; ///< turns joined into one operation, over decisions
    std::int64_t largest_batch = 1;
    MemoryWaits memory_waits;
    std::int64_t decisions = 0;
    std::int64_t decisions_that_moved = 0;
    std::int64_t decisions_infeasible = 0;
    std::int64_t blocks_moved = 0;
    std::int64_t groups_moved = 0;
    Bytes bytes_migrated = 0; ///< sent
    Bytes bytes_loaded = 0;   ///< read by targets from their own storage
    Nanoseconds time_migrating = 0;
    Bytes bytes_messages = 0; ///< payload over links, without migrations
    /// What the decisions promised and what came, summed over all tokens but first ones: D_inf and
    /// the step's time; in intervals with several sequences in flight the time of a round, and the
    /// time since the sequence's token before, migrations left out.
    Nanoseconds predicted_decode = 0;
    Nanoseconds measured_decode = 0;
    Nanoseconds predicted_migration = 0;
    double decision_wall_mean_ms = 0;
    std::int64_t resumptions = 0; ///< of a run that was broken off
    std::int64_t overloads = 0;   ///< turns that began with a device over its budget
    Bytes bytes_paged = 0;        ///< read again from storage for that
    std::vector<DeviceSummary> devices;
    /// Prompts and continuations of sequences that ended, a blank line between two.
    std::string text;
};

/// A sink that only adds up.
class Summarizer final : public Sink {
  public:
    void begin(const RunHeader& header) override;
    void commit(const Interval& interval) override;
    void end(Completion) override {}
    [[nodiscard]] Summary summary() const;

  private:
    SequenceSummary& sequence(const IntervalRow& row, std::int32_t number, Nanoseconds seen);
    void add_resources(const Interval& interval);
    void add_turns(const Interval& interval);
    void add_tokens(const Interval& interval);
    void add_step(const IntervalRow& row, const TokenRow& token, Nanoseconds before);
    void add_request(const IntervalRow& row, const RequestRow& request);

    Summary sum_; ///< what needs no second look
    std::map<std::int32_t, SequenceSummary> sequences_;
    std::vector<std::int32_t> block_kinds_;
    double decision_wall_ns_ = 0;
    std::vector<Nanoseconds> gaps_;  ///< between two tokens of a sequence
    std::vector<Nanoseconds> waits_; ///< when a request was found to wait for memory
};

/// Of a whole trace. Throws InputError if a row names a device that there is not.
[[nodiscard]] Summary summary_of(const Trace& trace);

} // namespace headroom::trace
