// A reading position in an untrusted file. Every length is compared with the remaining bytes of the
// file before anything is read, skipped or allocated. Every error states the byte offset and what
// was expected there.
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

/// Returns a text from a file in quotes, for messages. Control characters are escaped, and no more
/// than the first 60 bytes are shown.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Thrown if the cursor needs bytes of the file that have not been read into memory yet.
struct MoreBytesNeeded {
    std::uint64_t bytes = 0; ///< how many bytes from the start of the file are needed
};

class GgufCursor {
  public:
    /// `start` has the first bytes of the file, or all of them; `file_bytes` is the size of the
    /// file and `name` its name in messages.
    GgufCursor(std::span<const std::byte> start, std::uint64_t file_bytes, std::string name)
        : start_(start), file_bytes_(file_bytes), name_(std::move(name)) {}

    [[nodiscard]] std::uint64_t position() const { return position_; }
    [[nodiscard]] std::uint64_t remaining() const { return file_bytes_ - position_; }
    /// Tells the cursor which part of the file is being read, such as "metadata entry 3". Messages
    /// name this part.
    void set_subject(std::string subject) { subject_ = std::move(subject); }

    /// Returns the next `bytes` bytes and moves behind them. Throws InputError if the file has
    /// fewer left, and MoreBytesNeeded if the bytes are not in memory. `what` names the bytes in
    /// messages.
    std::span<const std::byte> read_bytes(std::uint64_t bytes, std::string_view what);

    /// Reads a little-endian number.
    template <class T>
    T number(std::string_view what) {
        static_assert(std::endian::native == std::endian::little, "GGUF is read in place");
        T value{};
        std::memcpy(&value, read_bytes(sizeof value, what).data(), sizeof value);
        return value;
    }

    /// Reads a length and a string of this length; returns a view into the bytes of the file.
    std::string_view text(std::string_view what);

    /// Reads an element count. Throws InputError if the rest of the file is too short for that many
    /// elements of at least `min_bytes` each.
    std::uint64_t count(std::string_view what, std::uint64_t min_bytes);

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
