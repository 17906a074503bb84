// Texts that are too deep or too large are refused before they are parsed.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "config/sweep/sweep.hpp"
#include "config/toml/toml_limits.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kMany = 60'000; // overflowed the stack

std::string repeated(std::string_view part, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += part;
    }
    return text;
}

std::string dotted(std::size_t parts) {
    return "a" + repeated(".a", parts - 1);
}

TEST(TomlLimits, refuse_deep_keys_tables_and_lists) {
    const std::vector<std::string> texts = {
        dotted(kMany) + " = 1",
        "[" + dotted(kMany) + "]",
        "[[" + dotted(kMany) + "]]",
        "x = { " + dotted(kMany) + " = 1 }",
        "\"a\"" + repeated(" . 'a'", kMany) + " = 1",
        "x = " + repeated("[", kMany) + repeated("]", kMany),
        "x = " + repeated("{ a = ", kMany),
        "x = " + repeated("[{ a = ", kMany),
        "x = [\n" + repeated("[ # deeper\n", kMany),
    };
    for (const std::string& text : texts) {
        EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("expected at most 16")))
            << text.substr(0, 40);
        EXPECT_THROW((void)parse_sweep(text, "s.toml"), InputError) << text.substr(0, 40);
    }
}

TEST(TomlLimits, report_the_position) {
    const std::optional<ExceededLimit> excess =
        find_exceeded_limit("# a.b\nx = 'é'\ny = ['é', " + repeated("[", 16));
    ASSERT_TRUE(excess);
    EXPECT_EQ(excess->line, 3U);
    EXPECT_EQ(excess->column, 26U);
}

TEST(TomlLimits, admit_all_valid_files) {
    const std::vector<std::string> texts = {
        dotted(kMaxKeyParts) + " = 1",
        "[" + dotted(kMaxKeyParts) + "]\n" + dotted(kMaxKeyParts) + " = 1",
        "x = " + repeated("[", kMaxNesting) + repeated("]", kMaxNesting),
        repeated("x = [1.5, 2.5, { a.b = 1.5 }]\n", 100),
        repeated("x.y = 1.5, ", 100),
    };
    for (const std::string& text : texts) {
        EXPECT_FALSE(find_exceeded_limit(text)) << text;
    }
}

TEST(TomlLimits, ignore_texts_and_comments) {
    const std::string much = repeated("[", 50) + repeated(".", 50);
    const std::vector<std::string> texts = {
        "# " + much,
        "x = \"" + much + "\"",
        "x = \"\\\"" + much + "\"",
        "x = '\\'\ny = '" + much + "'",
        "x = \"\"\"\n\"" + much + "\"\" \\\"\"\" " + much + "\"\"\"\"\"",
        "x = '''" + much + "\n" + much + "''''\ny = ''",
        "\"" + much + "\" = 1",
    };
    for (const std::string& text : texts) {
        EXPECT_FALSE(find_exceeded_limit(text)) << text;
        EXPECT_TRUE(find_exceeded_limit(text + "\nx = " + much)) << text;
    }
}

TEST(TomlLimits, limit_the_size_of_a_file) {
    std::string text(kMaxTomlBytes, '\n');
    EXPECT_FALSE(find_exceeded_limit(text));
    text += '\n';
    const std::optional<ExceededLimit> excess = find_exceeded_limit(text);
    ASSERT_TRUE(excess);
    EXPECT_THAT(excess->text, HasSubstr("64 MiB"));
}

TEST(TomlLimits, apply_to_the_command_line) {
    const auto problems = problems_of(small_with(""), {.set = {dotted(kMany) + "=1"}});
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_THAT(problems.front(), testing::StartsWith("--set a.a.a"));
    EXPECT_THAT(problems.front(), HasSubstr("expected at most 16"));
    EXPECT_LT(problems.front().size(), 200U) << "the message shortens the key";
    // A value that is not TOML is a string, and may have any number of dots.
    EXPECT_EQ(problems_of(small_with(""), {.set = {"seed=" + repeated("[", kMany)}}).size(), 1U);
    const Scenario far =
        read(small_with(""), {.set = {"workload.prompts.0=" + repeated("../", 50)}});
    EXPECT_THAT(far.workload.prompts, ElementsAre(repeated("../", 50)));
}

} // namespace
} // namespace headroom::config
