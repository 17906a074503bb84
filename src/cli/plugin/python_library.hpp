// Finds the plug-in that runs policies in Python. The program itself needs no Python.
#pragma once

#include <filesystem>
#include <string>

namespace headroom::cli {

/// Returns PREFIX/lib/headroom/libheadroom_python_policy.so, where PREFIX is
/// installed_prefix(). what: the value of --policy, for the message. Throws InputError if
/// there is none, because headroom was built without Python.
[[nodiscard]] std::filesystem::path python_library(const std::string& what);

} // namespace headroom::cli
