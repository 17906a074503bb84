// What a user sees during a run: the generated text on stdout, warnings and errors on stderr.
// Progress and decisions go to stderr. But if stdout and stderr lead to the same terminal, file or
// pipe, they go to stdout, because mpirun does not keep the order of lines that a rank writes to
// two streams.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/terminal/screen.hpp"
#include "runtime/session/session.hpp"

namespace headroom::cli {

/// Prints each note on stderr as "headroom: NOTE". A note says, for example, that the model file is
/// one from the folder of installed models.
void print_notes(const std::vector<std::string>& notes);
/// Prints each warning on stderr as "headroom: warning: WARNING".
void print_warnings(const std::vector<std::string>& warnings);
/// Prints each line of the text on stderr as "headroom: error: LINE". Lines that begin with a space
/// are hints and are printed without the prefix. Prints nothing for an empty text.
void print_error(const std::string& text);

class Console final : public runtime::Observer {
  public:
    /// `max_tokens` is the largest number of tokens that the run can sample in all its sequences.
    /// `prints_text`: whether to print generated text; `several_hosts`: whether to name the hosts.
    Console(Terminal terminal, std::int64_t max_tokens, bool prints_text, bool several_hosts)
        : terminal_(terminal), max_tokens_(max_tokens), prints_text_(prints_text),
          several_hosts_(several_hosts) {}

    void on_warning(const std::string& warning) override;
    void on_begin(const trace::RunHeader& header) override;
    /// Prints the prompt, after a blank line unless this is the first sequence.
    void on_prompt(const std::string& text) override;
    void on_token(const std::string& piece, std::int64_t sampled) override;
    /// Prints the text of a sequence that has ended, under a heading such as "[sequence 3]".
    void on_text(std::int64_t sequence, const std::string& text) override;
    void on_decision(const runtime::DecisionEvent& event) override;
    void on_interval(const trace::Interval& interval) override;
    /// Prints the pending lines about decisions and ends the line that the cursor is on.
    void finish();

  private:
    [[nodiscard]] std::string decision_text(const runtime::DecisionEvent& event) const;
    [[nodiscard]] std::string placement_text(const scheduler::Placement& placement) const;
    void print_message(const std::string& line);
    void print_pending_messages();
    void write_text(const std::string& text);
    void show_progress(std::int64_t sampled);
    void clear_progress();
    [[nodiscard]] std::string dim(const std::string& text) const;

    Terminal terminal_;
    std::int64_t max_tokens_;
    bool prints_text_;
    bool several_hosts_;
    bool before_first_sequence_ = true;
    bool concurrent_ = false;       ///< several sequences can be decoded at once
    std::string partial_character_; ///< first bytes of a UTF-8 character, until its last byte comes
    bool mid_line_ = false;         ///< the last text on stdout did not end with a line break
    bool progress_shown_ = false;   ///< a progress line stands on the terminal
    Nanoseconds virtual_end_ = 0;   ///< virtual time of the last on_interval()
    std::string pending_messages_;  ///< lines about decisions, held until the current word ends
    std::vector<std::string> device_names_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point last_progress_{}; ///< time of the last progress line
};

} // namespace headroom::cli
