// A model file that is open for reading, or the files of a split model, one after the other as if
// they were one. The file is not mapped into memory. If another program shortens a mapped file,
// reading the lost bytes ends the process by a signal. Here such a read throws an error instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "model/gguf/descriptor.hpp"

namespace headroom::model {

/// Copies share one file descriptor; the last copy closes it.
class OpenFile {
  public:
    /// Opens the file. Throws InputError with the reason if the path is not a readable, non-empty,
    /// regular file, and EnvironmentError if memory or file descriptors are exhausted.
    explicit OpenFile(const std::filesystem::path& path);

    /// Adds another file's bytes after those of this one.
    void append(const OpenFile& other);

    /// Returns the path of the (first) file.
    [[nodiscard]] const std::filesystem::path& path() const { return parts_.front().path; }
    /// Returns the size that the file had when it was opened; of several files, the sum.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    /// Fills `out` from byte `offset` of the file on. Throws EnvironmentError if reading fails.
    void read(std::uint64_t offset, std::span<std::byte> out) const;
    /// Throws EnvironmentError if the size or the modification time has changed since opening.
    void check_unchanged() const;

  private:
    struct Part {
        std::filesystem::path path;
        std::shared_ptr<const Descriptor> file;
        std::uint64_t bytes = 0;
        std::timespec modified{};
        [[noreturn]] void throw_changed() const;
        void check_unchanged() const;
        void read(std::uint64_t offset, std::span<std::byte> out) const;
    };
    std::vector<Part> parts_;
    std::uint64_t bytes_ = 0;
};

} // namespace headroom::model
