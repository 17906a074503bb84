#include "cli/run/replay_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/units.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/terminal/text_table.hpp"
#include "cli/terminal/version.hpp"
#include "scheduler/policies/registry.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/records/codes.hpp"

namespace headroom::cli {

namespace {

struct Counts {
    std::int64_t tokens = 0;
    std::int64_t moves = 0;
    Nanoseconds end = 0;
};

Counts counts_of(const trace::Trace& trace) {
    Counts counts;
    for (const trace::Interval& interval : trace.intervals) {
        counts.tokens += interval.row.tokens;
        counts.moves += interval.row.moves;
        counts.end = std::max(counts.end, interval.row.t_end);
    }
    return counts;
}

/// Says up to where an incomplete trace was compared.
std::string completion_text(const trace::Trace& trace) {
    switch (trace.completion) {
    case trace::Completion::finished:
        return "";
    case trace::Completion::running:
        return ", up to the last committed interval (the run was killed, or runs still)";
    case trace::Completion::interrupted:
        return ", up to the interrupt";
    case trace::Completion::failed:
        return ", up to the interval in which the run failed";
    }
    return "";
}

/// Returns the token and the virtual time of the interval that differs.
std::string where_text(const trace::Trace& trace, std::int64_t intervals) {
    const auto next = static_cast<std::size_t>(intervals);
    if (next >= trace.intervals.size()) {
        return "";
    }
    const trace::IntervalRow& row = trace.intervals[next].row;
    return fmt::format(
        "\n  that is the interval after token {}, decided at {}",
        row.first_token,
        format_duration(row.t_dec)
    );
}

/// Returns the commit of the program that recorded the interval.
std::string recorded_commit(const trace::Trace& trace, std::int64_t interval) {
    std::string commit;
    for (const trace::RunPart& part : trace::run_parts(trace)) {
        if (commit.empty() || static_cast<std::int64_t>(part.intervals.first) <= interval) {
            commit = part.commit.empty() ? "unknown" : part.commit;
        }
    }
    return commit;
}

std::string version_text(const trace::Trace& trace, const runtime::Replay& replay) {
    if (replay.decision_differs && !scheduler::policy_named(replay.policy)) {
        return fmt::format(
            "policy {} answered the same problem differently: it is not a function of its problem "
            "(does it use random numbers, the time, another file, or what it remembers?)",
            replay.policy
        );
    }
    const std::int64_t interval = replay.intervals;
    const std::string recorded = recorded_commit(trace, interval);
    return recorded == HEADROOM_COMMIT
               ? "the same version of headroom wrote it: the trace was changed, or this is a bug"
               : fmt::format(
                     "written by commit {}, replayed by {}: versions may decide differently",
                     recorded,
                     HEADROOM_COMMIT
                 );
}

std::string result_text(const trace::Trace& trace, const runtime::Replay& replay) {
    if (replay.differences.empty() && replay.intervals == 0) {
        return "no interval was committed, there is nothing to compare";
    }
    if (replay.differences.empty()) {
        const Counts counts = counts_of(trace);
        return fmt::format(
            "identical{}: {}, {}, {}, {} of virtual time{}{}",
            replay.as_recorded.count > 0 ? ", with decisions as recorded" : "",
            count_text(replay.intervals, "decision"),
            count_text(counts.moves, "move"),
            count_text(counts.tokens, "token"),
            format_duration(counts.end),
            replay.resumptions > 0
                ? fmt::format(", resumed {}", count_text(replay.resumptions, "time"))
                : "",
            completion_text(trace)
        );
    }
    return fmt::format(
        "differs after {}\n{}",
        count_text(replay.intervals, "identical interval"),
        difference_text(trace, replay)
    );
}

} // namespace

std::string replay_text(const trace::Trace& trace, const runtime::Replay& replay) {
    const std::string as_recorded = as_recorded_text(trace, replay);
    return result_text(trace, replay) + (as_recorded.empty() ? "" : "\n  " + as_recorded);
}

std::string as_recorded_text(const trace::Trace& trace, const runtime::Replay& replay) {
    const runtime::DecisionsAsRecorded& taken = replay.as_recorded;
    if (taken.count == 0) {
        return "";
    }
    const std::string not_asked =
        replay.policy_version == kNotLoaded
            ? "it is from a file, which only --policy FILE loads"
            : fmt::format(
                  "{} has version {}, which was not asked",
                  scheduler::policy_named(replay.policy) ? "this program" : "the file",
                  replay.policy_version
              );
    return fmt::format(
        "decisions taken as recorded: {} of {}, made by {} {} of policy {} ({}); verified: that "
        "placements fit, and what follows from them (predicted and executed times, migrations, "
        "bytes, memory)",
        taken.count,
        trace.intervals.size(),
        taken.versions.size() == 1 ? "version" : "versions",
        fmt::join(taken.versions, ", "),
        replay.policy,
        not_asked
    );
}

std::string difference_text(const trace::Trace& trace, const runtime::Replay& replay) {
    std::string text = "  where: recorded | derived\n";
    for (const std::string& line : replay.differences) {
        text += fmt::format("  {}\n", line);
    }
    text.pop_back();
    return text + where_text(trace, replay.intervals) + "\n  " + version_text(trace, replay);
}

nlohmann::json replay_json(const trace::Trace& trace, const runtime::Replay& replay) {
    const Counts counts = counts_of(trace);
    nlohmann::json json{
        {"identical", replay.differences.empty()},
        {"intervals", replay.intervals},
        {"intervals_recorded", trace.intervals.size()},
        {"resumptions", replay.resumptions},
        {"tokens", counts.tokens},
        {"moves", counts.moves},
        {"completion", trace::completion_names()[static_cast<std::size_t>(trace.completion)]},
        {"recorded_commit", recorded_commit(trace, replay.intervals)},
        {"policy", replay.policy},
        {"policy_version", replay.policy_version},
        {"decisions_as_recorded", replay.as_recorded.count},
        {"other_policy_versions", replay.as_recorded.versions},
        {"exit_code", replay.differences.empty() ? 0 : 2}};
    if (const std::string note = as_recorded_text(trace, replay); !note.empty()) {
        json["note"] = note;
    }
    if (!replay.differences.empty()) {
        json["differences"] = replay.differences;
        json["error"] = {"the replay differs from the trace"};
    }
    return json;
}

std::string unfinished_note(const trace::Trace& trace) {
    return fmt::format(
        "the recorded run was {}: compared are the {} that it has",
        trace.completion == trace::Completion::running
            ? "killed, or runs still"
            : trace::completion_names()[static_cast<std::size_t>(trace.completion)],
        count_text(counts_of(trace).tokens, "token")
    );
}

} // namespace headroom::cli
