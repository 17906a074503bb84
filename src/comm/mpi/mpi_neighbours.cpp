// Looking through /proc for the processes of this job.
#include "comm/mpi/mpi_neighbours.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <pthread.h>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/quiet_thread.hpp"
#include "base/units.hpp"
#include "comm/vigil.hpp"

namespace headroom::comm {

namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::seconds kHandOver{5}; ///< from a rank that could speak to the next
constexpr int kFirstLook = 3; ///< of the time after which a rank is silent, one part in so many

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// What the launcher has put into a process's environment, as PMIx calls it; "" if it has not.
std::string variable(const std::string& environment, std::string_view name) {
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

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty()
               ? std::optional(value)
               : std::nullopt;
}

/// Of this job and this program: a shell around a rank has its variables too.
std::optional<Neighbour> neighbour_in(
    const fs::path& folder, const std::string& job, const std::string& program
) {
    const std::optional<int> process = number(folder.filename().string());
    if (!process || contents(folder / "comm") != program) {
        return std::nullopt;
    }
    const std::string environment = contents(folder / "environ");
    const std::optional<int> rank = number(variable(environment, "PMIX_RANK"));
    const std::string stat = contents(folder / "stat");
    const std::size_t name_end = stat.rfind(") ");
    if (!rank || variable(environment, "PMIX_NAMESPACE") != job || name_end == std::string::npos) {
        return std::nullopt;
    }
    return Neighbour{*rank, *process, stat[name_end + 2] == 'T'};
}

} // namespace

std::vector<Neighbour> neighbours() {
    const char* const job = std::getenv("PMIX_NAMESPACE");
    std::vector<Neighbour> found;
    if (job == nullptr) {
        return found;
    }
    const std::string program = contents("/proc/self/comm");
    std::error_code gone; // processes end while they are looked at
    for (fs::directory_iterator entry("/proc", gone), end; !gone && entry != end;
         entry.increment(gone)) {
        if (const auto one = neighbour_in(entry->path(), job, program)) {
            found.push_back(*one);
        }
    }
    std::sort(found.begin(), found.end(), [](const Neighbour& a, const Neighbour& b) {
        return a.rank < b.rank;
    });
    return found;
}

std::string state_text(int rank) {
    for (const Neighbour& one : neighbours()) {
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

BlockedWatch::BlockedWatch(const char* what, std::chrono::nanoseconds silence)
    : what_(what), silence_(silence) {
    if (silence_ <= std::chrono::nanoseconds(0)) {
        return;
    }
    thread_ = start_without_signals([this] { run(); });
}

BlockedWatch::~BlockedWatch() {
    {
        const std::lock_guard lock(state_);
        over_ = true;
    }
    end_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

namespace {

/// The rank that speaks for those of this computer that can; 0 if none can.
pid_t speaker_of(const std::vector<Neighbour>& all) {
    const auto first =
        std::find_if(all.begin(), all.end(), [](const Neighbour& one) { return !one.stopped; });
    return first == all.end() ? 0 : first->process;
}

[[noreturn]] void tell_and_end(
    const Neighbour& stopped, const char* what, std::chrono::nanoseconds silence
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

void BlockedWatch::run() {
    RunningTime time;
    pid_t stopped = 0; ///< the first of them at the last look
    std::chrono::nanoseconds since{0};
    pid_t speaker = 0; ///< at the last look
    std::chrono::nanoseconds speaks_from{0};
    std::unique_lock lock(state_);
    while (!end_.wait_for(lock, kTick, [this] { return over_; })) {
        const bool ran = time.look(steady_clock::now());
        if (time.total() < silence_ / kFirstLook) {
            continue;
        }
        const std::vector<Neighbour> all = neighbours();
        const auto first =
            std::find_if(all.begin(), all.end(), [](const Neighbour& one) { return one.stopped; });
        const pid_t now = first == all.end() ? 0 : first->process;
        const bool for_long = time.total() - since >= silence_ - silence_ / kFirstLook;
        if (const pid_t one = speaker_of(all); one != speaker) {
            // The one before may have spoken and ended; mpirun is about to end the others.
            speaks_from = speaker == 0 ? speaks_from : time.total() + kHandOver;
            speaker = one;
        }
        const bool speaks = speaker == getpid() && time.total() >= speaks_from;
        if (now != stopped || !ran) {
            stopped = now;
            since = time.total();
        } else if (now != 0 && for_long && speaks) {
            tell_and_end(*first, what_, silence_);
        }
    }
}

} // namespace headroom::comm
