// Malicious traces that refer to other files, to themselves, to more data than they hold, or to
// code. They are refused with an error message before HDF5 follows them.
#include <csignal>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "base/error.hpp"
#include "base/verbose.hpp"
#include "tests/trace/files.hpp"
#include "tests/trace/sample.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/hdf5/library/crash_guard.hpp"
#include "trace/hdf5/overview.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/summary_file.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class UntrustedTraces : public ScratchDirectoryTest {
  public:
    UntrustedTraces() {
        sample::record(sample::trace(3, true), *make_hdf5_sink(path(), false));
        access_ = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_libver_bounds(access_, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
        file_ = H5Fopen(path().c_str(), H5F_ACC_RDWR, access_);
    }
    ~UntrustedTraces() override { close(); }

    hid_t file() { return file_; }
    void remove(const char* name) { ASSERT_GE(H5Ldelete(file_, name, H5P_DEFAULT), 0); }

    /// Relocations a dataset by one of the same type and shape, or of `size` rows.
    void replace(const char* name, hid_t creation, hsize_t size = 0) {
        const hid_t old = H5Dopen2(file_, name, H5P_DEFAULT);
        const hid_t type = H5Dget_type(old);
        hid_t space = H5Dget_space(old);
        if (size > 0) {
            H5Sclose(space);
            space = H5Screate_simple(1, &size, nullptr);
        }
        H5Dclose(old);
        remove(name);
        const hid_t replacement =
            H5Dcreate2(file_, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
        ASSERT_GE(replacement, 0) << name;
        H5Dclose(replacement);
        H5Sclose(space);
        H5Tclose(type);
    }

    /// Closes the file and returns the error of the reader.
    std::string refusal() {
        close();
        return error_of<InputError>([&] { (void)open_trace(path()); });
    }

  private:
    void close() {
        if (file_ >= 0) {
            H5Fclose(file_);
            H5Pclose(access_);
            file_ = -1;
        }
    }

    hid_t access_ = -1;
    hid_t file_ = -1;
};

TEST_F(UntrustedTraces, without_changes_are_read) {
    const hid_t file = this->file(); // the twin of all tests below
    EXPECT_GE(H5Fflush(file, H5F_SCOPE_GLOBAL), 0);
    EXPECT_THAT(differences(open_trace(path()).trace, sample::trace(3, true)), IsEmpty());
}

TEST_F(UntrustedTraces, with_a_link_to_another_file_are_refused) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    remove("tokens");
    ASSERT_GE(
        H5Lcreate_external(path("pipe").c_str(), "/x", file(), "tokens", H5P_DEFAULT, H5P_DEFAULT),
        0
    );
    EXPECT_THAT(refusal(), AllOf(HasSubstr("names another file"), HasSubstr("/pipe")));
    EXPECT_THROW((void)read_trace_overview(path()), InputError);
}

TEST_F(UntrustedTraces, with_a_soft_link_are_refused) {
    remove("tokens");
    ASSERT_GE(H5Lcreate_soft("/tokens", file(), "tokens", H5P_DEFAULT, H5P_DEFAULT), 0);
    EXPECT_THAT(refusal(), HasSubstr("has a soft link /tokens"));
}

TEST_F(UntrustedTraces, with_rows_in_another_file_are_refused) {
    std::ofstream(path("secret")) << std::string(100'000, 's');
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, path("secret").c_str(), 0, H5F_UNLIMITED);
    replace("scenario", creation, 1000);
    H5Pclose(creation);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("names another file"), HasSubstr("/scenario")));
    EXPECT_THROW((void)read_trace_overview(path()), InputError);
}

TEST_F(UntrustedTraces, with_virtual_tables_are_refused) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t size = 1;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    ASSERT_GE(H5Pset_virtual(creation, space, ".", "complete", space), 0);
    replace("complete", creation, 1);
    H5Sclose(space);
    H5Pclose(creation);
    EXPECT_THAT(refusal(), HasSubstr("/complete is put together from other tables"));
    EXPECT_THROW((void)read_trace_overview(path()), InputError);
}

TEST_F(UntrustedTraces, with_larger_compressed_tables_than_possible_are_damaged) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 1 << 20;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_deflate(creation, 9);
    replace("scenario", creation, hsize_t{1} << 36);
    H5Pclose(creation);
    EXPECT_THAT(refusal(), HasSubstr("rows of /scenario"));
    EXPECT_THROW((void)read_trace_overview(path()), InputError);
}

TEST_F(UntrustedTraces, with_larger_tables_than_the_file_are_damaged) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_LATE);
    replace("scenario", creation, 10'000'000);
    H5Pclose(creation);
    EXPECT_THAT(refusal(), HasSubstr("damaged: with the 10000000 rows of /scenario"));
}

TEST_F(UntrustedTraces, with_huge_chunks_are_damaged) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = hsize_t{1} << 31;
    H5Pset_chunk(creation, 1, &chunk);
    replace("scenario", creation, chunk);
    H5Pclose(creation);
    EXPECT_THAT(refusal(), HasSubstr("/scenario claims huge rows or chunks"));
}

TEST_F(UntrustedTraces, compressed_by_known_filters_are_read) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 10;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 9);
    replace("scenario", creation);
    H5Pclose(creation);
    ASSERT_GE(H5Fflush(file(), H5F_SCOPE_GLOBAL), 0);
    EXPECT_EQ(open_trace(path()).trace.header.scenario.find_first_not_of('\0'), std::string::npos);
}

