// Bounds on a text before it is parsed as TOML: a parser, and whatever walks its result, recurses
// as deep as the text wants, and takes many times its size.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::config {

inline constexpr std::size_t kMaxTomlBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxKeyParts = 16; ///< of a dotted key or a table's name
inline constexpr std::size_t kMaxNesting = 16;  ///< of brackets and braces

struct Excess {
    std::size_t line = 1;
    std::size_t column = 1; ///< in characters
    std::string text;       ///< what is too much, and how much may be
};

/// The first place where the text passes a bound, as far as it is TOML; where it is not, the
/// parser stops too.
[[nodiscard]] std::optional<Excess> find_excess(std::string_view text);

/// "more than 16 parts in a key, …" if that is so.
[[nodiscard]] std::optional<std::string> excess_of_key(std::string_view dotted);

} // namespace headroom::config
