#include "cli/launch/process_status.hpp"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::cli {

namespace {

std::vector<ProcessStatus> all_process_statuses() {
    std::vector<ProcessStatus> all;
    std::error_code unknown;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", unknown)) {
        const std::string name = entry.path().filename().string();
        pid_t process = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), process);
        if (parsed.ptr != name.data() + name.size()) {
            continue;
        }
        if (const auto look = process_status(process)) {
            all.push_back(*look);
        }
    }
    return all;
}

} // namespace

void prepare_child(pid_t parent) {
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(static_cast<int>(ExitCode::terminated)); // the parent ended before prctl()
    }
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
        (void)std::signal(signal, SIG_DFL);
    }
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::optional<ProcessStatus> process_status(pid_t process) {
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string line;
    if (!std::getline(file, line)) {
        return std::nullopt;
    }
    // The name of the program, in parentheses, may contain any characters.
    std::istringstream fields(line.substr(std::min(line.rfind(')') + 1, line.size())));
    ProcessStatus look;
    look.process = process;
    fields >> look.state >> look.parent;
    std::string skipped;
    for (int field = 5; field < 14; ++field) {
        fields >> skipped;
    }
    long long user = 0;
    long long system = 0;
    fields >> user >> system;
    look.cpu_ticks = user + system;
    return fields ? std::optional(look) : std::nullopt;
}

std::optional<int> rank_of(pid_t process) {
    constexpr std::string_view kName = "OMPI_COMM_WORLD_RANK=";
    std::ifstream file(fmt::format("/proc/{}/environ", process), std::ios::binary);
    for (std::string variable; std::getline(file, variable, '\0');) {
        if (variable.starts_with(kName)) {
            return std::atoi(variable.c_str() + kName.size());
        }
    }
    return std::nullopt;
}

std::vector<pid_t> descendants(pid_t process) {
    const std::vector<ProcessStatus> all = all_process_statuses();
    std::vector<pid_t> found{process};
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const ProcessStatus& look : all) {
            if (look.parent == found[i]) {
                found.push_back(look.process);
            }
        }
    }
    found.erase(found.begin());
    return found;
}

std::optional<long long> out_of_memory_kills() {
    std::ifstream file("/proc/vmstat");
    std::string name;
    long long value = 0;
    while (file >> name >> value) {
        if (name == "oom_kill") {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<bool> OutOfMemoryWatch::has_killed() const {
    const auto now = out_of_memory_kills();
    return now && before_ ? std::optional(*now > *before_) : std::nullopt;
}

std::string kill_reason(int signal, std::optional<bool> out_of_memory) {
    if (signal != SIGKILL) {
        return "; look for the reason in the system's log (dmesg)";
    }
    if (!out_of_memory) {
        return "; perhaps memory ran out: the system's log (dmesg) would say so";
    }
    return *out_of_memory ? "; memory ran out meanwhile, and the system ended what used most: give "
                            "a smaller model, or spread the ranks over more computers"
                          : "; somebody or something killed it: memory did not run out";
}

} // namespace headroom::cli
