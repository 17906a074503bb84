// Which program made which part of a trace: a run that was broken off and went on has several.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace/analysis/interrupts.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Texts are empty where the trace does not say it.
struct Part {
    Stretch intervals;
    std::string version;
    std::string commit;
    std::string clock;
    std::string kernels;
    std::string transport;
    std::string host;
};

/// In their order; one at least. Of parts that went on the header says it in attributes of their
/// own, "part_2_clock", the first part's names behind the number ("host_part_2" for the host).
[[nodiscard]] std::vector<Part> parts_of(const Trace& trace);

/// In the header of a trace, before its part `number` (from 2) is written by the program whose own
/// header is `by`.
void note_part(RunHeader& header, std::size_t number, const RunHeader& by);

/// Whether an attribute was noted so.
[[nodiscard]] bool is_of_later_part(std::string_view attribute);

} // namespace headroom::trace
