#include "trace/hdf5/library/handle.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/verbose.hpp"

namespace headroom::trace::h5 {

namespace {

extern "C" herr_t append_description(unsigned, const H5E_error2_t* error, void* text) {
    auto& all = *static_cast<std::string*>(text);
    std::string description = error->desc == nullptr ? "" : error->desc;
    std::replace(description.begin(), description.end(), '\n', ' ');
    // Functions of the library repeat the descriptions of the functions that they call.
    if (!description.empty() && all.find(description) == std::string::npos) {
        all += (all.empty() ? "" : ": ") + description;
    }
    return 0;
}

/// Returns the system's error message that HDF5's text contains (… errno = 28, error message = 'No
/// space left on device', …); empty if there is none.
std::string system_reason(const std::string& text) {
    constexpr std::string_view kBefore = "error message = '";
    const std::size_t begin = text.find(kBefore);
    if (begin == std::string::npos) {
        return "";
    }
    const std::size_t reason = begin + kBefore.size();
    return text.substr(reason, text.find('\'', reason) - reason);
}

/// Returns the errno that HDF5's text contains; 0 if there is none.
int system_error(const std::string& text) {
    constexpr std::string_view kBefore = "errno = ";
    const std::size_t begin = text.find(kBefore);
    return begin == std::string::npos ? 0 : std::atoi(text.c_str() + begin + kBefore.size());
}

/// Returns one sentence on the cause of an error. If the cause is unknown it names the failed call.
std::string sentence(const char* call, const std::string& text) {
    if (text.find("unable to lock") != std::string::npos) {
        if (system_error(text) != EAGAIN) { // no other program holds the lock
            return "files cannot be locked here, and HDF5_USE_FILE_LOCKING asks for it: expected "
                   "it not to be set";
        }
        return "another program has the file open: expected to be alone with it, close it there";
    }
    if (text.find("No space left") != std::string::npos) {
        return "No space left on device: free some space, or give a file on another disk";
    }
    if (text.find("File too large") != std::string::npos) {
        return "the file reached the limit of this shell or disk: raise it (ulimit -f), or give a "
               "file on another disk";
    }
    if (text.find("truncated file") != std::string::npos) {
        return "it is cut short: the file ends before its tables do";
    }
    const std::string reason = system_reason(text);
    return reason.empty() ? fmt::format("the HDF5 library gave up ({})", call) : reason;
}

} // namespace

void throw_if_host_limit(int error) {
    if (error == EMFILE || error == ENFILE || error == ENOMEM) {
        throw HostLimitError(fmt::format(
            "{}: expected room for one more file: raise the limits (ulimit -n, ulimit -v), or end "
            "other programs",
            std::strerror(error)
        ));
    }
}

void fail(const char* call) {
    std::string text;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, append_description, &text);
    throw_if_host_limit(system_error(text));
    throw EnvironmentError(fmt::format(
        "{}{}",
        sentence(call, text),
        is_verbose() ? fmt::format("\n  HDF5 {} said: {}", call, text.empty() ? "no reason" : text)
                     : ""
    ));
}

void prepare_library() {
    H5dont_atexit(); // from the second call on it fails without effect
    checked(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "H5Eset_auto2");
    // HDF5 would otherwise load and run a plugin for any filter that a file names.
    checked(H5PLset_loading_state(0), "H5PLset_loading_state");
}

std::string library_version() {
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    checked(H5get_libversion(&major, &minor, &release), "H5get_libversion");
    return fmt::format("{}.{}.{}", major, minor, release);
}

} // namespace headroom::trace::h5
