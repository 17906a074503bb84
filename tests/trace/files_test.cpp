// Errors of trace files: paths that cannot be written, files that are not traces, full disks, and
// wrong orders of calls.
#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/trace/files.hpp"
#include "tests/trace/sample.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/hdf5/library/attribute.hpp"
#include "trace/hdf5/library/file.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class TraceFiles : public ScratchDirectoryTest {
  public:
    void write(const std::string& file, const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
    }
    void write_sample(const std::string& file, std::int64_t intervals = 3) {
        sample::record(sample::trace(intervals, true), *make_hdf5_sink(file, false));
    }
    std::string reading_error(const std::string& file) {
        return error_of<InputError>([&] { (void)open_trace(file); });
    }
};

TEST_F(TraceFiles, replace_a_file_only_on_request) {
    write(path(), "precious");
    EXPECT_THAT(
        error_of<InputError>([&] { (void)make_hdf5_sink(path(), false); }), HasSubstr("--force")
    );
    EXPECT_EQ(contents_of(path()), "precious");
    const Trace trace = sample::trace(2, false);
    sample::record(trace, *make_hdf5_sink(path(), true));
    EXPECT_THAT(differences(open_trace(path()).trace, trace), IsEmpty());
}

TEST_F(TraceFiles, that_appear_between_the_check_and_the_run_are_not_replaced) {
    const auto sink = make_hdf5_sink(path(), false);
    write(path(), "precious");
    EXPECT_THROW(sink->begin(sample::header(false)), EnvironmentError);
    EXPECT_EQ(contents_of(path()), "precious");
}

TEST_F(TraceFiles, are_not_replaced_while_they_are_written) {
    const auto first = make_hdf5_sink(path(), false);
    first->begin(sample::header(false));
    EXPECT_THAT(
        error_of<InputError>([&] { (void)make_hdf5_sink(path(), true); }),
        HasSubstr("being written")
    );
    first->end(Completion::finished);
    EXPECT_NO_THROW((void)make_hdf5_sink(path(), true));
}

TEST_F(TraceFiles, need_a_directory_that_exists_and_is_no_file) {
    EXPECT_THAT(
        error_of<InputError>([&] { (void)make_hdf5_sink(path("no/such/run.h5"), false); }),
        HasSubstr("no/such is not a directory")
    );
    write(path("file"), "");
    EXPECT_THROW((void)make_hdf5_sink(path("file/run.h5"), false), InputError);
    EXPECT_THAT(
        error_of<InputError>([&] { (void)make_hdf5_sink(directory(), true); }),
        HasSubstr("is a directory")
    );
}

TEST_F(TraceFiles, need_a_directory_that_can_be_written) {
    // Root may write everywhere except to file systems of the kernel.
    const bool root = geteuid() == 0;
    const std::string locked = root ? "/proc" : path("locked");
    if (!root) {
        std::filesystem::create_directory(locked);
        std::filesystem::permissions(locked, std::filesystem::perms::owner_read);
    }
    EXPECT_THAT(
        error_of<EnvironmentError>([&] {
            make_hdf5_sink(locked + "/run.h5", false)->begin(sample::header(false));
        }),
        HasSubstr(locked)
    );
}

/// Runs a function in a child process, which exits without cleaning up, and returns its value.
/// After a failed write HDF5 itself leaks memory, which a sanitizer would report.
template <class Function>
int in_child(Function function) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(function());
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(TraceFiles, on_a_full_device_are_an_environment_error) {
    if (access("/dev/full", W_OK) != 0) {
        GTEST_SKIP() << "no /dev/full here";
    }
    EXPECT_EQ(
        in_child([] {
            const auto sink = make_hdf5_sink("/dev/full", true);
            try {
                sink->begin(sample::header(false));
            } catch (const EnvironmentError& error) {
                sink->end(Completion::failed);
                const std::string_view text = error.what();
                const bool right = text.find("nothing had been committed") != std::string::npos &&
                                   text.find("can be read") == std::string::npos &&
                                   text.find("HDF5") == std::string::npos;
                return right ? 7 : 1;
            }
            return 0;
        }),
        7
    );
}

