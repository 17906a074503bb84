#include "cli/summary_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"

namespace headroom::cli {

namespace {

std::string row(const std::string& name, const std::string& value) {
    return fmt::format("  {:<24}{}\n", name, value);
}

std::string percent(double part, double whole) {
    return whole > 0 ? fmt::format("{:.0f} %", 100.0 * part / whole) : "-";
}

/// One output token has no time per output token.
std::string per_token(Nanoseconds time) {
    return time < 0 ? "-" : format_duration(time);
}

nlohmann::json or_null(Nanoseconds time) {
    return time < 0 ? nlohmann::json() : nlohmann::json(time);
}

/// A row for each of several sequences; the first ones if there are many.
std::string sequence_table(const trace::Summary& summary) {
    constexpr std::size_t kShown = 12;
    const std::size_t count = summary.sequences.size();
    if (count < 2) {
        return "";
    }
    std::string text = fmt::format(
        "  {:>8}  {:>6}  {:>7}  {:>10}  {:>11}  {:>9}\n",
        "sequence",
        "prompt",
        "sampled",
        "begins",
        "first token",
        "per token"
    );
    for (std::size_t i = 0; i < std::min(count, kShown); ++i) {
        const trace::SequenceSummary& sequence = summary.sequences[i];
        text += fmt::format(
            "  {:>8}  {:>6}  {:>7}  {:>10}  {:>11}  {:>9}\n",
            i,
            sequence.prompt_tokens,
            sequence.sampled_tokens,
            format_duration(sequence.begin),
            format_duration(sequence.to_first_token),
            per_token(sequence.per_output_token)
        );
    }
    if (count > kShown) {
        text += fmt::format("  and {} more, see the trace or --json\n", count - kShown);
    }
    return text + "\n";
}

/// Indices of the devices to show, in their order: all, or of many the fullest.
std::vector<std::size_t> shown_devices(const trace::Summary& summary) {
    constexpr std::size_t kShown = 32;
    std::vector<std::size_t> order(summary.devices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (order.size() > kShown) {
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            const trace::DeviceSummary& x = summary.devices[a];
            const trace::DeviceSummary& y = summary.devices[b];
            // peak/budget as a cross product: budgets may be 0.
            return static_cast<double>(x.peak_bytes) * static_cast<double>(y.budget_bytes) >
                   static_cast<double>(y.peak_bytes) * static_cast<double>(x.budget_bytes);
        });
        order.resize(kShown);
        std::sort(order.begin(), order.end());
    }
    return order;
}

std::string device_table(const trace::Summary& summary) {
    std::size_t width = 6;
    for (const trace::DeviceSummary& device : summary.devices) {
        width = std::max(width, device.name.size());
    }
    std::string text = fmt::format(
        "  {:<{}}  {:>6}  {:>10}  {:>11}  {:>11}\n",
        "device",
        width,
        "blocks",
        "peak",
        "last budget",
        "peak/budget"
    );
    const std::vector<std::size_t> shown = shown_devices(summary);
    for (const std::size_t d : shown) {
        const trace::DeviceSummary& device = summary.devices[d];
        text += fmt::format(
            "  {:<{}}  {:>6}  {:>10}  {:>11}  {:>11}\n",
            device.name,
            width,
            device.blocks,
            format_bytes(device.peak_bytes),
            format_bytes(device.budget_bytes),
            percent(
                static_cast<double>(device.peak_bytes), static_cast<double>(device.budget_bytes)
            )
        );
    }
    const std::size_t more = summary.devices.size() - shown.size();
    return text +
           (more > 0 ? fmt::format("  and {} more that are less full\n", more) : std::string());
}

} // namespace

