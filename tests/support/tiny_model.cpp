#include "support/tiny_model.hpp"

#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

namespace headroom::support {

namespace {

class TemporaryFolder {
  public:
    TemporaryFolder()
        : path_(
              std::filesystem::temp_directory_path() / fmt::format("headroom-test-{}", getpid())
          ) {
        std::filesystem::create_directories(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace

void write_tiny_model(const std::filesystem::path& path, const model::test::TinyShape& shape) {
    const std::string bytes = model::test::tiny_model(shape).bytes();
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::filesystem::path temporary_path(const std::string& name) {
    static const TemporaryFolder folder;
    return folder.path() / name;
}

} // namespace headroom::support
