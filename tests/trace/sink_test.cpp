// One suite for all sinks: a sink keeps every row that it received.
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trace/files.hpp"
#include "tests/trace/sample.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

using testing::IsEmpty;

/// A sink under test, and the trace that it has kept after end().
class InMemory : public ScratchDirectoryTest {
  public:
    Sink& sink() { return sink_; }
    Trace kept() { return trace_of(sink_); }

  private:
    MemorySink sink_;
};

class InFile : public ScratchDirectoryTest {
  public:
    Sink& sink() { return *sink_; }
    Trace kept() { return open_trace(path()).trace; }

  private:
    std::unique_ptr<Sink> sink_ = make_hdf5_sink(path(), false);
};

template <class Storage>
class EverySink : public Storage {
  public:
    void expect_kept(const Trace& trace) {
        sample::record(trace, this->sink());
        EXPECT_THAT(differences(trace, this->kept()), IsEmpty());
    }
};

using AllSinks = testing::Types<InMemory, InFile>;
TYPED_TEST_SUITE(EverySink, AllSinks);

TYPED_TEST(EverySink, keeps_all_tables_with_extreme_values_and_odd_texts) {
    this->expect_kept(sample::trace(7, true));
}

TYPED_TEST(EverySink, keeps_host_fields_too) {
    const Trace trace = sample::trace(1, false);
    sample::record(trace, this->sink());
    const Trace kept = this->kept();
    EXPECT_EQ(kept.header.attributes, trace.header.attributes);
    EXPECT_EQ(kept.intervals[0].row.decision_wall_ns, 12345);
    EXPECT_EQ(kept.intervals[0].resources[0].rank_rss_bytes, 50);
}

TYPED_TEST(EverySink, keeps_a_run_without_operations) {
    this->expect_kept(sample::trace(4, false));
}

TYPED_TEST(EverySink, keeps_many_intervals) {
    this->expect_kept(sample::trace(700, true));
}

TYPED_TEST(EverySink, keeps_a_run_without_intervals) {
    this->expect_kept(sample::trace(0, true));
}

TYPED_TEST(EverySink, keeps_an_empty_header_and_an_empty_interval) {
    Trace trace;
    trace.intervals.resize(2);
    trace.completion = Completion::interrupted;
    this->expect_kept(trace);
}

TYPED_TEST(EverySink, keeps_large_texts_and_many_rows) {
    Trace trace = sample::trace(2, true);
    trace.header.scenario.assign(300'000, 's');
    trace.header.attributes["long"].assign(20'000, 'a');
    trace.header.input_files["big"].assign(1'000'000, 'b');
    trace.intervals[1].requests[0].text.assign(500'000, 't');
    trace.intervals[0].ops.assign(20'000, {1, 2, 3, 4, 5});
    this->expect_kept(trace);
}

TYPED_TEST(EverySink, keeps_how_a_run_ended) {
    Trace trace = sample::trace(1, false);
    trace.completion = Completion::failed;
    this->expect_kept(trace);
}

} // namespace
} // namespace headroom::trace
