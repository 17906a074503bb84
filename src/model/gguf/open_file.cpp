#include "model/gguf/open_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

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

/// Throws EnvironmentError if memory or file descriptors are exhausted, else InputError.
[[noreturn]] void fail_by_system(const std::filesystem::path& path) {
    const int failure = errno;
    if (failure == EMFILE || failure == ENFILE || failure == ENOMEM) {
        throw EnvironmentError(fmt::format(
            "{}: the model file cannot be opened: {}; expected room for it: raise the limits "
            "(ulimit -n, ulimit -v), or end other programs",
            path.string(),
            std::generic_category().message(failure)
        ));
    }
    fail(path, std::generic_category().message(failure));
}

} // namespace

OpenFile::OpenFile(const std::filesystem::path& path)
    // O_NONBLOCK: opening a pipe must not wait for a writer; pipes are refused below.
    : path_(path), file_(std::make_shared<const Descriptor>(
                       ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                   )) {
    struct stat status = {};
    if (file_->number() < 0 || ::fstat(file_->number(), &status) != 0) {
        fail_by_system(path_);
    }
    if (S_ISDIR(status.st_mode)) {
        fail(path_, "it is a directory; name the .gguf file in it");
    }
    if (!S_ISREG(status.st_mode)) {
        fail(path_, "it is not a regular file");
    }
    if (status.st_size == 0) {
        fail(path_, "it is empty (0 bytes); was a download interrupted?");
    }
    bytes_ = static_cast<std::uint64_t>(status.st_size);
    modified_ = status.st_mtim;
}

void OpenFile::throw_changed() const {
    throw EnvironmentError(fmt::format(
        "{}: the model file has changed since the run began, so its weights may be others now; "
        "leave it alone while a run uses it",
        path_.string()
    ));
}

void OpenFile::check_unchanged() const {
    struct stat now = {};
    const bool known = ::fstat(file_->number(), &now) == 0;
    if (!known || static_cast<std::uint64_t>(now.st_size) != bytes_ ||
        now.st_mtim.tv_sec != modified_.tv_sec || now.st_mtim.tv_nsec != modified_.tv_nsec) {
        throw_changed();
    }
}

void OpenFile::read(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t got =
            ::pread(file_->number(), out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got == 0) {
            check_unchanged(); // the file had these bytes when it was opened
        }
        if (got <= 0) {
            throw EnvironmentError(fmt::format(
                "{}: cannot read {} bytes at byte {} of the model file: {}",
                path_.string(),
                out.size(),
                offset,
                got == 0 ? "it ends before that" : system_reason()
            ));
        }
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

} // namespace headroom::model
