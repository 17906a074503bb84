// Writes the tables of a trace file: those of the header once, the others interval by interval.
#pragma once

#include <string>
#include <vector>

#include "trace/hdf5/library/append_table.hpp"
#include "trace/hdf5/schema.hpp"

namespace headroom::trace::h5 {

/// Writes the whole header: root attributes, scenario, input files and the header's tables.
void write_header(const File& file, const RunHeader& header, const std::string& wall_started);

/// The table /intervals and all tables that grow with it.
class GrowingTables {
  public:
    GrowingTables() = default;
    GrowingTables(const File& file, const RunHeader& header);

    /// Throws Bug if a block has no device, or if there are operations but no table for them.
    void check(const Interval& interval) const;
    /// Appends and flushes the rows of all tables except /intervals, then the row of /intervals.
    /// That row commits the interval (makes it valid).
    void commit(const Interval& interval);
    void close();

  private:
    template <class Row>
    void append(AppendTable& table, const std::vector<Row>& rows);
    void append_placement(const std::vector<std::int32_t>& placement);
    [[nodiscard]] RowCounts counts() const;
    [[nodiscard]] std::vector<AppendTable*> all_but_intervals();

    std::size_t blocks_ = 0;
    bool with_ops_ = false;
    AppendTable intervals_, placements_, text_pool_;
    std::vector<AppendTable> tables_; ///< in the order of kIntervalTables
    PendingText pending_text_;
    ByteBuffer buffer_; ///< reused by each commit
};

} // namespace headroom::trace::h5
