#include "trace/hdf5/library/attribute.hpp"

#include <algorithm>

#include "trace/hdf5/library/type.hpp"

namespace headroom::trace::h5 {

namespace {

void write(
    hid_t object, const std::string& name, const Type& type, const Extent& size, const void* data
) {
    const Space space = make_space(size);
    Attribute attribute(checked(
        H5Acreate2(object, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
        "H5Acreate2"
    ));
    checked(H5Awrite(attribute.get(), type.get(), data), "H5Awrite");
    attribute.close();
}

/// Concatenates texts, each padded with NUL to `width` bytes.
std::string padded(const std::vector<std::string>& texts, std::size_t width) {
    std::string all;
    for (const std::string& text : texts) {
        all += text;
        all.append(width - text.size(), '\0');
    }
    return all;
}

void read(const Attribute& attribute, const Type& memory, void* data) {
    checked(H5Aread(attribute.get(), memory.get(), data), "H5Aread");
}

/// Reads `n` texts without conversion.
std::vector<std::string> read_texts(const Attribute& attribute, const Type& type, std::size_t n) {
    const std::size_t width = size_of(type);
    std::string all(width * n, '\0');
    if (!all.empty()) {
        read(attribute, type, all.data());
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < n; ++i) {
        std::string& text = texts.emplace_back(all.substr(i * width, width));
        text.resize(text.find_last_not_of('\0') + 1); // without the padding
    }
    return texts;
}

/// Returns whether an attribute is small enough to have been written by the trace writer. Its
/// attributes lie in the header of their object, where HDF5 limits each to 64 KiB.
bool is_small(const Type& type, const Extent& size) {
    constexpr hsize_t kMaxBytes = hsize_t{64} << 10;
    return size_of(type) <= kMaxBytes &&
           (size.empty() || size.front() <= kMaxBytes / size_of(type));
}

void read_one(hid_t object, const std::string& name, Attributes& all) {
    const Attribute attribute(checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), "H5Aopen"));
    const Type type(checked(H5Aget_type(attribute.get()), "H5Aget_type"));
    const Extent size = extent_of(Space(checked(H5Aget_space(attribute.get()), "H5Aget_space")));
    if (size.size() > 1 || !is_small(type, size)) {
        return;
    }
    const bool is_integer = has_class(type, H5T_INTEGER) && size_of(type) <= sizeof(std::int64_t);
    if (is_text(type) && size.empty()) {
        all.texts[name] = read_texts(attribute, type, 1).front();
    } else if (is_text(type)) {
        all.lists[name] = read_texts(attribute, type, size.front());
    } else if (is_integer && size.empty()) {
        read(attribute, number_type(FieldType::i64), &all.numbers[name]);
    }
}

extern "C" herr_t append_name(hid_t, const char* name, const H5A_info_t*, void* data) {
    constexpr std::size_t kMaxAttributes = 1000;
    auto& names = *static_cast<std::vector<std::string>*>(data);
    names.emplace_back(name);
    return names.size() < kMaxAttributes ? 0 : 1;
}

} // namespace

void write_attribute(hid_t object, const std::string& name, const std::string& text) {
    const std::size_t width = std::max<std::size_t>(1, text.size());
    write(object, name, text_type(width), {}, padded({text}, width).data());
}

void write_attribute(hid_t object, const std::string& name, std::int64_t number) {
    write(object, name, number_type(FieldType::i64), {}, &number);
}

void write_attribute(hid_t object, const std::string& name, const std::vector<std::string>& texts) {
    std::size_t width = 1;
    for (const std::string& text : texts) {
        width = std::max(width, text.size());
    }
    write(object, name, text_type(width), {texts.size()}, padded(texts, width).data());
}

Attributes read_attributes(hid_t object) {
    std::vector<std::string> names;
    checked(
        H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, append_name, &names), "H5Aiterate2"
    );
    Attributes all;
    for (const std::string& name : names) {
        read_one(object, name, all);
    }
    return all;
}

} // namespace headroom::trace::h5
