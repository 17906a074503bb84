// A temporary file, for functions that take a path.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace headroom::fuzz {

/// The name contains the number of the process. The file lies in memory (/dev/shm) if possible. The
/// destructor removes it.
class ScratchFile {
  public:
    explicit ScratchFile(std::string_view name);
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile();

    [[nodiscard]] std::string path() const { return path_.string(); }
    void write(std::string_view bytes) const;
    [[nodiscard]] std::string read() const;

  private:
    std::filesystem::path path_;
};

} // namespace headroom::fuzz
