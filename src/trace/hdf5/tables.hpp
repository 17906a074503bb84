// All tables of a trace file while it is being written, and how an interval is added to them.
#pragma once

#include <string>
#include <vector>

#include "trace/hdf5/library/append_table.hpp"
#include "trace/hdf5/schema.hpp"

namespace headroom::trace::h5 {

/// Writes everything of the header: root attributes, scenario, input files, static tables.
void write_header(const File& file, const RunHeader& header, const std::string& wall_started);

/// /intervals and the tables that grow with it.
class GrowingTables {
  public:
    GrowingTables() = default;
    GrowingTables(const File& file, const RunHeader& header);

    /// Whether an interval fits the header; throws Bug if not.
    void check(const Interval& interval) const;
    /// Appends to all tables and flushes them; then, last, the interval's own row.
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
    AppendTable intervals_, placements_, resources_, link_state_, migrations_, turns_, tokens_,
        requests_, ops_, messages_, events_, text_pool_;
    PendingText pending_text_;
    ByteBuffer buffer_; ///< reused from commit to commit
};

} // namespace headroom::trace::h5
