// What a user sees of a sweep while it runs, on stderr: on a terminal one line that changes,
// elsewhere a line per cell that has ended.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/sweep/sweep_runner.hpp"
#include "cli/terminal/console.hpp"

namespace headroom::cli {

class SweepProgress final : public SweepObserver {
  public:
    /// cells: how many are to be run, of those that the sweep has.
    SweepProgress(const config::Sweep& sweep, Terminal terminal, std::size_t cells)
        : sweep_(sweep), terminal_(terminal), cells_(cells) {}

    void on_end(const CellResult& result) override;
    void on_wait(const std::vector<std::size_t>& running, std::size_t waiting) override;
    /// Ends the line that changes.
    void finish();

  private:
    [[nodiscard]] std::string time_left() const;
    void clear();

    const config::Sweep& sweep_;
    Terminal terminal_;
    std::size_t cells_;
    std::size_t ended_ = 0;
    std::size_t run_ = 0; ///< of these by us
    std::size_t failed_ = 0;
    bool line_on_ = false;
    bool told_waiting_ = false;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point shown_{};
};

/// "12 s", "3 min", "2.5 h".
[[nodiscard]] std::string wall_text(double seconds);

} // namespace headroom::cli
