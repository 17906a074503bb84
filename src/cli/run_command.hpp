// `headroom run`: from the command line to devices at work, over either transport.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/console.hpp"
#include "cli/resume.hpp"
#include "comm/transport.hpp"
#include "runtime/session.hpp"
#include "trace/summary.hpp"

namespace headroom::cli {

/// `arguments`: the command line without the program's name, to start ourselves again under mpirun.
[[nodiscard]] int run_command(const RunCommand& command, std::vector<std::string> arguments);

/// One rank of a job that mpirun or srun started.
[[nodiscard]] int run_as_rank(const RunCommand& command);

// Shared by both.

/// Throws InputError if it has no weights.
[[nodiscard]] config::Scenario scenario_of(const RunCommand& command, bool model_must_exist);

/// NAME-DATE-TIME-PROCESS.h5: the process id keeps two runs of one second apart.
[[nodiscard]] std::filesystem::path default_trace_path(const config::Scenario& scenario);

struct KernelWish {
    kernels::Level level = kernels::Level::reference;
    bool told = false; ///< by the user, not found on the CPU
};
/// What a run that goes on needs, else --kernels, else HEADROOM_KERNELS, else the best. Throws
/// InputError if this CPU lacks the level.
[[nodiscard]] KernelWish kernels_of(const RunCommand& command, const std::string& needed = "");

/// deadline: of a wait that no emulated time is behind.
[[nodiscard]] comm::Transport::Options transport_options(
    const config::Scenario& scenario, std::chrono::nanoseconds deadline
);

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
