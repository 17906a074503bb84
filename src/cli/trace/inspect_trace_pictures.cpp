#include "cli/trace/inspect_trace_pictures.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/block.hpp"
#include "base/saturating.hpp"
#include "base/units.hpp"
#include "cli/terminal/text_table.hpp"
#include "trace/analysis/figures.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kMaxDevices = 16;
constexpr std::size_t kMaxLinks = 6;

double share(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string title(const std::string& text) {
    return fmt::format("  {}\n", text);
}

/// Returns a bar of one character, for the explanation of a shade.
std::string sample(const PictureStyle& style, int shade) {
    return bar(style, {{1.0, Ink::plain, shade}}, 1);
}

/// Returns the length of the longest name, which is the width of the column of names.
std::size_t width_of(const std::vector<std::string>& names) {
    std::size_t width = 0;
    for (const std::string& name : names) {
        width = std::max(width, characters(name));
    }
    return width;
}

std::string name_column(const std::string& name, std::size_t width) {
    return std::string(2 * kIndent, ' ') + padded(name, width) + "  ";
}

/// Returns the characters of a line that are left beside a name and `behind` characters of figures.
std::size_t room(const PictureStyle& style, std::size_t name, std::size_t behind) {
    constexpr std::size_t kMinRoom = 10;
    const std::size_t used = 2 * kIndent + name + 2 + behind;
    return style.width > used + kMinRoom ? style.width - used : kMinRoom;
}

/// Returns the devices to show, ascending: all, or those with the largest values if they are many.
std::vector<std::size_t> shown_devices(const std::vector<double>& values) {
    return first_rows(values.size(), kMaxDevices, [&](std::size_t a, std::size_t b) {
        return values[a] > values[b];
    });
}

std::string and_more(std::size_t all, std::size_t shown) {
    return all > shown ? fmt::format("    and {} more\n", all - shown) : "";
}

// ---- latency

/// Returns one mark per column that has a decision. A decision that moved blocks takes precedence.
std::string decision_marks(
    const trace::Trace& trace,
    const std::vector<trace::TokenStep>& steps,
    const Columns& columns,
    const PictureStyle& style
) {
    std::vector<int> marks(columns.count());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i == 0 || steps[i].interval != steps[i - 1].interval) {
            const bool moved = trace.intervals[steps[i].interval].row.moves > 0;
            int& mark = marks[columns.column_of(i)];
            mark = std::max(mark, moved ? 2 : 1);
        }
    }
    while (!marks.empty() && marks.back() == 0) {
        marks.pop_back();
    }
    std::string text;
    for (const int mark : marks) {
        text += mark == 2   ? coloured(style, Ink::orange, style.blocks ? "▲" : "^")
                : mark == 1 ? coloured(style, Ink::dim, style.blocks ? "·" : ".")
                            : " ";
    }
    return text;
}

std::string latency_picture(const trace::Trace& trace, const PictureStyle& style) {
    const std::vector<trace::TokenStep> steps = trace::token_steps(trace);
    if (steps.empty()) {
        return "";
    }
    const Columns columns = columns_within(steps.size(), room(style, 0, 0));
    std::vector<double> slowest(columns.count());
    Nanoseconds least = steps.front().latency;
    Nanoseconds most = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        double& value = slowest[columns.column_of(i)];
        value = std::max(value, static_cast<double>(steps[i].latency));
        least = std::min(least, steps[i].latency);
        most = std::max(most, steps[i].latency);
    }
    const std::string indent(2 * kIndent, ' ');
    return title(fmt::format(
               "time per token, {} to {}; full height is {}{}",
               format_duration(least),
               format_duration(most),
               format_duration(most),
               columns.per_column > 1
                   ? fmt::format("; a column is the slowest of {}", columns.per_column)
                   : ""
           )) +
           indent +
           coloured(
               style, Ink::blue, height_chart(style, slowest, static_cast<double>(most), false)
           ) +
           '\n' + indent + decision_marks(trace, steps, columns, style) + '\n' + indent +
           (style.blocks ? "▲ blocks moved   · decision that moved nothing\n\n"
                         : "^ blocks moved   . decision that moved nothing\n\n");
}

