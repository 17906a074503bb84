#include "trace/hdf5/handle.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::trace::h5 {

namespace {

extern "C" herr_t append_description(unsigned, const H5E_error2_t* error, void* text) {
    auto& all = *static_cast<std::string*>(text);
    std::string description = error->desc == nullptr ? "" : error->desc;
    std::replace(description.begin(), description.end(), '\n', ' ');
    // Layers of the library repeat each other.
    if (!description.empty() && !all.ends_with(description)) {
        all += (all.empty() ? "" : ": ") + description;
    }
    return 0;
}

/// What a user can do about the reasons that users cause.
std::string advice(const std::string& text) {
    if (text.find("unable to lock") != std::string::npos) {
        return "; another program has the file open: expected to be alone with it, close it there";
    }
    if (text.find("No space left") != std::string::npos) {
        return "; the disk is full: free some space, or give a file on another disk";
    }
    if (text.find("File too large") != std::string::npos) {
        return "; the file reached the limit of this shell or disk: raise it (ulimit -f), or give "
               "a "
               "file on another disk";
    }
    return "";
}

} // namespace

void fail(const char* call) {
    std::string text;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, append_description, &text);
    throw EnvironmentError(fmt::format(
        "HDF5 {} failed: {}{}", call, text.empty() ? "no reason given" : text, advice(text)
    ));
}

void prepare_library() {
    H5dont_atexit(); // fails, harmlessly, from the second call on
    checked(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "H5Eset_auto2");
}

std::string library_version() {
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    checked(H5get_libversion(&major, &minor, &release), "H5get_libversion");
    return fmt::format("{}.{}.{}", major, minor, release);
}

} // namespace headroom::trace::h5
