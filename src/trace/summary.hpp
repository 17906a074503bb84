// The figures that people want of a run, added up row by row: after `run`, and for `inspect`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "trace/records.hpp"

namespace headroom::trace {

struct DeviceSummary {
    std::string name;
    Bytes peak_bytes = 0;    ///< at the interval in which it was largest against the budget
    Bytes budget_bytes = 0;  ///< of that interval
    Bytes used_bytes = 0;    ///< at the end
    std::int64_t blocks = 0; ///< at the end
};

struct SequenceSummary {
    std::int64_t prompt_tokens = 0;
    std::int64_t sampled_tokens = 0;
    Nanoseconds begin = 0;          ///< when it might begin
    Nanoseconds first_token = 0;    ///< end of the step that yielded it
    Nanoseconds last_token = 0;     ///< end of the step that yielded it
    Nanoseconds to_first_token = 0; ///< first_token − begin; a migration before it included
    /// Mean from the first to the last token, migrations included; -1: there is only one.
    Nanoseconds per_output_token = -1;
    std::string prompt; ///< as the text shows it; of a sequence that ended
    std::string text;   ///< prompt and continuation, of a sequence that ended
};

struct Summary {
    std::vector<SequenceSummary> sequences; ///< that have a token, in order
    std::int64_t prompt_tokens = 0;         ///< of these
    std::int64_t sampled_tokens = 0;
    Nanoseconds to_first_token = 0; ///< mean over sequences
    /// Mean over all tokens but each sequence's first, migrations included; -1: there are none.
    Nanoseconds per_output_token = -1;
    /// So many, or less, took 95 of 100 of these tokens, each from the end of the one before.
    Nanoseconds per_output_token_p95 = -1;
    double tokens_per_s = 0; ///< sampled tokens / end: prefill and migrations included
    Nanoseconds end = 0;
    std::int64_t decisions = 0;
    std::int64_t decisions_that_moved = 0;
    std::int64_t decisions_infeasible = 0;
    std::int64_t blocks_moved = 0;
    std::int64_t groups_moved = 0;
    Bytes bytes_migrated = 0; ///< sent
    Bytes bytes_loaded = 0;   ///< read by targets from their own storage
    Nanoseconds time_migrating = 0;
    Bytes bytes_messages = 0; ///< payload over links, without migrations
    /// Σ over intervals of steps · D_inf: what the decisions promised, and what came.
    Nanoseconds predicted_decode = 0;
    Nanoseconds measured_decode = 0;
    Nanoseconds predicted_migration = 0;
    double decision_wall_mean_ms = 0;
    std::int64_t overloads = 0; ///< turns that began with a device over its budget
    Bytes bytes_paged = 0;      ///< read again from storage for that
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
    void add_resources(const Interval& interval);
    void add_tokens(const Interval& interval);
    void add_request(const RequestRow& request);

    Summary sum_;
    std::vector<std::int32_t> block_kinds_;
    double decision_wall_ns_ = 0;
    std::vector<Nanoseconds> gaps_; ///< between two tokens of a sequence
};

} // namespace headroom::trace
