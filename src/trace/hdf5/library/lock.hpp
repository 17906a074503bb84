// Marks a trace as being written, by an advisory lock that the writing process holds. The kernel
// releases the lock when the process ends, also after a kill. HDF5 has a lock of its own, but
// releases it as soon as other programs may read the file. On file systems without locks
// writer_file.hpp marks the trace instead.
#pragma once

#include <string>

namespace headroom::trace {

class WriterLock {
  public:
    /// Tries to lock an existing file. If the path is empty or cannot be opened, holds no lock.
    explicit WriterLock(const std::string& path);
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;
    ~WriterLock();

    /// Returns whether no other program has locked the file and `path` still leads to it. The
    /// result is also true if the file system has no locks.
    [[nodiscard]] bool is_held(const std::string& path) const {
        return !refused_ && has_name(path);
    }
    /// Returns whether another program has locked the file.
    [[nodiscard]] bool is_refused() const { return refused_; }
    /// Returns whether `path` leads to the file that the constructor opened.
    [[nodiscard]] bool has_name(const std::string& path) const;
    [[nodiscard]] bool is_deleted() const;
    /// Returns the errno with which a file system without locks refused the lock; else 0.
    [[nodiscard]] int unsupported_errno() const { return unsupported_errno_; }

  private:
    int descriptor_;
    bool refused_ = false;
    int unsupported_errno_ = 0;
};

/// Returns whether the file system lacks the kind of lock that HDF5 uses, flock(2).
[[nodiscard]] bool is_without_locks(const std::string& path);
/// Returns the text of an errno from locking a file, such as "No locks available".
[[nodiscard]] std::string lock_error_text(int error);

/// Who writes a trace, according to its lock and its writer file (writer_file.hpp).
struct WriterInfo {
    bool is_running = false; ///< whether a process writes the trace
    /// Set if it is unknown whether the process in the writer file still runs, for example to
    /// "process 7 on host pi"; else empty.
    std::string possible_writer;
};
[[nodiscard]] WriterInfo find_writer(const std::string& path);
[[nodiscard]] bool is_being_written(const std::string& path);

} // namespace headroom::trace
