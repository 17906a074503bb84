// What rank 0 does besides being a device: the periodic controller (snapshot -> policy -> validate)
// and the keeper of the trace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/control.hpp"
#include "runtime/session.hpp"
#include "runtime/setup.hpp"
#include "runtime/text_stream.hpp"
#include "scheduler/problem.hpp"
#include "trace/records.hpp"

namespace headroom::runtime {

class Conductor {
  public:
    Conductor(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks);

    /// The first placement; then the trace begins. Throws InfeasibleError if nothing fits.
    Command first();
    /// All devices have migrated: when they go on.
    Nanoseconds resume_after(const std::vector<std::vector<Arrived>>& arrived);
    /// The interval is over on all devices: commits it, and decides again or finishes.
    Command next(const std::vector<Report>& reports);
    /// A token of the turn before, for people; -1: none.
    void show(std::int32_t id);
    void end(trace::Completion completion);

    [[nodiscard]] int exit_code() const { return exit_code_; }
    [[nodiscard]] Nanoseconds lateness_max() const { return lateness_max_; }
    [[nodiscard]] Nanoseconds elapsed_wall() const { return elapsed_wall_; }

  private:
    void begin();
    [[nodiscard]] const std::vector<std::int32_t>& prompt() const {
        return setup_->prompts[static_cast<std::size_t>(sequence_)];
    }
    [[nodiscard]] std::int64_t prompt_tokens() const {
        return static_cast<std::int64_t>(prompt().size());
    }
    [[nodiscard]] bool sequence_begins() const { return ids_.empty(); }
    [[nodiscard]] scheduler::Problem problem(Nanoseconds t_dec) const;
    Command decide(Nanoseconds t_dec);
    void begin_next_sequence(Nanoseconds at);
    void judge(const scheduler::Problem& problem, const scheduler::Decision& decision) const;
    void note_decision(
        const scheduler::Problem& problem,
        const scheduler::Decision& decision,
        bool moved,
        Nanoseconds decision_wall
    );
    void record(const std::vector<Report>& reports);
    void record_devices(const std::vector<Report>& reports);
    void record_links(const std::vector<Report>& reports);
    void record_tokens(const Report& source);
    void record_details(const std::vector<Report>& reports);
    void record_request(const Report& source);
    [[nodiscard]] trace::RunHeader header() const;

    const RunOptions* options_;
    const Setup* setup_;
    const scheduler::Blocks* blocks_;
    const config::Scenario* scenario_;
    std::optional<scheduler::Placement> placement_;
    std::vector<scheduler::Move> moves_;
    std::int64_t epoch_ = -1;
    std::int64_t sampled_ = 0; ///< in the whole run
    std::int64_t intervals_ = 0;
    std::int64_t sequence_ = 0;
    std::vector<std::int32_t> ids_; ///< sampled in the sequence
    Nanoseconds begin_ = 0;         ///< of the sequence
    Nanoseconds first_token_ = 0;   ///< of the sequence
    TextStream stream_;
    scheduler::Snapshot snapshot_; ///< of the last decision
    trace::Interval interval_;     ///< being filled
    bool begun_ = false;           ///< the trace exists
    int exit_code_ = 0;
    Nanoseconds lateness_max_ = 0;
    Nanoseconds elapsed_wall_ = 0;
};

} // namespace headroom::runtime
