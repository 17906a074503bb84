#include "trace/hdf5/library/type.hpp"

namespace headroom::trace::h5 {

namespace {

hid_t native_type(FieldType type) {
    switch (type) {
    case FieldType::i32:
        return H5T_NATIVE_INT32;
    case FieldType::i64:
        return H5T_NATIVE_INT64;
    case FieldType::u64:
        return H5T_NATIVE_UINT64;
    case FieldType::f64:
        return H5T_NATIVE_DOUBLE;
    case FieldType::u8:
        return H5T_NATIVE_UINT8;
    case FieldType::text:
        return H5T_C_S1;
    }
    return H5I_INVALID_HID;
}

} // namespace

Type number_type(FieldType type) {
    return Type(checked(H5Tcopy(native_type(type)), "H5Tcopy"));
}

Type text_type(std::size_t bytes) {
    Type type = number_type(FieldType::text);
    checked(H5Tset_size(type.get(), bytes), "H5Tset_size");
    checked(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "H5Tset_strpad");
    checked(H5Tset_cset(type.get(), H5T_CSET_UTF8), "H5Tset_cset");
    return type;
}

Type compound_type(const Layout& layout) {
    Type compound(checked(H5Tcreate(H5T_COMPOUND, layout.row_bytes), "H5Tcreate"));
    for (const Field& field : layout.fields) {
        const Type member =
            field.type == FieldType::text ? text_type(field.bytes) : number_type(field.type);
        checked(
            H5Tinsert(compound.get(), field.name.c_str(), field.offset, member.get()), "H5Tinsert"
        );
    }
    return compound;
}

std::optional<Type> member_type(const Type& compound, const std::string& member) {
    const int index = H5Tget_member_index(compound.get(), member.c_str());
    if (index < 0) {
        return std::nullopt;
    }
    return Type(checked(
        H5Tget_member_type(compound.get(), static_cast<unsigned>(index)), "H5Tget_member_type"
    ));
}

std::size_t size_of(const Type& type) {
    const std::size_t bytes = H5Tget_size(type.get());
    if (bytes == 0) {
        fail("H5Tget_size");
    }
    return bytes;
}

bool has_class(const Type& type, H5T_class_t wanted) {
    return checked(H5Tget_class(type.get()), "H5Tget_class") == wanted;
}

bool is_text(const Type& type) {
    return has_class(type, H5T_STRING) &&
           checked(H5Tis_variable_str(type.get()), "H5Tis_variable_str") == 0;
}

bool is_same(const Type& type, const Type& other) {
    return checked(H5Tequal(type.get(), other.get()), "H5Tequal") > 0;
}

Space make_space(const Extent& size, bool growing) {
    Extent max_size = size;
    if (growing) {
        max_size.front() = H5S_UNLIMITED;
    }
    return Space(checked(
        H5Screate_simple(static_cast<int>(size.size()), size.data(), max_size.data()),
        "H5Screate_simple"
    ));
}

Extent extent_of(const Space& space) {
    const int rank = checked(H5Sget_simple_extent_ndims(space.get()), "H5Sget_simple_extent_ndims");
    Extent size(static_cast<std::size_t>(rank));
    checked(
        H5Sget_simple_extent_dims(space.get(), size.data(), nullptr), "H5Sget_simple_extent_dims"
    );
    return size;
}

void select_rows(Space& space, hsize_t first, hsize_t count) {
    Extent counts = extent_of(space);
    Extent starts(counts.size(), 0);
    starts.front() = first;
    counts.front() = count;
    checked(
        H5Sselect_hyperslab(
            space.get(), H5S_SELECT_SET, starts.data(), nullptr, counts.data(), nullptr
        ),
        "H5Sselect_hyperslab"
    );
}

} // namespace headroom::trace::h5
