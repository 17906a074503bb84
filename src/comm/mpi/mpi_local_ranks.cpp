#include "comm/mpi/mpi_local_ranks.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/process/signal_free_thread.hpp"
#include "base/units.hpp"
#include "comm/liveness.hpp"

namespace headroom::comm {

namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{500};
/// The time that a rank waits before it reports in place of the rank that should have reported.
constexpr std::chrono::seconds kHandoverTime{5};
/// The processes are checked after this fraction (a third) of the time after which a rank is
/// silent.
constexpr int kCheckAfter = 3;

std::string file_contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Returns the value of a variable in the environment of a process, or "" if it is not set.
std::string environment_variable(const std::string& environment, std::string_view name) {
    const std::string start = std::string(name) + "=";
    for (std::size_t begin = 0; begin < environment.size();) {
        const std::size_t end = std::min(environment.find('\0', begin), environment.size());
        if (environment.compare(begin, start.size(), start) == 0) {
            return environment.substr(begin + start.size(), end - begin - start.size());
        }
        begin = end + 1;
    }
    return "";
}

std::optional<int> parse_int(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty()
               ? std::optional(value)
               : std::nullopt;
}

/// Returns the rank whose process has this folder in /proc, if it belongs to this job and runs this
/// program. (A shell that starts a rank has the same variables.)
std::optional<LocalRank> local_rank_in(
    const fs::path& folder, const std::string& job, const std::string& program
) {
    const std::optional<int> process = parse_int(folder.filename().string());
    if (!process || file_contents(folder / "comm") != program) {
        return std::nullopt;
    }
    const std::string environment = file_contents(folder / "environ");
    const std::optional<int> rank = parse_int(environment_variable(environment, "PMIX_RANK"));
    const std::string stat = file_contents(folder / "stat");
    const std::size_t name_end = stat.rfind(") ");
    if (!rank || environment_variable(environment, "PMIX_NAMESPACE") != job ||
        name_end == std::string::npos) {
        return std::nullopt;
    }
    return LocalRank{*rank, *process, stat[name_end + 2] == 'T'};
}

} // namespace

std::vector<LocalRank> local_ranks() {
    const char* const job = std::getenv("PMIX_NAMESPACE");
    std::vector<LocalRank> found;
    if (job == nullptr) {
        return found;
    }
    const std::string program = file_contents("/proc/self/comm");
    std::error_code error; // ignored: a process may end during the search
    for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
         entry.increment(error)) {
        if (const auto one = local_rank_in(entry->path(), job, program)) {
            found.push_back(*one);
        }
    }
    std::ranges::sort(found, {}, &LocalRank::rank);
    return found;
}

std::string rank_state_text(int rank) {
    for (const LocalRank& one : local_ranks()) {
        if (one.rank == rank) {
            return fmt::format(
                "its process {} on this computer {}",
                one.process,
                one.stopped ? "is stopped" : "does nothing"
            );
        }
    }
    return "its process or its computer is stopped or gone, or the network to it is down";
}

BlockedCallWatch::BlockedCallWatch(const char* what, std::chrono::nanoseconds silence)
    : what_(what), silence_(silence) {
    if (silence_ <= std::chrono::nanoseconds(0)) {
        return;
    }
    thread_ = start_thread_without_signals([this] { run(); });
}

BlockedCallWatch::~BlockedCallWatch() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

namespace {

/// Returns the process of the lowest rank that is not stopped, or 0 if all are stopped.
pid_t reporter_of(const std::vector<LocalRank>& all) {
    const auto first = std::ranges::find(all, false, &LocalRank::stopped);
    return first == all.end() ? 0 : first->process;
}

[[noreturn]] void report_and_exit(
    const LocalRank& stopped, const char* what, std::chrono::nanoseconds silence
) {
    const std::string text = fmt::format(
        "headroom: error: device {} has not taken part in {} for {}: its process {} on this "
        "computer is stopped\n",
        stopped.rank,
        what,
        format_duration(silence.count()),
        stopped.process
    );
    (void)!write(STDERR_FILENO, text.data(), text.size());
    std::_Exit(static_cast<int>(ExitCode::stuck));
}

} // namespace

void BlockedCallWatch::run() {
    RunningTime time;
    pid_t stopped = 0; // the first stopped process at the last check
    std::chrono::nanoseconds since{0};
    pid_t reporter = 0; // the process that had to report at the last check
    std::chrono::nanoseconds reports_from{0};
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kTick, [this] { return ended_; })) {
        const bool ran = time.update(steady_clock::now());
        if (time.total() < silence_ / kCheckAfter) {
            continue;
        }
        const std::vector<LocalRank> all = local_ranks();
        const auto first = std::ranges::find(all, true, &LocalRank::stopped);
        const pid_t now = first == all.end() ? 0 : first->process;
        const bool for_long = time.total() - since >= silence_ - silence_ / kCheckAfter;
        if (const pid_t one = reporter_of(all); one != reporter) {
            // The previous reporter may have reported and ended, and mpirun may be about to end the
            // other ranks.
            reports_from = reporter == 0 ? reports_from : time.total() + kHandoverTime;
            reporter = one;
        }
        const bool reports = reporter == getpid() && time.total() >= reports_from;
        if (now != stopped || !ran) {
            stopped = now;
            since = time.total();
        } else if (now != 0 && for_long && reports) {
            report_and_exit(*first, what_, silence_);
        }
    }
}

} // namespace headroom::comm
