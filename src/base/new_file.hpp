// Files that are written aside and get their name when they are whole; and where names lead.
#pragma once

#include <filesystem>

namespace headroom {

/// What a path leads to: the end of a chain of symbolic links, also if nothing is there yet.
/// Throws EnvironmentError for a link that another user has put into a folder in which everybody
/// may make files (/tmp): the system's own rule, which does not know whose wish it is to follow.
[[nodiscard]] std::filesystem::path end_of_links(const std::filesystem::path& path);

/// A new file beside the one whose place it is to take. Its name cannot be guessed, and what stands
/// there, be it a link, is never opened.
class NewFile {
  public:
    enum class Links {
        follow, ///< of a name that the user gave: a link stays a link
        replace ///< of a name that the program made up
    };

    /// Throws EnvironmentError if it cannot be made.
    NewFile(const std::filesystem::path& target, Links links);
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    /// Removes it unless it was published.
    ~NewFile();

    /// What it is called now.
    [[nodiscard]] const std::filesystem::path& path() const { return aside_; }
    /// Open for writing. Whoever takes it closes it.
    [[nodiscard]] int take_descriptor();
    /// All is written: it gets its name, in place of what has it. Looks whether the name leads to
    /// this file then. Throws EnvironmentError.
    void publish();

  private:
    std::filesystem::path target_;
    std::filesystem::path aside_; ///< empty once it has its name
    int descriptor_ = -1;
};

} // namespace headroom
