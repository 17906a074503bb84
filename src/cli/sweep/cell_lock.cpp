#include "cli/sweep/cell_lock.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <unistd.h>

#include <fmt/format.h>

#include "base/checksum.hpp"
#include "base/error.hpp"
#include "trace/hdf5/library/lock.hpp"

namespace headroom::cli {

namespace {

/// Returns a lock of the cell's byte. Two cells with the same byte would only wait for each other.
struct flock byte_of(const std::string& cell, short kind) {
    struct flock lock = {};
    lock.l_type = kind;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(checksum(std::as_bytes(std::span(cell))) >> 2U);
    lock.l_len = 1;
    return lock;
}

} // namespace

CellLock::~CellLock() {
    if (descriptor_ >= 0) {
        (void)close(descriptor_);
    }
}

int CellLocks::open_lock_file() const {
    constexpr mode_t kEverybody = 0666; // the umask restricts it
    const int descriptor =
        open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kEverybody);
    if (descriptor < 0) {
        throw EnvironmentError(fmt::format(
            "{}: cannot be opened: {}; expected a folder that you may write to: give another --out",
            file_.string(),
            std::strerror(errno)
        ));
    }
    return descriptor;
}

std::string CellLocks::why_unavailable() const {
    const CellLock closing(open_lock_file());
    struct flock asked = byte_of("", F_WRLCK);
    return fcntl(closing.descriptor(), F_OFD_GETLK, &asked) == 0 ? ""
                                                                 : trace::lock_error_text(errno);
}

std::optional<CellLock> CellLocks::try_lock(const std::string& cell) const {
    const int descriptor = open_lock_file();
    CellLock lock(descriptor);
    // The lock belongs to this descriptor, so closing other descriptors does not release it.
    struct flock wanted = byte_of(cell, F_WRLCK);
    if (fcntl(descriptor, F_OFD_SETLK, &wanted) != 0 && (errno == EAGAIN || errno == EACCES)) {
        return std::nullopt;
    }
    return lock;
}

bool CellLocks::is_locked(const std::string& cell) const {
    const int descriptor = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    const CellLock closing(descriptor);
    struct flock found = byte_of(cell, F_WRLCK);
    return fcntl(descriptor, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

} // namespace headroom::cli