/// Commits until the file reaches the limit. Returns 7 if the expected error is thrown then.
int fill_the_disk(const std::string& path, rlim_t max_bytes) {
    const rlimit limit{max_bytes, max_bytes};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto sink = make_hdf5_sink(path, false);
    sink->begin(sample::header(true));
    for (std::int64_t i = 0; i < 10'000; ++i) {
        try {
            sink->commit(sample::interval(i, true));
        } catch (const EnvironmentError& error) {
            sink->end(Completion::failed);
            const bool is_expected =
                std::string(error.what()).find("can be read: headroom inspect " + path) !=
                std::string::npos;
            return is_expected ? 7 : 1;
        }
    }
    return 2;
}

TEST_F(TraceFiles, on_a_disk_that_fills_up_keep_what_was_committed) {
    // The limits make the last write fail at different places.
    for (rlim_t max_bytes = 60'000; max_bytes < 120'000; max_bytes += 5'003) {
        const std::string file = path(std::to_string(max_bytes));
        EXPECT_EQ(in_child([&] { return fill_the_disk(file, max_bytes); }), 7) << max_bytes;
        const TraceFile found = open_trace(file);
        EXPECT_FALSE(found.ended_cleanly);
        ASSERT_GT(found.trace.intervals.size(), 5U);
        const auto count = static_cast<std::int64_t>(found.trace.intervals.size());
        Trace expected = sample::trace(count, true);
        expected.completion = Completion::failed;
        EXPECT_THAT(differences(found.trace, expected), IsEmpty());
    }
}

TEST_F(TraceFiles, that_are_not_traces_are_described_by_the_error) {
    EXPECT_THAT(reading_error(path("none")), HasSubstr("No such file"));
    write(path("text"), "hello, I am long enough to have a signature");
    EXPECT_THAT(reading_error(path("text")), HasSubstr("not an HDF5 file"));
    write(path("empty"), "");
    EXPECT_THAT(reading_error(path("empty")), HasSubstr("empty"));
    EXPECT_THAT(reading_error(directory()), HasSubstr("directory"));
    write(path("signature"), "\x89HDF\r\n\x1a\n and then nothing");
    EXPECT_THAT(reading_error(path("signature")), HasSubstr("cannot be read as a trace"));
    h5::create_file(path("foreign"), false).close();
    EXPECT_THAT(reading_error(path("foreign")), HasSubstr("not a trace"));
}

TEST_F(TraceFiles, are_not_called_damaged_for_lack_of_descriptors) {
    if (support::kSanitizerNeedsDescriptors) {
        GTEST_SKIP() << "the sanitizer needs descriptors of its own";
    }
    sample::record(sample::trace(2, false), *make_hdf5_sink(path(), false));
    rlimit before = {};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int lowest = dup(STDIN_FILENO);
    ASSERT_GE(lowest, 0);
    ASSERT_EQ(close(lowest), 0);
    int refused = 0;
    for (rlim_t extra = 0; extra < 6; ++extra) {
        const rlimit few{static_cast<rlim_t>(lowest) + extra, before.rlim_max};
        ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
        try {
            (void)open_trace(path());
        } catch (const EnvironmentError& error) {
            EXPECT_THAT(error.what(), HasSubstr("ulimit -n"));
            ++refused;
        } catch (const InputError& error) {
            ADD_FAILURE() << error.what();
        }
        ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    }
    EXPECT_GE(refused, 1);
    EXPECT_EQ(open_trace(path()).trace.intervals.size(), 2U);
}

TEST_F(TraceFiles, of_another_schema_version_name_both_versions) {
    h5::File file = h5::create_file(path(), false);
    h5::write_attribute(file.get(), "schema_version", std::int64_t{4711});
    file.close();
    EXPECT_THAT(
        reading_error(path()),
        HasSubstr(
            "version 4711; this program reads versions 3 to " + std::to_string(kSchemaVersion)
        )
    );
}

TEST_F(TraceFiles, without_their_tables_are_damaged) {
    h5::File file = h5::create_file(path(), false);
    h5::write_attribute(file.get(), "schema_version", std::int64_t{kSchemaVersion});
    file.close();
    EXPECT_THAT(reading_error(path()), HasSubstr("there is no /scenario"));
}

