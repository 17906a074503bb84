// A file mapped read-only into memory. The owner unmaps it. A file that another program shortens
// while it is mapped is not guarded against: the operating system ends the process then.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "model/descriptor.hpp"

namespace headroom::model {

class MappedFile {
  public:
    /// Throws InputError with the system's reason if the path is no readable, non-empty, regular
    /// file.
    explicit MappedFile(const std::filesystem::path& path);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    /// Stays open as long as the file is mapped.
    [[nodiscard]] const Descriptor& descriptor() const { return file_; }

  private:
    Descriptor file_;
    std::span<const std::byte> bytes_;
};

} // namespace headroom::model
