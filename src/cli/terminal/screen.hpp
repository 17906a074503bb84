// Everything that the program prints goes through here. What a model writes, a prompt, the name of
// a device or of a file may contain sequences that a terminal obeys: moves the cursor over what
// stands there, hides text, answers as if somebody typed. On a terminal they are made visible;
// files and pipes get the bytes.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace headroom::cli {

/// What the two streams are, also under mpirun, whose pseudo-terminals say nothing.
struct Terminal {
    bool out = false;
    bool err = false;
    bool same = false; ///< both go to one place, so that notes must keep off the text's line
    [[nodiscard]] static Terminal look();
    /// Where all but the text goes. If both streams go to one place it is stdout, because two
    /// streams of a rank come out of mpirun in any order.
    [[nodiscard]] std::FILE* notes() const { return same ? stdout : stderr; }
    /// Into the environment of ranks, which see only mpirun's pipes.
    void tell_children() const;
};

/// The text as it may be printed where there is a terminal, or not.
[[nodiscard]] std::string shown(bool on_terminal, std::string_view text);
/// The same for stdout or stderr.
[[nodiscard]] std::string shown(std::FILE* to, std::string_view text);

/// Onto stdout or stderr, what a terminal would obey made visible.
void put(std::FILE* to, std::string_view text);
/// As it is: our own sequences, and texts that have been through `shown`.
void put_as_is(std::FILE* to, std::string_view text);

/// put() of what is formatted.
template <class... Args>
void say(std::FILE* to, fmt::format_string<Args...> format, Args&&... args) {
    put(to, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace headroom::cli
