// HDF5 types and shapes, made from layouts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "trace/hdf5/library/handle.hpp"
#include "trace/hdf5/library/layout.hpp"

namespace headroom::trace::h5 {

using Extent = std::vector<hsize_t>; ///< size per dimension; empty: one scalar

[[nodiscard]] Type number_type(FieldType type);
/// Fixed UTF-8 string of `bytes` bytes, NUL padded.
[[nodiscard]] Type text_type(std::size_t bytes);
[[nodiscard]] Type compound_type(const Layout& layout);

/// The type of a member of a compound type; nothing if there is no such member.
[[nodiscard]] std::optional<Type> member_type(const Type& compound, const std::string& member);
[[nodiscard]] std::size_t size_of(const Type& type);
[[nodiscard]] bool is_compound(const Type& type);
[[nodiscard]] bool is_text(const Type& type);
[[nodiscard]] bool is_integer(const Type& type);
/// Whether nothing need be converted from one to the other.
[[nodiscard]] bool is_same(const Type& type, const Type& other);

/// A space of fixed size, or (`growing`) one whose first dimension may grow without limit.
[[nodiscard]] Space make_space(const Extent& size, bool growing = false);
[[nodiscard]] Extent extent_of(const Space& space);
/// Selects rows [first, first + count) of the first dimension, everything in the others.
void select_rows(Space& space, hsize_t first, hsize_t count);

} // namespace headroom::trace::h5
