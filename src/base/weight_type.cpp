#include "base/weight_type.hpp"

#include "base/check.hpp"

namespace headroom {

std::int64_t block_elements(WeightType type) {
    switch (type) {
    case WeightType::f32:
    case WeightType::f16:
    case WeightType::bf16:
        return 1;
    case WeightType::q8_0:
    case WeightType::q4_0:
        return 32;
    }
    HEADROOM_CHECK(false, "weight type {}", static_cast<int>(type));
}

Bytes block_bytes(WeightType type) {
    switch (type) {
    case WeightType::f32:
        return 4;
    case WeightType::f16:
    case WeightType::bf16:
        return 2;
    case WeightType::q8_0:
        return 34;
    case WeightType::q4_0:
        return 18;
    }
    HEADROOM_CHECK(false, "weight type {}", static_cast<int>(type));
}

Bytes row_bytes(WeightType type, std::int64_t columns) {
    const std::int64_t block = block_elements(type);
    HEADROOM_CHECK(columns > 0 && columns % block == 0, "{} columns of {}", columns, name_of(type));
    return columns / block * block_bytes(type);
}

std::string_view name_of(WeightType type) {
    switch (type) {
    case WeightType::f32:
        return "f32";
    case WeightType::q8_0:
        return "q8_0";
    case WeightType::f16:
        return "f16";
    case WeightType::bf16:
        return "bf16";
    case WeightType::q4_0:
        return "q4_0";
    }
    HEADROOM_CHECK(false, "weight type {}", static_cast<int>(type));
}

std::optional<WeightType> weight_type_named(std::string_view name) {
    for (const WeightType type : kWeightTypes) {
        if (name == name_of(type)) {
            return type;
        }
    }
    return std::nullopt;
}

} // namespace headroom
