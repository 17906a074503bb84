#include "trace/hdf5/writer.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "base/new_file.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/hdf5/library/attribute.hpp"
#include "trace/hdf5/library/lock.hpp"
#include "trace/hdf5/library/part_file.hpp"
#include "trace/hdf5/tables.hpp"

namespace headroom::trace {

namespace {

/// Returns the host's date and time in UTC, which only one attribute of a trace contains.
std::string wall_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts = {};
    gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

/// The open HDF5 objects of a trace that is being written.
struct OpenTrace {
    // Members are destroyed in reverse order, so the datasets are closed before their file.
    h5::File file;
    h5::GrowingTables tables;
    h5::Dataset complete;
};

/// Keeps a trace that could not be written open until the process ends. The file then stays
/// readable, as after a kill. Closing it would make HDF5 flush again. On a full disk HDF5 1.10.8
/// would then crash, or mark the file as longer than it is, so that no program can open it.
void abandon(std::unique_ptr<OpenTrace> trace) {
    static auto& abandoned = *new std::vector<std::unique_ptr<OpenTrace>>;
    abandoned.push_back(std::move(trace));
}

class Hdf5Sink final : public Sink {
  public:
    /// `min_commits` is the number of commits after which a file at `path` may be replaced.
    Hdf5Sink(std::string path, std::size_t min_commits, WarningHandler warn)
        : path_(std::move(path)), part_file_(path_), min_commits_(min_commits),
          warn_(std::move(warn)) {}
    Hdf5Sink(const Hdf5Sink&) = delete;
    Hdf5Sink& operator=(const Hdf5Sink&) = delete;
    ~Hdf5Sink() override {
        if (state_ == State::broken) {
            abandon(std::move(open_));
        }
    }

    void begin(const RunHeader& header) override {
        HEADROOM_CHECK(state_ == State::fresh, "begin twice");
        h5::prepare_library(); // its settings are per thread
        run_or_break([&] {
            part_file_.create();
            open_->file = h5::create_file(part_file_.current_path(), true);
            part_file_.check_in_place(); // HDF5 opens the file by its name
            h5::write_header(open_->file, header, wall_time());
            open_->tables = h5::GrowingTables(open_->file, header);
            open_->complete = h5::create_dataset(open_->file, completion_type(), {kComplete, {1}});
            h5::write_attribute(
                open_->complete.get(), "description", std::string("how the run ended")
            );
            h5::write_attribute(open_->complete.get(), "units", std::vector<std::string>{"code"});
            h5::write_attribute(open_->complete.get(), "codes", completion_names());
            write_completion(Completion::running);
            h5::start_concurrent_reading(open_->file);
            if (!part_file_.replaces_existing()) {
                part_file_.publish(); // the file can be read from here on
            }
        });
        warn_of_missing_locks();
    }

    void commit(const Interval& interval) override {
        HEADROOM_CHECK(state_ == State::open, "commit to a trace that is not open: {}", path_);
        open_->tables.check(interval);
        run_or_break([&] {
            open_->tables.commit(interval);
            part_file_.check_not_deleted();
            if (++commits_ >= min_commits_) {
                part_file_.publish();
            }
        });
    }

    void end(Completion completion) override {
        HEADROOM_CHECK(state_ != State::ended, "end twice");
        if (state_ != State::open) {
            try_write_completion(completion);
            abandon(std::move(open_));
            part_file_.release();
            state_ = State::ended;
            return;
        }
        run_or_break([&] {
            write_completion(completion);
            open_->complete.close();
            open_->tables.close();
            open_->file.close();
            if (completion == Completion::finished) {
                part_file_.publish(); // a resumed run may not have committed anything
            }
            part_file_.check_in_place();
        });
        part_file_.release();
        state_ = State::ended;
    }

  private:
    enum class State { fresh, open, broken, ended };

    static h5::Type completion_type() { return h5::number_type(FieldType::i32); }

    void write_completion(Completion completion) {
        const auto code = static_cast<std::int32_t>(completion);
        h5::write_rows(open_->complete, completion_type(), 0, 1, &code);
        h5::flush(open_->complete);
    }

    /// Runs an action. If it throws, the sink is marked as broken, and the error also names the
    /// path and what remains readable.
    template <class Action>
    void run_or_break(Action action) {
        state_ = State::broken;
        try {
            action();
        } catch (const EnvironmentError& error) {
            throw EnvironmentError(fmt::format(
                "trace {}: could not be written: {}\n  the run ends; {}",
                path_,
                error.what(),
                remains_text()
            ));
        }
        state_ = State::open;
    }

    [[nodiscard]] std::string remains_text() const {
        if (part_file_.is_in_place()) {
            return commits_ == 0
                       ? "nothing had been committed"
                       : "what was committed before can be read: headroom inspect " + path_;
        }
        return part_file_.replaces_existing() && !part_file_.is_published()
                   ? "what stood there is unchanged"
                   : "nothing of it is left there";
    }

