#include "base/weight_type.hpp"

#include "base/check.hpp"

namespace headroom {

const WeightFormat& format_of(WeightType type) {
    for (const WeightFormat& format : kWeightFormats) {
        if (format.type == type) {
            return format;
        }
    }
    HEADROOM_CHECK(false, "weight type {}", static_cast<int>(type));
}

Bytes row_bytes(WeightType type, std::int64_t columns) {
    const WeightFormat& format = format_of(type);
    HEADROOM_CHECK(
        columns > 0 && columns % format.elements == 0, "{} columns of {}", columns, format.name
    );
    return columns / format.elements * format.bytes;
}

std::string_view name_of(WeightType type) {
    return format_of(type).name;
}

} // namespace headroom
