#include "trace/hdf5/table_reader.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/attribute.hpp"

namespace headroom::trace::h5 {

namespace {

std::size_t rows_of(const Dataset& dataset) {
    const Extent size = extent_of(dataset);
    return size.empty() ? 0 : size.front();
}

} // namespace

Dataset dataset_named(const File& file, const std::string& name) {
    if (!has_dataset(file, name)) {
        throw InputError(fmt::format("damaged: there is no /{}", name));
    }
    return open_dataset(file, name);
}

ByteBuffer read_first_rows(
    const Dataset& dataset, const Type& memory, std::size_t rows, const std::string& name
) {
    const Extent size = extent_of(dataset);
    if (size.empty() || size.size() > 2 || size.front() < rows) {
        throw InputError(fmt::format("damaged: /{} has not the {} rows it should", name, rows));
    }
    const std::size_t width = size.size() == 2 ? size.back() : 1;
    ByteBuffer bytes(rows * width * size_of(memory));
    if (rows > 0) {
        read_rows(dataset, memory, 0, rows, bytes.data());
    }
    return bytes;
}

ByteBuffer read_bytes(const File& file, const char* name, std::optional<std::size_t> size) {
    const Dataset dataset = dataset_named(file, name);
    const std::size_t count = size.value_or(rows_of(dataset));
    return read_first_rows(dataset, number_type(FieldType::u8), count, name);
}

TableReader::TableReader(const File& file, std::string name)
    : name_(std::move(name)), dataset_(dataset_named(file, name_)), file_type_(type_of(dataset_)) {
    if (!is_compound(file_type_)) {
        throw InputError(fmt::format("damaged: /{} is not a table", name_));
    }
}

std::size_t TableReader::rows() const {
    return rows_of(dataset_);
}

ByteBuffer TableReader::read(std::size_t rows) const {
    for (const Field& field : layout_.fields) {
        if (member_bytes(file_type_, field.name) == 0) {
            throw InputError(fmt::format("damaged: /{} has no column {}", name_, field.name));
        }
    }
    return read_first_rows(dataset_, compound_type(layout_), rows, name_);
}

void TableReader::add_codes(CodeNames& codes) const {
    constexpr std::string_view kEnding = "_codes";
    for (const auto& [name, names] : read_attributes(dataset_.get()).lists) {
        if (name.ends_with(kEnding)) {
            codes[name_ + "." + name.substr(0, name.size() - kEnding.size())] = names;
        }
    }
}

} // namespace headroom::trace::h5
