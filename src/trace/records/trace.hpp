// A whole trace (what a run recorded) in memory, read from a file or recorded by a MemorySink.
#pragma once

#include <vector>

#include "trace/records/records.hpp"

namespace headroom::trace {

struct Trace {
    RunHeader header;
    std::vector<Interval> intervals;
    Completion completion = Completion::running;
};

[[nodiscard]] inline Trace trace_of(const MemorySink& sink) {
    return {sink.header, sink.intervals, sink.completion};
}

} // namespace headroom::trace