TEST_F(UntrustedTraces, compressed_by_unknown_filters_are_refused) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 10;
    H5Pset_chunk(creation, 1, &chunk);
    constexpr H5Z_filter_t kUnknownFilter = 32'000;
    H5Pset_filter(creation, kUnknownFilter, H5Z_FLAG_OPTIONAL, 0, nullptr);
    replace("scenario", creation);
    H5Pclose(creation);
    EXPECT_THAT(refusal(), HasSubstr("through filter 32000, expected none, or deflate"));
}

TEST_F(UntrustedTraces, with_columns_of_other_types_are_damaged) {
    remove("complete");
    const hsize_t size = 1;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Dclose(H5Dcreate2(file(), "complete", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Tclose(type);
    H5Sclose(space);
    EXPECT_THAT(refusal(), HasSubstr("/complete has another type"));
}

TEST_F(UntrustedTraces, that_are_pipes_are_not_waited_for) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    EXPECT_THAT(
        error_of<InputError>([&] { (void)open_trace(path("pipe")); }), HasSubstr("no ordinary file")
    );
    EXPECT_THROW((void)read_trace_overview(path("pipe")), InputError);
    EXPECT_FALSE(is_summary_file(path("pipe")));
    EXPECT_THROW((void)open_trace("/dev/zero"), InputError);
}

TEST_F(UntrustedTraces, load_no_code) {
    unsigned allowed = 1;
    (void)open_trace(path());
    ASSERT_GE(H5PLget_loading_state(&allowed), 0);
    EXPECT_EQ(allowed, 0U);
}

TEST_F(UntrustedTraces, that_hdf5_cannot_open_give_one_sentence_or_verbose_errors) {
    const std::string whole = contents_of(path());
    std::ofstream(path("cut"), std::ios::binary) << whole.substr(0, whole.size() / 2);
    const auto message = [&] {
        return error_of<InputError>([&] { (void)open_trace(path("cut")); });
    };
    EXPECT_THAT(message(), AllOf(HasSubstr("cut short"), Not(HasSubstr("HDF5 H5"))));
    EXPECT_LT(message().size(), 400U + path("cut").size());
    setenv(kVerboseVariable, "1", 1);
    EXPECT_THAT(message(), HasSubstr("HDF5 H5Fopen said: "));
    unsetenv(kVerboseVariable);
}

TEST_F(UntrustedTraces, with_a_text_that_many_rows_share_are_damaged) {
    // A text of 64 KiB in a thousand rows would take 64 MiB of memory.
    Trace trace = sample::trace(1, false);
    trace.intervals[0].requests.resize(3);
    trace.intervals[0].requests[0].text.assign(1000, 'x');
    sample::record(trace, *make_hdf5_sink(path("shared"), false));
    const hid_t file = H5Fopen(path("shared").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t requests = H5Dopen2(file, "requests", H5P_DEFAULT);
    const hid_t location = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(location, "text_offset", 0, H5T_NATIVE_INT64);
    H5Tinsert(location, "text_length", 8, H5T_NATIVE_INT64);
    std::array<std::int64_t, 6> locations{};
    ASSERT_GE(H5Dread(requests, location, H5S_ALL, H5S_ALL, H5P_DEFAULT, locations.data()), 0);
    locations[2] = locations[0];
    locations[3] = locations[1];
    ASSERT_GE(H5Dwrite(requests, location, H5S_ALL, H5S_ALL, H5P_DEFAULT, locations.data()), 0);
    H5Tclose(location);
    H5Dclose(requests);
    H5Fclose(file);
    EXPECT_THAT(
        error_of<InputError>([&] { (void)open_trace(path("shared")); }),
        HasSubstr("texts are longer than their pool")
    );
}

/// Runs an action under a guard, as the reader does.
template <class Action>
void under_guard(Action action) {
    const h5::CrashGuard guard("odd.h5");
    action();
}

TEST(CrashGuardDeathTest, turns_a_crash_into_an_error_message) {
    const testing::ExitedWithCode bad_input(2);
    const char* const sentence = "odd.h5: is damaged in a way that the HDF5 library breaks down";
    EXPECT_EXIT(under_guard([] { raise(SIGSEGV); }), bad_input, sentence);
    EXPECT_EXIT(under_guard([] { std::abort(); }), bad_input, sentence);
    EXPECT_EXIT(under_guard([] { raise(SIGFPE); }), bad_input, sentence);
}

TEST(CrashGuardDeathTest, lets_signals_end_the_program_at_once) {
    EXPECT_EXIT(under_guard([] { raise(SIGINT); }), testing::ExitedWithCode(130), "");
    EXPECT_EXIT(under_guard([] { raise(SIGTERM); }), testing::ExitedWithCode(143), "");
}

TEST(CrashGuardDeathTest, restores_the_signal_handlers) {
    const auto afterwards = [] {
        (void)std::signal(SIGTERM, [](int) { _exit(7); });
        under_guard([] {});
        raise(SIGTERM);
    };
    EXPECT_EXIT(afterwards(), testing::ExitedWithCode(7), "");
}

} // namespace
} // namespace headroom::trace
