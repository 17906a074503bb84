// Limits that a text must keep before it is parsed as TOML. The parser and the code that reads its
// result recurse as deeply as the text is nested, and need many times the memory of the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::config {

inline constexpr std::size_t kMaxTomlBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxKeyParts = 16; ///< parts of a dotted key or of a table's name
inline constexpr std::size_t kMaxNesting = 16;  ///< depth of brackets and braces

struct ExceededLimit {
    std::size_t line = 1;
    std::size_t column = 1; ///< counted in characters
    std::string text;       ///< the message: what was found and what is allowed
};

/// Returns the first position at which the text exceeds a limit, or nothing. After a syntax error
/// the result may be wrong, which does not matter: the text is refused anyway.
[[nodiscard]] std::optional<ExceededLimit> find_exceeded_limit(std::string_view text);

/// Returns a message if the dotted key has more than kMaxKeyParts parts, else nothing.
[[nodiscard]] std::optional<std::string> key_limit_problem(std::string_view dotted);

} // namespace headroom::config
