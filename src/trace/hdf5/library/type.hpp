// Creates and examines HDF5 types and dataspaces. layout.hpp says which members the type of a row
// has.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "trace/hdf5/library/handle.hpp"
#include "trace/hdf5/library/layout.hpp"

namespace headroom::trace::h5 {

using Extent = std::vector<hsize_t>; ///< size of each dimension; empty for a scalar

[[nodiscard]] Type number_type(FieldType type);
/// Returns the type of a fixed-length UTF-8 string of `bytes` bytes, padded with NUL.
[[nodiscard]] Type text_type(std::size_t bytes);
[[nodiscard]] Type compound_type(const Layout& layout);

/// Returns the type of a member of a compound type; nothing if there is no such member.
[[nodiscard]] std::optional<Type> member_type(const Type& compound, const std::string& member);
[[nodiscard]] std::size_t size_of(const Type& type);
[[nodiscard]] bool has_class(const Type& type, H5T_class_t wanted);
/// Returns whether the type is a string of fixed length.
[[nodiscard]] bool is_text(const Type& type);
/// Returns whether both types are the same, so that values need no conversion.
[[nodiscard]] bool is_same(const Type& type, const Type& other);

/// Returns a dataspace of fixed size or, with `growing`, one whose first dimension can grow.
[[nodiscard]] Space make_space(const Extent& size, bool growing = false);
[[nodiscard]] Extent extent_of(const Space& space);
/// Selects indices [first, first + count) of the first dimension and all indices of the others.
void select_rows(Space& space, hsize_t first, hsize_t count);

} // namespace headroom::trace::h5
