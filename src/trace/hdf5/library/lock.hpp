// A mark that a trace is being written: an advisory lock held by the writing process, which the
// kernel drops when that process ends, however it ends. HDF5's own lock cannot tell, it is given
// up when reading by others begins. File systems without locks: sign_of_life.hpp.
#pragma once

#include <string>

namespace headroom::trace {

class WriterLock {
  public:
    WriterLock() = default;
    /// Marks an existing file; without a name none.
    explicit WriterLock(const std::string& path);
    WriterLock(WriterLock&& other) noexcept;
    WriterLock& operator=(WriterLock&& other) noexcept;
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;
    ~WriterLock();

    /// Whether no other program has it, and the file of this name is still the one that was marked.
    /// True where the file system knows no locks.
    [[nodiscard]] bool is_ours(const std::string& path) const {
        return !refused_ && has_name(path);
    }
    /// Whether another program has it.
    [[nodiscard]] bool is_refused() const { return refused_; }
    /// Whether the file of this name is the one that was marked.
    [[nodiscard]] bool has_name(const std::string& path) const;
    /// Whether it has no name any more: what is written to it is lost.
    [[nodiscard]] bool is_deleted() const;
    /// Why the file system gives no locks; 0 if it does.
    [[nodiscard]] int unsupported() const { return unsupported_; }

  private:
    int descriptor_ = -1;
    bool refused_ = false; ///< somebody else has it
    int unsupported_ = 0;  ///< errno
};

/// Whether HDF5's locks fail on the file for want of locks, not because somebody has it.
[[nodiscard]] bool is_without_locks(const std::string& path);
/// "No locks available (ENOLCK)": why a file system gives none.
[[nodiscard]] std::string lock_error_text(int error);

/// Who writes a file, as far as a WriterLock or a sign of life tells.
struct Writing {
    bool sure = false;
    std::string perhaps; ///< one that may be dead: "process 7 on host pi"
};
[[nodiscard]] Writing look_for_writer(const std::string& path);
[[nodiscard]] bool is_being_written(const std::string& path);

} // namespace headroom::trace
