// The key `arrivals` of [workload].
#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "config/sections/sections.hpp"
#include "config/toml/unit_hints.hpp"

namespace headroom::config {

namespace {

constexpr double kMaxPerSecond = 1e9;

/// Reads a number per second, as a plain number or with a unit.
std::optional<double> read_per_second(const TomlEntry& entry, Problems& problems) {
    const auto* const text = entry.node->as_string();
    std::optional<double> rate = text == nullptr ? std::nullopt : parse_per_second(text->get());
    if (entry.node->is_number()) {
        rate = entry.node->value<double>();
    }
    if (rate && *rate > 0 && *rate <= kMaxPerSecond) { // false for NaN
        return rate;
    }
    const std::string_view expected = "how many prompts come per second on average, above 0 up to "
                                      "1e9, such as 0.5, \"0.5 /s\" or \"30 /min\"";
    const bool no_rate = text != nullptr && !rate;
    return add_mismatch(entry, expected, problems, no_rate ? per_second_hint(text->get()) : "");
}

void read_poisson(TableReader table, ArrivalsConfig& arrivals) {
    arrivals.kind = ArrivalsConfig::Kind::poisson;
    arrivals.per_second = 1;
    if (const auto entry = table.find("poisson")) {
        arrivals.per_second =
            read_per_second(*entry, table.problems()).value_or(arrivals.per_second);
    } else {
        table.report_missing(
            "poisson", "give how many prompts come per second on average, such as 0.5"
        );
    }
    if (const auto seed = table.integer("seed", 0, std::numeric_limits<std::int64_t>::max())) {
        arrivals.seed = static_cast<std::uint64_t>(*seed);
    }
    table.finish();
}

/// Adds a problem for the first time that is less than its predecessor.
void refuse_falling(
    const std::vector<TomlEntry>& entries, const std::vector<Nanoseconds>& at, Problems& problems
) {
    const auto fall = std::is_sorted_until(at.begin(), at.end());
    if (fall == at.end()) {
        return;
    }
    const auto i = static_cast<std::size_t>(fall - at.begin());
    const auto text = fmt::format(
        "= {} is before {} = {}; the times go with the prompts in their order and must not fall",
        found_text(*entries[i].node),
        entries[i - 1].key,
        found_text(*entries[i - 1].node)
    );
    add_problem(entries[i], text, problems);
}

void read_times(
    const TomlEntry& entry,
    std::optional<std::size_t> requests,
    Problems& problems,
    ArrivalsConfig& arrivals
) {
    arrivals.kind = ArrivalsConfig::Kind::given;
    const std::vector<TomlEntry> entries = elements_of(entry);
    for (const TomlEntry& element : entries) {
        const auto time = read_quantity(element, Quantity::duration, Zero::allowed, problems);
        if (time) {
            arrivals.at.push_back(*time);
        }
    }
    if (requests && *requests != entries.size()) {
        const auto text = fmt::format(
            "has {} for {} (prompts times repeat); give one for each or \"at once\"",
            count_text(entries.size(), "time"),
            count_text(*requests, "request")
        );
        add_problem(entry, text, problems);
    }
    if (arrivals.at.size() == entries.size()) {
        refuse_falling(entries, arrivals.at, problems);
    }
}

/// Returns a suggestion for a string that is not a valid value, or "".
std::string arrivals_hint(const toml::node& node) {
    const auto* const text = node.as_string();
    if (text == nullptr) {
        return "";
    }
    const std::array<std::string, 2> words{std::string(kAtOnce), "poisson"};
    const std::string_view near = nearest_word(text->get(), words);
    if (near == kAtOnce) {
        return fmt::format("; did you mean \"{}\"?", kAtOnce);
    }
    if (near == "poisson") {
        return "; did you mean { poisson = 0.5 }?";
    }
    if (parse_quantity(Quantity::duration, text->get())) {
        return fmt::format("; did you mean [{}]?", found_text(node));
    }
    return parse_per_second(text->get())
               ? fmt::format("; did you mean {{ poisson = {} }}?", found_text(node))
               : "";
}

} // namespace

ArrivalsConfig read_arrivals(TableReader& workload, std::optional<std::size_t> requests) {
    ArrivalsConfig arrivals;
    const auto entry = workload.find("arrivals");
    if (!entry || entry->node->value<std::string_view>() == kAtOnce) {
        return arrivals;
    }
    if (entry->node->is_array()) {
        read_times(*entry, requests, workload.problems(), arrivals);
    } else if (entry->node->is_table()) {
        read_poisson(*workload.table("arrivals", entry->key), arrivals);
    } else {
        const std::string_view expected = "\"at once\", a time for each request as in [\"0 s\", "
                                          "\"1.5 s\"] or { poisson = 0.5 }, the mean number per "
                                          "second";
        add_mismatch(*entry, expected, workload.problems(), arrivals_hint(*entry->node));
    }
    return arrivals;
}

std::string arrivals_text(const ArrivalsConfig& arrivals) {
    if (arrivals.kind == ArrivalsConfig::Kind::given) {
        return durations_text(arrivals.at);
    }
    if (arrivals.kind == ArrivalsConfig::Kind::poisson) {
        const auto seed = arrivals.seed ? fmt::format(", seed = {}", *arrivals.seed) : "";
        return fmt::format("{{ poisson = {}{} }}", decimal_text(arrivals.per_second), seed);
    }
    return fmt::format("\"{}\"", kAtOnce);
}

} // namespace headroom::config
