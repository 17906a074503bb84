// Where a trace is written until it may have its name: beside it, as NAME.part, so that whatever
// has a trace's name can be read, and what is replaced is there until there is more. No HDF5 here.
#pragma once

#include <string>

#include "trace/hdf5/library/lock.hpp"
#include "trace/hdf5/library/sign_of_life.hpp"

namespace headroom::trace {

/// What a file is called until it takes its place.
inline constexpr const char* kAside = ".part";

class Place {
  public:
    /// `path` is what links lead to. Something that is no ordinary file (a device) is written in
    /// place.
    explicit Place(const std::string& path);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { give_up(); }

    /// The file to write to now.
    [[nodiscard]] const std::string& now() const { return settled_ ? path_ : aside_; }
    /// Whether something stands at the path.
    [[nodiscard]] bool replaces() const { return replaces_; }
    /// Whether the file has its name.
    [[nodiscard]] bool is_settled() const { return settled_; }

    /// Makes the file aside this process's own, or throws EnvironmentError: another one has it, it
    /// is not a left-over trace, or it cannot be made.
    void take();
    /// From now on it has its name. Throws EnvironmentError; then what stood there is unchanged.
    void settle();
    /// Removes what has not been settled, and lets go of the file.
    void give_up();
    /// Throws EnvironmentError if what is written now has been deleted: nobody could ever read it.
    void check_not_deleted() const;
    /// Throws EnvironmentError if what was written is not where it should be.
    void check_there() const;
    /// Whether the name leads to what is written.
    [[nodiscard]] bool is_there() const;
    /// Why the file has no lock; empty if it has.
    [[nodiscard]] std::string why_without_lock() const;

  private:
    [[noreturn]] void refuse_second_writer() const;
    void clear();

    std::string path_;
    std::string aside_;
    std::string before_; ///< what stood at the path, as far as can be told from outside
    bool replaces_;
    bool settled_;
    bool mine_ = false;
    WriterLock lock_;
    SignOfLife sign_; ///< in place of the lock, where there are none
};

} // namespace headroom::trace
