// Files that are written under a temporary name and renamed when they are complete, so that a
// reader never sees half a file. Also resolves symbolic links.
#pragma once

#include <filesystem>

namespace headroom {

/// Follows a chain of symbolic links and returns the path at its end; a file need not exist there.
/// Throws EnvironmentError for a link that another user has put into a folder where everybody may
/// create files, such as /tmp. (With the setting fs.protected_symlinks, Linux refuses it too.)
[[nodiscard]] std::filesystem::path resolve_links(const std::filesystem::path& path);

/// A new file that will replace the target file. Until publish() the new file has a temporary name
/// in the folder of the target. Other users cannot guess that name. If a file or link of that name
/// exists nevertheless, the constructor throws and does not open it.
class NewFile {
  public:
    enum class Links {
        follow, ///< for names from the user: a link stays, and the file at its end is replaced
        replace ///< for names that the program chose: a link is replaced by the new file
    };

    /// Creates the temporary file. Throws EnvironmentError if that fails.
    NewFile(const std::filesystem::path& target, Links links);
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    /// Removes the temporary file if publish() has not renamed it.
    ~NewFile();

    [[nodiscard]] const std::filesystem::path& path() const { return temporary_path_; }
    /// Returns a descriptor that is open for writing. The caller must close the descriptor.
    [[nodiscard]] int release_descriptor();
    /// Renames the complete file to the name of the target; an existing file of that name is
    /// replaced. Throws EnvironmentError if renaming fails. Also throws it if directly afterwards
    /// the target does not exist or is another file, because another program has removed or
    /// replaced it.
    void publish();

  private:
    std::filesystem::path target_;
    std::filesystem::path temporary_path_; ///< the temporary name; empty after publish()
    int descriptor_ = -1;
};

} // namespace headroom
