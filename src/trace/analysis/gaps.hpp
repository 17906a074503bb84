// What a device did between its operations, as far as a trace with --trace-ops tells it.
#pragma once

#include <vector>

#include "trace/analysis/request_figures.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Where a row of an interval's table stands.
struct RowPlace {
    std::size_t interval = 0;
    std::size_t row = 0;
};

enum class GapKind {
    waiting,   ///< until a message arrived, with which the next operation began
    paging,    ///< reading again what is over the budget, before a turn's first operation
    migrating, ///< transfers of a decision were under way: nobody computes
    idle,      ///< none of these
};

struct Gap {
    Span span;
    GapKind kind = GapKind::idle;
    RowPlace message{}; ///< of waiting
};

/// One device's operations, ascending by start.
struct OpRef {
    RowPlace place;
    const OpRow* op = nullptr;
};

/// Device by device, its operations by start, then end.
[[nodiscard]] std::vector<std::vector<OpRef>> ops_by_device(const Trace& trace);

/// Device by device, the time from 0 to its last operation in which it executed none, in pieces
/// that ascend and do not overlap. Nothing is guessed: a piece is `waiting` only if a message to
/// the device arrived at the very nanosecond in which the operation behind it began.
[[nodiscard]] std::vector<std::vector<Gap>> gaps_by_device(
    const Trace& trace, const std::vector<std::vector<OpRef>>& ops
);

} // namespace headroom::trace
