#include "trace/hdf5/repair.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/library/file.hpp"
#include "trace/hdf5/library/lock.hpp"
#include "trace/hdf5/library/writer_file.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::trace {

namespace {

bool opens_without_swmr(const std::string& path) {
    try {
        h5::open_file(path, false).close();
        return true;
    } catch (const EnvironmentError&) {
        return false;
    }
}

/// Owns the list of actions by which posix_spawn sets up the file descriptors of a child.
class FileActions {
  public:
    FileActions() { posix_spawn_file_actions_init(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    void discard(int descriptor) {
        posix_spawn_file_actions_addopen(&actions_, descriptor, "/dev/null", O_RDWR, 0);
    }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

/// Runs h5clear without a shell and waits for it; returns its wait status.
int run_h5clear(const std::string& path) {
    std::string program = "h5clear";
    std::string status = "-s";
    std::string increment = "--increment";
    // The path is absolute, so that a name with a leading dash is not taken for an option.
    std::string file = std::filesystem::absolute(path).string();
    const std::array<char*, 5> arguments{
        program.data(), status.data(), increment.data(), file.data(), nullptr};
    if (is_without_locks(path)) {
        (void)setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    }
    FileActions actions;
    actions.discard(STDIN_FILENO); // otherwise the file could get this descriptor
    actions.discard(STDOUT_FILENO);
    actions.discard(STDERR_FILENO);
    pid_t child = 0;
    const int error =
        posix_spawnp(&child, program.c_str(), actions.get(), nullptr, arguments.data(), environ);
    if (error != 0) {
        throw EnvironmentError(fmt::format(
            "{}: repair needs the program h5clear, expected on the PATH: {}; install it (Debian: "
            "hdf5-tools)",
            path,
            std::strerror(error)
        ));
    }
    int result = 0;
    while (waitpid(child, &result, 0) < 0 && errno == EINTR) {
    }
    return result;
}

} // namespace

bool repair(const std::string& path, const std::function<void(const std::string&)>& warn) {
    // This reads the whole file and throws if it is not a trace.
    const TraceFile before = open_trace(path);
    if (before.is_being_written) {
        throw InputError(fmt::format(
            "{}: is being written by a running program, expected a trace whose run has ended: "
            "wait, "
            "or stop the run with Ctrl-C, which closes the trace",
            path
        ));
    }
    if (!before.possible_writer.empty() && warn) {
        warn(assumed_dead_warning(path, before.possible_writer));
    }
    remove_writer_file(path);
    if (opens_without_swmr(path)) {
        return false;
    }
    const int status = run_h5clear(path);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !opens_without_swmr(path)) {
        throw EnvironmentError(fmt::format(
            "{}: h5clear -s --increment did not make it an ordinary file, expected it to; may "
            "you write to it? headroom inspect and h5py (swmr=True) read it as it is",
            path
        ));
    }
    return true;
}

} // namespace headroom::trace
