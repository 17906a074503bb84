#include "config/toml/toml_limits.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headroom::config {

namespace {

std::string too_many_parts() {
    return fmt::format("a key of more than {0} parts, expected at most {0}", kMaxKeyParts);
}

/// Counts brackets, braces and dots outside strings and comments. It checks no other syntax.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<ExceededLimit> run() {
        while (at_ < text_.size() && !exceeded_) {
            step();
        }
        return exceeded_;
    }

  private:
    void step() {
        const char c = text_[at_];
        switch (c) {
        case '#':
            at_ = std::min(text_.find('\n', at_), text_.size());
            return;
        case '"':
        case '\'':
            skip_string(c);
            return;
        case '[':
        case '{':
            dots_ = 0;
            if (++nesting_ > kMaxNesting) {
                refuse(fmt::format(
                    "more than {0} brackets and braces within each other, expected at most {0}",
                    kMaxNesting
                ));
            }
            break;
        case ']':
        case '}':
            dots_ = 0;
            nesting_ -= nesting_ > 0 ? 1 : 0;
            break;
        case '.':
            if (++dots_ >= kMaxKeyParts) {
                refuse(too_many_parts());
            }
            break;
        case '\n':
        case ',':
        case '=':
            dots_ = 0;
            break;
        default:
            break;
        }
        ++at_;
    }

    [[nodiscard]] bool starts(std::string_view what) const {
        return text_.substr(at_).starts_with(what);
    }

    /// Skips a string with its quotes. A single-line string without a closing quote ends with its
    /// line.
    void skip_string(char quote) {
        const std::string three(3, quote);
        const bool multi_line = starts(three);
        at_ += multi_line ? 3 : 1;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\\' && quote == '"') {
                at_ += 2;
            } else if (c == '\n' && !multi_line) {
                return;
            } else if (c == quote && (!multi_line || starts(three))) {
                at_ += multi_line ? 3 : 1;
                while (multi_line && at_ < text_.size() && text_[at_] == quote) {
                    ++at_; // the text may end with up to two quotes before the closing three
                }
                return;
            } else {
                ++at_;
            }
        }
        at_ = std::min(at_, text_.size());
    }

    void refuse(std::string message) {
        ExceededLimit limit;
        limit.text = std::move(message);
        for (std::size_t i = 0; i < at_; ++i) {
            const bool continues = (static_cast<unsigned char>(text_[i]) & 0xC0U) == 0x80U;
            limit.column += continues ? 0 : 1;
            if (text_[i] == '\n') {
                ++limit.line;
                limit.column = 1;
            }
        }
        exceeded_ = std::move(limit);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t nesting_ = 0;
    std::size_t dots_ = 0; ///< dots in the current key
    std::optional<ExceededLimit> exceeded_;
};

} // namespace

std::optional<ExceededLimit> find_exceeded_limit(std::string_view text) {
    if (text.size() > kMaxTomlBytes) {
        return ExceededLimit{
            1,
            1,
            fmt::format(
                "{} bytes, expected at most {} ({} MiB)",
                text.size(),
                kMaxTomlBytes,
                kMaxTomlBytes >> 20
            )};
    }
    return Scanner(text).run();
}

std::optional<std::string> key_limit_problem(std::string_view dotted) {
    const auto dots = static_cast<std::size_t>(std::count(dotted.begin(), dotted.end(), '.'));
    return dots < kMaxKeyParts ? std::nullopt : std::optional(too_many_parts());
}

} // namespace headroom::config
