#include "cli/terminal/console.hpp"

#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/units.hpp"

namespace headroom::cli {

namespace {

/// How many blocks of a kind go from one device to another.
struct Route {
    std::int32_t from;
    std::int32_t to;
    BlockKind kind;
    auto operator<=>(const Route&) const = default;
};

/// More would not fit a line.
constexpr std::size_t kRoutesShown = 4;
constexpr std::size_t kHoldersShown = 8;

std::string_view plural(BlockKind kind, std::size_t count) {
    switch (kind) {
    case BlockKind::group:
        return count == 1 ? "group" : "groups";
    case BlockKind::proj:
        return count == 1 ? "proj" : "projs";
    case BlockKind::ffn:
        return count == 1 ? "ffn" : "ffns";
    case BlockKind::embed:
        return "embed";
    case BlockKind::lm_head:
        return "lm_head";
    case BlockKind::slice:
        return count == 1 ? "slice" : "slices";
    case BlockKind::hub:
        return count == 1 ? "hub" : "hubs";
    }
    return "";
}

std::string execution(const trace::RunHeader& header) {
    const std::string& how = header.attributes.at("execution");
    if (how == "decoded") {
        return fmt::format(
            "{} clock, {} kernels", header.attributes.at("clock"), header.attributes.at("kernels")
        );
    }
    return how == "simulated" ? "simulated without weights" : "the recorded tokens once more";
}

/// What changes the meaning of a run and is not as usual.
std::string settings(const trace::RunHeader& header) {
    std::string text;
    if (header.attributes.at("cost_profile") == "paper") {
        text += ", cost profile paper (decisions by the published formulas)";
    }
    if (header.attributes.at("weights") == "everywhere") {
        text += ", weights everywhere";
    }
    return text;
}

std::string in_flight_at_most(const trace::RunHeader& header) {
    const std::int64_t most = header.numbers.at("in_flight");
    return most > 1 ? fmt::format(", up to {} sequences in flight", most) : "";
}

/// "17.1 ms per token", of several sequences "6 in flight, batch 2, 17.1 ms per round".
std::string speed(const trace::IntervalRow& row) {
    return row.in_flight == 1
               ? fmt::format("{} per token", format_duration(row.predicted_inference_ns))
               : fmt::format(
                     "{} in flight, batch {}, {} per round",
                     row.in_flight,
                     row.batch,
                     format_duration(row.predicted_round_ns)
                 );
}

/// In the policy's words, if it has any; of several sequences after what it is that stays.
std::string kept(const runtime::DecisionNote& note) {
    constexpr std::string_view kKept = "kept: ";
    const bool explained = note.reason.starts_with(kKept);
    if (note.row.in_flight == 1 && explained) {
        return note.reason;
    }
    const bool nothing_new = !explained || note.reason.starts_with("kept: found nothing");
    return fmt::format(
        "{}{}{}", kKept, speed(note.row), nothing_new ? "" : "; " + note.reason.substr(kKept.size())
    );
}

/// The part of a policy's sentence that says why it had to move.
std::string why(const std::string& reason) {
    const std::size_t begin = reason.find("because");
    if (begin == std::string::npos) {
        return "";
    }
    const std::size_t end = reason.find("):", begin);
    return ", " + reason.substr(begin, end == std::string::npos ? end : end + 1 - begin);
}

/// What a migration costs on the way: bytes sent, bytes read by their targets.
std::string freight(const runtime::DecisionNote& note) {
    return note.loaded == 0
               ? format_bytes(note.bytes)
               : fmt::format(
                     "{} sent and {} loaded", format_bytes(note.bytes), format_bytes(note.loaded)
                 );
}

} // namespace

void print_notes(const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
        say(stderr, "headroom: {}\n", note);
    }
    std::fflush(stderr);
}

void print_warnings(const Terminal& terminal, const std::vector<std::string>& warnings) {
    const char* const mark = terminal.err ? "\x1b[1;33mwarning:\x1b[0m" : "warning:";
    for (const std::string& warning : warnings) {
        put_as_is(stderr, fmt::format("headroom: {} {}\n", mark, shown(terminal.err, warning)));
    }
    std::fflush(stderr);
}

void print_error(const Terminal& terminal, const std::string& text) {
    const char* const mark = terminal.err ? "\x1b[1;31merror:\x1b[0m" : "error:";
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string line = shown(terminal.err, rest.substr(0, end));
        put_as_is(
            stderr,
            line.starts_with(' ') ? line + "\n" : fmt::format("headroom: {} {}\n", mark, line)
        );
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::fflush(stderr);
}

std::string Console::dim(const std::string& text) const {
    return terminal_.err ? "\x1b[2m" + visible(text) + "\x1b[0m" : text;
}

void Console::on_warning(const std::string& warning) {
    print_warnings(terminal_, {warning});
}

void Console::on_begin(const trace::RunHeader& header) {
    for (const trace::DeviceRow& device : header.devices) {
        device_names_.push_back(device.name);
    }
    several_ = header.numbers.at("in_flight") > 1;
    note(
        fmt::format(
            "headroom: {} on {} devices, policy {}, a decision every {} {}, {}",
            header.attributes.at("model"),
            header.devices.size(),
            header.attributes.at("policy"),
            header.numbers.at("interval"),
            several_ ? "rounds" : "tokens",
            execution(header)
        ) +
        in_flight_at_most(header) + settings(header)
    );
    if (several_hosts_) {
        note("headroom: hosts " + header.attributes.at("host"));
    }
    const auto kernels = header.attributes.find("kernels_note");
    if (kernels != header.attributes.end()) {
        note("headroom: " + kernels->second);
    }
}

