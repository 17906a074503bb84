#include "config/toml/problems.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include <fmt/format.h>

namespace headroom::config {

void Problems::add(const toml::source_region& where, const std::string& text) {
    if (where.path && *where.path != file_) {
        add_option(*where.path, text);
        return;
    }
    // A table that is only implied by its subtables has no position: line 1 stands for it.
    const toml::source_position position{
        std::max(where.begin.line, toml::source_index{1}),
        std::max(where.begin.column, toml::source_index{1})};
    const auto place = fmt::format("{}:{}:{}", file_, position.line, position.column);
    problems_.push_back({false, position, {place, text}});
}

void Problems::add_option(const std::string& option, const std::string& text) {
    problems_.push_back({true, {}, {option, text}});
}

void Problems::throw_if_any() const {
    if (empty()) {
        return;
    }
    std::vector<Problem> sorted = problems_;
    std::ranges::stable_sort(sorted, {}, [](const Problem& p) {
        return std::tuple(p.of_option, p.position.line, p.position.column);
    });
    std::vector<InputProblem> all;
    for (Problem& problem : sorted) {
        all.push_back(std::move(problem.what));
    }
    throw InputError(std::move(all));
}

} // namespace headroom::config
