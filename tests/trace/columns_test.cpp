// Every field of every row has a column. Writing, reading and comparing use only the columns.
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "trace/records/columns.hpp"

namespace headroom::trace {
namespace {

/// Converts to any type. An aggregate can be initialised with as many of these as it has fields.
struct Anything {
    template <class T>
    operator T() const;
};

template <class Row, class... Fields>
constexpr std::size_t field_count() {
    if constexpr (requires { Row{Fields{}..., Anything{}}; }) {
        return field_count<Row, Fields..., Anything>();
    } else {
        return sizeof...(Fields);
    }
}

template <class Row>
constexpr std::size_t column_count() {
    return std::tuple_size_v<decltype(Table<Row>::columns)>;
}

struct Three {
    int a;
    double b;
    std::string c;
};
static_assert(field_count<Three>() == 3);

template <class Row>
class Columns : public testing::Test {};

using AllRows = testing::Types<
    DeviceRow,
    LinkRow,
    BlockRow,
    ModelRow,
    LayerRow,
    PromptRow,
    IntervalRow,
    ResourceRow,
    LinkStateRow,
    MigrationRow,
    TurnRow,
    TokenRow,
    RequestRow,
    OpRow,
    MessageRow,
    EventRow>;
TYPED_TEST_SUITE(Columns, AllRows);

TYPED_TEST(Columns, are_as_many_as_the_row_has_fields) {
    EXPECT_EQ(column_count<TypeParam>(), field_count<TypeParam>()) << Table<TypeParam>::name;
}

TYPED_TEST(Columns, have_distinct_names_and_a_unit) {
    std::set<std::string> names;
    for_each_column<TypeParam>([&](const auto& column) {
        EXPECT_TRUE(names.insert(column.name).second) << column.name;
        EXPECT_NE(std::string(column.unit), "") << column.name;
    });
}

/// Returns the manual's section on a table, from its heading to the next.
std::string manual_section(const std::string& table) {
    std::ifstream file(HEADROOM_SOURCE_DIR "/docs/reference/trace.md");
    std::ostringstream manual;
    manual << file.rdbuf();
    const std::string all = manual.str();
    const std::size_t begin = all.find("\n### /" + table + "\n");
    return begin == std::string::npos ? "" : all.substr(begin, all.find("\n#", begin + 1) - begin);
}

TYPED_TEST(Columns, are_described_in_the_manual_with_their_units) {
    const std::string section = manual_section(Table<TypeParam>::name);
    for_each_column<TypeParam>([&]<class T>(const Column<TypeParam, T>& column) {
        const std::string name = column.name;
        const std::size_t plain = section.find("`" + name + "`");
        const std::size_t pooled = section.find("`" + name + "_offset`");
        const std::size_t place = std::min(plain, pooled);
        ASSERT_NE(place, std::string::npos) << name;
        const std::string line = section.substr(place, section.find('\n', place) - place);
        const std::string unit = pooled == std::string::npos ? column.unit : "B";
        EXPECT_NE(line.find("| " + unit + " |"), std::string::npos) << line;
    });
}

TEST(TheManual, does_not_describe_a_table_that_does_not_exist) {
    EXPECT_EQ(manual_section("no_such_table"), "");
}

} // namespace
} // namespace headroom::trace
