#include "base/new_file.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throw_not_writable(const fs::path& path, const std::string& why) {
    throw EnvironmentError(fmt::format(
        "{}: cannot be written: {}; expected room and permission there: make room, give another "
        "place, or see df and ls -ld",
        path.string(),
        why
    ));
}

fs::path folder_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Returns whether another user may have created the link in a folder for everybody, so that this
/// program writes to a file of that user's choice.
bool is_foreign_link(const fs::path& link) {
    struct stat self = {};
    struct stat folder = {};
    if (lstat(link.c_str(), &self) != 0 || stat(folder_of(link).c_str(), &folder) != 0) {
        return false;
    }
    const bool open_to_all = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
    return open_to_all && self.st_uid != geteuid() && self.st_uid != folder.st_uid;
}

/// Returns whether both are the same file. Size and time are compared if the inode numbers differ,
/// because some file systems report a new number at each call.
bool is_same(const struct stat& a, const struct stat& b) {
    const bool looks_same = a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
                            a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
    return a.st_dev == b.st_dev && (a.st_ino == b.st_ino || looks_same);
}

std::uint64_t random_suffix() {
    std::uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
        throw EnvironmentError(fmt::format(
            "the system gives no random numbers for a file's name: {}; expected it to",
            std::strerror(errno)
        ));
    }
    return bits;
}

} // namespace

fs::path resolve_links(const fs::path& path) {
    constexpr int kMaxLinks = 40; // the limit of Linux
    fs::path end = path;
    std::error_code error;
    for (int i = 0; i < kMaxLinks && fs::is_symlink(end, error); ++i) {
        if (is_foreign_link(end)) {
            throw EnvironmentError(fmt::format(
                "{}: is a link that another user has made in a folder for everybody, expected "
                "none: "
                "it could lead anywhere; give another name, or remove it",
                end.string()
            ));
        }
        const fs::path next = fs::read_symlink(end, error);
        end = end.parent_path() / next; // is `next` if that is absolute
    }
    return end;
}

NewFile::NewFile(const fs::path& target, Links links)
    : target_(links == Links::follow ? resolve_links(target) : target), temporary_path_(target_) {
    temporary_path_ += fmt::format(".part.{:016x}", random_suffix());
    constexpr mode_t kMode = 0666; // before the umask is applied
    descriptor_ =
        open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode);
    if (descriptor_ < 0) {
        throw_not_writable(target, std::strerror(errno));
    }
}

NewFile::~NewFile() {
    if (descriptor_ >= 0) {
        (void)close(descriptor_);
    }
    if (!temporary_path_.empty()) {
        (void)unlink(temporary_path_.c_str());
    }
}

int NewFile::release_descriptor() {
    return std::exchange(descriptor_, -1);
}

void NewFile::publish() {
    struct stat written = {};
    if (lstat(temporary_path_.c_str(), &written) != 0 ||
        rename(temporary_path_.c_str(), target_.c_str()) != 0) {
        throw_not_writable(
            target_,
            errno == ENOENT ? "it or its folder was removed meanwhile" : std::strerror(errno)
        );
    }
    temporary_path_.clear();
    struct stat named = {};
    if (lstat(target_.c_str(), &named) != 0 || !is_same(written, named)) {
        throw EnvironmentError(fmt::format(
            "{}: was written, but is not there: another program has removed or replaced it; "
            "expected to be alone with that name: write it again, or give another name",
            target_.string()
        ));
    }
}

} // namespace headroom
