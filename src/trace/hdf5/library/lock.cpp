#include "trace/hdf5/library/lock.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/hdf5/library/writer_file.hpp"

namespace headroom::trace {

namespace {

// The lock belongs to the open file description. Therefore closing another descriptor of the same
// file, such as HDF5's, does not release it.
struct flock first_byte_lock(short kind) {
    struct flock lock = {};
    lock.l_type = kind;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    return lock;
}

} // namespace

WriterLock::WriterLock(const std::string& path)
    : descriptor_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    if (descriptor_ >= 0) {
        struct flock lock = first_byte_lock(F_WRLCK);
        if (fcntl(descriptor_, F_OFD_SETLK, &lock) != 0) {
            refused_ = errno == EAGAIN || errno == EACCES;
            unsupported_errno_ = refused_ ? 0 : errno;
        }
    }
}

bool WriterLock::has_name(const std::string& path) const {
    struct stat opened = {};
    struct stat named = {};
    return fstat(descriptor_, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

bool WriterLock::is_deleted() const {
    struct stat opened = {};
    return fstat(descriptor_, &opened) == 0 && opened.st_nlink == 0;
}

WriterLock::~WriterLock() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

bool is_without_locks(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return false;
    }
    const bool failed = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno != EWOULDBLOCK;
    close(descriptor);
    return failed;
}

std::string lock_error_text(int error) {
    constexpr int kNotSupported = 524; // ENOTSUPP of the kernel, for which strerror has no text
    return error == kNotSupported ? "locks are not supported" : std::strerror(error);
}

WriterInfo find_writer(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        struct flock lock = first_byte_lock(F_RDLCK);
        const bool is_known = fcntl(descriptor, F_OFD_GETLK, &lock) == 0;
        close(descriptor);
        if (is_known && lock.l_type == F_WRLCK) {
            return {true, ""};
        }
    }
    const WriterFileStatus status = writer_file_status(path);
    return {
        status.state == WriterState::running,
        status.state == WriterState::unknown ? status.writer : ""};
}

bool is_being_written(const std::string& path) {
    return find_writer(path).is_running;
}

} // namespace headroom::trace
