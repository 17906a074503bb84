#include "config/toml/problems.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"

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
    problems_.push_back(
        {false, position, fmt::format("{}:{}:{}: {}", file_, position.line, position.column, text)}
    );
}

void Problems::add_option(const std::string& option, const std::string& text) {
    problems_.push_back({true, {}, fmt::format("{}: {}", option, text)});
}

void Problems::throw_if_any() const {
    if (empty()) {
        return;
    }
    std::vector<Problem> sorted = problems_;
    const auto key = [](const Problem& p) {
        return std::tuple(p.of_option, p.position.line, p.position.column);
    };
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Problem& a, const Problem& b) {
        return key(a) < key(b);
    });
    std::vector<std::string> texts;
    texts.reserve(sorted.size());
    for (const Problem& problem : sorted) {
        texts.push_back(problem.text);
    }
    throw InputError(std::move(texts));
}

} // namespace headroom::config
