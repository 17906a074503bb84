#include "model/mapped_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::model {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& reason) {
    throw InputError(fmt::format("{}: cannot read the model file: {}", path.string(), reason));
}

std::string system_reason() {
    return std::generic_category().message(errno);
}

} // namespace

MappedFile::MappedFile(const std::filesystem::path& path)
    // Non-blocking, so that a pipe is refused below instead of being waited for.
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_.number() < 0) {
        fail(path, system_reason());
    }
    struct stat status = {};
    if (::fstat(file_.number(), &status) != 0) {
        fail(path, system_reason());
    }
    if (S_ISDIR(status.st_mode)) {
        fail(path, "it is a directory; name the .gguf file in it");
    }
    if (!S_ISREG(status.st_mode)) {
        fail(path, "it is not a regular file");
    }
    if (status.st_size == 0) {
        fail(path, "it is empty (0 bytes); was a download interrupted?");
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.number(), 0);
    if (start == MAP_FAILED) {
        fail(path, system_reason());
    }
    bytes_ = {static_cast<const std::byte*>(start), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : file_(std::move(other.file_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) {
        // munmap takes a non-const address and changes nothing that we could still see.
        ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }
}

} // namespace headroom::model