TEST_F(TraceFiles, cut_short_are_an_input_error_wherever_the_cut) {
    write_sample(path("whole"), 30);
    const std::string whole = contents_of(path("whole"));
    for (std::size_t size = 9; size < whole.size(); size += whole.size() / 23) {
        write(path("cut"), whole.substr(0, size));
        EXPECT_THROW((void)open_trace(path("cut")), InputError) << size << " of " << whole.size();
    }
}

TEST_F(TraceFiles, of_the_same_commits_have_the_same_contents) {
    write_sample(path("a"), 20);
    write_sample(path("b"), 20);
    EXPECT_THAT(differences(open_trace(path("a")).trace, open_trace(path("b")).trace), IsEmpty());
    write_sample(path("c"), 19);
    EXPECT_FALSE(differences(open_trace(path("a")).trace, open_trace(path("c")).trace).empty());
}

TEST_F(TraceFiles, say_which_library_wrote_them_and_when) {
    write_sample(path());
    const TraceFile file = open_trace(path());
    EXPECT_TRUE(file.ended_cleanly);
    EXPECT_FALSE(file.is_being_written);
    EXPECT_EQ(file.hdf5_version, h5::library_version());
    EXPECT_THAT(file.wall_started, testing::MatchesRegex("20..-..-..T..:..:..Z"));
}

TEST_F(TraceFiles, whose_sink_is_destroyed_are_readable_but_have_not_ended_cleanly) {
    {
        const auto sink = make_hdf5_sink(path(), false);
        sink->begin(sample::header(false));
        sink->commit(sample::interval(0, false));
    }
    const TraceFile file = open_trace(path());
    EXPECT_FALSE(file.ended_cleanly);
    EXPECT_EQ(file.trace.completion, Completion::running);
    EXPECT_EQ(file.trace.intervals.size(), 1U);
}

TEST_F(TraceFiles, of_a_short_run_are_small) {
    // The run has 100 tokens in 25 intervals and rows in all tables.
    write_sample(path(), 25);
    EXPECT_LT(std::filesystem::file_size(path()), 100'000U);
}

TEST_F(TraceFiles, report_misuse_of_the_sink_as_a_bug) {
    const auto sink = make_hdf5_sink(path(), false);
    EXPECT_THROW(sink->commit(sample::interval(0, false)), Bug);
    sink->begin(sample::header(false));
    EXPECT_THROW(sink->begin(sample::header(false)), Bug);
    sink->end(Completion::finished);
    EXPECT_THROW(sink->commit(sample::interval(0, false)), Bug);
    EXPECT_THROW(sink->end(Completion::finished), Bug);
}

TEST_F(TraceFiles, report_rows_that_do_not_fit_the_header_as_a_bug_and_write_nothing) {
    const auto sink = make_hdf5_sink(path(), false);
    sink->begin(sample::header(false));
    EXPECT_THROW(sink->commit(sample::interval(0, true)), Bug);
    Interval short_placement = sample::interval(0, false);
    short_placement.placement.pop_back();
    EXPECT_THROW(sink->commit(short_placement), Bug);
    sink->commit(sample::interval(0, false));
    sink->end(Completion::finished);
    EXPECT_THAT(differences(open_trace(path()).trace, sample::trace(1, false)), IsEmpty());
}

TEST_F(TraceFiles, report_a_header_that_uses_the_files_own_names_as_a_bug) {
    RunHeader header = sample::header(false);
    header.attributes["schema_version"] = "1";
    EXPECT_THROW(make_hdf5_sink(path("a"), false)->begin(header), Bug);
    RunHeader twice = sample::header(false);
    twice.attributes["seed"] = "7";
    EXPECT_THROW(make_hdf5_sink(path("b"), false)->begin(twice), Bug);
    RunHeader foreign = sample::header(false);
    foreign.codes["messages.kind"] = {"token"};
    EXPECT_THROW(make_hdf5_sink(path("c"), false)->begin(foreign), Bug);
}

} // namespace
} // namespace headroom::trace
