#include "trace/hdf5/library/sign_of_life.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/library/place.hpp"

namespace headroom::trace {

namespace {

/// A process as it can be told from all others of a host: numbers are used again.
struct Writer {
    std::string host;
    std::string boot;  ///< of the system; two hosts may have one name
    std::string space; ///< of process numbers: those of a container mean nothing outside
    long process = 0;
    std::string started; ///< in the system's ticks
};

constexpr std::string_view kTitle =
    "headroom writes the trace beside this file; no locks here tell it\n";

std::string file_of(const std::string& path) {
    return path + kSignOfLife;
}

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string host_name() {
    char name[256] = "";
    (void)gethostname(name, sizeof name - 1);
    return name;
}

std::string process_space() {
    char name[64] = "";
    return readlink("/proc/self/ns/pid", name, sizeof name - 1) > 0 ? name : "?";
}

/// When a process started; empty if it does not run (any more).
std::string start_of(long process) {
    const std::string line = first_line(fmt::format("/proc/{}/stat", process));
    const std::size_t name_end = line.rfind(')'); // a name may hold anything
    if (name_end == std::string::npos) {
        return "";
    }
    constexpr int kStart = 20; // words after the name; the first is the state
    std::istringstream words(line.substr(name_end + 1));
    std::string word;
    for (int i = 0; i < kStart && words >> word; ++i) {
        if (i == 0 && (word == "Z" || word == "X")) {
            return "";
        }
    }
    return word;
}

Writer self() {
    return {
        host_name(),
        first_line("/proc/sys/kernel/random/boot_id"),
        process_space(),
        static_cast<long>(getpid()),
        start_of(getpid())};
}

std::string text_of(const Writer& writer) {
    return fmt::format(
        "{}{}\n{}\n{}\n{}\n{}\n",
        kTitle,
        writer.host,
        writer.boot,
        writer.space,
        writer.process,
        writer.started
    );
}

/// Nothing: there is no such file, or it is none of ours.
std::optional<std::string> contents_of(const std::string& file) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
        return std::nullopt;
    }
    char text[1024];
    const ssize_t length = read(descriptor, text, sizeof text);
    (void)close(descriptor);
    std::string_view all(text, length > 0 ? static_cast<std::size_t>(length) : 0);
    const std::string_view start = all.substr(0, kTitle.size());
    return kTitle.starts_with(start) ? std::optional<std::string>(all) : std::nullopt;
}

/// Nothing: not (yet) whole.
std::optional<Writer> parsed(const std::string& text) {
    std::istringstream lines(text);
    std::string title;
    std::string process;
    Writer writer;
    if (!std::getline(lines, title) || !std::getline(lines, writer.host) ||
        !std::getline(lines, writer.boot) || !std::getline(lines, writer.space) ||
        !std::getline(lines, process) || !std::getline(lines, writer.started) || lines.eof() ||
        process.empty() || process.size() > 18 ||
        process.find_first_not_of("0123456789") != std::string::npos) {
        return std::nullopt;
    }
    writer.process = std::stol(process);
    return writer;
}

/// What changes when somebody writes. Opened each time, so that a network file system asks.
std::string state_of(const std::string& path) {
    std::string state;
    for (const std::string& name : {path, path + kAside}) {
        const int descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat file = {};
        if (descriptor >= 0 && fstat(descriptor, &file) == 0) {
            state += fmt::format(
                "{} {} {}.{} ", file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec
            );
        }
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
    }
    return state;
}

bool grows(const std::string& path) {
    constexpr auto kPatience = std::chrono::seconds(5);
    constexpr auto kPause = std::chrono::milliseconds(100);
    const std::string before = state_of(path);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(kPause);
        if (state_of(path) != before) {
            return true;
        }
    }
    return false;
}

} // namespace

Sign sign_of_life(const std::string& path) {
    const std::optional<std::string> text = contents_of(file_of(path));
    if (!text) {
        return {};
    }
    const std::optional<Writer> writer = parsed(*text);
    if (!writer) { // just being written, or cut off by a full disk
        return {grows(path) ? Life::alive : Life::unknown, "another process"};
    }
    const Writer here = self();
    const std::string whose = fmt::format("process {} on host {}", writer->process, writer->host);
    if (writer->host == here.host && writer->boot == here.boot && writer->space == here.space) {
        return {start_of(writer->process) == writer->started ? Life::alive : Life::gone, whose};
    }
    return {grows(path) ? Life::alive : Life::unknown, whose};
}

void forget_sign_of_life(const std::string& path) {
    if (contents_of(file_of(path))) {
        (void)unlink(file_of(path).c_str());
    }
}

SignOfLife::SignOfLife(const std::string& path) {
    constexpr int kTries = 3;      // others may come and go meanwhile
    constexpr mode_t kMode = 0666; // less what the user's mask takes away
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const std::string file = file_of(path);
    int descriptor = -1;
    for (int i = 0; i < kTries && descriptor < 0; ++i) {
        descriptor = open(file.c_str(), kFlags, kMode);
        if (descriptor >= 0 || errno != EEXIST) {
            break;
        }
        if (const Sign sign = sign_of_life(path); sign.life == Life::alive) {
            throw EnvironmentError(fmt::format(
                "{} is being written by {}, expected a trace of its own: give another --trace",
                path,
                sign.whose
            ));
        }
        forget_sign_of_life(path);
        errno = EEXIST;
    }
    const std::string text = text_of(self());
    if (descriptor < 0 ||
        write(descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        const int error = errno;
        if (descriptor >= 0) {
            (void)close(descriptor);
            (void)unlink(file.c_str());
        }
        throw EnvironmentError(fmt::format("{}: {}", file, std::strerror(error)));
    }
    (void)close(descriptor);
    file_ = file;
}

SignOfLife::SignOfLife(SignOfLife&& other) noexcept : file_(std::exchange(other.file_, "")) {}

SignOfLife& SignOfLife::operator=(SignOfLife&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
}

/// Not if it has been taken over.
SignOfLife::~SignOfLife() {
    if (!file_.empty() && contents_of(file_) == text_of(self())) {
        (void)unlink(file_.c_str());
    }
}

} // namespace headroom::trace
