#include "trace/hdf5/lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

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
        const int failed = fcntl(descriptor_, F_OFD_SETLK, &lock);
        refused_ = failed != 0 && (errno == EAGAIN || errno == EACCES);
    }
}

bool WriterLock::is_ours(const std::string& path) const {
    struct stat marked = {};
    struct stat named = {};
    return !refused_ && fstat(descriptor_, &marked) == 0 && stat(path.c_str(), &named) == 0 &&
           marked.st_ino == named.st_ino && marked.st_dev == named.st_dev;
}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), refused_(other.refused_) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(refused_, other.refused_);
    return *this;
}

WriterLock::~WriterLock() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

bool is_being_written(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    struct flock lock = first_byte(F_RDLCK);
    const bool known = fcntl(descriptor, F_OFD_GETLK, &lock) == 0;
    close(descriptor);
    return known && lock.l_type == F_WRLCK;
}

} // namespace headroom::trace
