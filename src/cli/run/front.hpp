// What a run shows and keeps, on rank 0 or without ranks: policy, trace file, summary, console.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/input/command_line.hpp"
#include "cli/run/resume.hpp"
#include "cli/terminal/console.hpp"
#include "runtime/session/session.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// NAME-DATE-TIME-PROCESS.h5: the process id keeps two runs of one second apart.
[[nodiscard]] std::filesystem::path default_trace_path(const config::Scenario& scenario);

/// Throws InputError: --force replaces traces, never a scenario or a model that was named by
/// mistake.
void check_overwrites_a_trace(const std::filesystem::path& path);

/// What rank 0 has besides a device: policy, trace file, summary, console.
class Front {
  public:
    /// Creates the trace file. Throws InputError if it exists already or cannot be written.
    /// hosts: per device, or empty if all are in this process.
    /// resumption: of a run that goes on; must outlive it.
    Front(
        const RunCommand& command,
        const config::Scenario& scenario,
        Terminal terminal,
        std::string_view transport,
        std::vector<std::string> hosts,
        const Resumption* resumption = nullptr
    );
    ~Front();
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    void put_into(runtime::RunOptions& options);
    /// Whether every operation is recorded: as told, or as the run that goes on did.
    [[nodiscard]] bool trace_ops() const;
    /// Prints summary and where the trace is, or the reason for the end. Returns the exit code.
    int finish(const runtime::RunOutcome& outcome);
    /// Before the message of an error: text or progress may stand on the line.
    void leave_line();
    [[nodiscard]] trace::Summary summary() const { return summarizer_.summary(); }
    [[nodiscard]] const std::filesystem::path& trace_path() const { return trace_path_; }

  private:
    class Tee;
    const RunCommand& command_;
    void tell_what_was_before();

    const config::Scenario& scenario_;
    const Resumption* resumption_;
    Terminal terminal_;
    std::filesystem::path trace_path_;
    std::unique_ptr<scheduler::Policy> policy_;
    trace::Summarizer summarizer_;
    std::unique_ptr<trace::Sink> file_;
    std::unique_ptr<Tee> sink_;
    Console console_;
    std::map<std::string, std::string> attributes_;
    std::vector<std::string> hosts_;
};

} // namespace headroom::cli
