#include "cli/sweep/sweep_progress.hpp"

#include <unistd.h>

#include <fmt/format.h>

namespace headroom::cli {

namespace {

constexpr auto kRefresh = std::chrono::milliseconds(100);

double seconds_since(std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

/// Returns a wall-clock time as "12 s", "3 min" or "2.5 h".
std::string wall_text(double seconds) {
    constexpr double kMinute = 60;
    constexpr double kHour = 3600;
    return seconds < 10            ? fmt::format("{:.1f} s", seconds)
           : seconds < 2 * kMinute ? fmt::format("{:.0f} s", seconds)
           : seconds < 2 * kHour   ? fmt::format("{:.0f} min", seconds / kMinute)
                                   : fmt::format("{:.1f} h", seconds / kHour);
}

std::string end_text(const CellResult& result) {
    std::string text(name_of(result.end));
    if (result.end == CellEnd::finished) {
        text += " in " + wall_text(result.seconds);
    } else if (result.end == CellEnd::failed) {
        text += fmt::format(" with exit code {}", result.exit_code);
        text += result.error.empty() ? "" : ": " + result.error.front();
    }
    return text;
}

} // namespace

std::string SweepProgress::time_left() const {
    if (run_here_ == 0) {
        return "";
    }
    const auto left = static_cast<double>(cells_ - ended_);
    return fmt::format(
        ", about {} left",
        wall_text(seconds_since(started_) / static_cast<double>(run_here_) * left)
    );
}

void SweepProgress::clear() {
    if (line_visible_) {
        put_as_is(stderr, "\r\x1b[K");
        line_visible_ = false;
    }
}

void SweepProgress::on_cell_end(const CellResult& result) {
    ++ended_;
    const bool already_finished = result.end == CellEnd::already_finished;
    run_here_ += already_finished ? 0 : 1;
    failed_ += result.end == CellEnd::failed ? 1 : 0;
    if (!result.note.empty()) {
        clear();
        say(stderr, "headroom: note: {}\n", result.note);
    }
    // Cells that had finished before are only counted in the final text.
    if (!already_finished && (!terminal_.err_is_terminal || result.end == CellEnd::failed)) {
        clear();
        say(stderr,
            "[{}/{}] cell {}, {}: {}{}\n",
            ended_,
            cells_,
            result.index,
            sweep_.cells[result.index].name,
            end_text(result),
            ended_ < cells_ ? time_left() : "");
    }
    std::fflush(stderr);
}

void SweepProgress::on_poll(const std::vector<std::size_t>& running, std::size_t waiting) {
    const auto now = std::chrono::steady_clock::now();
    const bool only_waiting = running.empty() && waiting > 0;
    if (!terminal_.err_is_terminal) {
        if (only_waiting && !waiting_printed_) {
            say(stderr,
                "headroom: {} cell{} run by another job, waiting for it\n",
                waiting,
                waiting == 1 ? " is" : "s are");
            std::fflush(stderr);
        }
        waiting_printed_ = waiting_printed_ || only_waiting;
        return;
    }
    if (now - shown_ < kRefresh) {
        return;
    }
    shown_ = now;
    std::string line = fmt::format("{} of {} cells", ended_, cells_);
    line += failed_ > 0 ? fmt::format(", {} failed", failed_) : "";
    line += waiting > 0 ? fmt::format(", {} with another job", waiting) : "";
    line += time_left();
    for (std::size_t i = 0; i < running.size(); ++i) {
        line += (i == 0 ? "; now " : ", ") + sweep_.cells[running[i]].name;
    }
    line = printable(stderr, line);
    constexpr std::size_t kUsual = 80;
    const std::size_t columns = terminal_width(STDERR_FILENO);
    const std::size_t width = (columns > 0 ? columns : kUsual) - 1;
    clear();
    put(stderr, line.size() > width ? line.substr(0, width) : line);
    std::fflush(stderr);
    line_visible_ = true;
}

void SweepProgress::finish() {
    clear();
    std::fflush(stderr);
}

} // namespace headroom::cli
