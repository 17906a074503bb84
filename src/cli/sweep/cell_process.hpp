// Runs one cell (run) of a sweep by starting this program again as a child process. A crash of the
// child then makes only one cell fail.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "cli/launch/process_status.hpp"
#include "cli/sweep/cell_files.hpp"

namespace headroom::cli {

/// Returns the command line that runs a cell and writes its trace, without the program's name.
[[nodiscard]] std::vector<std::string> cell_arguments(
    const config::Sweep& sweep, const config::SweepCell& cell, const std::filesystem::path& trace
);

class CellProcess {
  public:
    /// Starts the child process. Its stderr goes to the file `log`. The child gets SIGTERM when
    /// this process ends, even if this process is killed. Throws EnvironmentError if the child
    /// cannot be started.
    CellProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log);
    CellProcess(const CellProcess&) = delete;
    CellProcess& operator=(const CellProcess&) = delete;
    ~CellProcess();

    /// Returns the exit code when the process has ended, else nothing. If a signal ended the
    /// process, the code is 128 plus the signal.
    [[nodiscard]] std::optional<int> exit_code_if_ended();
    /// Sends a signal to the process. SIGKILL is also sent to the children of the process, because
    /// the process ends them itself after any other signal, but cannot do so after SIGKILL.
    void send_signal(int signal) const;
    /// Returns the lines of the error message that the process printed, or lines about the signal
    /// that ended the process. Precondition: the process has ended with this exit code.
    [[nodiscard]] std::vector<std::string> error_lines(int exit_code) const;

  private:
    pid_t process_ = -1;
    int stdout_ = -1; ///< descriptor of the memory file for the child's stdout
    bool ended_by_signal_ = false;
    OutOfMemoryWatch out_of_memory_;
    std::filesystem::path log_;
};

} // namespace headroom::cli
