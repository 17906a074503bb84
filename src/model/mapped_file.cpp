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

/// A lack of memory or of file descriptors is no fault of the file.
[[noreturn]] void fail_by_system(const std::filesystem::path& path) {
    const int failure = errno;
    const std::string reason = std::generic_category().message(failure);
    if (failure == EMFILE || failure == ENFILE || failure == ENOMEM) {
        throw EnvironmentError(fmt::format(
            "{}: the model file cannot be opened: {}; expected room for it: raise the limits "
            "(ulimit -n, ulimit -v), or end other programs",
            path.string(),
            reason
        ));
    }
    fail(path, reason);
}

} // namespace

MappedFile::MappedFile(const std::filesystem::path& path)
    // Non-blocking, so that a pipe is refused below instead of being waited for.
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_.number() < 0) {
        fail_by_system(path);
    }
    struct stat status = {};
    if (::fstat(file_.number(), &status) != 0) {
        fail_by_system(path);
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
        fail_by_system(path);
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
