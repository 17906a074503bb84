// Files that appear complete or not at all: they are written under a temporary name and renamed
// when they are complete.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <streambuf>
#include <string>
#include <vector>

#include "base/new_file.hpp"

namespace headroom::cli {

/// A stream buffer that writes to a file descriptor. Its functions throw EnvironmentError if a
/// write fails, and InterruptedError if the user has interrupted the program.
class DescriptorBuffer final : public std::streambuf {
  public:
    /// Takes ownership of the descriptor. `name` is the name of the file in error messages.
    DescriptorBuffer(int descriptor, std::string name);
    DescriptorBuffer(const DescriptorBuffer&) = delete;
    DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;
    ~DescriptorBuffer() override;
    /// Writes the rest of the buffer and closes the descriptor.
    void close();
    [[nodiscard]] std::uintmax_t written() const { return written_; }

  protected:
    int_type overflow(int_type c) override;
    int sync() override;

  private:
    void write_out();

    int descriptor_;
    std::string name_;
    std::vector<char> space_;
    std::uintmax_t written_ = 0;
};

/// A file that has a temporary name (NewFile) until publish() gives it the name `target`.
class AtomicFile {
  public:
    /// Opens a new file in the folder of `target`. With Links::follow, a `target` that is not a
    /// regular file (/dev/stdout, a pipe) is written directly. Throws EnvironmentError if the file
    /// cannot be opened.
    explicit AtomicFile(
        std::filesystem::path target, NewFile::Links links = NewFile::Links::follow
    );

    /// The stream to write to. Writing throws what DescriptorBuffer throws.
    [[nodiscard]] std::ostream& stream() { return stream_; }
    /// Flushes and closes the file. Throws EnvironmentError if that fails.
    void close() { buffer_->close(); }
    /// Renames the closed file to `target`, which may exist. Throws EnvironmentError if that fails,
    /// or if another program replaces or removes the file `target` at the same moment. Does nothing
    /// if `target` is written directly.
    void publish();
    [[nodiscard]] const std::filesystem::path& target() const { return target_; }
    [[nodiscard]] std::uintmax_t bytes() const { return buffer_->written(); }

  private:
    std::filesystem::path target_;
    std::optional<NewFile> file_; ///< empty if `target` is written directly
    std::unique_ptr<DescriptorBuffer> buffer_;
    std::ostream stream_{nullptr};
};

} // namespace headroom::cli
