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
#include "trace/hdf5/library/place.hpp"
#include "trace/hdf5/tables.hpp"

namespace headroom::trace {

namespace {

/// Date and time for people, UTC. The one thing in a trace that asks the host for the date.
std::string wall_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts = {};
    gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

/// What HDF5 holds of a trace that is being written.
struct OpenTrace {
    // Datasets below their file, so that they are closed before it.
    h5::File file;
    h5::GrowingTables tables;
    h5::Dataset complete;
};

/// Keeps a trace that could not be written open until the process ends, so that it is left as
/// after a kill, and readable. Closing it would make HDF5 flush again: measured on a full disk,
/// 1.10.8 then marks the file as longer than it is, which nobody can open, or crashes.
void abandon(std::unique_ptr<OpenTrace> trace) {
    static auto& abandoned = *new std::vector<std::unique_ptr<OpenTrace>>;
    abandoned.push_back(std::move(trace));
}

class Hdf5Sink final : public Sink {
  public:
    /// worth: commits after which it may replace what stands at `path`.
    Hdf5Sink(std::string path, std::size_t worth, Tell tell)
        : path_(std::move(path)), place_(path_), worth_(worth), tell_(std::move(tell)) {}
    Hdf5Sink(const Hdf5Sink&) = delete;
    Hdf5Sink& operator=(const Hdf5Sink&) = delete;
    ~Hdf5Sink() override {
        if (state_ == State::broken) {
            abandon(std::move(open_));
        }
    }

    void begin(const RunHeader& header) override {
        HEADROOM_CHECK(state_ == State::fresh, "begin twice");
        h5::prepare_library(); // its settings are per thread, and this may be another one
        reported([&] {
            place_.take();
            open_->file = h5::create_file(place_.now(), true);
            place_.check_there(); // HDF5 opens by name
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
            if (!place_.replaces()) {
                place_.settle(); // readable from the first moment that it has its name
            }
        });
        tell_of_no_lock();
    }

    void commit(const Interval& interval) override {
        HEADROOM_CHECK(state_ == State::open, "commit to a trace that is not open: {}", path_);
        open_->tables.check(interval);
        reported([&] {
            open_->tables.commit(interval);
            place_.check_not_deleted();
            if (++commits_ >= worth_) {
                place_.settle();
            }
        });
    }

    void end(Completion completion) override {
        HEADROOM_CHECK(state_ != State::ended, "end twice");
        if (state_ != State::open) {
            save_what_can_be(completion);
            abandon(std::move(open_));
            place_.give_up();
            state_ = State::ended;
            return;
        }
        reported([&] {
            write_completion(completion);
            open_->complete.close();
            open_->tables.close();
            open_->file.close();
            if (completion == Completion::finished) {
                place_.settle(); // also of a run that had nothing left to do
            }
            place_.check_there();
        });
        place_.give_up();
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

    /// Runs an action after which the file is in order; an error names the file and breaks it off.
    template <class Action>
    void reported(Action action) {
        state_ = State::broken;
        try {
            action();
        } catch (const EnvironmentError& error) {
            throw EnvironmentError(fmt::format(
                "trace {}: could not be written: {}\n  the run ends; {}",
                path_,
                error.what(),
                what_is_left()
            ));
        }
        state_ = State::open;
    }

    [[nodiscard]] std::string what_is_left() const {
        if (place_.is_there()) {
            return commits_ == 0
                       ? "nothing had been committed"
                       : "what was committed before can be read: headroom inspect " + path_;
        }
        return place_.replaces() && !place_.is_settled() ? "what stood there is unchanged"
                                                         : "nothing of it is left there";
    }

    void tell_of_no_lock() const {
        const std::string why = place_.why_without_lock();
        if (!why.empty() && tell_) {
            tell_(fmt::format(
                "trace {}: files cannot be locked here ({}), so {}.writer says who writes it: "
                "leave that file alone, and do not write the same trace from two hosts",
                path_,
                why,
                path_
            ));
        }
    }

    /// The error that broke the trace has been reported; a second one would only hide it.
    void save_what_can_be(Completion completion) {
        try {
            if (open_->complete.open()) {
                write_completion(completion);
            }
        } catch (const EnvironmentError&) {
        }
    }

    std::string path_;
    Place place_;
    std::size_t worth_;
    Tell tell_;
    std::size_t commits_ = 0;
    State state_ = State::fresh;
    std::unique_ptr<OpenTrace> open_ = std::make_unique<OpenTrace>();
};

/// What was recorded before comes first.
class ContinuingSink final : public Sink {
  public:
    ContinuingSink(std::unique_ptr<Sink> file, Trace before)
        : file_(std::move(file)), before_(std::move(before)) {}

    void begin(const RunHeader& header) override {
        note_part(before_.header, stretches_of(before_).size() + 1, header);
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
    const std::string path = end_of_links(name).string();
    if (is_being_written(path + kAside) ||
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

std::unique_ptr<Sink> make_hdf5_sink(const std::string& path, bool overwrite, Tell tell) {
    h5::prepare_library();
    check_trace_path(path, overwrite);
    return std::make_unique<Hdf5Sink>(path, 1, std::move(tell));
}

std::unique_ptr<Sink> make_continuing_sink(const std::string& path, Trace before, Tell tell) {
    h5::prepare_library();
    check_trace_path(path, true);
    // What stands there is not touched before there is more: a run that finds its trace damaged
    // when it goes on, or its computer too small, leaves it as it was.
    const std::size_t worth = before.intervals.size() + 1;
    return std::make_unique<ContinuingSink>(
        std::make_unique<Hdf5Sink>(path, worth, std::move(tell)), std::move(before)
    );
}

} // namespace headroom::trace
