// What is still done when an input ends the process: it is written to a file, by nothing but
// system calls.
#pragma once

#include <filesystem>
#include <string_view>

namespace headroom::fuzz {

/// From now on a crash (signals, a sanitizer's report) writes the input that is announced. An empty
/// path: it is not written.
void store_on_crash(const std::filesystem::path& file);

/// The input that runs now; must live until the next is announced. Longer than a minute counts as
/// a crash.
void announce(std::string_view input);
/// Nothing runs: ends the watch on time.
void announce_nothing();

} // namespace headroom::fuzz
