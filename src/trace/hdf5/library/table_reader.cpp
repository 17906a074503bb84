#include "trace/hdf5/library/table_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/library/attribute.hpp"

namespace headroom::trace::h5 {

namespace {

std::size_t rows_of(const Dataset& dataset) {
    const Extent size = extent_of(dataset);
    return size.empty() ? 0 : size.front();
}

/// Returns the first `rows` rows of a dataset as bytes of type `memory`. The dataset must have at
/// least `rows` rows and exactly `width` columns (1 for a table or list).
ByteBuffer read_first_rows(
    UntrustedFile& file,
    const Dataset& dataset,
    const Type& memory,
    std::size_t rows,
    std::size_t width,
    const std::string& name
) {
    const Extent size = extent_of(dataset);
    if (size.empty() || size.size() > 2 || size.front() < rows) {
        throw InputError(fmt::format("damaged: /{} has not the {} rows it should", name, rows));
    }
    if ((size.size() == 2 ? size.back() : 1) != width) {
        throw InputError(fmt::format("damaged: /{} has not the {} columns it should", name, width));
    }
    const std::size_t element = std::max(size_of(memory), size_of(type_of(dataset)));
    file.count_read(dataset, name, rows, static_cast<hsize_t>(element) * width);
    ByteBuffer bytes(rows * width * size_of(memory));
    if (!bytes.empty()) {
        read_rows(dataset, memory, 0, rows, bytes.data());
    }
    return bytes;
}

} // namespace

ByteBuffer read_numbers(
    UntrustedFile& file,
    const char* name,
    FieldType type,
    std::optional<std::size_t> rows,
    std::size_t width
) {
    const Dataset dataset = file.dataset(name);
    const Type memory = number_type(type);
    if (!is_same(type_of(dataset), memory)) {
        throw InputError(fmt::format("damaged: /{} has another type than it should", name));
    }
    return read_first_rows(file, dataset, memory, rows.value_or(rows_of(dataset)), width, name);
}

TableReader::TableReader(UntrustedFile& file, std::string name)
    : file_(&file), name_(std::move(name)), dataset_(file.dataset(name_)),
      file_type_(type_of(dataset_)) {
    if (!has_class(file_type_, H5T_COMPOUND)) {
        throw InputError(fmt::format("damaged: /{} is not a table", name_));
    }
}

std::size_t TableReader::rows() const {
    return rows_of(dataset_);
}

ByteBuffer TableReader::read(std::size_t rows) const {
    bool may_lack = false;
    for (const Field& field : layout_.fields) {
        const std::optional<Type> found = member_type(file_type_, field.name);
        may_lack = may_lack || field.name == optional_;
        if (!found && may_lack) {
            continue; // HDF5 leaves its bytes in the buffer as they are, 0
        }
        if (!found) {
            throw InputError(fmt::format("damaged: /{} has no column {}", name_, field.name));
        }
        const bool same = field.type == FieldType::text
                              ? is_text(*found) && size_of(*found) == field.bytes
                              : is_same(*found, number_type(field.type));
        if (!same) {
            throw InputError(
                fmt::format("damaged: column {} of /{} has another type", field.name, name_)
            );
        }
    }
    return read_first_rows(*file_, dataset_, compound_type(layout_), rows, 1, name_);
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
