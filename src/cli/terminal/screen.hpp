// All output of the program goes through these functions. Generated text, prompts and the names of
// devices and files may contain terminal control sequences, which can move the cursor, hide text or
// fake input. On a terminal such sequences are printed as visible escapes; files and pipes get the
// raw bytes.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace headroom::cli {

/// What stdout and stderr lead to. In a rank, both lead to pipes or pseudo-terminals of mpirun; the
/// struct then describes the streams of mpirun itself.
struct Terminal {
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    bool same_destination = false; ///< stdout and stderr lead to the same terminal, file or pipe
    /// Returns what a parent process stored with export_to_children(). If no parent has stored
    /// anything, asks the system.
    [[nodiscard]] static Terminal detect();
    /// Returns the stream for progress, decisions and the summary. If stdout and stderr have the
    /// same destination, it is stdout, because mpirun does not keep the order of lines that a rank
    /// writes to two streams. Otherwise it is stderr.
    [[nodiscard]] std::FILE* message_stream() const { return same_destination ? stdout : stderr; }
    /// Stores the values in the environment, for detect() in child processes.
    void export_to_children() const;
};

/// Returns the width in characters of the terminal that the descriptor leads to; 0 if unknown.
[[nodiscard]] std::size_t terminal_width(int descriptor);

/// Returns the text with visible escapes if it is for a terminal, else unchanged.
[[nodiscard]] std::string printable(bool on_terminal, std::string_view text);
/// Returns the text as it may be printed to `to`, which is stdout or stderr.
[[nodiscard]] std::string printable(std::FILE* to, std::string_view text);

/// Prints the text to stdout or stderr; on a terminal, control sequences become visible escapes.
void put(std::FILE* to, std::string_view text);
/// Prints the text unchanged. To be used only for our own control sequences and the results of
/// printable().
void put_as_is(std::FILE* to, std::string_view text);

/// Formats the arguments and prints the result with put().
template <class... Args>
void say(std::FILE* to, fmt::format_string<Args...> format, Args&&... args) {
    put(to, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace headroom::cli
