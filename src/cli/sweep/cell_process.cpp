#include "cli/sweep/cell_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"

namespace headroom::cli {

namespace {

[[noreturn]] void exec_cell(const std::vector<char*>& argv, int out, int log, pid_t parent) {
    prepare_child(parent);
    const int nothing = open("/dev/null", O_RDONLY);
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    clear_rank_environment(); // the sweep may be a rank of a job, but its cells are not
    execv(kSelf, argv.data());
    _exit(127);
}

std::string contents_of(int descriptor) {
    std::string text;
    char buffer[4096];
    (void)lseek(descriptor, 0, SEEK_SET);
    for (ssize_t length = 0; (length = read(descriptor, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(length));
    }
    return text;
}

std::vector<std::string> last_lines(const std::filesystem::path& log) {
    constexpr std::size_t kLines = 10;
    std::ifstream file(log);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    lines.erase(
        lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(std::min(kLines, lines.size()))
    );
    return lines;
}

/// Returns a descriptor of a new file for writing, or -1. An existing file is removed first,
/// because it may be a link. Without file locks another job may create the same log meanwhile, so
/// creation is repeated.
int create_log(const std::filesystem::path& file) {
    constexpr mode_t kEverybody = 0666; // the umask restricts it
    constexpr int kMaxTries = 100;
    int descriptor = -1;
    for (int tries = 0; tries < kMaxTries && descriptor < 0; ++tries) {
        (void)unlink(file.c_str());
        descriptor =
            open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kEverybody);
        if (descriptor < 0 && errno != EEXIST) {
            break;
        }
    }
    return descriptor;
}

} // namespace

std::vector<std::string> cell_arguments(
    const config::Sweep& sweep, const config::SweepCell& cell, const std::filesystem::path& trace
) {
    const std::string scenario = cell.scenario.string();
    std::vector<std::string> arguments{
        std::string(config::name_of(sweep.command)),
        scenario.starts_with('-') ? "./" + scenario : scenario};
    for (const std::string& set : config::overrides_of(cell).set) {
        arguments.push_back("--set");
        arguments.push_back(set);
    }
    if (sweep.command == config::SweepCommand::run) {
        arguments.push_back("--transport");
        arguments.emplace_back(config::name_of(sweep.transport));
    }
    if (!sweep.own_policy.file.empty()) {
        arguments.insert(
            arguments.end(),
            {"--policy-file",
             sweep.own_policy.file,
             "--policy-timeout",
             std::to_string(sweep.own_policy.timeout_seconds)}
        );
    }
    if (sweep.trace_ops) {
        arguments.emplace_back("--trace-ops");
    }
    arguments.insert(arguments.end(), {"--trace", trace.string(), "--json"});
    return arguments;
}

CellProcess::CellProcess(
    const std::vector<std::string>& arguments, const std::filesystem::path& log
)
    : log_(log) {
    std::vector<std::string> words{"headroom"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const int errors = create_log(log);
    stdout_ = memfd_create("headroom-cell", MFD_CLOEXEC);
    const pid_t parent = getpid();
    process_ = errors < 0 || stdout_ < 0 ? -1 : fork();
    if (process_ == 0) {
        exec_cell(pointers_to(words), stdout_, errors, parent);
    }
    const int reason = errno;
    if (errors >= 0) {
        (void)close(errors);
    }
    if (process_ < 0) {
        throw EnvironmentError(fmt::format(
            "a cell cannot be started: {}: {}; expected room for one more process and its files: "
            "end others, or give a smaller -j",
            log.string(),
            std::strerror(reason)
        ));
    }
}

CellProcess::~CellProcess() {
    if (process_ > 0) { // the process still runs, because an exception ends the sweep
        send_signal(SIGTERM);
        (void)waitpid(process_, nullptr, 0);
    }
    if (stdout_ >= 0) {
        (void)close(stdout_);
    }
}

std::optional<int> CellProcess::exit_code_if_ended() {
    int status = 0;
    if (waitpid(process_, &status, WNOHANG) != process_) {
        return std::nullopt;
    }
    process_ = -1;
    ended_by_signal_ = WIFSIGNALED(status);
    return ended_by_signal_ ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void CellProcess::send_signal(int signal) const {
    if (process_ > 0) {
        // The process ends its children itself, except after SIGKILL.
        (void)kill(signal == SIGKILL ? -process_ : process_, signal);
    }
}

std::vector<std::string> CellProcess::error_lines(int exit_code) const {
    if (ended_by_signal_) {
        const int signal = exit_code - 128;
        return {
            fmt::format(
                "was ended by signal {} ({}), expected it to run to its end{}",
                signal,
                strsignal(signal),
                kill_reason(signal, out_of_memory_.has_killed())
            ),
            "where memory is short, give a smaller -j"};
    }
    const auto json = nlohmann::json::parse(contents_of(stdout_), nullptr, false);
    if (json.is_object() && json.contains("error") && json["error"].is_array()) {
        return json["error"].get<std::vector<std::string>>();
    }
    std::vector<std::string> lines = last_lines(log_);
    if (lines.empty()) {
        lines.push_back(fmt::format("ended with exit code {} and said nothing", exit_code));
    }
    return lines;
}

} // namespace headroom::cli
