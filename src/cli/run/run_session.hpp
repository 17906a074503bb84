// The part of a run that exists once, on rank 0 or in the process of a simulation: policy, trace
// file, summary and console.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/input/run_options.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/run/resume.hpp"
#include "cli/terminal/console.hpp"
#include "runtime/session/session.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// Returns NAME-DATE-TIME-PID.h5, where NAME is the scenario's name, and date and time are local.
/// The process id distinguishes runs that start in the same second.
[[nodiscard]] std::filesystem::path default_trace_path(const config::Scenario& scenario);

/// Returns the path of a trace as JSON, or null if the path is empty.
[[nodiscard]] nlohmann::json trace_json(const std::filesystem::path& trace);

/// Throws InputError if the trace cannot be written: it exists and `force` is not given, or it is a
/// file of another kind, which even --force does not overwrite. An empty path means that no trace
/// is written.
void check_trace_destination(const std::filesystem::path& path, bool force);

/// Owns the policy, the trace file, the summary and the console of a run. References that the
/// constructor gets must outlive the object.
class RunSession {
  public:
    /// Creates the trace file, unless the command says --no-trace. `transport` is the name of the
    /// transport (such as MPI) for the trace. `hosts` has the host of each device, or is empty if
    /// all devices are in this process. `resumption` is null for a new run. Throws InputError if
    /// the trace exists and may not be overwritten, or cannot be written.
    RunSession(
        const RunCommand& command,
        const config::Scenario& scenario,
        std::string_view transport,
        std::vector<std::string> hosts,
        const Resumption* resumption = nullptr
    );
    ~RunSession();
    RunSession(const RunSession&) = delete;
    RunSession& operator=(const RunSession&) = delete;

    /// Sets the members of `options` that only rank 0 (or a simulation) needs: the policy, the
    /// receivers of the trace and of the output, facts for the trace, and where a resumed run
    /// continues.
    void configure(runtime::RunOptions& options);
    /// Whether every operation is recorded. A resumed run keeps the setting of the interrupted run.
    [[nodiscard]] bool trace_ops() const;
    /// Prints the summary, the path of the trace and the reason for an early end. Returns the exit
    /// code.
    int finish(const runtime::RunOutcome& outcome);
    /// Ends the current line of text or progress. To be called before an error message is printed.
    void end_console_line();
    [[nodiscard]] std::string_view policy_name() const { return policy_.policy->name(); }
    [[nodiscard]] trace::Summary summary() const { return summarizer_.summary(); }
    /// Returns the path of the trace; empty with --no-trace.
    [[nodiscard]] const std::filesystem::path& trace_path() const { return trace_path_; }

  private:
    class Tee;

    /// Closes the trace and ends the process while a policy is stuck.
    [[noreturn]] void end_now(ExitCode code, const std::string& why);

    const RunCommand& command_;
    const config::Scenario& scenario_;
    const Resumption* resumption_;
    Terminal terminal_ = Terminal::detect();
    std::filesystem::path trace_path_;
    ChosenPolicy policy_;
    trace::Summarizer summarizer_;
    std::unique_ptr<trace::Sink> file_;
    std::unique_ptr<Tee> sink_;
    Console console_;
    std::map<std::string, std::string> attributes_;
    std::vector<std::string> hosts_;
};

} // namespace headroom::cli
