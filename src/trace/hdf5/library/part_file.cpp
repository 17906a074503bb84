#include "trace/hdf5/library/part_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/new_file.hpp"

namespace headroom::trace {

namespace fs = std::filesystem;

namespace {

/// Renames a file with the flags of renameat2(2). Returns 0 or errno.
int try_rename(const std::string& from, const std::string& to, unsigned flags) {
    return renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

/// Renames a file unless the new name exists. Returns 0 or errno. Checks the name first if the file
/// system does not support RENAME_NOREPLACE.
int try_rename_to_new(const std::string& from, const std::string& to) {
    const int error = try_rename(from, to, RENAME_NOREPLACE);
    if (error != EINVAL && error != ENOSYS) {
        return error;
    }
    return fs::exists(to) ? EEXIST : try_rename(from, to, 0);
}

/// Gives a file the permissions of `model` and writes it to the disk. Called before it replaces
/// `model`, which may be the only other copy.
void copy_permissions_and_sync(const std::string& file, const std::string& model) {
    std::error_code ignored;
    fs::permissions(file, fs::status(model, ignored).permissions(), ignored);
    if (const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC); descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
}

/// Returns a text that identifies the file and its state; empty if there is no file.
std::string identity(const std::string& path) {
    struct stat file = {};
    return stat(path.c_str(), &file) != 0 ? ""
                                          : fmt::format(
                                                "{}:{}:{}.{}:{}",
                                                file.st_dev,
                                                file.st_ino,
                                                file.st_mtim.tv_sec,
                                                file.st_mtim.tv_nsec,
                                                file.st_size
                                            );
}

/// Returns whether there is no file, an empty one or an HDF5 file, as a killed run leaves it.
bool may_be_overwritten(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
        return errno == ENOENT;
    }
    std::array<char, 4> head{};
    const ssize_t bytes = read(descriptor, head.data(), head.size());
    close(descriptor);
    return bytes == 0 || std::string_view(head.data(), head.size()) == "\x89HDF";
}

} // namespace

PartFile::PartFile(const std::string& path)
    : path_(resolve_links(path).string()), part_path_(path_ + kPartFileSuffix),
      original_identity_(identity(path_)), replaces_existing_(fs::exists(path_)),
      published_(replaces_existing_ && !fs::is_regular_file(path_)) {}

void PartFile::refuse_second_writer() const {
    throw EnvironmentError(fmt::format(
        "{} is being written by another run, expected a trace of its own: give another --trace",
        part_path_
    ));
}

/// Removes a part file that a killed run left behind. Locks the file first, so that only one
/// process removes it.
void PartFile::remove_leftover() {
    struct stat existing = {};
    if (lstat(part_path_.c_str(), &existing) != 0 && errno == ENOENT) {
        return;
    }
    const WriterLock leftover(may_be_overwritten(part_path_) ? part_path_ : "");
    if (leftover.is_refused()) {
        refuse_second_writer();
    }
    if (leftover.unsupported_errno() != 0) {
        writer_file_.emplace(path_);
    }
    if (!leftover.has_name(part_path_) || unlink(part_path_.c_str()) != 0) {
        throw EnvironmentError(fmt::format(
            "{} is in the way, expected no file of that name: it is where the trace is begun; move "
            "it, or give another --trace",
            part_path_
        ));
    }
}

void PartFile::create() {
    if (published_) {
        return;
    }
    remove_leftover();
    constexpr mode_t kMode = 0666; // before the umask is applied
    constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    const int descriptor = open(part_path_.c_str(), kFlags, kMode);
    if (descriptor < 0 && errno == EEXIST) {
        refuse_second_writer();
    }
    if (descriptor < 0) {
        throw EnvironmentError(fmt::format("{}: {}", part_path_, std::strerror(errno)));
    }
    close(descriptor);
    lock_.emplace(part_path_);
    if (!lock_->is_held(part_path_)) {
        refuse_second_writer();
    }
    created_ = true;
    if (lock_->unsupported_errno() == 0) {
        remove_writer_file(path_); // check_trace_path() has found no running writer
    } else if (!writer_file_) {
        writer_file_.emplace(path_);
    }
}

std::string PartFile::why_without_lock() const {
    const int error = lock_ ? lock_->unsupported_errno() : 0;
    return error == 0 ? "" : lock_error_text(error);
}

void PartFile::check_not_deleted() const {
    if (created_ && lock_->is_deleted()) {
        throw EnvironmentError(fmt::format(
            "{} was deleted while it was written, expected it to stay: nothing of it is left; run "
            "again",
            current_path()
        ));
    }
}

bool PartFile::is_in_place() const {
    return published_ && (!created_ || lock_->has_name(path_));
}

void PartFile::check_in_place() const {
    check_not_deleted();
    if (created_ && !lock_->has_name(current_path())) {
        throw EnvironmentError(fmt::format(
            "{} is not the file that was written any more, expected no other program to move or "
            "replace it: look for it where it was moved to, or run again",
            current_path()
        ));
    }
}

void PartFile::publish() {
    if (published_) {
        return;
    }
    if (replaces_existing_) {
        if (identity(path_) != original_identity_) {
            throw EnvironmentError(fmt::format(
                "{} was changed by another program meanwhile, expected to replace what was there; "
                "it is left as it is now",
                path_
            ));
        }
        copy_permissions_and_sync(part_path_, path_);
    }
    if (const int error = replaces_existing_ ? try_rename(part_path_, path_, 0)
                                             : try_rename_to_new(part_path_, path_)) {
        throw EnvironmentError(fmt::format(
            "{} could not be given this name: {}; expected a folder that you may write to and no "
            "other program that writes the same trace",
            part_path_,
            std::strerror(error)
        ));
    }
    published_ = true;
}

void PartFile::release() {
    if (created_ && !published_) {
        std::error_code ignored;
        fs::remove(part_path_, ignored);
    }
    created_ = false;
    lock_.reset();
    writer_file_.reset();
}

} // namespace headroom::trace
