#include "trace/records/ranges.hpp"

#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "trace/records/columns.hpp"

namespace headroom::trace {

namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxId = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxDevices = 65'536; // the same limit as in a scenario

struct Range {
    std::int64_t min = 0;
    std::int64_t max = kMax;
};

/// The sizes of the tables that ids refer to.
struct TableSizes {
    std::int64_t devices = 0;
    std::int64_t blocks = 0;
    std::int64_t intervals = 0;
    std::int64_t vocabulary = 0;
};

TableSizes table_sizes(const Trace& trace) {
    const bool is_known = !trace.header.model.empty() && trace.header.model.front().vocabulary > 0;
    return {
        static_cast<std::int64_t>(trace.header.devices.size()),
        static_cast<std::int64_t>(trace.header.blocks.size()),
        static_cast<std::int64_t>(trace.intervals.size()),
        is_known ? trace.header.model.front().vocabulary : kMaxId,
    };
}

/// Returns the ranges of the columns whose range does not follow from their unit.
const std::map<std::string_view, Range>& special_ranges() {
    // A larger model would not fit any fleet that a scenario can describe.
    constexpr std::int64_t kMaxLayers = 1 << 16;
    constexpr std::int64_t kMaxWidth = 1 << 24;
    static const std::map<std::string_view, Range> ranges{
        {"model.layers", {0, kMaxLayers}},
        {"model.heads", {0, kMaxLayers}},
        {"model.kv_heads", {0, kMaxLayers}},
        {"model.width", {0, kMaxWidth}},
        {"model.ffn_width", {0, kMaxWidth}},
        {"model.vocabulary", {0, kMaxId}},
        {"model.context", {0, kMaxId}},
        {"model.head_width", {0, kMaxWidth}},
        {"model.window", {0, kMaxId}},
        {"model.window_period", {0, kMaxLayers}},
        {"model.experts", {0, kMaxLayers}},
        {"model.experts_used", {0, kMaxLayers}},
        {"intervals.predicted_inference_ns", {0, kMax}}, // kMax means never
        {"intervals.predicted_migration_ns", {0, kMax}},
        {"intervals.predicted_round_ns", {0, kMax}},
        {"intervals.kept_inference_ns", {-1, kMax}},
        {"events.value", {-1, kMax}}, // bytes or a sequence
    };
    return ranges;
}

Range range_of_id(std::string_view table, std::string_view column, const TableSizes& sizes) {
    if (column == "device" || column == "from" || column == "to") {
        // In these tables the device is always known: -1 is not valid.
        const bool is_known = table == "resources" || table == "ops";
        return {is_known ? 0 : -1, sizes.devices - 1};
    }
    if (column == "block") {
        return {table == "migrations" ? 0 : -1, sizes.blocks - 1};
    }
    if (column == "interval") {
        return {0, sizes.intervals - 1};
    }
    if (column == "id") {
        return {-1, sizes.vocabulary - 1};
    }
    const bool is_sequence = column == "sequence" && table != "intervals";
    const bool is_serial_number =
        column == "turn" || column == "round" || column == "visit" || column == "batch";
    return {is_sequence || column == "prompt" ? 0 : -1, is_serial_number ? kMaxTraceCount : kMaxId};
}

template <class T>
Range range_of(
    std::string_view table,
    std::string_view column,
    std::string_view unit,
    const CodeNames& codes,
    const TableSizes& sizes
) {
    const std::string name = fmt::format("{}.{}", table, column);
    if (const auto special = special_ranges().find(name); special != special_ranges().end()) {
        return special->second;
    }
    if (unit == "id") {
        return range_of_id(table, column, sizes);
    }
    if (unit == "code") {
        const auto known = codes.find(name);
        return {
            0, known == codes.end() ? kMaxId : static_cast<std::int64_t>(known->second.size()) - 1};
    }
    if (unit == "ns") {
        return {0, kMaxTraceTime};
    }
    if (unit == "B/s") {
        return {-1, kMax}; // -1 means unlimited or none
    }
    return {0, unit == "1" && sizeof(T) == sizeof(std::int64_t) ? kMaxTraceCount : kMax};
}

class Checker {
  public:
    explicit Checker(const Trace& trace) : trace_(trace), sizes_(table_sizes(trace)) {}

