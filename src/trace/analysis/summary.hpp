// Summarizes a run in numbers for users. Takes the rows of one interval at a time, during `run` or
// from a finished trace.
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
    Bytes peak_bytes = 0;   ///< most bytes that the device held at any time
    Bytes budget_bytes = 0; ///< budget at the last decision
    /// Peak of the interval in which the device was fullest, that is, in which peak/budget was
    /// largest.
    Bytes fullest_bytes = 0;
    Bytes fullest_budget_bytes = 0; ///< budget of the same interval
    Bytes used_bytes = 0;           ///< bytes that the device held at the end of the run
    std::int64_t blocks = 0;        ///< blocks that the device held at the end of the run
    Nanoseconds busy = 0;           ///< time spent on operations, at most Summary::span
    double utilisation = 0;         ///< busy / Summary::span; 0 for a span of 0

    /// Returns the largest peak/budget of all intervals. Returns -1 if the device held something
    /// while its budget was 0.
    [[nodiscard]] double fullness() const;
    /// Returns whether `other` has the larger fullness. A device that held something while its
    /// budget was 0 counts as fuller than all others.
    [[nodiscard]] bool is_less_full_than(const DeviceSummary& other) const;
};

struct SequenceSummary {
    std::int64_t number = 0; ///< number of the request
    std::int32_t slot = -1;  ///< -1: not known
    bool ended = false;
    std::int64_t prompt_tokens = 0;
    std::int64_t sampled_tokens = 0;
    /// Arrival of the request. The trace records the arrival only when the sequence ends. Until
    /// then, `arrival` is the same as `begin`.
    Nanoseconds arrival = 0;
    Nanoseconds begin = 0;                ///< when the sequence got its slot
    Nanoseconds first_token = 0;          ///< end of the step that sampled the first token
    Nanoseconds last_token = 0;           ///< end of the step that sampled the last token
    Nanoseconds time_to_first_token = -1; ///< first_token − arrival; -1 without a token
    /// Mean time between tokens, migrations included; -1 with fewer than two tokens.
    Nanoseconds time_per_output_token = -1;
    std::string prompt; ///< prompt as text; empty until the sequence has ended
    std::string text;   ///< prompt and continuation; empty until the sequence has ended

    [[nodiscard]] Nanoseconds queue_time() const { return begin - arrival; }
};

struct Summary {
    std::vector<SequenceSummary> sequences; ///< sequences with turns or tokens, by number
    std::int64_t prompt_tokens = 0;         ///< sum over `sequences`
    std::int64_t sampled_tokens = 0;        ///< sum over `sequences`
    /// Mean over the sequences that have ended; if none has, over all that have a token.
    Nanoseconds time_to_first_token = 0;
    Nanoseconds time_to_first_token_p50 = -1; ///< median over these sequences; -1: no sequences
    /// 95th percentile over these sequences; -1: no sequences
    Nanoseconds time_to_first_token_p95 = -1;
    /// Mean time from a token of a sequence to its next token, migrations included; -1: no sequence
    /// has two tokens.
    Nanoseconds time_per_output_token = -1;
    /// Percentiles of the time from the end of a token to the end of its sequence's next token.
    Nanoseconds time_per_output_token_p50 = -1;
    Nanoseconds time_per_output_token_p95 = -1;
    double tokens_per_s = 0; ///< sampled_tokens / span, so prefill and migrations are included
    Nanoseconds end = 0;     ///< end of the last token
    Nanoseconds span = 0;    ///< time from the first arrival to the last token
    std::int64_t max_in_flight = 0;
    double mean_in_flight = 0;       ///< number of sequences in flight, mean over `span`
    std::int64_t smallest_batch = 1; ///< smallest batch size of all decisions
    std::int64_t largest_batch = 1;  ///< largest batch size of all decisions
    MemoryWaits memory_waits;
    std::int64_t decisions = 0;
    std::int64_t decisions_that_moved = 0; ///< decisions that moved blocks
    std::int64_t decisions_infeasible = 0;
    std::int64_t blocks_moved = 0;
    std::int64_t groups_moved = 0; ///< attention groups among blocks_moved
    Bytes bytes_migrated = 0;      ///< bytes sent by migrations
    Bytes bytes_loaded = 0;        ///< bytes that receivers of blocks read from their own storage
    Nanoseconds time_migrating = 0;
    Bytes bytes_messages = 0; ///< payload over links, without migrations
    /// Sum of predicted times over all tokens except each sequence's first. In intervals with
    /// one sequence in flight, a token's predicted time is D_inf, that of a decode step. With
    /// several sequences it is the time of a round, in which every sequence gains a token.
    Nanoseconds predicted_decode = 0;
    /// Sum of measured times over the same tokens. In intervals with one sequence in flight, a
    /// token's measured time is that of its decode step. With several sequences it is the time
    /// since the sequence's previous token, without migrations.
    Nanoseconds measured_decode = 0;
    Nanoseconds predicted_migration = 0;
    double decision_wall_mean_ms = 0;
    std::int64_t resumptions = 0; ///< times that the run was broken off and resumed
    std::int64_t overloads = 0;   ///< turns that began while a device was over its budget
    Bytes bytes_paged = 0;        ///< bytes read again from storage because of overloads
    std::vector<DeviceSummary> devices;
    /// Prompts and continuations of the sequences that ended, separated by blank lines.
    std::string text;
};

/// A sink that stores no rows and computes a summary.
class Summarizer final : public Sink {
  public:
    void begin(const RunHeader& header) override;
    void commit(const Interval& interval) override;
    void end(Completion) override {}
    [[nodiscard]] Summary summary() const;

  private:
    SequenceSummary& sequence(const IntervalRow& row, std::int32_t number, Nanoseconds first_seen);
    void add_resources(const Interval& interval);
    void add_turns(const Interval& interval);
    void add_tokens(const Interval& interval);
    void add_step(const IntervalRow& row, const TokenRow& token, Nanoseconds previous_end);
    void add_request(const IntervalRow& row, const RequestRow& request);

    Summary sum_; ///< numbers that are plain sums, minima or maxima over rows
    std::map<std::int32_t, SequenceSummary> sequences_;
    std::vector<std::int32_t> block_kinds_;
    double decision_wall_ns_ = 0;
    std::vector<Nanoseconds> token_times_;  ///< times between consecutive tokens of a sequence
    std::vector<Nanoseconds> memory_waits_; ///< times at which a request lacked memory to begin
};

/// Returns the largest fullness() of all devices. Devices for which it is -1 (their budget was 0)
/// do not count. Returns 0 if no other device is left.
[[nodiscard]] double largest_fullness(const Summary& summary);

/// Returns the summary of a whole trace. Throws InputError if /resources names an unknown device.
[[nodiscard]] Summary summary_of(const Trace& trace);

} // namespace headroom::trace
