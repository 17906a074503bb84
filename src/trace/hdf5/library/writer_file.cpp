#include "trace/hdf5/library/writer_file.hpp"

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

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/library/part_file.hpp"

namespace headroom::trace {

namespace {

/// A process, identified by more than its number, because the system reuses numbers.
struct WriterProcess {
    std::string host;
    std::string boot; ///< id of the system's boot, because two hosts can have the same name
    std::string
        pid_namespace; ///< process numbers are valid only within it (a container, for example)
    long process = 0;
    std::string started; ///< start time in ticks of the system
};

constexpr std::string_view kTitle =
    "headroom writes the trace beside this file; no locks here tell it\n";

std::string writer_path(const std::string& path) {
    return path + kWriterFileSuffix;
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

std::string process_namespace() {
    char name[64] = "";
    return readlink("/proc/self/ns/pid", name, sizeof name - 1) > 0 ? name : "?";
}

/// Returns the start time of a process; empty if it does not run.
std::string start_time(long process) {
    const std::string line = first_line(fmt::format("/proc/{}/stat", process));
    const std::size_t name_end = line.rfind(')'); // the name can contain parentheses and blanks
    if (name_end == std::string::npos) {
        return "";
    }
    // After the name the first word is the state and the 20th the start time.
    constexpr int kStart = 20;
    std::istringstream words(line.substr(name_end + 1));
    std::string word;
    for (int i = 0; i < kStart && words >> word; ++i) {
        if (i == 0 && (word == "Z" || word == "X")) {
            return "";
        }
    }
    return word;
}

WriterProcess this_process() {
    return {
        host_name(),
        first_line("/proc/sys/kernel/random/boot_id"),
        process_namespace(),
        static_cast<long>(getpid()),
        start_time(getpid())};
}

std::string text_of(const WriterProcess& writer) {
    return fmt::format(
        "{}{}\n{}\n{}\n{}\n{}\n",
        kTitle,
        writer.host,
        writer.boot,
        writer.pid_namespace,
        writer.process,
        writer.started
    );
}

/// Returns the text of a writer file. Returns nothing if the file does not exist or is another
/// file.
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

/// Returns the process of a writer file's text; nothing if the text is incomplete.
std::optional<WriterProcess> parse(const std::string& text) {
    std::istringstream lines(text);
    std::string title;
    std::string process;
    WriterProcess writer;
    if (!std::getline(lines, title) || !std::getline(lines, writer.host) ||
        !std::getline(lines, writer.boot) || !std::getline(lines, writer.pid_namespace) ||
        !std::getline(lines, process) || !std::getline(lines, writer.started) || lines.eof() ||
        process.empty() || process.size() > 18 ||
        process.find_first_not_of("0123456789") != std::string::npos) {
        return std::nullopt;
    }
    writer.process = std::stol(process);
    return writer;
}

/// Returns a text that changes when the trace or its part file is written. Each call opens the
/// files, because only then does a network file system ask the server.
std::string state_of(const std::string& path) {
    std::string state;
    for (const std::string& name : {path, path + kPartFileSuffix}) {
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

/// Watches the files for up to 5 s. Returns whether one of them changes.
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

WriterFileStatus writer_file_status(const std::string& path) {
    const std::optional<std::string> text = contents_of(writer_path(path));
    if (!text) {
        return {};
    }
    const std::optional<WriterProcess> writer = parse(*text);
    if (!writer) { // the text is being written, or the disk was full
        return {grows(path) ? WriterState::running : WriterState::unknown, "another process"};
    }
    const WriterProcess own = this_process();
    const std::string name = fmt::format("process {} on host {}", writer->process, writer->host);
    if (writer->host == own.host && writer->boot == own.boot &&
        writer->pid_namespace == own.pid_namespace) {
        return {
            start_time(writer->process) == writer->started ? WriterState::running
                                                           : WriterState::ended,
            name};
    }
    return {grows(path) ? WriterState::running : WriterState::unknown, name};
}

void remove_writer_file(const std::string& path) {
    if (contents_of(writer_path(path))) {
        (void)unlink(writer_path(path).c_str());
    }
}

WriterFile::WriterFile(const std::string& path) {
    constexpr int kTries = 3;      // other processes may create and remove the file meanwhile
    constexpr mode_t kMode = 0666; // before the umask is applied
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const std::string file = writer_path(path);
    int descriptor = -1;
    for (int i = 0; i < kTries && descriptor < 0; ++i) {
        descriptor = open(file.c_str(), kFlags, kMode);
        if (descriptor >= 0 || errno != EEXIST) {
            break;
        }
        if (const WriterFileStatus status = writer_file_status(path);
            status.state == WriterState::running) {
            throw EnvironmentError(fmt::format(
                "{} is being written by {}, expected a trace of its own: give another --trace",
                path,
                status.writer
            ));
        }
        remove_writer_file(path);
        errno = EEXIST;
    }
    const std::string text = text_of(this_process());
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

/// Leaves the file if another process has replaced it.
WriterFile::~WriterFile() {
    if (contents_of(file_) == text_of(this_process())) {
        (void)unlink(file_.c_str());
    }
}

} // namespace headroom::trace
