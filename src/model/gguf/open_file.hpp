// A model file that is open for reading and never mapped: where another program shortens it, a read
// fails with a sentence instead of a signal that ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <span>

#include "model/gguf/descriptor.hpp"

namespace headroom::model {

/// Copies share what is open; the last one closes it.
class OpenFile {
  public:
    /// Throws InputError with the system's reason if the path is no readable, non-empty, regular
    /// file.
    explicit OpenFile(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// When it was opened.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    /// Throws EnvironmentError if the bytes cannot be had.
    void read(std::uint64_t offset, std::span<std::byte> out) const;
    /// Throws EnvironmentError if somebody has written to the file since it was opened.
    void check_unchanged() const;

  private:
    [[noreturn]] void tell_of_change() const;

    std::filesystem::path path_;
    std::shared_ptr<const Descriptor> file_;
    std::uint64_t bytes_ = 0;
    std::timespec modified_{};
};

} // namespace headroom::model
