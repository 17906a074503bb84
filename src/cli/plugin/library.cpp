#include "cli/plugin/library.hpp"

#include <dlfcn.h>
#include <exception>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"

namespace headroom::cli {
namespace {

using AbiFunction = const char* (*)();
using OpenFunction = PolicyPlugin* (*)(const char*);

template <class Function>
Function function_in(void* library, const char* name) {
    // POSIX guarantees that the conversion works.
    return reinterpret_cast<Function>(dlsym(library, name));
}

} // namespace

std::unique_ptr<PolicyPlugin> open_plugin(
    const std::filesystem::path& library,
    const std::string& what,
    const std::string& argument,
    Symbols symbols
) {
    // Without a folder in the name, the loader would look in the system's folders.
    const std::string path = std::filesystem::absolute(library).string();
    void* const handle =
        dlopen(path.c_str(), RTLD_NOW | (symbols == Symbols::shared ? RTLD_GLOBAL : RTLD_LOCAL));
    if (handle == nullptr) {
        const char* const why = dlerror();
        throw InputError(fmt::format(
            "--policy {}: cannot be loaded, expected a shared library that exports HEADROOM_POLICY "
            "(docs/how-to/your-own-policy.md)\n  {}",
            what,
            why != nullptr ? why : "no reason is known"
        ));
    }
    const auto abi = function_in<AbiFunction>(handle, "headroom_plugin_abi");
    const auto open = function_in<OpenFunction>(handle, "headroom_plugin_open");
    if (abi == nullptr || open == nullptr) {
        throw InputError(fmt::format(
            "--policy {}: is a shared library without a policy, expected one that exports "
            "HEADROOM_POLICY(name, function) (docs/how-to/your-own-policy.md)",
            what
        ));
    }
    if (const std::string theirs = abi(); theirs != plugin_abi()) {
        throw InputError(fmt::format(
            "--policy {}: was compiled for another program, expected the headers and the compiler "
            "of this one\n  it has:    {}\n  headroom:  {}\n  compile it again against the "
            "installed headroom",
            what,
            theirs,
            plugin_abi()
        ));
    }
    try {
        std::unique_ptr<PolicyPlugin> plugin(open(argument.c_str()));
        HEADROOM_CHECK(plugin != nullptr, "no plug-in");
        return plugin;
    } catch (const std::exception& error) {
        throw InputError(fmt::format(
            "--policy {}: cannot be used, expected a policy in it{}", what, indented(error.what())
        ));
    }
}

} // namespace headroom::cli
