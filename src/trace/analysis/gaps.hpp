// Finds the gaps between the operations of each device, and the reason why the device did not
// compute in each gap. The trace must have been recorded with --trace-ops.
#pragma once

#include <vector>

#include "trace/analysis/request_figures.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// The position of a row in the table of one interval.
struct RowIndex {
    std::size_t interval = 0;
    std::size_t row = 0;
};

enum class GapKind {
    waiting,   ///< waiting for a message; the next operation began at its arrival
    paging,    ///< reading weights again, because memory was over budget
    migrating, ///< transfers of a migration, during which no device computes
    idle,      ///< any other reason
};

struct Gap {
    Span span;
    GapKind kind = GapKind::idle;
    RowIndex message{}; ///< the message that the device waited for, if `kind` is waiting
};

struct OpRef {
    RowIndex index;
    const OpRow* op = nullptr;
};

/// Returns the operations of each device, ordered by start, then end.
[[nodiscard]] std::vector<std::vector<OpRef>> ops_by_device(const Trace& trace);

/// Returns for each device the gaps from time 0 to its last operation, in order of time and without
/// overlap. Several gaps of different kinds can follow one another without an operation between
/// them. A gap is `waiting` only if a message to the device arrived in the same nanosecond in which
/// the next operation began.
[[nodiscard]] std::vector<std::vector<Gap>> gaps_by_device(
    const Trace& trace, const std::vector<std::vector<OpRef>>& ops
);

} // namespace headroom::trace