void Console::note(const std::string& line) {
    put_as_is(terminal_.notes(), dim(line) + "\n");
}

void Console::write_text(const std::string& text) {
    if (!text_ || text.empty()) {
        return;
    }
    clear_progress();
    unfinished_ += text;
    const std::size_t whole = terminal_.out ? whole_characters(unfinished_) : unfinished_.size();
    put_as_is(stdout, shown(terminal_.out, unfinished_.substr(0, whole)));
    unfinished_.erase(0, whole);
    std::fflush(stdout);
    in_line_ = text.back() != '\n';
}

/// What comes next does not belong to its text.
void Console::write_broken_character() {
    put_as_is(stdout, shown(terminal_.out, std::exchange(unfinished_, {})));
}

void Console::on_prompt(const std::string& text) {
    print_waiting_notes();
    if (!first_) {
        write_text(in_line_ ? "\n\n" : "\n");
    }
    first_ = false;
    write_text(text);
}

void Console::on_token(const std::string& piece, std::int64_t sampled) {
    if (!piece.empty() && (piece.front() == ' ' || piece.front() == '\n')) {
        print_waiting_notes();
    }
    write_text(piece);
    progress(sampled);
}

void Console::on_text(std::int64_t sequence, const std::string& text) {
    write_text(fmt::format("{}[sequence {}]\n{}", first_ ? "" : "\n", sequence, text));
    write_text(in_line_ ? "\n" : "");
    first_ = false;
}

/// A line that is written over: only where text does not stream on the same terminal. Into a file,
/// a line every five seconds.
void Console::progress(std::int64_t sampled) {
    const auto now = std::chrono::steady_clock::now();
    const bool over = terminal_.err && (several_ || !(terminal_.out && text_));
    const auto pause = over ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
    if ((terminal_.err && !over) || now - shown_ < pause || now - started_ < pause) {
        return;
    }
    shown_ = now;
    const double wall = std::chrono::duration<double>(now - started_).count();
    const std::string line = fmt::format(
        "{} of {} tokens, {} of virtual time, {:.0f} s",
        sampled,
        tokens_,
        format_duration(virtual_end_),
        wall
    );
    if (over) {
        put_as_is(terminal_.notes(), "\r\x1b[K" + dim(line));
        progress_on_ = true;
    } else {
        put_as_is(terminal_.notes(), line + "\n");
    }
    std::fflush(terminal_.notes());
}

void Console::clear_progress() {
    if (progress_on_) {
        put_as_is(terminal_.notes(), "\r\x1b[K");
        std::fflush(terminal_.notes());
        progress_on_ = false;
    }
}

/// Who holds how many blocks, and what to do if one device holds them all.
std::string Console::holders(const scheduler::Placement& placement) const {
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
    if (used > kHoldersShown) {
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

/// Which blocks moved where, predicted delay before and after, and why.
std::string Console::decision_text(const runtime::DecisionNote& note) const {
    const trace::IntervalRow& row = note.row;
    if (row.kept_inference_ns < 0) {
        return fmt::format(
            "{}: {} predicted, {}",
            row.reason == static_cast<std::int32_t>(trace::Reason::resumed) ? "placed anew"
                                                                            : "first placement",
            speed(row),
            holders(note.placement)
        );
    }
    if (row.feasible == 0) {
        return "nothing fits, the placement stays: " + note.reason;
    }
    if (note.moves.empty()) {
        return kept(note);
    }
    const std::string before =
        row.in_flight == 1 ? format_duration(row.kept_inference_ns) + " -> " : "";
    return fmt::format(
        "{}: {}{} for {} in {}{}",
        describe_moves(note.moves, *note.blocks, device_names_),
        before,
        speed(row),
        freight(note),
        format_duration(row.predicted_migration_ns),
        why(note.reason)
    );
}

std::string Console::decision_line(const runtime::DecisionNote& note) const {
    return fmt::format("[token {:>3}] {}", note.row.first_token, decision_text(note));
}

/// Text on the same terminal is not broken inside a word: the note waits for the next one.
void Console::on_decision(const runtime::DecisionNote& note) {
    waiting_ += dim(decision_line(note)) + "\n";
    if (!in_line_ || !terminal_.same) {
        print_waiting_notes();
    }
}

void Console::print_waiting_notes() {
    if (waiting_.empty()) {
        return;
    }
    clear_progress();
    if (in_line_ && terminal_.same) {
        put_as_is(terminal_.notes(), "\n"); // keep the note off the text's line
        in_line_ = false;
    }
    put_as_is(terminal_.notes(), waiting_);
    std::fflush(terminal_.notes());
    waiting_.clear();
}

void Console::on_interval(const trace::Interval& interval) {
    virtual_end_ = interval.row.t_end;
}

void Console::finish() {
    print_waiting_notes();
    clear_progress();
    write_broken_character();
    if (in_line_) {
        put_as_is(stdout, "\n");
        std::fflush(stdout);
        in_line_ = false;
    }
}

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
        if (listed++ == kRoutesShown) {
            const std::size_t rest = routes.size() - kRoutesShown;
            return text + fmt::format(" and {} more route{}", rest, rest == 1 ? "" : "s");
        }
        text += fmt::format(
            "{}{} {} {} -> {}",
            text.empty() ? "" : ", ",
            count,
            plural(route.kind, count),
            name(route.from),
            name(route.to)
        );
    }
    return text;
}

} // namespace headroom::cli
