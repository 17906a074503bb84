#include "model/gguf/gguf_cursor.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::model {

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kMaxQuoted = 60;
    std::string result = "\"";
    for (const char c : text.substr(0, kMaxQuoted)) {
        const auto code = static_cast<unsigned char>(c);
        if (code < 0x20 || code == 0x7F || c == '"' || c == '\\') {
            result += fmt::format("\\x{:02x}", code);
        } else {
            result += c;
        }
    }
    return result + (text.size() > kMaxQuoted ? "…\"" : "\"");
}

std::span<const std::byte> GgufCursor::read_bytes(std::uint64_t bytes, std::string_view what) {
    if (bytes > remaining()) {
        fail(
            position_,
            fmt::format("{} bytes of {}", bytes, what),
            fmt::format("{} bytes until the end of the file", remaining())
        );
    }
    if (position_ + bytes > start_.size()) {
        throw MoreBytesNeeded{position_ + bytes};
    }
    const auto result = start_.subspan(position_, bytes);
    position_ += bytes;
    return result;
}

std::string_view GgufCursor::text(std::string_view what) {
    const auto length = number<std::uint64_t>("a text's length");
    const auto bytes = read_bytes(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t GgufCursor::count(std::string_view what, std::uint64_t min_bytes) {
    const std::uint64_t at = position_;
    const auto value = number<std::uint64_t>(what);
    if (value > remaining() / min_bytes) {
        fail(
            at,
            fmt::format("{} of at most {}", what, remaining() / min_bytes),
            fmt::format("{}", value)
        );
    }
    return value;
}

void GgufCursor::fail(std::uint64_t at, const std::string& expected, const std::string& found)
    const {
    throw InputError(fmt::format(
        "{}: at byte {}: expected {}{}{}, found {}; the file is damaged or truncated (size {} "
        "bytes): copy or download it again",
        name_,
        at,
        expected,
        subject_.empty() ? "" : " in ",
        subject_,
        found,
        file_bytes_
    ));
}

} // namespace headroom::model
