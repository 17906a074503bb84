#include "cli/input/policy_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {
namespace {

constexpr std::array<std::string_view, 2> kEndings{".so", ".py"};

/// Returns the length of the path in "FILE:ARGUMENT"; npos if the path has none of kEndings.
std::size_t path_length(std::string_view text) {
    for (const std::string_view ending : kEndings) {
        if (text.ends_with(ending)) {
            return text.size();
        }
        const std::size_t at = text.rfind(std::string(ending) + ":");
        if (at != std::string_view::npos) {
            return at + ending.size();
        }
    }
    return std::string_view::npos;
}

bool is_source(std::string_view text) {
    return text.ends_with(".cpp") || text.ends_with(".cc") || text.ends_with(".cxx");
}

/// Splits without looking at the file.
PolicyFile split(const std::string& text) {
    const std::size_t length = std::min(path_length(text), text.size());
    return {text.substr(0, length), length < text.size() ? text.substr(length + 1) : ""};
}

} // namespace

bool is_policy_file(std::string_view text) {
    return text.find('/') != std::string_view::npos || path_length(text) != std::string_view::npos;
}

PolicyFile policy_file(const std::string& text) {
    if (path_length(text) == std::string::npos) {
        throw InputError(fmt::format(
            "--policy {}: expected a shared library (.so) or a Python file (.py, or "
            ".py:FUNCTION){}; see docs/how-to/your-own-policy.md",
            text,
            is_source(text) ? ", found a source file: compile it to a .so" : ""
        ));
    }
    PolicyFile file = split(text);
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(file.path, unknown)) {
        throw InputError(fmt::format(
            "--policy {}: {} {}, expected a file with a policy; give {}",
            text,
            file.path.string(),
            std::filesystem::exists(file.path, unknown) ? "is not a file" : "does not exist",
            text.find(',') != std::string::npos ? "one policy only" : "its path"
        ));
    }
    return file;
}

std::string policy_argument(const std::string& text) {
    return split(text).argument;
}

std::string label_of(const std::string& policy) {
    if (!is_policy_file(policy)) {
        return policy;
    }
    const PolicyFile file = split(policy);
    std::string label = file.path.stem().string();
    if (!file.argument.empty()) {
        label += "." + file.argument;
    }
    std::ranges::replace_if(
        label,
        [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-'; },
        '_'
    );
    return label;
}

std::string scenario_policy(const std::string& policy) {
    return is_policy_file(policy) ? std::string(name_of(scheduler::PolicyKind::custom)) : policy;
}

} // namespace headroom::cli
