// Files that are written under a temporary name and renamed when they are complete, so that a
// reader never sees half a file. Also resolves symbolic links.
#pragma once

#include <filesystem>

namespace headroom {

/// Follows a chain of symbolic links and returns the path at its end; a file need not exist there.
/// As Linux does with fs.protected_symlinks, refuses a link that another user has put into a folder
/// where everybody may create files, such as /tmp: throws EnvironmentError.
[[nodiscard]] std::filesystem::path resolve_links(const std::filesystem::path& path);

/// A new file that will replace the target file. Until publish() it has a temporary name in the
/// folder of the target. Other users cannot guess that name. An existing file or link is never
/// opened.
class NewFile {
  public:
    enum class Links {
        follow, ///< for names from the user: replaces the file that the link leads to
        replace ///< for names that the program chose: replaces the link itself
    };

    /// Creates the temporary file. Throws EnvironmentError if that fails.
    NewFile(const std::filesystem::path& target, Links links);
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    /// Removes the temporary file unless it was published.
    ~NewFile();

    [[nodiscard]] const std::filesystem::path& path() const { return temporary_path_; }
    /// Returns a descriptor that is open for writing. The caller must close it.
    [[nodiscard]] int release_descriptor();
    /// Renames the complete file to the target's name and replaces an existing file. Throws
    /// EnvironmentError if that fails or if afterwards another file has that name.
    void publish();

  private:
    std::filesystem::path target_;
    std::filesystem::path temporary_path_; ///< the temporary name; empty after publish()
    int descriptor_ = -1;
};

} // namespace headroom
