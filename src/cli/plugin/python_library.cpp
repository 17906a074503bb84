#include "cli/plugin/python_library.hpp"

#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/input/installed.hpp"

namespace headroom::cli {

std::filesystem::path python_library(const std::string& what) {
    std::error_code unknown;
    const std::filesystem::path path =
        installed_prefix() / "lib/headroom/libheadroom_python_policy.so";
    if (!std::filesystem::exists(path, unknown)) {
        throw InputError(fmt::format(
            "--policy {}: this headroom was built without Python ({} is missing), expected a "
            "policy in C++ (.so), or headroom built with python3-dev and pybind11-dev",
            what,
            path.string()
        ));
    }
    return path;
}

} // namespace headroom::cli
