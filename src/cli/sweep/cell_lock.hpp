// File locks by which several jobs (processes of `headroom sweep`), also on several hosts, share
// the cells (runs) of a sweep. A job locks each cell that it runs. The operating system releases
// the locks of a process when the process ends, even if it is killed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace headroom::cli {

/// A lock that is held until the object is destroyed.
class CellLock {
  public:
    explicit CellLock(int descriptor) : descriptor_(descriptor) {}
    CellLock(CellLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    CellLock& operator=(CellLock&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    CellLock(const CellLock&) = delete;
    CellLock& operator=(const CellLock&) = delete;
    ~CellLock();
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
};

/// The locks of all cells of a folder. To lock a cell, a job locks one byte of the file
/// .sweep.lock; a hash of the cell's name chooses the byte. Byte-range locks also work between the
/// hosts of a network file system that supports them (NFS 4, or NFS 3 with its lock daemon).
/// Without such support every attempt to lock succeeds. Two jobs may then run the same cell, which
/// is harmless: each writes its own partial trace, and both results are equal.
class CellLocks {
  public:
    explicit CellLocks(std::filesystem::path folder) : file_(std::move(folder) / ".sweep.lock") {}

    /// Returns why the folder's file system has no locks, or "" if it has. Creates the lock file.
    /// Throws EnvironmentError if the file cannot be opened.
    [[nodiscard]] std::string why_unavailable() const;
    /// Returns the lock of a cell, or nothing if another job holds it. Throws EnvironmentError if
    /// the lock file cannot be opened.
    [[nodiscard]] std::optional<CellLock> try_lock(const std::string& cell) const;
    [[nodiscard]] bool is_locked(const std::string& cell) const;

  private:
    /// Returns a file descriptor of the lock file, and creates the file if necessary.
    [[nodiscard]] int open_lock_file() const;

    std::filesystem::path file_;
};

} // namespace headroom::cli
