// The rows of keys: what a row says holds for the reader, the messages and the resolved text.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/reader/key_reference.hpp"
#include "config/sections/keys.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

/// The section of rates, in which a weight type stands for TYPE.
constexpr std::string_view kRatesRow = "[device.rates.TYPE]";
constexpr std::string_view kRatesOfType = "[device.rates.q4_0]";

/// Returns the key as --set names it; of a list, in the first table.
std::string path_of(const KeyDescription& row) {
    if (row.section == kRatesRow) {
        return fmt::format("device.0.rates.q4_0.{}", row.key);
    }
    std::string path(row.section);
    const bool list = path.starts_with("[[");
    std::erase_if(path, [](char c) { return c == '[' || c == ']'; });
    return path + (list ? ".0." : path.empty() ? "" : ".") + std::string(row.key);
}

TEST(KeyRows, fit_into_the_table_of_the_reference) {
    const std::string reference = key_reference();
    std::set<std::string> paths;
    for (const KeyDescription& row : key_descriptions()) {
        EXPECT_TRUE(paths.insert(path_of(row)).second) << path_of(row) << " has two rows";
        EXPECT_FALSE(!row.key.empty() && (row.meaning.empty() || row.values.empty()))
            << path_of(row);
        for (const std::string_view text : {row.values, row.standard, row.meaning}) {
            EXPECT_EQ(text.find_first_of("|\n"), std::string_view::npos) << path_of(row);
            EXPECT_NE(reference.find(text), std::string::npos) << path_of(row);
        }
    }
    EXPECT_GT(paths.size(), 80U);
}

TEST(KeyRows, are_what_a_misspelt_key_is_compared_with) {
    for (const KeyDescription& row : key_descriptions()) {
        if (row.key.empty()) {
            continue;
        }
        const auto problems =
            problems_of(std::string(kEverything), {.set = {path_of(row) + "x=1"}});
        ASSERT_FALSE(problems.empty()) << path_of(row);
        const std::string expected = fmt::format(
            "unknown key '{0}x' in {1}; did you mean '{0}'?",
            row.key,
            row.section.empty()        ? "the top level"
            : row.section == kRatesRow ? kRatesOfType
                                       : row.section
        );
        EXPECT_NE(problems.front().find(expected), std::string::npos) << problems.front();
    }
}

TEST(KeyRows, have_all_keys_of_a_resolved_text) {
    std::set<std::string> rows;
    for (const KeyDescription& row : key_descriptions()) {
        for (const std::string_view type : {"q8_0", "q4_0"}) {
            const std::string of_type = fmt::format("[device.rates.{}]", type);
            rows.insert(
                fmt::format("{} {}", row.section == kRatesRow ? of_type : row.section, row.key)
            );
        }
    }
    std::size_t found = 0;
    for (const std::string& text : {std::string(kEverything), small_with("")}) {
        std::string section;
        std::string rest = resolved_text(read(text));
        while (!rest.empty()) {
            const std::string line = rest.substr(0, rest.find('\n'));
            rest.erase(0, line.size() + 1);
            if (line.starts_with('[')) {
                section = line;
            } else if (!line.empty()) {
                const std::string key = line.substr(0, line.find(' '));
                EXPECT_TRUE(rows.contains(fmt::format("{} {}", section, key))) << line;
                ++found;
            }
        }
    }
    EXPECT_GT(found, 100U);
}

TEST(KeyRows, name_the_default) {
    const std::string text = small_with("");
    const Scenario scenario = read(text);
    int checked = 0;
    for (const KeyDescription& row : key_descriptions()) {
        std::string standard(row.standard);
        std::erase(standard, '`');
        if (row.key == "name" || standard.empty() || standard.starts_with("the ")) {
            continue;
        }
        const Overrides overrides{.set = {path_of(row) + "=" + standard}};
        if (problems_of(text, overrides).empty()) { // a default may need another key
            EXPECT_TRUE(equivalent(read(text, overrides), scenario)) << path_of(row);
            ++checked;
        }
    }
    EXPECT_GT(checked, 35);
}

} // namespace
} // namespace headroom::config