    void warn_of_missing_locks() const {
        const std::string why = part_file_.why_without_lock();
        if (!why.empty() && warn_) {
            warn_(fmt::format(
                "trace {}: files cannot be locked here ({}), so {}.writer says who writes it: "
                "leave that file alone, and do not write the same trace from two hosts",
                path_,
                why,
                path_
            ));
        }
    }

    /// Tries to write how the run ended. The error that broke the trace has been thrown already, so
    /// another one is ignored.
    void try_write_completion(Completion completion) {
        try {
            if (open_->complete.is_open()) {
                write_completion(completion);
            }
        } catch (const EnvironmentError&) {
        }
    }

    std::string path_;
    PartFile part_file_;
    std::size_t min_commits_;
    WarningHandler warn_;
    std::size_t commits_ = 0;
    State state_ = State::fresh;
    std::unique_ptr<OpenTrace> open_ = std::make_unique<OpenTrace>();
};

/// Writes the intervals of a resumed run before those of its continuation.
class ResumedSink final : public Sink {
  public:
    ResumedSink(std::unique_ptr<Sink> file, Trace before)
        : file_(std::move(file)), before_(std::move(before)) {}

    void begin(const RunHeader& header) override {
        record_run_part(before_.header, part_ranges(before_).size() + 1, header);
        file_->begin(before_.header);
        for (const Interval& interval : before_.intervals) {
            file_->commit(interval);
        }
        before_ = {};
    }
    void commit(const Interval& interval) override { file_->commit(interval); }
    void end(Completion completion) override { file_->end(completion); }

  private:
    std::unique_ptr<Sink> file_;
    Trace before_;
};

void check_directory(const std::string& path) {
    std::filesystem::path directory = std::filesystem::path(path).parent_path();
    if (directory.empty()) {
        directory = ".";
    }
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
        throw InputError(fmt::format(
            "trace {}: {} is not a directory, expected an existing one: make it (mkdir -p) or give "
            "another --trace",
            path,
            directory.string()
        ));
    }
    if (access(directory.c_str(), W_OK) != 0) {
        throw EnvironmentError(fmt::format(
            "trace {}: cannot write to {}: {}; expected a directory that you may write to: give "
            "another --trace, or see ls -ld",
            path,
            directory.string(),
            std::strerror(errno)
        ));
    }
}

void check_existing(const std::string& path, bool overwrite) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        return;
    }
    if (std::filesystem::is_directory(path, error)) {
        throw InputError(fmt::format(
            "trace {}: is a directory, expected the name of a file; give --trace {}",
            path,
            (std::filesystem::path(path) / "run.h5").lexically_normal().string()
        ));
    }
    if (std::filesystem::is_fifo(path, error) || std::filesystem::is_socket(path, error)) {
        throw InputError(fmt::format(
            "trace {}: is a pipe, expected an ordinary file: HDF5 writes at any place of it; give "
            "another --trace",
            path
        ));
    }
    if (!overwrite) {
        throw InputError(fmt::format(
            "trace {}: exists already, expected a new name: give another --trace, or --force to "
            "overwrite it",
            path
        ));
    }
    if (is_being_written(path)) {
        throw InputError(fmt::format(
            "trace {}: is being written by another run, expected a file of its own: wait for that "
            "run's end or give another --trace",
            path
        ));
    }
}

} // namespace

void check_trace_path(const std::string& name, bool overwrite) {
    const std::string path = resolve_links(name).string();
    if (is_being_written(path + kPartFileSuffix) ||
        (!std::filesystem::exists(path) && is_being_written(path))) {
        throw InputError(fmt::format(
            "trace {}: is being begun by another run, expected a file of its own: give another "
            "--trace",
            path
        ));
    }
    check_existing(path, overwrite);
    check_directory(path);
}

std::unique_ptr<Sink> make_hdf5_sink(const std::string& path, bool overwrite, WarningHandler warn) {
    h5::prepare_library();
    check_trace_path(path, overwrite);
    return std::make_unique<Hdf5Sink>(path, 1, std::move(warn));
}

std::unique_ptr<Sink> make_resumed_sink(
    const std::string& path, Trace before, WarningHandler warn
) {
    h5::prepare_library();
    check_trace_path(path, true);
    // The existing file is replaced only by a longer one. A resumed run that fails early, for
    // example because the computer lacks memory, leaves the file as it was.
    const std::size_t min_commits = before.intervals.size() + 1;
    return std::make_unique<ResumedSink>(
        std::make_unique<Hdf5Sink>(path, min_commits, std::move(warn)), std::move(before)
    );
}

} // namespace headroom::trace
