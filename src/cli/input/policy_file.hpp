// The values of --policy that name a file instead of a policy of the program.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace headroom::cli {

/// A shared library (.so) or a Python file (.py) with a policy.
struct PolicyFile {
    std::filesystem::path path;
    std::string
        argument; ///< what follows a colon behind the path: the name of a function, or empty
    [[nodiscard]] bool is_python() const { return path.extension() == ".py"; }
};

/// Whether the text names a file and not a policy: it has a slash, or it ends in .so or .py, maybe
/// with a colon and an argument.
[[nodiscard]] bool is_policy_file(std::string_view text);

/// Returns the parts of "FILE" or "FILE:ARGUMENT". Throws InputError if the file is neither .so nor
/// .py, or does not exist.
[[nodiscard]] PolicyFile policy_file(const std::string& text);

/// Returns the argument of "FILE:ARGUMENT", or an empty text. The file need not exist.
[[nodiscard]] std::string policy_argument(const std::string& text);

/// Returns the word by which output files of a policy are distinguished: the name of a policy of
/// the program, or for a file its name without ending, with the argument if there is one:
/// "mine.decide".
[[nodiscard]] std::string label_of(const std::string& policy);

/// Returns the name for the scenario key `controller.policy`: `custom` for a file, else the text.
[[nodiscard]] std::string scenario_policy(const std::string& policy);

} // namespace headroom::cli
