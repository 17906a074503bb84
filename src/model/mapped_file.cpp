#include "model/mapped_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::model {

namespace {

/// Closes on the way out; a mapping outlives its descriptor.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    [[nodiscard]] int number() const { return number_; }

  private:
    int number_;
};

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& reason) {
    throw InputError(fmt::format("{}: cannot read the model file: {}", path.string(), reason));
}

std::string system_reason() {
    return std::generic_category().message(errno);
}

} // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
    // Non-blocking, so that a pipe is refused below instead of being waited for.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.number() < 0) {
        fail(path, system_reason());
    }
    struct stat status = {};
    if (::fstat(file.number(), &status) != 0) {
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
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
    if (start == MAP_FAILED) {
        fail(path, system_reason());
    }
    bytes_ = {static_cast<const std::byte*>(start), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
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
