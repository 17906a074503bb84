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

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMostId = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostDevices = 65'536; // as a scenario

struct Range {
    std::int64_t least = 0;
    std::int64_t most = kMost;
};

/// What ids are held against.
struct Bounds {
    std::int64_t devices = 0;
    std::int64_t blocks = 0;
    std::int64_t intervals = 0;
    std::int64_t vocabulary = 0;
};

Bounds bounds_of(const Trace& trace) {
    Bounds bounds;
    bounds.devices = static_cast<std::int64_t>(trace.header.devices.size());
    bounds.blocks = static_cast<std::int64_t>(trace.header.blocks.size());
    bounds.intervals = static_cast<std::int64_t>(trace.intervals.size());
    const bool told = !trace.header.model.empty() && trace.header.model.front().vocabulary > 0;
    bounds.vocabulary = told ? trace.header.model.front().vocabulary : kMostId;
    return bounds;
}

/// Columns whose range their unit does not tell.
const std::map<std::string_view, Range>& special_ranges() {
    // A model so large would not fit any fleet that a scenario can describe.
    constexpr std::int64_t kMostLayers = 1 << 16;
    constexpr std::int64_t kMostWidth = 1 << 24;
    constexpr std::int64_t kWidestElement = 16;
    static const std::map<std::string_view, Range> ranges{
        {"model.layers", {0, kMostLayers}},
        {"model.heads", {0, kMostLayers}},
        {"model.kv_heads", {0, kMostLayers}},
        {"model.width", {0, kMostWidth}},
        {"model.ffn_width", {0, kMostWidth}},
        {"model.vocabulary", {0, kMostId}},
        {"model.context", {0, kMostId}},
        {"model.kv_bytes", {0, kWidestElement}},
        {"intervals.predicted_inference_ns", {0, kMost}}, // or never
        {"intervals.predicted_migration_ns", {0, kMost}},
        {"intervals.predicted_round_ns", {0, kMost}},
        {"intervals.kept_inference_ns", {-1, kMost}},
        {"events.value", {-1, kMost}}, // bytes, or a sequence
    };
    return ranges;
}

Range range_of_id(std::string_view table, std::string_view column, const Bounds& bounds) {
    if (column == "device" || column == "from" || column == "to") {
        // What stands for a device's own row is used as an index.
        const bool own = table == "resources" || table == "ops";
        return {own ? 0 : -1, bounds.devices - 1};
    }
    if (column == "block") {
        return {table == "migrations" ? 0 : -1, bounds.blocks - 1};
    }
    if (column == "interval") {
        return {0, bounds.intervals - 1};
    }
    if (column == "id") {
        return {-1, bounds.vocabulary - 1};
    }
    const bool is_sequence = column == "sequence" && table != "intervals";
    const bool is_running =
        column == "turn" || column == "round" || column == "visit" || column == "batch";
    return {is_sequence || column == "prompt" ? 0 : -1, is_running ? kMostCounted : kMostId};
}

template <class T>
Range range_of(
    std::string_view table,
    std::string_view column,
    std::string_view unit,
    const CodeNames& codes,
    const Bounds& bounds
) {
    const std::string name = fmt::format("{}.{}", table, column);
    if (const auto special = special_ranges().find(name); special != special_ranges().end()) {
        return special->second;
    }
    if (unit == "id") {
        return range_of_id(table, column, bounds);
    }
    if (unit == "code") {
        const auto known = codes.find(name);
        return {
            0,
            known == codes.end() ? kMostId : static_cast<std::int64_t>(known->second.size()) - 1};
    }
    if (unit == "ns") {
        return {0, kLatestTime};
    }
    if (unit == "B/s") {
        return {-1, kMost}; // or unlimited, or none
    }
    return {0, unit == "1" && sizeof(T) == sizeof(std::int64_t) ? kMostCounted : kMost};
}

class Checker {
  public:
    explicit Checker(const Trace& trace) : trace_(trace), bounds_(bounds_of(trace)) {}

    /// `rows_of(use)` calls use(rows) for each stretch of the table.
    template <class Row, class RowsOf>
    void check(RowsOf rows_of) {
        for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
            if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
                const Range range = range_of<T>(
                    Table<Row>::name, column.name, column.unit, trace_.header.codes, bounds_
                );
                std::optional<std::int64_t> odd;
                rows_of([&](std::span<const Row> rows) {
                    for (const Row& row : rows) {
                        const std::int64_t value = row.*column.member;
                        if (value < range.least || value > range.most) {
                            odd = odd.value_or(value);
                        }
                    }
                });
                note(Table<Row>::name, column.name, odd, range);
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
        const Range range{-1, bounds_.devices - 1};
        std::optional<std::int64_t> odd;
        for (const Interval& interval : trace_.intervals) {
            for (const std::int32_t device : interval.placement) {
                if (device < range.least || device > range.most) {
                    odd = odd.value_or(device);
                }
            }
        }
        note("placements", "device", odd, range);
    }

    /// What other tables are as large as.
    void check_sizes() {
        const RunHeader& header = trace_.header;
        if (bounds_.devices > kMostDevices) {
            found_.push_back(
                fmt::format("{} devices, expected at most {}", bounds_.devices, kMostDevices)
            );
        }
        // There is a row per device and interval; pictures are made of so many numbers too.
        constexpr std::int64_t kFewRows = 1 << 22;
        std::int64_t resources = kFewRows;
        for (const Interval& interval : trace_.intervals) {
            resources += static_cast<std::int64_t>(interval.resources.size());
        }
        if (bounds_.devices > 0 && bounds_.intervals > resources / bounds_.devices) {
            found_.push_back(fmt::format(
                "/resources lacks rows of {} intervals and {} devices",
                bounds_.intervals,
                bounds_.devices
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
    void note(
        const char* table, const char* column, std::optional<std::int64_t> odd, const Range& range
    ) {
        if (odd) {
            found_.push_back(
                range.most < range.least
                    ? fmt::format("a {} in /{} is {}, but there are none", column, table, *odd)
                    : fmt::format(
                          "a {} in /{} is {}, expected one from {} to {}",
                          column,
                          table,
                          *odd,
                          range.least,
                          range.most
                      )
            );
        }
    }

    const Trace& trace_;
    Bounds bounds_;
    std::vector<std::string> found_;
};

} // namespace

std::vector<std::string> out_of_range(const Trace& trace) {
    Checker checker(trace);
    const RunHeader& header = trace.header;
    checker.check_sizes();
    checker.check(header.devices);
    checker.check(header.links);
    checker.check(header.blocks);
    checker.check(header.model);
    checker.check(header.layers);
    checker.check(header.prompts);
    checker.check_intervals();
    checker.check_placements();
    checker.check(&Interval::resources);
    checker.check(&Interval::link_states);
    checker.check(&Interval::migrations);
    checker.check(&Interval::turns);
    checker.check(&Interval::tokens);
    checker.check(&Interval::requests);
    checker.check(&Interval::ops);
    checker.check(&Interval::messages);
    checker.check(&Interval::events);
    return std::move(checker).found();
}

void check_ranges(const Trace& trace) {
    constexpr std::size_t kTold = 5;
    std::vector<std::string> found = out_of_range(trace);
    if (found.empty()) {
        return;
    }
    if (found.size() > kTold) {
        const std::size_t more = found.size() - kTold;
        found.resize(kTold);
        found.push_back(fmt::format("and {} more", more));
    }
    throw InputError(fmt::format("damaged: {}", fmt::join(found, "; ")));
}

} // namespace headroom::trace
