#include "trace/records/model_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "trace/records/columns.hpp"

namespace headroom::trace {

namespace {

/// Calls visit(field, column) for each field of `fields` and the column of Row with its name.
template <class Row, class Fields, class Visit>
void for_each_pair(const Fields& fields, const Visit& visit) {
    static_assert(std::tuple_size_v<Fields> == std::tuple_size_v<decltype(Table<Row>::columns)>);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (visit(std::get<I>(fields), std::get<I>(Table<Row>::columns)), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<Fields>>());
}

/// The number of codes of an enum in a trace.
template <class Enum>
constexpr std::size_t kCodes = 0;
template <>
constexpr std::size_t kCodes<WeightType> = kWeightTypes.size();
template <>
constexpr std::size_t kCodes<QkNorm> = kQkNormNames.size();
template <>
constexpr std::size_t kCodes<NormPlace> = kNormPlaceNames.size();

template <class Row, class Fields, class Struct>
Row row_of(const Fields& fields, const Struct& values) {
    Row row;
    for_each_pair<Row>(fields, [&]<class T>(const auto& field, const Column<Row, T>& column) {
        row.*column.member = static_cast<T>(values.*field.member);
    });
    return row;
}

template <class Row, class Fields, class Struct>
void read_row(const Fields& fields, const Row& row, Struct& values) {
    for_each_pair<Row>(
        fields,
        [&]<class T>(const ShapeField<Struct, T>& field, const auto& column) {
            const auto value = row.*column.member;
            if constexpr (std::is_enum_v<T>) {
                if (value < 0 || static_cast<std::size_t>(value) >= kCodes<T>) {
                    throw InputError(fmt::format("damaged: {} {} is unknown", field.name, value));
                }
            }
            values.*field.member = static_cast<T>(value);
        }
    );
}

} // namespace

void add_model_rows(const ModelShape& shape, RunHeader& header) {
    header.model.push_back(row_of<ModelRow>(kShapeFields, shape));
    for (const LayerTypes& types : shape.layer_types) {
        header.layers.push_back(row_of<LayerRow>(kLayerTypeFields, types));
    }
}

ModelShape recorded_shape(const RunHeader& header) {
    ModelShape shape;
    for (const LayerRow& row : header.layers) {
        read_row(kLayerTypeFields, row, shape.layer_types.emplace_back());
    }
    read_row(kShapeFields, header.model.front(), shape);
    if (const std::vector<std::string> problems = shape.problems(); !problems.empty()) {
        throw InputError(fmt::format("damaged: /model: {}", fmt::join(problems, "; ")));
    }
    return shape;
}

} // namespace headroom::trace
