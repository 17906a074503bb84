// A reading position in an untrusted file: nothing is read, skipped or allocated before its length
// was compared with what is left. Every failure says where it stood and what it expected.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::model {

/// A text from a file in quotes, for messages: control characters escaped, at most 60 bytes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Thrown where the file goes on, but more of it is needed than has been read.
struct MoreNeeded {
    std::uint64_t until = 0; ///< so many of its first bytes
};

class GgufCursor {
  public:
    /// `start`: the first of the file's bytes, all of them or as many as have been read.
    GgufCursor(std::span<const std::byte> start, std::uint64_t file_bytes, std::string name)
        : start_(start), file_bytes_(file_bytes), name_(std::move(name)) {}

    [[nodiscard]] std::uint64_t position() const { return position_; }
    /// Until the end of the file.
    [[nodiscard]] std::uint64_t left() const { return file_bytes_ - position_; }
    /// What is being read, for messages: `metadata entry 3`.
    void set_subject(std::string subject) { subject_ = std::move(subject); }

    /// The next `bytes` bytes; fails if fewer are left, throws MoreNeeded if they are not read yet.
    std::span<const std::byte> take(std::uint64_t bytes, std::string_view what);

    template <class T>
    T number(std::string_view what) {
        static_assert(std::endian::native == std::endian::little, "GGUF is read in place");
        T value{};
        std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
        return value;
    }

    /// A length-prefixed string, as a view into the file.
    std::string_view text(std::string_view what);

    /// A count of things that take at least `least_bytes` each; fails if they cannot fit.
    std::uint64_t count(std::string_view what, std::uint64_t least_bytes);

    /// Throws InputError: "FILE: at byte N: expected …, found …; the file is damaged or truncated".
    [[noreturn]] void fail(std::uint64_t at, const std::string& expected, const std::string& found)
        const;

  private:
    std::span<const std::byte> start_;
    std::uint64_t file_bytes_;
    std::string name_;
    std::string subject_;
    std::uint64_t position_ = 0;
};

} // namespace headroom::model
