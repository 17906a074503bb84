// Stores the present input in a file when it ends the process. Only system calls are used for this.
#pragma once

#include <filesystem>
#include <string_view>

namespace headroom::fuzz {

/// Makes a crash (a signal or a sanitizer's report) write the current input to `file`. With an
/// empty path nothing is written.
void store_on_crash(const std::filesystem::path& file);

/// Sets the input that runs now. It must live until the next call of set_current_input() or
/// clear_current_input(). An input that takes longer than a minute counts as a crash.
void set_current_input(std::string_view input);
/// Ends the current input and its time limit.
void clear_current_input();

} // namespace headroom::fuzz
