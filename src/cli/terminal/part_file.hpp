// Files that appear whole or not at all: written aside, renamed when all is there.
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

/// Writes to a file descriptor. Throws EnvironmentError for what the system refuses, and
/// InterruptedError when SIGINT or SIGTERM came.
class DescriptorBuffer final : public std::streambuf {
  public:
    /// Takes over the descriptor. `name`: for messages.
    DescriptorBuffer(int descriptor, std::string name);
    DescriptorBuffer(const DescriptorBuffer&) = delete;
    DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;
    ~DescriptorBuffer() override;
    /// Writes what is left and closes.
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

/// One file on its way, under a name of its own until it is whole (NewFile).
class PartFile {
  public:
    /// Opens a new file beside `target`. What is no ordinary file (/dev/stdout, a pipe) and was
    /// named by the user (Links::follow) is written directly. Throws EnvironmentError.
    explicit PartFile(std::filesystem::path target, NewFile::Links links = NewFile::Links::follow);

    /// Throws what DescriptorBuffer throws.
    [[nodiscard]] std::ostream& stream() { return stream_; }
    /// All is written: flushes and closes. Throws EnvironmentError.
    void close() { buffer_->close(); }
    /// Gives the closed file its name, in place of what has it, and looks that it has it then.
    /// Throws EnvironmentError.
    void publish();
    [[nodiscard]] const std::filesystem::path& target() const { return target_; }
    [[nodiscard]] std::uintmax_t bytes() const { return buffer_->written(); }

  private:
    std::filesystem::path target_;
    std::optional<NewFile> file_; ///< none: written directly
    std::unique_ptr<DescriptorBuffer> buffer_;
    std::ostream stream_{nullptr};
};

} // namespace headroom::cli
