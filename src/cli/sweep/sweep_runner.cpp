#include "cli/sweep/sweep_runner.hpp"

#include <csignal>
#include <filesystem>
#include <system_error>
#include <time.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/terminal/interrupt.hpp"
#include "trace/hdf5/library/writer_file.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace {

constexpr auto kRetryInterval = std::chrono::milliseconds(200);

void pause() {
    const timespec time{0, 4'000'000};
    (void)nanosleep(&time, nullptr); // a signal may end it early
}

void discard(const std::filesystem::path& path) {
    std::error_code gone;
    std::filesystem::remove(path, gone);
}

/// Returns whether the file is a readable trace, also of a killed run.
bool is_trace(const std::filesystem::path& path) {
    try {
        (void)trace::open_trace(path.string());
        return true;
    } catch (const InputError&) {
        return false;
    }
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

void rename_to(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code failure;
    std::filesystem::rename(from, to, failure);
    if (failure) {
        throw EnvironmentError(fmt::format(
            "{}: cannot get the name {}: {}; expected a folder that you may write to",
            from.string(),
            to.filename().string(),
            failure.message()
        ));
    }
}

} // namespace

std::vector<CellResult> SweepRunner::run(const std::vector<std::size_t>& cells, std::size_t jobs) {
    for (const std::size_t cell : cells) {
        queue_.push_back(results_.size());
        results_.emplace_back().index = cell;
    }
    was_locked_.resize(cells.size());
    last_retry_ = Clock::now();
    while (!running_.empty() || (interrupted() == 0 && !(queue_.empty() && locked_.empty()))) {
        forward_interrupts();
        if (interrupted() == 0) {
            begin_cells(jobs);
        }
        std::vector<std::size_t> indices;
        for (const Running& cell : running_) {
            indices.push_back(results_[cell.slot].index);
        }
        progress_.on_poll(indices, locked_.size());
        if (!running_.empty() || queue_.empty()) {
            pause();
        }
        end_cells();
    }
    return results_;
}

void SweepRunner::begin_cells(std::size_t jobs) {
    if (!locked_.empty() && Clock::now() - last_retry_ >= kRetryInterval) {
        last_retry_ = Clock::now();
        queue_.insert(queue_.end(), locked_.begin(), locked_.end());
        locked_.clear();
    }
    while (running_.size() < jobs && !queue_.empty() && interrupted() == 0) {
        const std::size_t slot = queue_.front();
        queue_.pop_front();
        if (!begin(slot)) {
            locked_.push_back(slot);
            was_locked_[slot] = true;
        }
    }
}

bool SweepRunner::begin(std::size_t slot) {
    CellResult& result = results_[slot];
    const config::SweepCell& cell = sweep_.cells[result.index];
    std::optional<CellLock> lock = locks_.try_lock(cell.name);
    if (!lock) {
        return false;
    }
    const CellFiles files(sweep_.folder, cell.name);
    const std::string scenario = config::resolved_text(config::cell_scenario(sweep_, cell));
    if (is_finished(sweep_, cell, scenario)) {
        result.end = CellEnd::already_finished;
        progress_.on_cell_end(result);
        return true;
    }
    if (const auto failure = read_failure(files.failure());
        was_locked_[slot] && failure && failure->scenario == scenario) {
        result.end = CellEnd::failed; // another job has just run the cell
        result.exit_code = failure->exit_code;
        result.error = failure->error;
        progress_.on_cell_end(result);
        return true;
    }
    if (files.is_being_written()) {
        return false;
    }
    if (std::filesystem::exists(files.trace())) {
        result.note = fmt::format(
            "{} was there, but not of this cell as it is now; it is {} now",
            files.trace().string(),
            files.rename_old_trace().filename().string()
        );
    }
    for (const std::filesystem::path& left : files.partials()) {
        discard(left);
        discard(left.string() + trace::kWriterFileSuffix);
    }
    running_.push_back(
        {slot,
         scenario,
         files,
         std::move(*lock),
         std::make_unique<CellProcess>(cell_arguments(sweep_, cell, files.partial()), files.log()),
         Clock::now()}
    );
    return true;
}

void SweepRunner::end_cells() {
    for (std::size_t i = 0; i < running_.size();) {
        if (const std::optional<int> code = running_[i].process->exit_code_if_ended()) {
            end(running_[i], *code);
            running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

void SweepRunner::end(Running& cell, int exit_code) {
    CellResult& result = results_[cell.slot];
    result.exit_code = exit_code;
    result.seconds = std::chrono::duration<double>(Clock::now() - cell.since).count();
    if (exit_code == 0) {
        rename_to(cell.files.partial(), cell.files.trace());
        discard(cell.files.failure());
        discard(cell.files.failed_trace());
        discard(cell.files.log());
        result.end = CellEnd::finished;
    } else if (interrupted() != 0 || is_interrupt_code(exit_code)) {
        result.end = CellEnd::interrupted;
        discard(cell.files.log());
    } else {
        result.error = cell.process->error_lines(exit_code);
        record_failure(cell, result);
    }
    progress_.on_cell_end(result);
}

void SweepRunner::record_failure(Running& cell, CellResult& result) {
    const std::filesystem::path partial = cell.files.partial();
    discard(cell.files.failed_trace());
    if (is_trace(partial)) {
        rename_to(partial, cell.files.failed_trace());
    } else {
        discard(partial);
    }
    for (std::string& line : result.error) { // the partial trace has a new name
        replace_all(line, partial.string(), cell.files.failed_trace().string());
    }
    result.end = CellEnd::failed;
    const config::SweepCell& of = sweep_.cells[result.index];
    write_failure(
        cell.files, of, {result.exit_code, result.error, cell.scenario, of.scenario.stem().string()}
    );
}

/// Forwards each interrupt to all running cells. After the first one they close their traces, the
/// second one ends their ranks, and the third one kills them.
void SweepRunner::forward_interrupts() {
    for (; forwarded_interrupts_ < interrupt_count(); ++forwarded_interrupts_) {
        for (const Running& cell : running_) {
            cell.process->send_signal(
                forwarded_interrupts_ >= 2                                ? SIGKILL
                : interrupted() == static_cast<int>(ExitCode::terminated) ? SIGTERM
                                                                          : SIGINT
            );
        }
    }
}

} // namespace headroom::cli
