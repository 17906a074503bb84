// Who writes a trace where files have no locks (NFS without its lock daemon, some Lustre and FUSE
// mounts): a small file beside it, NAME.writer, says which process on which host. It is removed
// when the trace is closed; one that a kill leaves is seen through, because its process is gone.
#pragma once

#include <string>

namespace headroom::trace {

/// What the file's name has more than the trace's.
inline constexpr const char* kSignOfLife = ".writer";

enum class Life {
    none,    ///< no sign: nobody writes, or where locks tell
    gone,    ///< its process has ended
    alive,   ///< its process runs on this host, or the trace grows
    unknown, ///< of another host, and the trace does not grow
};

struct Sign {
    Life life = Life::none;
    std::string whose; ///< "process 7 on host pi"
};

/// Looks for the writer of a trace. Takes 5 s if that was on another host, to see whether the trace
/// grows.
[[nodiscard]] Sign sign_of_life(const std::string& path);

/// Removes a sign that nobody stands behind any more.
void forget_sign_of_life(const std::string& path);

/// This process writes the trace, as long as this lives.
class SignOfLife {
  public:
    SignOfLife() = default;
    /// Throws EnvironmentError: another process lives, or the file cannot be made.
    explicit SignOfLife(const std::string& path);
    SignOfLife(SignOfLife&& other) noexcept;
    SignOfLife& operator=(SignOfLife&& other) noexcept;
    SignOfLife(const SignOfLife&) = delete;
    SignOfLife& operator=(const SignOfLife&) = delete;
    ~SignOfLife();
    [[nodiscard]] bool is_given() const { return !file_.empty(); }

  private:
    std::string file_; ///< empty: none
};

} // namespace headroom::trace
