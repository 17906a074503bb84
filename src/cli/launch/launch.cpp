#include "cli/launch/launch.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/job_end.hpp"
#include "cli/launch/lost_rank.hpp"
#include "cli/launch/pipe_forwarder.hpp"
#include "cli/launch/process_status.hpp"
#include "cli/launch/start_watch.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"
#include "cli/terminal/streams.hpp"
#include "kernels/kernels.hpp"

namespace headroom::cli {

namespace {

constexpr auto kPause = std::chrono::milliseconds(20);

std::string own_path() {
    std::error_code unknown;
    const std::filesystem::path path = std::filesystem::read_symlink(kSelf, unknown);
    return unknown ? "headroom" : path.string();
}

bool is_on_path(const std::string& program) {
    const char* const path = std::getenv("PATH");
    std::string folders = path == nullptr ? "" : path;
    for (std::size_t begin = 0; begin <= folders.size();) {
        const std::size_t end = std::min(folders.find(':', begin), folders.size());
        const std::string candidate = folders.substr(begin, end - begin) + "/" + program;
        if (access(candidate.c_str(), X_OK) == 0) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

/// Allows more ranks than cores, and running as root, as in containers. Open MPI 4 reads the OMPI_
/// variables; PRRTE, the launcher of Open MPI 5, reads the PRTE_ ones.
void set_environment() {
    if (std::getenv("PMIX_RANK") != nullptr) { // inherited from a shell that srun started
        clear_rank_environment();
        setenv("SLURM_OVERLAP", "1", 0); // mpirun's daemons share the CPUs that the shell holds
    }
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 0);
    setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 0);
    setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 0);
    setenv("PRTE_MCA_hwloc_default_binding_policy", "none", 0);
    if (geteuid() == 0) {
        for (const char* const name : {"OMPI_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT"}) {
            setenv(name, "1", 0);
            setenv((name + std::string("_CONFIRM")).c_str(), "1", 0);
        }
    }
    setenv("OMPI_MCA_opal_signal", "", 0); // no backtraces from killed ranks
    setenv(kStartedByHeadroom, "1", 1);
    Terminal::detect().export_to_children(); // ranks cannot see the terminal of the user
}

[[noreturn]] void become_mpirun(
    std::vector<std::string> words, const PipeForwarder& forwarder, int input, pid_t launcher
) {
    forwarder.redirect_streams();
    prepare_child(launcher);
    (void)std::signal(SIGXFSZ, SIG_DFL); // it must end mpirun, which would otherwise wait for ever
    (void)dup2(input, STDIN_FILENO);
    execvp(words.front().c_str(), pointers_to(words).data());
    _exit(127);
}

void send_interrupt(pid_t child) {
    const int gentle = interrupted() == 143 ? SIGUSR2 : SIGUSR1;
    const int times = interrupt_count();
    (void)kill(child, times == 1 ? gentle : times == 2 ? SIGTERM : SIGKILL);
}

void acknowledge_interrupt(bool no_trace) {
    say(stderr,
        "\nheadroom: {}\n",
        no_trace ? "ending the run (once more: end it at once)"
                 : "closing the trace (once more: end without closing it)");
    std::fflush(stderr);
}

/// Forwards the user's signals to the ranks. After the first interrupt it asks the ranks repeatedly
/// to close the trace, because mpirun drops signals until its ranks are running. The second
/// interrupt ends the job; the third kills it.
class InterruptForwarder {
  public:
    /// Returns whether the job must be ended because its ranks have not started. To be called every
    /// few milliseconds.
    [[nodiscard]] bool forward(pid_t child, StartStage stage, bool no_trace) {
        constexpr auto kReminder = std::chrono::milliseconds(300);
        constexpr auto kStartUp = std::chrono::milliseconds(1500);
        if (interrupted() == 0) {
            return false;
        }
        const Clock::time_point now = Clock::now();
        if (!since_) {
            since_ = now;
            acknowledge_interrupt(no_trace);
        }
        if (stage != StartStage::all_connected && now - *since_ >= kStartUp) {
            return true;
        }
        if (now - reminded_ >= kReminder) {
            send_interrupt(child);
            reminded_ = now;
        }
        return false;
    }

