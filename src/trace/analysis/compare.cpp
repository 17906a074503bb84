#include "trace/analysis/compare.hpp"

#include <bit>
#include <cstdint>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "trace/records/columns.hpp"

namespace headroom::trace {

bool is_host_column(std::string_view name) {
    return name.find("wall") != std::string_view::npos ||
           name.find("rank_rss") != std::string_view::npos;
}

bool is_host_attribute(std::string_view name) {
    return name == "host" || name.starts_with("host_") || name.starts_with("wall_");
}

namespace {

std::string shown(const std::string& text) {
    constexpr std::size_t kLongest = 40;
    return text.size() <= kLongest
               ? fmt::format("\"{}\"", text)
               : fmt::format("\"{}…\" ({} bytes)", text.substr(0, kLongest), text.size());
}

std::string shown(const std::vector<std::string>& texts) {
    return shown(fmt::format("{}", fmt::join(texts, ", ")));
}

template <class T>
std::string shown(const T& value) {
    return fmt::format("{}", value);
}

template <class T>
bool same(const T& a, const T& b) {
    return a == b;
}

/// Compares the bits of two doubles: two runs of one scenario compute the same bits, also of NaN.
bool same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// Collects up to `max_lines` differences.
class Comparison {
  public:
    explicit Comparison(std::size_t max_lines) : max_lines_(max_lines) {}
    [[nodiscard]] bool full() const { return found_.size() >= max_lines_; }
    [[nodiscard]] std::vector<std::string> take() { return std::move(found_); }

    template <class T>
    void value(const std::string& where, const T& a, const T& b) {
        if (!full() && !same(a, b)) {
            found_.push_back(fmt::format("{}: {} | {}", where, shown(a), shown(b)));
        }
    }

    void line(std::string text) {
        if (!full()) {
            found_.push_back(std::move(text));
        }
    }

    template <class Row>
    void row(const std::string& where, const Row& a, const Row& b) {
        for_each_column<Row>([&](const auto& column) {
            if (!is_host_column(column.name)) {
                const auto member = column.member;
                if (!same(a.*member, b.*member)) {
                    value(where + "." + column.name, a.*member, b.*member);
                }
            }
        });
    }

    template <class Row>
    void rows(const std::string& where, const std::vector<Row>& a, const std::vector<Row>& b) {
        value(where + " rows", a.size(), b.size());
        for (std::size_t i = 0; i < a.size() && i < b.size() && !full(); ++i) {
            row(fmt::format("{}[{}]", where, i), a[i], b[i]);
        }
    }

    template <class T>
    void entries(
        const std::string& where,
        const std::map<std::string, T>& a,
        const std::map<std::string, T>& b
    ) {
        for (const auto& [name, in_a] : a) {
            const auto in_b = b.find(name);
            if (is_host_attribute(name)) {
                continue;
            }
            if (in_b != b.end()) {
                value(fmt::format("{}[{}]", where, name), in_a, in_b->second);
            } else {
                value(fmt::format("{}[{}] present", where, name), true, false);
            }
        }
        for (const auto& [name, in_b] : b) {
            if (!is_host_attribute(name) && !a.contains(name)) {
                value(fmt::format("{}[{}] present", where, name), false, true);
            }
        }
    }

  private:
    std::size_t max_lines_;
    std::vector<std::string> found_;
};

void compare_headers(Comparison& comparison, const RunHeader& a, const RunHeader& b) {
    comparison.entries("attributes", a.attributes, b.attributes);
    comparison.entries("numbers", a.numbers, b.numbers);
    comparison.value("scenario", a.scenario, b.scenario);
    comparison.entries("input_files", a.input_files, b.input_files);
    for_each_table(kHeaderTables, [&]<class Row>(std::vector<Row> RunHeader::*rows) {
        comparison.rows(Table<Row>::name, a.*rows, b.*rows);
    });
    comparison.value("with_ops", a.with_ops, b.with_ops);
    comparison.entries("codes", a.codes, b.codes);
}

std::string device_text(const RunHeader& header, std::int32_t number) {
    const auto d = static_cast<std::size_t>(number);
    return d < header.devices.size() ? fmt::format("{} ({})", header.devices[d].name, number)
                                     : fmt::format("{}", number);
}

void compare_placements(
    Comparison& comparison,
    const RunHeader& header,
    const std::string& where,
    const std::vector<std::int32_t>& a,
    const std::vector<std::int32_t>& b
) {
    comparison.value(where + " blocks", a.size(), b.size());
    for (std::size_t block = 0; block < a.size() && block < b.size(); ++block) {
        if (a[block] != b[block]) {
            comparison.line(fmt::format(
                "{}[{}]: {} on {} | {}",
                where,
                block,
                block < header.blocks.size() ? header.blocks[block].name : "?",
                device_text(header, a[block]),
                device_text(header, b[block])
            ));
        }
    }
}

void compare_intervals(
    Comparison& comparison,
    const RunHeader& header,
    const std::string& where,
    const Interval& a,
    const Interval& b
) {
    comparison.row(where, a.row, b.row);
    compare_placements(comparison, header, where + ".placement", a.placement, b.placement);
    comparison.rows(where + ".resources", a.resources, b.resources);
    comparison.rows(where + ".link_states", a.link_states, b.link_states);
    comparison.rows(where + ".migrations", a.migrations, b.migrations);
    comparison.rows(where + ".turns", a.turns, b.turns);
    comparison.rows(where + ".tokens", a.tokens, b.tokens);
    comparison.rows(where + ".requests", a.requests, b.requests);
    comparison.rows(where + ".ops", a.ops, b.ops);
    comparison.rows(where + ".messages", a.messages, b.messages);
    comparison.rows(where + ".events", a.events, b.events);
}

} // namespace

std::vector<std::string> differences(const Trace& a, const Trace& b, std::size_t max_lines) {
    Comparison comparison(max_lines);
    compare_headers(comparison, a.header, b.header);
    comparison.value("intervals", a.intervals.size(), b.intervals.size());
    for (std::size_t i = 0; i < a.intervals.size() && i < b.intervals.size(); ++i) {
        if (comparison.full()) {
            break;
        }
        compare_intervals(
            comparison, a.header, fmt::format("intervals[{}]", i), a.intervals[i], b.intervals[i]
        );
    }
    comparison.value("completion", static_cast<int>(a.completion), static_cast<int>(b.completion));
    return comparison.take();
}

std::vector<std::string> differences(
    const RunHeader& a, const RunHeader& b, std::size_t max_lines
) {
    Comparison comparison(max_lines);
    compare_headers(comparison, a, b);
    return comparison.take();
}

std::vector<std::string> differences(
    const RunHeader& header,
    const std::string& where,
    const Interval& a,
    const Interval& b,
    std::size_t max_lines
) {
    Comparison comparison(max_lines);
    compare_intervals(comparison, header, where, a, b);
    return comparison.take();
}

} // namespace headroom::trace
