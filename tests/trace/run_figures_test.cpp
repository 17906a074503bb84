// The list of a run's figures, and its table in the manual.
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trace/analysis/run_figures.hpp"

namespace headroom::trace {
namespace {

const RunFigure& figure_named(std::string_view name) {
    for (const RunFigure& figure : kRunFigures) {
        if (figure.name == name) {
            return figure;
        }
    }
    throw std::out_of_range(std::string(name));
}

/// Returns the beginnings of the rows of the manual's table, up to the unit.
std::vector<std::string> rows_in_the_manual() {
    std::ifstream file(HEADROOM_SOURCE_DIR "/docs/reference/trace.md");
    std::vector<std::string> rows;
    bool within = false;
    for (std::string line; std::getline(file, line);) {
        within = line.starts_with("#") ? line == "## The figures of a run" : within;
        if (within && line.starts_with("| `")) {
            rows.push_back(line.substr(0, line.find('|', line.find('|', 1) + 1) + 1));
        }
    }
    return rows;
}

TEST(RunFigures, are_described_in_the_manual_with_their_units_and_in_order) {
    std::vector<std::string> expected;
    for (const RunFigure& figure : kRunFigures) {
        const char* const collected = figure.use == RunFigure::Use::json ? "" : " (c)";
        expected.push_back(fmt::format("| `{}`{} | {} |", figure.name, collected, figure.unit));
    }
    EXPECT_EQ(rows_in_the_manual(), expected);
}

TEST(RunFigures, have_distinct_names_that_end_in_their_unit_of_time) {
    std::set<std::string_view> names;
    for (const RunFigure& figure : kRunFigures) {
        EXPECT_TRUE(names.insert(figure.name).second) << figure.name;
        EXPECT_EQ(figure.name.ends_with("_ns"), figure.unit == "ns") << figure.name;
        EXPECT_EQ(figure.name.starts_with("bytes_"), figure.unit == "B") << figure.name;
    }
}

TEST(RunFigures, are_missing_if_the_summary_has_none) {
    Summary summary;
    EXPECT_EQ(figure_named("time_per_output_token_ns").of(summary), Figure());
    EXPECT_EQ(figure_named("virtual_time_ns").of(summary), Figure(std::int64_t{0}));
    summary.time_per_output_token = 7;
    EXPECT_EQ(figure_named("time_per_output_token_ns").of(summary), Figure(std::int64_t{7}));
}

TEST(RunFigures, are_of_the_kind_that_they_say) {
    const Summary summary;
    for (const RunFigure& figure : kRunFigures) {
        const Figure value = figure.of(summary);
        if (!std::holds_alternative<std::monostate>(value)) {
            const bool real = figure.kind() == FigureColumn::Kind::real;
            EXPECT_EQ(std::holds_alternative<double>(value), real) << figure.name;
        }
    }
}

} // namespace
} // namespace headroom::trace
