#include "cli/terminal/console.hpp"

#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/units.hpp"
#include "cli/terminal/text_table.hpp"
#include "scheduler/explain/explanation_text.hpp"

namespace headroom::cli {

namespace {

/// The moves of one kind of block from one device to another.
struct Route {
    std::int32_t from;
    std::int32_t to;
    BlockKind kind;
    auto operator<=>(const Route&) const = default;
};

/// Limits that keep a message on one line.
constexpr std::size_t kMaxRoutesShown = 4;
constexpr std::size_t kMaxDevicesShown = 8;

std::string execution_text(const trace::RunHeader& header) {
    const std::string& how = header.attributes.at("execution");
    if (how == "decoded") {
        return fmt::format(
            "{} clock, {} kernels", header.attributes.at("clock"), header.attributes.at("kernels")
        );
    }
    return how == "simulated" ? "simulated without weights" : "the recorded tokens once more";
}

/// Settings that affect how the results are to be read and differ from the defaults.
std::string unusual_settings(const trace::RunHeader& header) {
    std::string text;
    if (header.attributes.at("cost_profile") == "paper") {
        text += ", cost profile paper (decisions by the published formulas)";
    }
    if (header.attributes.at("weights") == "everywhere") {
        text += ", weights everywhere";
    }
    return text;
}

std::string in_flight_limit(const trace::RunHeader& header) {
    const std::int64_t most = header.numbers.at("in_flight");
    return most > 1 ? fmt::format(", up to {} sequences in flight", most) : "";
}

/// "17.1 ms per token"; with several sequences "6 in flight, batch 2, 17.1 ms per round".
std::string speed_text(const trace::IntervalRow& row) {
    return row.in_flight == 1
               ? fmt::format("{} per token", format_duration(row.predicted_inference_ns))
               : fmt::format(
                     "{} in flight, batch {}, {} per round",
                     row.in_flight,
                     row.batch,
                     format_duration(row.predicted_round_ns)
                 );
}

/// Says why the placement stays. With several sequences in flight, the predicted speed stands
/// before the explanation, which is left out if it adds nothing.
std::string kept_text(const runtime::DecisionEvent& event, const scheduler::DeviceNames& names) {
    const scheduler::Cause cause = event.why.cause;
    const bool is_static = cause == scheduler::Cause::policy_is_static;
    const std::string clause =
        scheduler::explanation_clause(event.why, names, scheduler::kShortagesShown);
    if (event.row.in_flight == 1 && !is_static) {
        return "kept: " + clause;
    }
    const bool adds_nothing = is_static || cause == scheduler::Cause::nothing_faster;
    return fmt::format("kept: {}{}", speed_text(event.row), adds_nothing ? "" : "; " + clause);
}

/// Returns what made blocks move: the shortages of the previous placement, or nothing.
std::string cause_of_moves(const scheduler::Explanation& why, const scheduler::DeviceNames& names) {
    return why.shortages.empty()
               ? ""
               : ", because " + scheduler::shortages_text(why, names, scheduler::kShortagesShown);
}

std::string migration_volume(const runtime::DecisionEvent& event) {
    return event.loaded == 0
               ? format_bytes(event.bytes)
               : fmt::format(
                     "{} sent and {} loaded", format_bytes(event.bytes), format_bytes(event.loaded)
                 );
}

/// Returns the number of moved blocks per kind, source and target device, for example
/// "3 groups laptop -> phone-a, 1 ffn laptop -> tablet".
std::string describe_moves(
    const std::vector<scheduler::Move>& moves,
    const scheduler::Blocks& blocks,
    const std::vector<std::string>& device_names
) {
    std::map<Route, std::size_t> routes;
    for (const scheduler::Move& move : moves) {
        ++routes[{move.from.value, move.to.value, blocks.name(move.block).kind}];
    }
    const auto name = [&](std::int32_t d) { return device_names[static_cast<std::size_t>(d)]; };
    std::string text;
    std::size_t listed = 0;
    for (const auto& [route, count] : routes) {
        if (listed++ == kMaxRoutesShown) {
            return text + " and " + count_text(routes.size() - kMaxRoutesShown, "more route");
        }
        text += fmt::format(
            "{}{} {} -> {}",
            text.empty() ? "" : ", ",
            count_text(count, name_of(route.kind)),
            name(route.from),
            name(route.to)
        );
    }
    return text;
}

/// Marks a message for stderr; in colour on a terminal.
std::string mark(std::string_view word, int colour) {
    return Terminal::detect().err_is_terminal ? fmt::format("\x1b[1;{}m{}:\x1b[0m", colour, word)
                                              : fmt::format("{}:", word);
}

} // namespace

void print_notes(const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
        say(stderr, "headroom: {}\n", note);
    }
    std::fflush(stderr);
}