  private:
    using Clock = std::chrono::steady_clock;
    std::optional<Clock::time_point> since_;
    Clock::time_point reminded_{};
};

void check_output_was_written(const PipeForwarder& forwarder, bool no_trace) {
    if (forwarder.write_error() != 0) {
        throw EnvironmentError(fmt::format(
            "what the run printed could not be written to stdout: {}; {}",
            write_failure_reason(forwarder.write_error()),
            no_trace ? "expected room for it: nothing else has the text, because of --no-trace"
                     : "the trace has the text: headroom inspect shows it"
        ));
    }
}

StartStage start_stage(const PipeForwarder& forwarder) {
    return static_cast<StartStage>(
        std::min(forwarder.start_marks(), static_cast<int>(StartStage::all_connected))
    );
}

/// Waits for the end of mpirun and returns how it ended. Throws EnvironmentError if the job does
/// not start, after ending it.
JobEnd wait_for(pid_t child, std::size_t ranks, PipeForwarder& forwarder, bool no_trace) {
    StartWatch start(ranks, child);
    InterruptForwarder interrupt_forwarder;
    LostRank lost_rank(child, ranks);
    JobEnd end;
    end.no_trace = no_trace;
    for (;;) {
        const pid_t ended = waitpid(child, &end.status, WNOHANG);
        if (ended == child) {
            break;
        }
        if (ended < 0 && errno != EINTR) {
            throw EnvironmentError(fmt::format("waiting for mpirun: {}", std::strerror(errno)));
        }
        if (interrupt_forwarder.forward(child, start_stage(forwarder), no_trace)) {
            end_mpirun(child, forwarder);
            throw Error(
                static_cast<ExitCode>(interrupted()),
                "interrupted before the ranks were up: nothing has been done"
            );
        }
        if (start.has_failed(start_stage(forwarder))) {
            end_mpirun(child, forwarder);
            throw EnvironmentError(start.text());
        }
        if (start_stage(forwarder) == StartStage::all_connected) {
            lost_rank.check_ranks();
        }
        forwarder.forward(kPause);
    }
    while (forwarder.has_pending() && interrupt_count() < 2) {
        forwarder.forward(kPause);
    }
    end.stage = start_stage(forwarder);
    end.requested_exit_code = interrupted();
    end.lost_rank = lost_rank.text();
    return end;
}

} // namespace

int run_under_mpirun(std::size_t ranks, const Handover& handover) {
    if (!is_on_path("mpirun")) {
        throw EnvironmentError("there is no mpirun on the PATH, expected one to start a rank per "
                               "device: install it (Debian: openmpi-bin), or run all devices in "
                               "one process with --transport inprocess");
    }
    defer_interrupts();
    set_environment();
    std::vector<std::string> words{"mpirun", "-q", "-n", std::to_string(ranks), own_path()};
    const std::vector<std::string> arguments = rank_arguments(handover.command);
    words.insert(words.end(), arguments.begin(), arguments.end());
    PipeForwarder forwarder(Terminal::detect().same_destination);
    const int input = handover_descriptor(handover);
    const pid_t self = getpid();
    const pid_t child = fork();
    if (child < 0) {
        throw EnvironmentError(fmt::format(
            "cannot start mpirun: {}; expected room for {} more processes: end others, or use "
            "--transport inprocess",
            std::strerror(errno),
            ranks + 1
        ));
    }
    if (child == 0) {
        become_mpirun(std::move(words), forwarder, input, self);
    }
    (void)close(input);
    forwarder.close_child_ends();
    const OutOfMemoryWatch out_of_memory;
    JobEnd end = wait_for(child, ranks, forwarder, handover.command.no_trace);
    end.out_of_memory = out_of_memory.has_killed();
    const int code = job_exit_code(end);
    if (code == 0) {
        check_output_was_written(forwarder, end.no_trace);
    }
    return code;
}

void restart_with_openblas_core(char** argv) {
    const std::string wanted(kernels::openblas_core_wanted());
    if (wanted.empty() || kernels::openblas_core().empty() ||
        std::getenv("OPENBLAS_CORETYPE") != nullptr) {
        return;
    }
    setenv("OPENBLAS_CORETYPE", wanted.c_str(), 1);
    (void)execv(kSelf, argv); // if it fails, the kernels that OpenBLAS chose are used
}

} // namespace headroom::cli
