// A file for what is only read and written by name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace headroom::fuzz {

/// Named after the process; in memory where there is /dev/shm. It goes with the object.
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
