// Every field of every row has a column. Writing, reading and comparing use only the columns.
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "trace/records/columns.hpp"
#include "trace/records/model_rows.hpp"

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

template <class Row, class Fields>
void expect_names_of_columns(const Fields& fields) {
    std::vector<std::string> names;
    std::apply([&](const auto&... field) { (names.emplace_back(field.name), ...); }, fields);
    std::vector<std::string> columns;
    for_each_column<Row>([&](const auto& column) { columns.emplace_back(column.name); });
    EXPECT_EQ(names, columns);
}

TEST(ModelRows, have_a_column_for_each_field_of_the_shape) {
    expect_names_of_columns<ModelRow>(kShapeFields);
    expect_names_of_columns<LayerRow>(kLayerTypeFields);
    EXPECT_EQ(field_count<LayerTypes>(), std::tuple_size_v<decltype(kLayerTypeFields)>);
    // layer_types is in the rows of /layers.
    EXPECT_EQ(field_count<ModelShape>(), std::tuple_size_v<decltype(kShapeFields)> + 1);
}

TEST(ModelRows, keep_the_numbers_that_older_traces_have_for_weight_types) {
    const std::string_view names[] = {
        "f32",
        "q8_0",
        "f16",
        "bf16",
        "q4_0",
        "q4_1",
        "q5_0",
        "q5_1",
        "q2_k",
        "q3_k",
        "q4_k",
        "q5_k",
        "q6_k",
        "iq4_nl",
        "iq4_xs",
        "mxfp4"};
    ASSERT_EQ(kWeightTypes.size(), std::size(names));
    for (std::size_t i = 0; i < std::size(names); ++i) {
        EXPECT_EQ(name_of(static_cast<WeightType>(i)), names[i]) << i;
    }
}

TEST(ModelRows, keep_every_field) {
    ModelShape shape;
    shape.layers = 2;
    shape.heads = 4;
    shape.kv_heads = 2;
    shape.width = 64;
    shape.ffn_width = 96;
    shape.gated = false;
    shape.vocabulary = 300;
    shape.context = 77;
    shape.layer_types = {LayerTypes::all(WeightType::f16), LayerTypes::all(WeightType::q8_0)};
    shape.layer_types[1].down = WeightType::q4_0;
    shape.embed_type = shape.lm_head_type = WeightType::bf16;
    shape.kv_type = WeightType::f16;
    shape.tied = true;
    RunHeader header;
    add_model_rows(shape, header);
    EXPECT_EQ(recorded_shape(header), shape);
    shape.tied = shape.has_ends = shape.norms = false;
    shape.lm_head_type = WeightType::q8_0;
    header.model.clear();
    header.layers.clear();
    add_model_rows(shape, header);
    EXPECT_EQ(recorded_shape(header), shape);
    header.layers[0].q = 99;
    EXPECT_THROW((void)recorded_shape(header), InputError);
}

} // namespace
} // namespace headroom::trace