void print_warnings(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
        put_as_is(
            stderr,
            fmt::format("headroom: {} {}\n", mark("warning", 33), printable(stderr, warning))
        );
    }
    std::fflush(stderr);
}

void print_error(const std::string& text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string line = printable(stderr, rest.substr(0, end));
        put_as_is(
            stderr,
            line.starts_with(' ') ? line + "\n"
                                  : fmt::format("headroom: {} {}\n", mark("error", 31), line)
        );
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::fflush(stderr);
}

std::string Console::dim(const std::string& text) const {
    return terminal_.err_is_terminal ? "\x1b[2m" + escape_controls(text) + "\x1b[0m" : text;
}

void Console::on_warning(const std::string& warning) {
    print_warnings({warning});
}

void Console::on_begin(const trace::RunHeader& header) {
    for (const trace::DeviceRow& device : header.devices) {
        device_names_.push_back(device.name);
    }
    concurrent_ = header.numbers.at("in_flight") > 1;
    print_message(
        fmt::format(
            "headroom: {} on {} devices, policy {}, a decision every {} {}, {}",
            header.attributes.at("model"),
            header.devices.size(),
            header.attributes.at("policy"),
            header.numbers.at("interval"),
            concurrent_ ? "rounds" : "tokens",
            execution_text(header)
        ) +
        in_flight_limit(header) + unusual_settings(header)
    );
    if (several_hosts_) {
        print_message("headroom: hosts " + header.attributes.at("host"));
    }
    const auto kernels = header.attributes.find("kernels_note");
    if (kernels != header.attributes.end()) {
        print_message("headroom: " + kernels->second);
    }
}

void Console::print_message(const std::string& line) {
    put_as_is(terminal_.message_stream(), dim(line) + "\n");
}

void Console::write_text(const std::string& text) {
    if (!prints_text_ || text.empty()) {
        return;
    }
    clear_progress();
    partial_character_ += text;
    const std::size_t whole = terminal_.out_is_terminal ? complete_prefix_length(partial_character_)
                                                        : partial_character_.size();
    put_as_is(stdout, printable(terminal_.out_is_terminal, partial_character_.substr(0, whole)));
    partial_character_.erase(0, whole);
    std::fflush(stdout);
    mid_line_ = text.back() != '\n';
}

void Console::on_prompt(const std::string& text) {
    print_pending_messages();
    if (!before_first_sequence_) {
        write_text(mid_line_ ? "\n\n" : "\n");
    }
    before_first_sequence_ = false;
    write_text(text);
}

void Console::on_token(const std::string& piece, std::int64_t sampled) {
    if (!piece.empty() && (piece.front() == ' ' || piece.front() == '\n')) {
        print_pending_messages();
    }
    write_text(piece);
    show_progress(sampled);
}

void Console::on_text(std::int64_t sequence, const std::string& text) {
    write_text(
        fmt::format("{}[sequence {}]\n{}", before_first_sequence_ ? "" : "\n", sequence, text)
    );
    write_text(mid_line_ ? "\n" : "");
    before_first_sequence_ = false;
}

/// On a terminal, shows progress on one line that is overwritten, unless text is streamed there.
/// Elsewhere, prints a line every five seconds.
void Console::show_progress(std::int64_t sampled) {
    const auto now = std::chrono::steady_clock::now();
    const bool overwrites =
        terminal_.err_is_terminal && (concurrent_ || !(terminal_.out_is_terminal && prints_text_));
    const auto pause =
        overwrites ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
    if ((terminal_.err_is_terminal && !overwrites) || now - last_progress_ < pause ||
        now - started_ < pause) {
        return;
    }
    last_progress_ = now;
    const double wall = std::chrono::duration<double>(now - started_).count();
    const std::string line = fmt::format(
        "{} of {} tokens, {} of virtual time, {:.0f} s",
        sampled,
        max_tokens_,
        format_duration(virtual_end_),
        wall
    );
    if (overwrites) {
        put_as_is(terminal_.message_stream(), "\r\x1b[K" + dim(line));
        progress_shown_ = true;
    } else {
        put_as_is(terminal_.message_stream(), line + "\n");
    }
    std::fflush(terminal_.message_stream());
}

