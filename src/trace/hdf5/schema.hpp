// Defines the parts of the trace file's format that are not in columns.hpp: the row counts in
// /intervals, the table of input files, and the names of datasets and attributes. A row of
// /intervals is written last and makes the rows that it counts valid. A change here requires a new
// kSchemaVersion. See docs/reference/trace.md#the-commit-record
#pragma once

#include <string_view>

#include "trace/records/columns.hpp"

namespace headroom::trace {

inline constexpr const char* kPlacements = "placements";
inline constexpr const char* kTextPool = "text_pool";
inline constexpr const char* kInputPool = "input_pool";
inline constexpr const char* kScenario = "scenario";
inline constexpr const char* kComplete = "complete";
/// Root attributes that the writer adds. RunHeader::attributes must not contain these names.
inline constexpr const char* kSchemaVersionAttribute = "schema_version";
inline constexpr const char* kHdf5VersionAttribute = "hdf5_version";
inline constexpr const char* kWallStartedAttribute = "wall_started";

/// Further columns of /intervals, after those of IntervalRow: the number of rows of each table up
/// to the end of this interval.
struct RowCounts {
    std::int64_t placements = 0;
    std::int64_t resources = 0;
    std::int64_t link_state = 0;
    std::int64_t migrations = 0;
    std::int64_t turns = 0;
    std::int64_t tokens = 0;
    std::int64_t requests = 0;
    std::int64_t ops = 0;
    std::int64_t messages = 0;
    std::int64_t events = 0;
    std::int64_t text_pool = 0;
};

template <>
struct Table<RowCounts> {
    static constexpr std::tuple columns{
        Column{"rows_placements", &RowCounts::placements, "1"},
        Column{"rows_resources", &RowCounts::resources, "1"},
        Column{"rows_link_state", &RowCounts::link_state, "1"},
        Column{"rows_migrations", &RowCounts::migrations, "1"},
        Column{"rows_turns", &RowCounts::turns, "1"},
        Column{"rows_tokens", &RowCounts::tokens, "1"},
        Column{"rows_requests", &RowCounts::requests, "1"},
        Column{"rows_ops", &RowCounts::ops, "1"},
        Column{"rows_messages", &RowCounts::messages, "1"},
        Column{"rows_events", &RowCounts::events, "1"},
        Column{"rows_text_pool", &RowCounts::text_pool, "1"},
    };
};

template <class Row>
constexpr std::int64_t RowCounts::*count_of() {
    std::int64_t RowCounts::*count = nullptr;
    for_each_column<RowCounts>([&](const auto& column) {
        if (std::string_view(column.name).substr(sizeof("rows_") - 1) == Table<Row>::name) {
            count = column.member;
        }
    });
    return count;
}

/// An input file of the run. Path and contents are stored in /input_pool.
struct InputFileRow {
    std::string path;
    std::string contents;
};

template <>
struct Table<InputFileRow> {
    static constexpr const char* name = "input_files";
    static constexpr const char* description =
        "every input file but the weights; offsets and lengths are in /input_pool";
    static constexpr std::tuple columns{
        Column{"path", &InputFileRow::path, "text"},
        Column{"contents", &InputFileRow::contents, "text"},
    };
};

} // namespace headroom::trace
