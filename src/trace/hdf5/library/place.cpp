#include "trace/hdf5/library/place.hpp"

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

/// rename(2), with the flags of renameat2(2). Returns 0 or errno.
int moved(const std::string& from, const std::string& to, unsigned flags) {
    return renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

/// The same if nothing has that name; where the file system cannot tell, it is looked up first.
int moved_to_new(const std::string& from, const std::string& to) {
    const int error = moved(from, to, RENAME_NOREPLACE);
    if (error != EINVAL && error != ENOSYS) {
        return error;
    }
    return fs::exists(to) ? EEXIST : moved(from, to, 0);
}

/// Before the only other copy goes: to the disk, and with its owner's wishes about who may read.
void make_as_safe_as(const std::string& file, const std::string& model) {
    std::error_code ignored;
    fs::permissions(file, fs::status(model, ignored).permissions(), ignored);
    if (const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC); descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
}

/// Which file it is, and in what state; empty if there is none.
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

/// Nothing, or the beginning of a trace that a kill left.
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

Place::Place(const std::string& path)
    : path_(end_of_links(path).string()), aside_(path_ + kAside), before_(identity(path_)),
      replaces_(fs::exists(path_)), settled_(replaces_ && !fs::is_regular_file(path_)) {}

void Place::refuse_second_writer() const {
    throw EnvironmentError(fmt::format(
        "{} is being written by another run, expected a trace of its own: give another --trace",
        aside_
    ));
}

/// What a kill has left goes, if nobody has it. Whoever holds its lock while it loses its name is
/// the only one to do so.
void Place::clear() {
    struct stat there = {};
    if (lstat(aside_.c_str(), &there) != 0 && errno == ENOENT) {
        return;
    }
    const WriterLock left(may_be_overwritten(aside_) ? aside_ : "");
    if (left.is_refused()) {
        refuse_second_writer();
    }
    if (left.unsupported() != 0) {
        sign_ = SignOfLife(path_);
    }
    if (!left.has_name(aside_) || unlink(aside_.c_str()) != 0) {
        throw EnvironmentError(fmt::format(
            "{} is in the way, expected no file of that name: it is where the trace is begun; move "
            "it, or give another --trace",
            aside_
        ));
    }
}

void Place::take() {
    if (settled_) {
        return;
    }
    clear();
    constexpr mode_t kMode = 0666; // less what the user's mask takes away
    constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    const int descriptor = open(aside_.c_str(), kFlags, kMode);
    if (descriptor < 0 && errno == EEXIST) {
        refuse_second_writer();
    }
    if (descriptor < 0) {
        throw EnvironmentError(fmt::format("{}: {}", aside_, std::strerror(errno)));
    }
    close(descriptor);
    lock_ = WriterLock(aside_);
    if (!lock_.is_ours(aside_)) {
        refuse_second_writer();
    }
    mine_ = true;
    if (lock_.unsupported() == 0) {
        forget_sign_of_life(path_); // it was looked at: nobody stands behind it
    } else if (!sign_.is_given()) {
        sign_ = SignOfLife(path_);
    }
}

std::string Place::why_without_lock() const {
    return lock_.unsupported() == 0 ? "" : lock_error_text(lock_.unsupported());
}

void Place::check_not_deleted() const {
    if (mine_ && lock_.is_deleted()) {
        throw EnvironmentError(fmt::format(
            "{} was deleted while it was written, expected it to stay: nothing of it is left; run "
            "again",
            now()
        ));
    }
}

bool Place::is_there() const {
    return settled_ && (!mine_ || lock_.has_name(path_));
}

void Place::check_there() const {
    check_not_deleted();
    if (mine_ && !lock_.has_name(now())) {
        throw EnvironmentError(fmt::format(
            "{} is not the file that was written any more, expected no other program to move or "
            "replace it: look for it where it was moved to, or run again",
            now()
        ));
    }
}

void Place::settle() {
    if (settled_) {
        return;
    }
    if (replaces_) {
        if (identity(path_) != before_) {
            throw EnvironmentError(fmt::format(
                "{} was changed by another program meanwhile, expected to replace what was there; "
                "it is left as it is now",
                path_
            ));
        }
        make_as_safe_as(aside_, path_);
    }
    if (const int error = replaces_ ? moved(aside_, path_, 0) : moved_to_new(aside_, path_)) {
        throw EnvironmentError(fmt::format(
            "{} could not be given this name: {}; expected a folder that you may write to and no "
            "other program that writes the same trace",
            aside_,
            std::strerror(error)
        ));
    }
    settled_ = true;
}

void Place::give_up() {
    if (mine_ && !settled_) {
        std::error_code ignored;
        fs::remove(aside_, ignored);
    }
    mine_ = false;
    lock_ = WriterLock();
    sign_ = SignOfLife();
}

} // namespace headroom::trace
