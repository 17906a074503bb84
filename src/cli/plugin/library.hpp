// The only place that loads code into the program: shared libraries with policies.
#pragma once

#include <filesystem>
#include <headroom/policy_plugin.hpp>
#include <memory>
#include <string>

namespace headroom::cli {

/// Whether libraries that are loaded later may use the symbols of a library and of those it needs.
enum class Symbols : bool { own, shared };

/// Loads the library and returns the policy in it. The library stays loaded until the program ends.
/// what: names the policy in messages, as the user gave it. argument: see headroom_plugin_open.
/// Throws InputError if the file cannot be loaded, exports no policy or was compiled for another
/// program (plugin_abi()), or if it fails to make its policy.
[[nodiscard]] std::unique_ptr<PolicyPlugin> open_plugin(
    const std::filesystem::path& library,
    const std::string& what,
    const std::string& argument,
    Symbols symbols = Symbols::own
);

} // namespace headroom::cli
