// Marks a trace as being written on file systems without locks (NFS without its lock daemon, some
// Lustre and FUSE mounts). A small file NAME.writer beside the trace names the writing process and
// its host. This file is removed when the trace is closed. A killed process leaves it behind:
// readers on the same host then find that the process has ended, others watch the trace for growth.
#pragma once

#include <string>

namespace headroom::trace {

inline constexpr const char* kWriterFileSuffix = ".writer";

/// What a writer file says about its process.
enum class WriterState {
    none,    ///< there is no writer file
    ended,   ///< the process ran on this host and has ended
    running, ///< the process runs on this host, or the trace grows
    unknown, ///< the process is on another host or not known, and the trace does not grow
};

struct WriterFileStatus {
    WriterState state = WriterState::none;
    std::string writer; ///< such as "process 7 on host pi"
};

/// Reads the writer file of the trace at `path`. If the process is on another host or not known,
/// watches for up to 5 s whether the trace grows.
[[nodiscard]] WriterFileStatus writer_file_status(const std::string& path);

/// Removes the writer file of the trace at `path`. The caller must know that the process in the
/// writer file does not write any more.
void remove_writer_file(const std::string& path);

/// Owns the writer file of this process. The destructor removes the file.
class WriterFile {
  public:
    /// Creates the writer file of the trace at `path` and replaces an existing one. Throws
    /// EnvironmentError if the existing one has state `running`, or if none can be created.
    explicit WriterFile(const std::string& path);
    WriterFile(const WriterFile&) = delete;
    WriterFile& operator=(const WriterFile&) = delete;
    ~WriterFile();

  private:
    std::string file_;
};

} // namespace headroom::trace
