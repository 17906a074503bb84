// The part file: a trace is written to the file NAME.part until it is published, that is, renamed
// to its final path NAME. A file with a trace's name can therefore always be read, and an existing
// trace stays until the new one is published. The writer also locks the file.
#pragma once

#include <optional>
#include <string>

#include "trace/hdf5/library/lock.hpp"
#include "trace/hdf5/library/writer_file.hpp"

namespace headroom::trace {

inline constexpr const char* kPartFileSuffix = ".part";

class PartFile {
  public:
    /// `path` is the final path; symbolic links are followed. If `path` exists and is no regular
    /// file (/dev/null, for example), the trace is written there directly.
    explicit PartFile(const std::string& path);
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;
    ~PartFile() { release(); }

    /// Returns the path of the file now: the final path if the file is published.
    [[nodiscard]] const std::string& current_path() const {
        return published_ ? path_ : part_path_;
    }
    /// Returns whether the final path existed when this object was made.
    [[nodiscard]] bool replaces_existing() const { return replaces_existing_; }
    [[nodiscard]] bool is_published() const { return published_; }

    /// Creates and locks the part file. A part file that a kill left behind is removed first.
    /// Throws EnvironmentError if another process writes the part file, if there is a file of this
    /// name that a run cannot have left behind (it is neither empty nor HDF5), or if the part file
    /// cannot be created.
    void create();
    /// Renames the part file to its final name. Throws EnvironmentError if renaming fails, or if
    /// another program has changed the existing trace of this name, which then stays as it is.
    void publish();
    /// Removes the part file if it was not published, and releases the lock.
    void release();
    /// Throws EnvironmentError if the file has been deleted.
    void check_not_deleted() const;
    /// Throws EnvironmentError if the file has been deleted, moved or replaced.
    void check_in_place() const;
    /// Returns whether the file is published and the final path leads to it.
    [[nodiscard]] bool is_in_place() const;
    /// Returns why the file could not be locked; empty if it is locked.
    [[nodiscard]] std::string why_without_lock() const;

  private:
    [[noreturn]] void refuse_second_writer() const;
    void remove_leftover();

    std::string path_;
    std::string part_path_;
    std::string original_identity_; ///< device, inode, time and size of the file to replace
    bool replaces_existing_;
    bool published_;
    bool created_ = false;
    std::optional<WriterLock> lock_;
    std::optional<WriterFile>
        writer_file_; ///< used instead of the lock on file systems without locks
};

} // namespace headroom::trace
