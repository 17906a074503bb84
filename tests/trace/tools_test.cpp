// Other programs read traces: h5py during a run, with the lines of the manual, and h5dump after it.
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trace/files.hpp"
#include "tests/trace/sample.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

using testing::HasSubstr;

const std::string kPython = "/usr/bin/python3";

class OtherTools : public ScratchDirectoryTest {
  public:
    bool have_h5py() { return run(kPython + " -c 'import h5py'").status == 0; }

    CommandResult python(const std::string& program) {
        std::ofstream(path("program.py")) << program;
        return run(kPython + " " + path("program.py") + " " + path());
    }

    /// The Python lines of the manual that read a trace.
    std::string manual_lines() {
        const std::string manual = contents_of(HEADROOM_SOURCE_DIR "/docs/reference/trace.md");
        const std::string fence = "```python\n";
        const std::size_t begin = manual.find(fence) + fence.size();
        return manual.substr(begin, manual.find("```", begin) - begin);
    }
};

TEST_F(OtherTools, h5py_reads_a_running_run_with_the_lines_of_the_manual) {
    if (!have_h5py()) {
        GTEST_SKIP() << "h5py is not installed for " << kPython;
    }
    const auto sink = make_hdf5_sink(path(), false);
    sink->begin(sample::header(false));
    const CommandResult before = python(manual_lines());
    EXPECT_EQ(before.status, 0) << before.output;
    EXPECT_EQ(before.output, "0 intervals, 0 tokens, running\n");
    for (std::int64_t i = 0; i < 5; ++i) {
        sink->commit(sample::interval(i, false));
    }
    const CommandResult during = python(manual_lines());
    EXPECT_EQ(during.status, 0) << during.output;
    // Intervals 0, 1, 3 and 4 have four tokens each, interval 2 has none.
    EXPECT_EQ(during.output, "5 intervals, 16 tokens, running\n");
    sink->end(Completion::finished);
    EXPECT_EQ(python(manual_lines()).output, "5 intervals, 16 tokens, finished\n");
}

TEST_F(OtherTools, h5py_reads_a_killed_run_with_the_lines_of_the_manual) {
    if (!have_h5py()) {
        GTEST_SKIP() << "h5py is not installed for " << kPython;
    }
    const pid_t child = fork();
    if (child == 0) {
        const auto sink = make_hdf5_sink(path(), false);
        sink->begin(sample::header(true));
        for (std::int64_t i = 0; i < 50; ++i) {
            sink->commit(sample::interval(i, true));
        }
        raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const CommandResult after = python(manual_lines());
    EXPECT_EQ(after.status, 0) << after.output;
    // 4 tokens in each interval but 2, 5, … 47: 34 of 50.
    EXPECT_EQ(after.output, "50 intervals, 136 tokens, running\n");
}

TEST_F(OtherTools, h5py_finds_values_units_names_and_texts) {
    if (!have_h5py()) {
        GTEST_SKIP() << "h5py is not installed for " << kPython;
    }
    const auto sink = make_hdf5_sink(path(), false);
    sink->begin(sample::header(true));
    sink->commit(sample::interval(0, true));
    const CommandResult found = python(R"(
import sys, h5py
f = h5py.File(sys.argv[1], "r", libver="latest", swmr=True)
for name, d in f.items():
    assert "description" in d.attrs, name
    assert len(d.attrs["units"]) == len(d.dtype.names or [0]), name
t = f["intervals"]
assert t[0]["predicted_inference_ns"] == 2**63 - 1
assert t.attrs["reason_codes"][t[0]["reason"]] == b"moved"
assert t.attrs["policy_codes"][t[0]["policy"]] == b"greedy"
assert dict(zip(t.dtype.names, t.attrs["units"]))["t_dec"] == b"ns"
assert f["devices"]["name"][1].decode() == "größtes Gerät ✓"
r = f["requests"][0]
text = f["text_pool"][r["text_offset"]:][:r["text_length"]].tobytes().decode()
assert text == "Es war einmal ✓ 0", text
assert f["placements"][0].tolist() == [0, 1, -1, 2]
assert f["scenario"][:].tobytes().decode().startswith("seed = 7")
assert f.attrs["schema_version"] == 5 and f.attrs["seed"] == 7
assert f["tokens"][0]["logits_checksum"] == 2**64 - 2
i = next(i for i in f["input_files"] if i["path_length"] == 3)
pool = f["input_pool"][:].tobytes()
assert pool[i["contents_offset"]:][:i["contents_length"]] == b"a\0b"
)");
    EXPECT_EQ(found.status, 0) << found.output;
    sink->end(Completion::finished);
}

TEST_F(OtherTools, h5dump_opens_a_finished_run) {
    if (run("h5dump --version").status != 0) {
        GTEST_SKIP() << "h5dump (hdf5-tools) is not installed";
    }
    sample::record(sample::trace(5, true), *make_hdf5_sink(path(), false));
    const CommandResult found = run("h5dump " + path());
    EXPECT_EQ(found.status, 0);
    EXPECT_THAT(found.output, HasSubstr("rows_text_pool"));
    // No table has variable-length types, because they cannot be read after a kill.
    EXPECT_THAT(found.output, testing::Not(HasSubstr("H5T_VARIABLE")));
    EXPECT_THAT(found.output, testing::Not(HasSubstr("H5T_VLEN")));
}

TEST_F(OtherTools, h5dump_does_not_open_a_file_that_is_not_closed) {
    // This is the twin of the test above.
    if (run("h5dump --version").status != 0) {
        GTEST_SKIP() << "h5dump (hdf5-tools) is not installed";
    }
    const auto sink = make_hdf5_sink(path(), false);
    sink->begin(sample::header(false));
    EXPECT_NE(run("h5dump " + path()).status, 0);
    sink->end(Completion::finished);
}

} // namespace
} // namespace headroom::trace