void Console::clear_progress() {
    if (progress_shown_) {
        put_as_is(terminal_.message_stream(), "\r\x1b[K");
        std::fflush(terminal_.message_stream());
        progress_shown_ = false;
    }
}

/// Returns how many blocks each device holds, and a hint if one device holds all of them.
std::string Console::placement_text(const scheduler::Placement& placement) const {
    std::vector<std::size_t> blocks(device_names_.size());
    for (const DeviceId device : placement) {
        ++blocks[device.index()];
    }
    std::string text;
    std::size_t used = 0;
    for (std::size_t d = 0; d < blocks.size(); ++d) {
        if (blocks[d] > 0) {
            text += fmt::format("{}{} on {}", used == 0 ? "" : ", ", blocks[d], device_names_[d]);
            ++used;
        }
    }
    if (used > kMaxDevicesShown) {
        return fmt::format("blocks on {} of {} devices", used, blocks.size());
    }
    return used > 1 || blocks.size() == 1
               ? "blocks: " + text
               : fmt::format(
                     "all {}, the others are idle; to see a small model as a large one on this "
                     "fleet, scale the fleet ([fleet] compute_scale, memory_scale, "
                     "bandwidth_scale)",
                     text
                 );
}

/// Returns which blocks moved where, the predicted delay before and after, and the reason.
std::string Console::decision_text(const runtime::DecisionEvent& event) const {
    const trace::IntervalRow& row = event.row;
    if (row.kept_inference_ns < 0) {
        return fmt::format(
            "{}: {} predicted, {}",
            row.reason == static_cast<std::int32_t>(trace::Reason::resumed) ? "placed anew"
                                                                            : "first placement",
            speed_text(row),
            placement_text(event.placement)
        );
    }
    if (row.feasible == 0) {
        return "nothing fits, the placement stays: " +
               scheduler::explanation_text(event.why, device_names_, scheduler::kShortagesShown);
    }
    if (event.moves.empty()) {
        return kept_text(event, device_names_);
    }
    const std::string before =
        row.in_flight == 1 ? format_duration(row.kept_inference_ns) + " -> " : "";
    return fmt::format(
        "{}: {}{} for {} in {}{}",
        describe_moves(event.moves, *event.blocks, device_names_),
        before,
        speed_text(row),
        migration_volume(event),
        format_duration(row.predicted_migration_ns),
        cause_of_moves(event.why, device_names_)
    );
}

/// If text is streamed to the same destination, the message waits until the current word ends.
void Console::on_decision(const runtime::DecisionEvent& event) {
    pending_messages_ +=
        dim(fmt::format("[token {:>3}] {}", event.row.first_token, decision_text(event))) + "\n";
    if (!mid_line_ || !terminal_.same_destination) {
        print_pending_messages();
    }
}

void Console::print_pending_messages() {
    if (pending_messages_.empty()) {
        return;
    }
    clear_progress();
    if (mid_line_ && terminal_.same_destination) {
        put_as_is(terminal_.message_stream(), "\n"); // the message gets a line of its own
        mid_line_ = false;
    }
    put_as_is(terminal_.message_stream(), pending_messages_);
    std::fflush(terminal_.message_stream());
    pending_messages_.clear();
}

void Console::on_interval(const trace::Interval& interval) {
    virtual_end_ = interval.row.t_end;
}

void Console::finish() {
    print_pending_messages();
    clear_progress();
    // The bytes of a character that will not be completed.
    put_as_is(stdout, printable(terminal_.out_is_terminal, std::exchange(partial_character_, {})));
    if (mid_line_) {
        put_as_is(stdout, "\n");
        std::fflush(stdout);
        mid_line_ = false;
    }
}

} // namespace headroom::cli