std::string summary_text(const trace::Summary& s) {
    const bool several = s.sequences.size() > 1;
    std::string text;
    text +=
        row("tokens",
            fmt::format(
                "{} prompt + {} sampled{}",
                s.prompt_tokens,
                s.sampled_tokens,
                several ? fmt::format(" in {} sequences", s.sequences.size()) : ""
            ));
    text +=
        row("time to first token",
            format_duration(s.to_first_token) + (several ? " after its begin, mean" : ""));
    text += row("time per output token", per_token(s.per_output_token));
    text += row("tokens/s with prefill", fmt::format("{:.3f}", s.tokens_per_s));
    text += row("virtual time in all", format_duration(s.end));
    text +=
        row("decisions",
            fmt::format(
                "{}, {} moved blocks{}; {:.1f} ms each on this host",
                s.decisions,
                s.decisions_that_moved,
                s.decisions_infeasible > 0
                    ? fmt::format(", {} found nothing feasible", s.decisions_infeasible)
                    : "",
                s.decision_wall_mean_ms
            ));
    text +=
        row("migrations",
            fmt::format(
                "{} blocks ({} groups), {}{} in {}",
                s.blocks_moved,
                s.groups_moved,
                format_bytes(s.bytes_migrated),
                s.bytes_loaded > 0
                    ? fmt::format(" sent and {} loaded", format_bytes(s.bytes_loaded))
                    : "",
                format_duration(s.time_migrating)
            ));
    text += row("activations sent", format_bytes(s.bytes_messages));
    if (s.predicted_decode > 0 && s.measured_decode > 0) {
        text +=
            row("predicted vs measured",
                fmt::format(
                    "decode {} vs {} ({:+.1f} %{}), migration {} vs {}",
                    format_duration(s.predicted_decode),
                    format_duration(s.measured_decode),
                    100.0 * (static_cast<double>(s.predicted_decode) /
                                 static_cast<double>(s.measured_decode) -
                             1.0),
                    s.overloads > 0 ? ", paging is not predicted" : "",
                    format_duration(s.predicted_migration),
                    format_duration(s.time_migrating)
                ));
    }
    if (s.overloads > 0) {
        text +=
            row("over budget",
                fmt::format(
                    "{} times at the start of a turn; {} paged",
                    s.overloads,
                    format_bytes(s.bytes_paged)
                ));
    }
    return text + "\n" + sequence_table(s) + device_table(s);
}

nlohmann::json summary_json(const trace::Summary& s) {
    nlohmann::json sequences = nlohmann::json::array();
    for (const trace::SequenceSummary& sequence : s.sequences) {
        sequences.push_back(
            {{"prompt", sequence.prompt},
             {"text", sequence.text},
             {"prompt_tokens", sequence.prompt_tokens},
             {"sampled_tokens", sequence.sampled_tokens},
             {"begin_ns", sequence.begin},
             {"time_to_first_token_ns", sequence.to_first_token},
             {"time_per_output_token_ns", or_null(sequence.per_output_token)}}
        );
    }
    nlohmann::json devices = nlohmann::json::array();
    for (const trace::DeviceSummary& device : s.devices) {
        devices.push_back(
            {{"name", device.name},
             {"blocks", device.blocks},
             {"memory_peak_bytes", device.peak_bytes},
             {"memory_budget_bytes", device.budget_bytes},
             {"memory_used_bytes", device.used_bytes}}
        );
    }
    return {
        {"prompt_tokens", s.prompt_tokens},
        {"sampled_tokens", s.sampled_tokens},
        {"time_to_first_token_ns", s.to_first_token},
        {"time_per_output_token_ns", or_null(s.per_output_token)},
        {"time_per_output_token_p95_ns", or_null(s.per_output_token_p95)},
        {"tokens_per_s", s.tokens_per_s},
        {"virtual_time_ns", s.end},
        {"decisions", s.decisions},
        {"decisions_that_moved", s.decisions_that_moved},
        {"decisions_infeasible", s.decisions_infeasible},
        {"blocks_moved", s.blocks_moved},
        {"groups_moved", s.groups_moved},
        {"bytes_migrated", s.bytes_migrated},
        {"bytes_loaded", s.bytes_loaded},
        {"time_migrating_ns", s.time_migrating},
        {"bytes_activations", s.bytes_messages},
        {"predicted_decode_ns", s.predicted_decode},
        {"measured_decode_ns", s.measured_decode},
        {"predicted_migration_ns", s.predicted_migration},
        {"overloads", s.overloads},
        {"bytes_paged", s.bytes_paged},
        {"decision_wall_mean_ms", s.decision_wall_mean_ms},
        {"text", s.text},
        {"sequences", sequences},
        {"devices", devices},
    };
}

void print_json(const nlohmann::json& json) {
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
    if (!std::cout && errno != EPIPE) {
        throw EnvironmentError(fmt::format(
            "the JSON could not be written to stdout: {}; expected room for it there: give another "
            "place, or read the trace with headroom inspect --json",
            std::strerror(errno)
        ));
    }
}

} // namespace headroom::cli
