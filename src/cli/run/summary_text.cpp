#include "cli/run/summary_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/terminal/text_table.hpp"
#include "trace/analysis/run_figures.hpp"

namespace headroom::cli {

namespace {

template <class... Values>
std::string row(std::string_view name, fmt::format_string<Values...> format, Values&&... values) {
    return fmt::format("  {:<24}{}\n", name, fmt::format(format, std::forward<Values>(values)...));
}

template <class Number>
nlohmann::json or_null(Number number) {
    return number < 0 ? nlohmann::json() : nlohmann::json(number);
}

nlohmann::json if_ended(const trace::SequenceSummary& sequence, Nanoseconds time) {
    return sequence.ended ? nlohmann::json(time) : nlohmann::json();
}

/// Returns the time of the last token; null if the sequence has not ended or has no token.
nlohmann::json end_or_null(const trace::SequenceSummary& sequence) {
    return sequence.sampled_tokens > 0 ? if_ended(sequence, sequence.last_token) : nlohmann::json();
}

/// Percentiles are shown only for more requests than this: the table lists all of fewer ones.
constexpr std::size_t kRequestsWithoutPercentiles = 8;

/// Says how a duration is aggregated over requests: for a few ", mean", for many
/// ", mean; p50 1.20 s, p95 3.10 s".
std::string spread(const trace::Summary& s, Nanoseconds p50, Nanoseconds p95) {
    if (s.sequences.size() < 2 || p50 < 0) {
        return "";
    }
    return s.sequences.size() <= kRequestsWithoutPercentiles
               ? ", mean"
               : fmt::format(", mean; p50 {}, p95 {}", format_duration(p50), format_duration(p95));
}

std::string time_to_first_token(const trace::Summary& s) {
    return format_duration(s.time_to_first_token) +
           (s.sequences.size() > 1 ? " after the arrival" : "") +
           spread(s, s.time_to_first_token_p50, s.time_to_first_token_p95);
}

std::string time_per_output_token(const trace::Summary& s) {
    return duration_or_dash(s.time_per_output_token) +
           spread(s, s.time_per_output_token_p50, s.time_per_output_token_p95);
}

/// Returns the row about sequences in flight; empty if there was never more than one.
std::string in_flight(const trace::Summary& s) {
    if (s.max_in_flight < 2) {
        return "";
    }
    std::string batch;
    if (s.largest_batch > 1) {
        batch = s.smallest_batch == s.largest_batch
                    ? fmt::format("; batch {}", s.largest_batch)
                    : fmt::format("; batch {} to {}", s.smallest_batch, s.largest_batch);
    }
    return row(
        "sequences in flight",
        "at most {}, {:.2f} on average{}",
        s.max_in_flight,
        s.mean_in_flight,
        batch
    );
}

std::string waits_for_memory(const trace::MemoryWaits& waits) {
    return waits.requests == 0 ? ""
                               : row("waited for memory",
                                     "{}, the longest {}",
                                     count_text(waits.requests, "request"),
                                     format_duration(waits.longest));
}

/// Returns a table with a row per sequence, for at most 16 of them; empty for a single sequence.
/// The arrival is known only for sequences that have ended.
std::string sequence_table(const trace::Summary& summary) {
    constexpr std::size_t kShown = 16;
    const std::size_t count = summary.sequences.size();
    if (count < 2) {
        return "";
    }
    TextTable table(
        {"sequence",
         "prompt",
         "sampled",
         "slot",
         "arrival",
         "waited",
         "first token",
         "per token",
         "end"}
    );
    for (std::size_t i = 0; i < std::min(count, kShown); ++i) {
        const trace::SequenceSummary& sequence = summary.sequences[i];
        const bool ended = sequence.ended;
        table.add(
            {fmt::format("{}", sequence.number),
             fmt::format("{}", sequence.prompt_tokens),
             fmt::format("{}", sequence.sampled_tokens),
             sequence.slot < 0 ? "-" : fmt::format("{}", sequence.slot),
             ended ? format_duration(sequence.arrival) : "-",
             ended ? format_duration(sequence.queue_time()) : "-",
             duration_or_dash(sequence.time_to_first_token),
             duration_or_dash(sequence.time_per_output_token),
             ended && sequence.sampled_tokens > 0 ? format_duration(sequence.last_token) : "-"}
        );
    }
    std::string text = table.text();
    if (count > kShown) {
        text += fmt::format("  and {} more, see the trace or --json\n", count - kShown);
    }
    return text + "\n";
}

std::string device_table(const trace::Summary& summary) {
    constexpr std::size_t kShown = 32; // if there are more, those with the fullest memory
    std::size_t width = 6;
    for (const trace::DeviceSummary& device : summary.devices) {
        width = std::max(width, device.name.size());
    }
    const auto line = [&](const auto& name, auto... cells) {
        return fmt::format(
            "  {:<{}}  {:>6}  {:>5}  {:>10}  {:>11}  {:>11}\n", name, width, cells...
        );
    };
    std::string text = line("device", "blocks", "busy", "peak", "last budget", "peak/budget");
    const std::vector<std::size_t> shown =
        first_rows(summary.devices.size(), kShown, [&](std::size_t a, std::size_t b) {
            return summary.devices[b].is_less_full_than(summary.devices[a]);
        });
    for (const std::size_t d : shown) {
        const trace::DeviceSummary& device = summary.devices[d];
        text += line(
            device.name,
            device.blocks,
            percent(device.busy, summary.span),
            format_bytes(device.peak_bytes),
            format_bytes(device.budget_bytes),
            percent(device.fullest_bytes, device.fullest_budget_bytes)
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
            "{} prompt + {} sampled{}",
            s.prompt_tokens,
            s.sampled_tokens,
            several ? fmt::format(" in {} sequences", s.sequences.size()) : "");
    text += row("time to first token", "{}", time_to_first_token(s));
    text += row("time per output token", "{}", time_per_output_token(s));
    text +=
        row("tokens/s with prefill",
            "{:.3f}{}",
            s.tokens_per_s,
            several ? " of all sequences together" : "");
    text += row("virtual time in all", "{}", format_duration(s.end));
    text += in_flight(s) + waits_for_memory(s.memory_waits);
    text +=
        row("decisions",
            "{}, {} moved blocks{}; {:.1f} ms each on this host",
            s.decisions,
            s.decisions_that_moved,
            s.decisions_infeasible > 0
                ? fmt::format(", {} found nothing feasible", s.decisions_infeasible)
                : "",
            s.decision_wall_mean_ms);
    text +=
        row("migrations",
            "{} blocks ({} groups), {}{} in {}",
            s.blocks_moved,
            s.groups_moved,
            format_bytes(s.bytes_migrated),
            s.bytes_loaded > 0 ? fmt::format(" sent and {} loaded", format_bytes(s.bytes_loaded))
                               : "",
            format_duration(s.time_migrating));
    text += row("activations sent", "{}", format_bytes(s.bytes_messages));
    if (s.predicted_decode > 0 && s.measured_decode > 0) {
        text +=
            row("predicted vs measured",
                "decode {} vs {}{} ({:+.1f} %{}), migration {} vs {}",
                format_duration(s.predicted_decode),
                format_duration(s.measured_decode),
                s.max_in_flight > 1 ? " summed over sequences" : "",
                100.0 * (static_cast<double>(s.predicted_decode) /
                             static_cast<double>(s.measured_decode) -
                         1.0),
                s.overloads > 0 ? ", paging is not predicted" : "",
                format_duration(s.predicted_migration),
                format_duration(s.time_migrating));
    }
    if (s.resumptions > 0) {
        text +=
            row("resumed",
                "{}; what was lost and the caches were computed again, in virtual time too",
                count_text(s.resumptions, "time"));
    }
    if (s.overloads > 0) {
        text +=
            row("over budget",
                "{} times at the start of a turn; {} paged",
                s.overloads,
                format_bytes(s.bytes_paged));
    }
    return text + "\n" + sequence_table(s) + device_table(s);
}

nlohmann::json json_of(const trace::Figure& figure) {
    return std::visit(
        [](const auto& value) {
            if constexpr (std::is_same_v<decltype(value), const std::monostate&>) {
                return nlohmann::json();
            } else {
                return nlohmann::json(value);
            }
        },
        figure
    );
}

nlohmann::json summary_json(const trace::Summary& s) {
    nlohmann::json sequences = nlohmann::json::array();
    for (const trace::SequenceSummary& sequence : s.sequences) {
        sequences.push_back(
            {{"sequence", sequence.number},
             {"slot", or_null(sequence.slot)},
             {"ended", sequence.ended},
             {"prompt", sequence.prompt},
             {"text", sequence.text},
             {"prompt_tokens", sequence.prompt_tokens},
             {"sampled_tokens", sequence.sampled_tokens},
             {"arrival_ns", if_ended(sequence, sequence.arrival)},
             {"begin_ns", sequence.begin},
             {"waited_ns", if_ended(sequence, sequence.queue_time())},
             {"end_ns", end_or_null(sequence)},
             {"time_to_first_token_ns", or_null(sequence.time_to_first_token)},
             {"time_per_output_token_ns", or_null(sequence.time_per_output_token)}}
        );
    }
    nlohmann::json devices = nlohmann::json::array();
    for (const trace::DeviceSummary& device : s.devices) {
        devices.push_back(
            {{"name", device.name},
             {"blocks", device.blocks},
             {"busy_ns", device.busy},
             {"utilisation", device.utilisation},
             {"memory_peak_bytes", device.peak_bytes},
             {"memory_budget_bytes", device.budget_bytes},
             {"memory_peak_fraction", or_null(device.fullness())},
             {"memory_fullest_bytes", device.fullest_bytes},
             {"memory_fullest_budget_bytes", device.fullest_budget_bytes},
             {"memory_used_bytes", device.used_bytes}}
        );
    }
    nlohmann::json json{{"text", s.text}, {"sequences", sequences}, {"devices", devices}};
    for (const trace::RunFigure& figure : trace::kRunFigures) {
        if (figure.use != trace::RunFigure::Use::table) {
            json[figure.name] = json_of(figure.of(s));
        }
    }
    return json;
}

void print_json(const nlohmann::json& json) {
    const auto text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    std::cout << printable(stdout, text) << std::endl; // visible escapes are also valid in JSON
    if (!std::cout && errno != EPIPE) {
        throw EnvironmentError(fmt::format(
            "the JSON could not be written to stdout: {}; expected room for it there: give another "
            "place, or read the trace with headroom inspect --json",
            std::strerror(errno)
        ));
    }
}

} // namespace headroom::cli
