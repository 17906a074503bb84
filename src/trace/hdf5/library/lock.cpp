#include "trace/hdf5/library/lock.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "trace/hdf5/library/sign_of_life.hpp"

namespace headroom::trace {

namespace {

// "Open file description" locks: unlike the older kind they are not lost when some other
// descriptor of the process to the same file, for example HDF5's, is closed.
struct flock first_byte(short kind) {
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
        struct flock lock = first_byte(F_WRLCK);
        if (fcntl(descriptor_, F_OFD_SETLK, &lock) != 0) {
            refused_ = errno == EAGAIN || errno == EACCES;
            unsupported_ = refused_ ? 0 : errno;
        }
    }
}

bool WriterLock::has_name(const std::string& path) const {
    struct stat marked = {};
    struct stat named = {};
    return fstat(descriptor_, &marked) == 0 && stat(path.c_str(), &named) == 0 &&
           marked.st_ino == named.st_ino && marked.st_dev == named.st_dev;
}

bool WriterLock::is_deleted() const {
    struct stat marked = {};
    return fstat(descriptor_, &marked) == 0 && marked.st_nlink == 0;
}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), refused_(other.refused_),
      unsupported_(other.unsupported_) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(refused_, other.refused_);
    std::swap(unsupported_, other.unsupported_);
    return *this;
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
    constexpr int kNotSupported = 524; // the kernel's own ENOTSUPP, which strerror does not know
    return error == kNotSupported ? "locks are not supported" : std::strerror(error);
}

Writing look_for_writer(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        struct flock lock = first_byte(F_RDLCK);
        const bool known = fcntl(descriptor, F_OFD_GETLK, &lock) == 0;
        close(descriptor);
        if (known && lock.l_type == F_WRLCK) {
            return {true, ""};
        }
    }
    const Sign sign = sign_of_life(path);
    return {sign.life == Life::alive, sign.life == Life::unknown ? sign.whose : ""};
}

bool is_being_written(const std::string& path) {
    return look_for_writer(path).sure;
}

} // namespace headroom::trace
