// A trace survives kill -9 up to its last committed interval. It can be read while it is written
// and repaired after a kill.
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "tests/trace/files.hpp"
#include "tests/trace/sample.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/repair.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kMaxCommits = 4000;

/// A child process that commits intervals without pause and reports how many it has committed.
class ChildWriter {
  public:
    explicit ChildWriter(const std::string& path) {
        int ends[2] = {};
        EXPECT_EQ(pipe(ends), 0);
        reports_ = ends[0];
        child_ = fork();
        if (child_ == 0) {
            write_all(path, ends[1]);
        }
        close(ends[1]);
        EXPECT_EQ(next_report(), 0); // begin() has returned
    }
    ChildWriter(const ChildWriter&) = delete;
    ChildWriter& operator=(const ChildWriter&) = delete;
    ~ChildWriter() {
        kill();
        close(reports_);
    }

    /// Returns the number of committed intervals of the next report; -1 if there are no more
    /// reports.
    std::int64_t next_report() {
        std::int64_t committed = -1;
        return read(reports_, &committed, sizeof(committed)) == sizeof(committed) ? committed : -1;
    }

    /// Kills the child. Returns the last number that it reported, or -1 if it had ended before.
    std::int64_t kill() {
        if (child_ <= 0) {
            return -1;
        }
        ::kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        child_ = 0;
        std::int64_t last = 0;
        for (std::int64_t report = 0; report >= 0; report = next_report()) {
            last = std::max(last, report);
        }
        return last;
    }

  private:
    [[noreturn]] static void write_all(const std::string& path, int reports) {
        const auto sink = make_hdf5_sink(path, false);
        sink->begin(sample::header(true));
        for (std::int64_t committed = 0;; ++committed) {
            if (write(reports, &committed, sizeof(committed)) < 0) {
                _exit(1);
            }
            if (committed == kMaxCommits) {
                pause();
            }
            sink->commit(sample::interval(committed, true));
        }
    }

    int reports_ = -1;
    pid_t child_ = 0;
};

void expect_sample(const Trace& found, std::int64_t min_intervals) {
    const auto count = static_cast<std::int64_t>(found.intervals.size());
    EXPECT_GE(count, min_intervals);
    Trace expected = sample::trace(count, true);
    expected.completion = Completion::running;
    EXPECT_THAT(differences(found, expected), IsEmpty());
}

class KilledRun : public ScratchDirectoryTest {};

TEST_F(KilledRun, leaves_every_committed_interval_exactly) {
    const char* const wanted = std::getenv("HEADROOM_KILLS");
    const int kills = wanted == nullptr ? 20 : std::atoi(wanted);
    Random random(stream_seed(1, "kill"));
    for (int i = 0; i < kills; ++i) {
        const std::string file = path(std::to_string(i));
        ChildWriter writer(file);
        std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(30 * random.unit()));
        const std::int64_t committed = writer.kill();
        const TraceFile found = open_trace(file);
        EXPECT_FALSE(found.ended_cleanly);
        EXPECT_FALSE(found.is_being_written);
        expect_sample(found.trace, committed);
        EXPECT_LE(found.trace.intervals.size(), static_cast<std::size_t>(committed) + 1);
        std::filesystem::remove(file);
    }
}

TEST_F(KilledRun, is_repaired_without_loss) {
    if (run("h5clear --version").status != 0) {
        GTEST_SKIP() << "h5clear (hdf5-tools) is not installed";
    }
    ChildWriter writer(path());
    while (writer.next_report() < 25) {
    }
    const std::int64_t committed = writer.kill();
    const Trace before = open_trace(path()).trace;
    EXPECT_TRUE(repair(path()));
    EXPECT_FALSE(repair(path())); // the file is in order
    const TraceFile after = open_trace(path());
    EXPECT_FALSE(after.ended_cleanly); // repairing does not change that the run was killed
    expect_sample(after.trace, committed);
    EXPECT_THAT(differences(before, after.trace), IsEmpty());
}

TEST_F(KilledRun, is_repaired_when_its_name_looks_like_an_option) {
    if (run("h5clear --version").status != 0) {
        GTEST_SKIP() << "h5clear (hdf5-tools) is not installed";
    }
    { ChildWriter writer(path("-s of a run.h5")); }
    EXPECT_TRUE(repair(path("-s of a run.h5")));
}

TEST_F(KilledRun, names_the_tool_that_repair_needs) {
    { ChildWriter writer(path()); }
    const std::string programs = std::getenv("PATH");
    setenv("PATH", directory().c_str(), 1);
    EXPECT_THAT(error_of<EnvironmentError>([&] { (void)repair(path()); }), HasSubstr("h5clear"));
    setenv("PATH", programs.c_str(), 1);
}

TEST_F(KilledRun, is_repaired_only_when_its_process_has_ended) {
    ChildWriter writer(path());
    EXPECT_TRUE(open_trace(path()).is_being_written);
    EXPECT_THAT(error_of<InputError>([&] { (void)repair(path()); }), HasSubstr("running program"));
    writer.kill();
    EXPECT_FALSE(open_trace(path()).is_being_written);
}

class RunningRun : public ScratchDirectoryTest {};

TEST_F(RunningRun, can_be_read_repeatedly) {
    ChildWriter writer(path());
    for (std::int64_t wanted = 0; wanted <= 200; wanted += 40) {
        std::int64_t committed = 0;
        while (committed < wanted) {
            committed = writer.next_report();
            ASSERT_GE(committed, 0);
        }
        const TraceFile found = open_trace(path());
        EXPECT_FALSE(found.ended_cleanly);
        expect_sample(found.trace, committed);
    }
}

} // namespace
} // namespace headroom::trace
