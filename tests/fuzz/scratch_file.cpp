#include "fuzz/scratch_file.hpp"

#include <fstream>
#include <iterator>
#include <unistd.h>

#include <fmt/format.h>

namespace headroom::fuzz {

ScratchFile::ScratchFile(std::string_view name) {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code unknown;
    const bool has_memory = std::filesystem::is_directory(memory, unknown);
    path_ = (has_memory ? memory : std::filesystem::temp_directory_path()) /
            fmt::format("headroom-fuzz-{}-{}.h5", getpid(), name);
}

ScratchFile::~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

void ScratchFile::write(std::string_view bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string ScratchFile::read() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

} // namespace headroom::fuzz
