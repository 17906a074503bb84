// What a shared library exports so that `headroom run --policy ./mine.so` can use the policy in it:
//
//     #include <headroom/policy_plugin.hpp>
//
//     using namespace headroom::scheduler;
//
//     Placement place(const Problem& problem) {
//         return Placement(problem.blocks->size(), problem.source);
//     }
//
//     HEADROOM_POLICY("all_on_source", place)
//
// The library and the program must agree on the layout of the types that they exchange. Therefore
// the library exports plugin_abi(), and the program refuses a library with another one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom {

/// A policy in a shared library. The program calls it on one thread, on rank 0.
class PolicyPlugin {
  public:
    virtual ~PolicyPlugin() = default;
    /// Returns the name for tables and traces.
    [[nodiscard]] virtual std::string name() const = 0;
    /// Returns the device of each block, [block], or an empty placement if the policy finds none.
    /// The result must be the same for equal problems, so that a replay of the run finds the same.
    /// Any exception ends the run with its text.
    [[nodiscard]] virtual scheduler::Placement place(const scheduler::Problem& problem) = 0;
    /// Returns what place() is doing, for the message if that takes too long; by default nothing.
    /// It is called on another thread while place() runs.
    [[nodiscard]] virtual std::string where() { return ""; }
    /// Returns the paths of further files on which decisions depend. Traces carry a hash of them
    /// and of the library.
    [[nodiscard]] virtual std::vector<std::string> files() const { return {}; }
};

/// Raise this number if the types that plug-ins use change in a way that their sizes do not show.
inline constexpr int kPluginInterface = 1;

/// Returns a text with the version of Headroom, the compiler, the standard library and the sizes of
/// the exchanged types, as this translation unit was compiled.
[[nodiscard]] inline std::string plugin_abi() {
    std::string text = "headroom plug-in interface " + std::to_string(kPluginInterface);
#if defined(__clang__)
    text += ", clang " + std::to_string(__clang_major__);
#elif defined(__GNUC__)
    text += ", gcc " + std::to_string(__GNUC__);
#endif
#if defined(_GLIBCXX_RELEASE)
    text += ", libstdc++ " + std::to_string(_GLIBCXX_RELEASE) + " abi " +
            std::to_string(_GLIBCXX_USE_CXX11_ABI);
#elif defined(_LIBCPP_VERSION)
    text += ", libc++ " + std::to_string(_LIBCPP_VERSION);
#endif
    text += ", sizes";
    for (const std::size_t size :
         {sizeof(scheduler::Problem),
          sizeof(scheduler::Blocks),
          sizeof(scheduler::Snapshot),
          sizeof(ModelShape),
          sizeof(std::string)}) {
        text += " " + std::to_string(size);
    }
    return text;
}

/// The plug-in that HEADROOM_POLICY makes of a function.
template <class Place>
class FunctionPlugin final : public PolicyPlugin {
  public:
    FunctionPlugin(std::string name, Place function)
        : name_(std::move(name)), function_(std::move(function)) {}
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] scheduler::Placement place(const scheduler::Problem& problem) override {
        return function_(problem);
    }

  private:
    std::string name_;
    Place function_;
};

} // namespace headroom

#define HEADROOM_EXPORT extern "C" __attribute__((visibility("default")))

/// The functions that a plug-in exports. `headroom_plugin_open` returns a plug-in that the caller
/// deletes. argument: the part of --policy behind the file's name and a colon, or an empty text.
HEADROOM_EXPORT const char* headroom_plugin_abi();
HEADROOM_EXPORT headroom::PolicyPlugin* headroom_plugin_open(const char* argument);

/// Exports a function (or another callable) Placement(const Problem&) as the policy of this
/// library. Use it once, outside of any namespace.
#define HEADROOM_POLICY(policy_name, function)                                                     \
    const char* headroom_plugin_abi() {                                                            \
        static const std::string abi = headroom::plugin_abi();                                     \
        return abi.c_str();                                                                        \
    }                                                                                              \
    headroom::PolicyPlugin* headroom_plugin_open(const char* /*argument*/) {                       \
        return std::make_unique<headroom::FunctionPlugin<decltype(&(function))>>(                  \
                   policy_name, &(function)                                                        \
        )                                                                                          \
            .release();                                                                            \
    }