// ---- time

std::string time_picture(const trace::Trace& trace, const PictureStyle& style) {
    const trace::TimeBreakdown parts = trace::time_breakdown(trace);
    if (parts.total <= 0) {
        return "";
    }
    const Nanoseconds rest = saturating_difference(
        saturating_difference(parts.total, parts.migrating), parts.min_computing
    );
    const std::string picture =
        bar(style,
            {{share(parts.min_computing, parts.total), Ink::blue, 3},
             {share(rest, parts.total), Ink::dim, 1},
             {share(parts.migrating, parts.total), Ink::orange, 2}},
            room(style, 0, 0));
    const auto line = [&](int shade, const char* what, Nanoseconds time) {
        return fmt::format(
            "    {} {:<32}{:>10}  {:>5}\n",
            sample(style, shade),
            what,
            format_duration(time),
            percent(time, parts.total)
        );
    };
    return title(
               fmt::format("where the time of the intervals went, {}", format_duration(parts.total))
           ) +
           "    " + picture + '\n' + line(3, "the busiest device computes", parts.min_computing) +
           line(1, "others compute, messages, waits", rest) +
           (parts.migrating > 0 ? line(2, "migration", parts.migrating) : "") + '\n';
}

std::string device_time_picture(const trace::Trace& trace, const PictureStyle& style) {
    if (!trace.header.with_ops) {
        return "";
    }
    const std::vector<trace::DeviceTime> times = trace::device_times(trace);
    std::vector<std::string> names;
    std::vector<double> computing;
    for (std::size_t d = 0; d < times.size(); ++d) {
        names.push_back(trace::device_label(trace.header, static_cast<std::int32_t>(d)));
        computing.push_back(static_cast<double>(times[d].computing));
    }
    const std::size_t width = width_of(names);
    const std::vector<std::size_t> shown = shown_devices(computing);
    std::string text;
    for (const std::size_t d : shown) {
        const trace::DeviceTime& time = times[d];
        if (time.total() == 0) {
            continue;
        }
        text +=
            name_column(names[d], width) +
            bar(style,
                {{share(time.computing, time.total()), Ink::blue, 3},
                 {share(saturating_sum(time.paging, time.migrating), time.total()), Ink::orange, 2},
                 {share(time.waiting, time.total()), Ink::dim, 1}},
                room(style, width, 32)) +
            fmt::format(
                " {:>5} computes, {:>5} waits\n",
                percent(share(time.computing, time.total()), 1),
                percent(share(time.waiting, time.total()), 1)
            );
    }
    return text.empty()
               ? ""
               : title(fmt::format(
                     "devices: {} computes  {} waits for a message  {} pages or migrates  {} idle",
                     sample(style, 3),
                     sample(style, 1),
                     sample(style, 2),
                     bar(style, {}, 1)
                 )) + text +
                     and_more(times.size(), shown.size()) + '\n';
}

// ---- memory

std::string memory_picture(const trace::Summary& summary, const PictureStyle& style) {
    std::vector<std::string> names;
    std::vector<double> fullness;
    for (const trace::DeviceSummary& device : summary.devices) {
        names.push_back(device.name);
        fullness.push_back(share(device.fullest_bytes, device.fullest_budget_bytes));
    }
    if (std::all_of(fullness.begin(), fullness.end(), [](double f) { return f <= 0; })) {
        return "";
    }
    const std::size_t width = width_of(names);
    const std::vector<std::size_t> shown = shown_devices(fullness);
    std::string text = title("memory at its fullest, of the budget then");
    for (const std::size_t d : shown) {
        const trace::DeviceSummary& device = summary.devices[d];
        const bool over = device.fullest_bytes > device.fullest_budget_bytes;
        text += name_column(names[d], width) +
                bar(style,
                    {{std::min(1.0, fullness[d]), over ? Ink::orange : Ink::blue, over ? 2 : 3}},
                    room(style, width, 35)) +
                fmt::format(
                    " {:>6} {:>10} of {:>10}{}\n",
                    percent(fullness[d], 1),
                    format_bytes(device.fullest_bytes),
                    format_bytes(device.fullest_budget_bytes),
                    over ? " !" : ""
                );
    }
    return text + and_more(names.size(), shown.size()) + '\n';
}

