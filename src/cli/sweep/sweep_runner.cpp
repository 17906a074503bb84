#include "cli/sweep/sweep_runner.hpp"

#include <csignal>
#include <filesystem>
#include <system_error>
#include <time.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/terminal/interrupt.hpp"
#include "trace/hdf5/library/sign_of_life.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace {

constexpr auto kAskAgain = std::chrono::milliseconds(200);

void pause() {
    const timespec time{0, 4'000'000};
    (void)nanosleep(&time, nullptr); // a signal ends it early, and that is right
}

void discard(const std::filesystem::path& path) {
    std::error_code gone;
    std::filesystem::remove(path, gone);
}

/// Whether a run left something that can be read, be it killed.
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

void give_name(const std::filesystem::path& from, const std::filesystem::path& to) {
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
    was_busy_.resize(cells.size());
    asked_ = Clock::now();
    while (!running_.empty() || (interrupted() == 0 && !(queue_.empty() && busy_.empty()))) {
        pass_on_interrupts();
        if (interrupted() == 0) {
            begin_some(jobs);
        }
        std::vector<std::size_t> indices;
        for (const Running& cell : running_) {
            indices.push_back(results_[cell.place].index);
        }
        observer_.on_wait(indices, waiting());
        if (!running_.empty() || queue_.empty()) {
            pause();
        }
        end_some();
    }
    return results_;
}

void SweepRunner::begin_some(std::size_t jobs) {
    if (!busy_.empty() && Clock::now() - asked_ >= kAskAgain) {
        asked_ = Clock::now();
        queue_.insert(queue_.end(), busy_.begin(), busy_.end());
        busy_.clear();
    }
    while (running_.size() < jobs && !queue_.empty() && interrupted() == 0) {
        const std::size_t place = queue_.front();
        queue_.pop_front();
        if (!begin(place)) {
            busy_.push_back(place);
            was_busy_[place] = true;
        }
    }
}

/// False: another job has the cell.
bool SweepRunner::begin(std::size_t place) {
    CellResult& result = results_[place];
    const config::SweepCell& cell = sweep_.cells[result.index];
    std::optional<CellLock> lock = locks_.try_lock(cell.name);
    if (!lock) {
        return false;
    }
    const CellFiles files(sweep_.folder, cell.name);
    const std::string scenario = config::resolved_text(config::cell_scenario(sweep_, cell));
    if (is_finished(sweep_, cell, scenario)) {
        result.end = CellEnd::was_there;
        told(place);
        return true;
    }
    if (const auto failure = read_failure(files.failure());
        was_busy_[place] && failure && failure->scenario == scenario) {
        result.end = CellEnd::failed; // the other job's try counts
        result.exit_code = failure->exit_code;
        result.error = failure->error;
        told(place);
        return true;
    }
    if (files.is_being_written()) {
        return false;
    }
    if (std::filesystem::exists(files.trace())) {
        result.note = fmt::format(
            "{} was there, but not of this cell as it is now; it is {} now",
            files.trace().string(),
            files.put_trace_aside().filename().string()
        );
    }
    for (const std::filesystem::path& left : files.partials()) {
        discard(left);
        discard(left.string() + trace::kSignOfLife);
    }
    running_.push_back(
        {place,
         scenario,
         files,
         std::move(*lock),
         CellProcess(cell_arguments(sweep_, cell, files.partial()), files.log()),
         Clock::now()}
    );
    return true;
}

void SweepRunner::end_some() {
    for (std::size_t i = 0; i < running_.size();) {
        if (const std::optional<int> code = running_[i].process.ended()) {
            end(running_[i], *code);
            running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

void SweepRunner::end(Running& cell, int exit_code) {
    CellResult& result = results_[cell.place];
    result.exit_code = exit_code;
    result.seconds = std::chrono::duration<double>(Clock::now() - cell.since).count();
    if (exit_code == 0) {
        keep(cell, result);
    } else if (interrupted() != 0 || is_interrupt(exit_code)) {
        result.end = CellEnd::interrupted;
        discard(cell.files.log());
    } else {
        result.error = cell.process.error_lines(exit_code);
        fail(cell, result);
    }
    told(cell.place);
}

void SweepRunner::keep(Running& cell, CellResult& result) {
    give_name(cell.files.partial(), cell.files.trace());
    discard(cell.files.failure());
    discard(cell.files.failed_trace());
    discard(cell.files.log());
    result.end = CellEnd::finished;
}

void SweepRunner::fail(Running& cell, CellResult& result) {
    const std::filesystem::path partial = cell.files.partial();
    discard(cell.files.failed_trace());
    if (is_trace(partial)) {
        give_name(partial, cell.files.failed_trace());
    } else {
        discard(partial);
    }
    for (std::string& line : result.error) { // the name that it was told has gone
        replace_all(line, partial.string(), cell.files.failed_trace().string());
    }
    result.end = CellEnd::failed;
    const config::SweepCell& of = sweep_.cells[result.index];
    write_failure(
        cell.files, of, {result.exit_code, result.error, cell.scenario, of.scenario.stem().string()}
    );
}

void SweepRunner::told(std::size_t place) {
    observer_.on_end(results_[place]);
}

/// The first interrupt asks the cells to close their traces, the second again, which ends a job of
/// ranks; the third kills.
void SweepRunner::pass_on_interrupts() {
    for (; passed_on_ < times_interrupted(); ++passed_on_) {
        for (const Running& cell : running_) {
            cell.process.send(
                passed_on_ >= 2                                           ? SIGKILL
                : interrupted() == static_cast<int>(ExitCode::terminated) ? SIGTERM
                                                                          : SIGINT
            );
        }
    }
}

} // namespace headroom::cli
