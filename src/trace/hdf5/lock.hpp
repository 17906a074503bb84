// A mark that a trace is being written: an advisory lock held by the writing process, which the
// kernel drops when that process ends, however it ends. HDF5's own lock cannot tell, it is given
// up when reading by others begins. File systems without locks: nothing is known, nothing fails.
#pragma once

#include <string>

namespace headroom::trace {

class WriterLock {
  public:
    WriterLock() = default;
    /// Marks an existing file.
    explicit WriterLock(const std::string& path);
    WriterLock(WriterLock&& other) noexcept;
    WriterLock& operator=(WriterLock&& other) noexcept;
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;
    ~WriterLock();

    /// Whether no other program has it, and the file of this name is still the one that was marked.
    /// True where the file system knows no locks.
    [[nodiscard]] bool is_ours(const std::string& path) const;

  private:
    int descriptor_ = -1;
    bool refused_ = false; ///< somebody else has it
};

/// Whether some process holds a WriterLock on the file.
[[nodiscard]] bool is_being_written(const std::string& path);

} // namespace headroom::trace