// ---- placement

std::string placement_picture(const trace::Trace& trace, const PictureStyle& style) {
    const auto counts = trace::blocks_over_time(trace, static_cast<std::int32_t>(BlockKind::group));
    std::vector<std::string> names;
    std::vector<double> most_of;
    for (std::size_t d = 0; d < counts.size(); ++d) {
        names.push_back(trace::device_label(trace.header, static_cast<std::int32_t>(d)));
        most_of.push_back(
            counts[d].empty() ? 0.0 : static_cast<double>(std::ranges::max(counts[d]))
        );
    }
    const double most = most_of.empty() ? 0 : *std::max_element(most_of.begin(), most_of.end());
    if (most <= 0) {
        return "";
    }
    const std::size_t width = width_of(names);
    const Columns columns = columns_within(trace.intervals.size(), room(style, width, 14));
    const std::vector<std::size_t> shown = shown_devices(most_of);
    std::string text = title(fmt::format(
        "groups per device over time, a column per {}; full height is {:.0f}",
        columns.per_column > 1 ? fmt::format("{} intervals", columns.per_column) : "interval",
        most
    ));
    for (const std::size_t d : shown) {
        std::vector<double> values(columns.count());
        for (std::size_t i = 0; i < counts[d].size(); ++i) {
            values[columns.column_of(i)] = static_cast<double>(counts[d][i]); // the last one stays
        }
        text += name_column(names[d], width) +
                coloured(style, Ink::blue, height_chart(style, values, most, true)) +
                fmt::format("  {} -> {}\n", counts[d].front(), counts[d].back());
    }
    return text + and_more(names.size(), shown.size()) + '\n';
}

// ---- links

std::string links_picture(const trace::Trace& trace, const PictureStyle& style) {
    const std::vector<trace::LinkUse> uses = trace::link_use(trace);
    if (uses.empty()) {
        return "";
    }
    Bytes all = 0;
    for (const trace::LinkUse& use : uses) {
        saturating_add(all, use.bytes);
    }
    const std::size_t shown = std::min(uses.size(), kMaxLinks);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < shown; ++i) {
        names.push_back(fmt::format(
            "{} -> {}",
            trace::device_label(trace.header, uses[i].from),
            trace::device_label(trace.header, uses[i].to)
        ));
    }
    const std::size_t width = width_of(names);
    std::string text = title(fmt::format(
        "links used most, of {} with {} in all, migrations included", uses.size(), format_bytes(all)
    ));
    for (std::size_t i = 0; i < shown; ++i) {
        text += name_column(names[i], width) +
                bar(style,
                    {{share(uses[i].bytes, uses.front().bytes), Ink::blue, 3}},
                    room(style, width, 19)) +
                fmt::format(
                    " {:>10}  {:>5}\n",
                    format_bytes(uses[i].bytes),
                    percent(share(uses[i].bytes, all), 1)
                );
    }
    return text + '\n';
}

} // namespace

std::string pictures_text(
    const trace::Trace& trace, const trace::Summary& summary, const PictureStyle& style
) {
    return latency_picture(trace, style) + time_picture(trace, style) +
           device_time_picture(trace, style) + memory_picture(summary, style) +
           placement_picture(trace, style) + links_picture(trace, style);
}

} // namespace headroom::cli
