// What a user sees while a run goes on: text on stdout; progress, decisions and errors on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/terminal/screen.hpp"
#include "runtime/session/session.hpp"

namespace headroom::cli {

/// "headroom: ..." on stderr: which files are used from elsewhere.
void print_notes(const std::vector<std::string>& notes);
/// "headroom: warning: ..." on stderr: what is allowed but hardly meant.
void print_warnings(const Terminal& terminal, const std::vector<std::string>& warnings);
/// "headroom: error: ..." on stderr, problem by problem.
void print_error(const Terminal& terminal, const std::string& text);

class Console final : public runtime::Observer {
  public:
    /// tokens: how many will be sampled at most, in all sequences. text: stream the text to stdout.
    Console(Terminal terminal, std::int64_t tokens, bool text, bool several_hosts)
        : terminal_(terminal), tokens_(tokens), text_(text), several_hosts_(several_hosts) {}

    void on_warning(const std::string& warning) override;
    void on_begin(const trace::RunHeader& header) override;
    /// A blank line stands before every sequence but the first.
    void on_prompt(const std::string& text) override;
    void on_token(const std::string& piece, std::int64_t sampled) override;
    /// Under a line of its own, "[sequence 3]", with a blank line behind it.
    void on_text(std::int64_t sequence, const std::string& text) override;
    void on_decision(const runtime::DecisionNote& note) override;
    void on_interval(const trace::Interval& interval) override;
    /// Ends the line that text or progress stand on.
    void finish();

  private:
    [[nodiscard]] std::string decision_line(const runtime::DecisionNote& note) const;
    [[nodiscard]] std::string decision_text(const runtime::DecisionNote& note) const;
    [[nodiscard]] std::string holders(const scheduler::Placement& placement) const;
    void note(const std::string& line);
    void print_waiting_notes();
    void write_text(const std::string& text);
    void write_broken_character();
    void progress(std::int64_t sampled);
    void clear_progress();
    [[nodiscard]] std::string dim(const std::string& text) const;

    Terminal terminal_;
    std::int64_t tokens_;
    bool text_;
    bool several_hosts_;
    bool first_ = true;        ///< no sequence has begun
    bool several_ = false;     ///< sequences can be in flight, so that texts come when they end
    std::string unfinished_;   ///< bytes of a character that a terminal waits for
    bool in_line_ = false;     ///< text stands on the current line of the terminal
    bool progress_on_ = false; ///< a progress line stands on stderr
    Nanoseconds virtual_end_ = 0;
    std::string waiting_; ///< notes until the word on the line is whole
    std::vector<std::string> device_names_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point shown_{};
};

/// "3 groups laptop -> phone-a, 1 ffn laptop -> tablet": what moved by kind, from where to where.
[[nodiscard]] std::string describe_moves(
    const std::vector<scheduler::Move>& moves,
    const scheduler::Blocks& blocks,
    const std::vector<std::string>& device_names
);

} // namespace headroom::cli
