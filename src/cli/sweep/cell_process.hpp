// The run of one cell: this program again, as a process of its own, so that whatever becomes of it
// is only one cell's failure.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "cli/launch/process_look.hpp"
#include "cli/sweep/cell_files.hpp"

namespace headroom::cli {

/// The command line, without the program's name.
[[nodiscard]] std::vector<std::string> cell_arguments(
    const config::Sweep& sweep, const config::SweepCell& cell, const std::filesystem::path& trace
);

class CellProcess {
  public:
    /// stderr goes to the log. If we end, however we end, the process is asked to. Throws
    /// EnvironmentError.
    CellProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log);
    CellProcess(CellProcess&& other) noexcept;
    CellProcess& operator=(CellProcess&& other) noexcept;
    CellProcess(const CellProcess&) = delete;
    CellProcess& operator=(const CellProcess&) = delete;
    ~CellProcess();

    /// The exit code once it has ended; 128 and more: the signal that ended it.
    [[nodiscard]] std::optional<int> ended();
    void send(int signal) const;
    /// What it said was wrong; of one that was ended by a signal, that. Call when it has ended.
    [[nodiscard]] std::vector<std::string> error_lines(int exit_code) const;

  private:
    pid_t process_ = -1;
    int out_ = -1; ///< what it prints on stdout
    bool by_signal_ = false;
    OutOfMemoryWatch out_of_memory_;
    std::filesystem::path log_;
};

} // namespace headroom::cli
