#include "trace/hdf5/summary_file.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/library/attribute.hpp"
#include "trace/hdf5/library/crash_guard.hpp"
#include "trace/hdf5/library/file.hpp"
#include "trace/hdf5/library/layout.hpp"
#include "trace/hdf5/library/untrusted.hpp"

namespace headroom::trace {

namespace {

constexpr const char* kSummary = "summary";
constexpr const char* kDescription =
    "one row per trace; texts are empty, integers -1 and reals NaN where there is nothing";

/// Returns the bytes of the longest text, at least 1 because HDF5 has no strings of 0 bytes.
std::size_t width_of(const FigureColumn& column) {
    std::size_t width = 1;
    for (const Figure& figure : column.values) {
        if (const auto* const text = std::get_if<std::string>(&figure)) {
            width = std::max(width, text->size());
        }
    }
    return width;
}

Layout layout_of(const FigureTable& table) {
    Layout layout;
    for (const FigureColumn& column : table.columns) {
        switch (column.kind) {
        case FigureColumn::Kind::text:
            layout.add(column.name, FieldType::text, width_of(column), column.unit.c_str());
            break;
        case FigureColumn::Kind::integer:
            layout.add(column.name, FieldType::i64, sizeof(std::int64_t), column.unit.c_str());
            break;
        case FigureColumn::Kind::real:
            layout.add(column.name, FieldType::f64, sizeof(double), column.unit.c_str());
            break;
        }
    }
    return layout;
}

void put_figure(ByteBuffer& bytes, const Field& field, const Figure& figure) {
    if (field.type == FieldType::i64) {
        const auto* const value = std::get_if<std::int64_t>(&figure);
        const std::int64_t number = value == nullptr ? -1 : *value;
        put_bytes(bytes, &number, sizeof number);
    } else if (field.type == FieldType::f64) {
        const auto* const value = std::get_if<double>(&figure);
        const double number = value == nullptr ? std::numeric_limits<double>::quiet_NaN() : *value;
        put_bytes(bytes, &number, sizeof number);
    } else {
        const auto* const value = std::get_if<std::string>(&figure);
        const std::size_t size = value == nullptr ? 0 : value->size();
        put_bytes(bytes, value == nullptr ? nullptr : value->data(), size);
        bytes.resize(bytes.size() + field.bytes - size);
    }
}

} // namespace

void write_summary_file(const std::string& path, const FigureTable& table) {
    h5::prepare_library();
    h5::File file = h5::create_file(path, true);
    const Layout layout = layout_of(table);
    const h5::Type type = h5::compound_type(layout);
    h5::Dataset dataset = h5::create_dataset(file, type, {kSummary, {table.rows()}});
    std::vector<std::string> units;
    for (const Field& field : layout.fields) {
        units.push_back(field.unit);
    }
    h5::write_attribute(dataset.get(), "description", std::string(kDescription));
    h5::write_attribute(dataset.get(), "units", units);
    ByteBuffer bytes;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        for (std::size_t c = 0; c < layout.fields.size(); ++c) {
            put_figure(bytes, layout.fields[c], table.columns[c].values[row]);
        }
    }
    if (!bytes.empty()) {
        h5::write_rows(dataset, type, 0, table.rows(), bytes.data());
    }
    dataset.close();
    file.close();
}

bool is_summary_file(const std::string& path) {
    h5::prepare_library();
    try {
        h5::check_ordinary(path);
        const h5::CrashGuard guard(path);
        return h5::has_dataset(h5::open_file(path, false), kSummary);
    } catch (const InputError&) {
        return false;
    } catch (const EnvironmentError&) {
        return false;
    }
}

} // namespace headroom::trace
