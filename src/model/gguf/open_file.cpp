#include "model/gguf/open_file.hpp"

#include <algorithm>
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

OpenFile::OpenFile(const std::filesystem::path& path) {
    // O_NONBLOCK: opening a pipe must not wait for a writer; pipes are refused below.
    Part part{
        path,
        std::make_shared<const Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        )};
    struct stat status = {};
    if (part.file->number() < 0 || ::fstat(part.file->number(), &status) != 0) {
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
    part.bytes = bytes_ = static_cast<std::uint64_t>(status.st_size);
    part.modified = status.st_mtim;
    parts_.push_back(std::move(part));
}

void OpenFile::append(const OpenFile& other) {
    parts_.insert(parts_.end(), other.parts_.begin(), other.parts_.end());
    bytes_ += other.bytes_;
}

void OpenFile::check_unchanged() const {
    for (const Part& part : parts_) {
        part.check_unchanged();
    }
}

void OpenFile::read(std::uint64_t offset, std::span<std::byte> out) const {
    for (const Part& part : parts_) {
        if (out.empty()) {
            return;
        }
        if (offset >= part.bytes && &part != &parts_.back()) {
            offset -= part.bytes;
            continue;
        }
        const bool is_last = &part == &parts_.back();
        const std::uint64_t here =
            is_last ? out.size() : std::min<std::uint64_t>(out.size(), part.bytes - offset);
        part.read(offset, out.first(here));
        out = out.subspan(here);
        offset = 0;
    }
}

void OpenFile::Part::throw_changed() const {
    throw EnvironmentError(fmt::format(
        "{}: the model file has changed since the run began, so its weights may be others now; "
        "leave it alone while a run uses it",
        path.string()
    ));
}

void OpenFile::Part::check_unchanged() const {
    struct stat now = {};
    const bool known = ::fstat(file->number(), &now) == 0;
    if (!known || static_cast<std::uint64_t>(now.st_size) != bytes ||
        now.st_mtim.tv_sec != modified.tv_sec || now.st_mtim.tv_nsec != modified.tv_nsec) {
        throw_changed();
    }
}

void OpenFile::Part::read(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t got =
            ::pread(file->number(), out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got == 0) {
            check_unchanged(); // the file had these bytes when it was opened
        }
        if (got <= 0) {
            throw EnvironmentError(fmt::format(
                "{}: cannot read {} bytes at byte {} of the model file: {}",
                path.string(),
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
