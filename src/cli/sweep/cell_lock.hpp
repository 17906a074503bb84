// Who works on a cell of a sweep: locks in the folder of the traces, so that several jobs, also of
// several hosts, can share the cells. The kernel drops them when their process ends, however it
// ends; no lock is ever left behind.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace headroom::cli {

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

/// One byte of the file .sweep.lock per cell, chosen by its name. Byte-range locks hold between
/// the hosts of a network file system too, if it has them (NFS 4; NFS 3 with its lock daemon). On
/// one that has none everybody gets every lock: a cell whose trace gives a sign of life is left to
/// its job, and one that is done twice for all that has equal results, because each job writes to
/// a name of its own and the last rename counts.
class CellLocks {
  public:
    explicit CellLocks(std::filesystem::path folder) : file_(std::move(folder) / ".sweep.lock") {}

    /// Why the folder's file system gives no locks; empty if it does. Makes the file of the locks.
    [[nodiscard]] std::string why_none() const;
    /// Nothing: somebody else has it. Throws EnvironmentError if the file cannot be opened.
    [[nodiscard]] std::optional<CellLock> try_lock(const std::string& cell) const;
    /// Whether somebody has it.
    [[nodiscard]] bool is_locked(const std::string& cell) const;

  private:
    [[nodiscard]] int opened() const;

    std::filesystem::path file_;
};

} // namespace headroom::cli