    /// Checks a table. `rows_of(use)` must call use(rows) for each contiguous range of its rows.
    template <class Row, class RowsOf>
    void check(RowsOf rows_of) {
        for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
            if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
                const Range range = range_of<T>(
                    Table<Row>::name, column.name, column.unit, trace_.header.codes, sizes_
                );
                std::optional<std::int64_t> wrong;
                rows_of([&](std::span<const Row> rows) {
                    for (const Row& row : rows) {
                        const std::int64_t value = row.*column.member;
                        if (value < range.min || value > range.max) {
                            wrong = wrong.value_or(value);
                        }
                    }
                });
                add_error(Table<Row>::name, column.name, wrong, range);
            }
        });
    }

    template <class Row>
    void check(const std::vector<Row>& rows) {
        check<Row>([&](auto use) { use(std::span(rows)); });
    }

    template <class Row>
    void check(std::vector<Row> Interval::*rows) {
        check<Row>([&](auto use) {
            for (const Interval& interval : trace_.intervals) {
                use(std::span(interval.*rows));
            }
        });
    }

    void check_intervals() {
        check<IntervalRow>([&](auto use) {
            for (const Interval& interval : trace_.intervals) {
                use(std::span(&interval.row, 1));
            }
        });
    }

    void check_placements() {
        const Range range{-1, sizes_.devices - 1};
        std::optional<std::int64_t> wrong;
        for (const Interval& interval : trace_.intervals) {
            for (const std::int32_t device : interval.placement) {
                if (device < range.min || device > range.max) {
                    wrong = wrong.value_or(device);
                }
            }
        }
        add_error("placements", "device", wrong, range);
    }

    /// Checks the sizes of tables against each other.
    void check_sizes() {
        const RunHeader& header = trace_.header;
        if (sizes_.devices > kMaxDevices) {
            found_.push_back(
                fmt::format("{} devices, expected at most {}", sizes_.devices, kMaxDevices)
            );
        }
        // The table has a row per device and interval. Some figures need as many numbers.
        constexpr std::int64_t kFewRows = 1 << 22;
        std::int64_t resources = kFewRows;
        for (const Interval& interval : trace_.intervals) {
            resources += static_cast<std::int64_t>(interval.resources.size());
        }
        if (sizes_.devices > 0 && sizes_.intervals > resources / sizes_.devices) {
            found_.push_back(fmt::format(
                "/resources lacks rows of {} intervals and {} devices",
                sizes_.intervals,
                sizes_.devices
            ));
        }
        if (header.model.size() > 1) {
            found_.push_back(fmt::format("/model has {} rows, expected one", header.model.size()));
        }
        if (!header.model.empty() &&
            static_cast<std::int64_t>(header.layers.size()) != header.model.front().layers) {
            found_.push_back(fmt::format(
                "/layers has {} rows, expected {}",
                header.layers.size(),
                header.model.front().layers
            ));
        }
    }

    [[nodiscard]] std::vector<std::string> found() && { return std::move(found_); }

  private:
    void add_error(
        const char* table, const char* column, std::optional<std::int64_t> wrong, const Range& range
    ) {
        if (wrong) {
            found_.push_back(
                range.max < range.min
                    ? fmt::format("a {} in /{} is {}, but there are none", column, table, *wrong)
                    : fmt::format(
                          "a {} in /{} is {}, expected one from {} to {}",
                          column,
                          table,
                          *wrong,
                          range.min,
                          range.max
                      )
            );
        }
    }

    const Trace& trace_;
    TableSizes sizes_;
    std::vector<std::string> found_;
};

} // namespace

std::vector<std::string> range_errors(const Trace& trace) {
    Checker checker(trace);
    checker.check_sizes();
    for_each_table(kHeaderTables, [&](auto rows) { checker.check(trace.header.*rows); });
    checker.check_intervals();
    checker.check_placements();
    for_each_table(kIntervalTables, [&](auto rows) { checker.check(rows); });
    return std::move(checker).found();
}

void check_ranges(const Trace& trace) {
    constexpr std::size_t kMaxSentences = 5;
    std::vector<std::string> found = range_errors(trace);
    if (found.empty()) {
        return;
    }
    if (found.size() > kMaxSentences) {
        const std::size_t more = found.size() - kMaxSentences;
        found.resize(kMaxSentences);
        found.push_back(fmt::format("and {} more", more));
    }
    throw InputError(fmt::format("damaged: {}", fmt::join(found, "; ")));
}

} // namespace headroom::trace
