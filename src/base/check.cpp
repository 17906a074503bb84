#include "base/check.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace headroom {

void fail_check(const char* expression, const char* file, int line, const std::string& values) {
    throw Bug(fmt::format("{}:{}: check failed: {}: {}", file, line, expression, values));
}

std::string line_of(const InputProblem& problem) {
    return problem.where.empty() ? problem.text : problem.where + ": " + problem.text;
}

std::string indented(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        result += fmt::format("\n  {}", text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

std::vector<std::string> InputError::lines_of(const std::vector<InputProblem>& problems) {
    std::vector<std::string> lines;
    for (const InputProblem& problem : problems) {
        lines.push_back(line_of(problem));
    }
    return lines;
}

std::string InputError::joined(const std::vector<std::string>& problems) {
    std::string text;
    for (const std::string& problem : problems) {
        text += (text.empty() ? "" : "\n") + problem;
    }
    return text;
}

} // namespace headroom
