// What the kernel tests share: reproducible inputs, comparison of bits, the levels to try.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "kernels/kernels.hpp"

namespace headroom::kernels {

inline std::size_t size_of(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

/// Values in [−1, 1), mixed with a few zeros, subnormals and large ones if `harsh`.
inline std::vector<float> random_floats(std::int64_t n, std::uint64_t seed, bool harsh = false) {
    Random random(stream_seed(seed, "kernel test"));
    std::vector<float> values(size_of(n));
    for (float& value : values) {
        value = static_cast<float>(2.0 * random.unit() - 1.0);
        if (harsh) {
            const float factors[] = {1.0F, 0.0F, -0.0F, 1e-40F, 1e6F, 1e-20F};
            value *= factors[random.below(6)];
        }
    }
    return values;
}

inline std::byte byte_of(std::uint64_t value) {
    return static_cast<std::byte>(value & 0xFFU);
}

inline void put_16(std::byte* at, std::uint64_t bits) {
    at[0] = byte_of(bits);
    at[1] = byte_of(bits >> 8);
}

/// Stored rows of finite weights: F32 values in [−1, 1); F16, BF16 and the scales of blocks of both
/// signs from a few powers of two, a tenth of them subnormal (those of mxfp4 are 2⁻⁵ to 2²); all
/// other bytes over their whole range.
inline std::vector<std::byte> random_weights(
    WeightType type, std::int64_t rows, std::int64_t columns, std::uint64_t seed
) {
    std::vector<std::byte> data(size_of(rows * row_bytes(type, columns)));
    if (type == WeightType::f32) {
        const std::vector<float> values = random_floats(rows * columns, seed);
        std::memcpy(data.data(), values.data(), data.size());
        return data;
    }
    Random random(stream_seed(seed, "kernel test weights"));
    const bool wide = type == WeightType::bf16;
    const auto number = [&] {
        const std::uint64_t subnormal = random.below(wide ? 0x80 : 0x400);
        const std::uint64_t normal =
            wide ? 0x3D00 + random.below(0x300) : 0x1000 + random.below(0x2000);
        return (random.below(10) == 0 ? subnormal : normal) | (random.below(2) << 15);
    };
    const WeightFormat& format = format_of(type);
    const auto unit = size_of(format.bytes);
    for (std::size_t at = 0; at < data.size(); at += unit) {
        for (std::size_t i = 0; i < unit; ++i) {
            data[at + i] = byte_of(random.bits());
        }
        for (const std::size_t place : format.numbers) {
            if (type == WeightType::mxfp4) {
                data[at + place] = byte_of(122 + random.below(8));
            } else {
                put_16(&data[at + place], number());
            }
        }
    }
    return data;
}

/// `columns`, or the elements of a quantisation block of this type if those are more.
inline std::int64_t columns_for(WeightType type, std::int64_t columns) {
    return std::max(columns, format_of(type).elements);
}

/// Same bits, or both NaN (the sign and payload of a NaN are nobody's promise).
inline ::testing::AssertionResult same_bits(
    const std::vector<float>& left, const std::vector<float>& right
) {
    if (left.size() != right.size()) {
        return ::testing::AssertionFailure() << left.size() << " and " << right.size() << " values";
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
        const bool both_nan = std::isnan(left[i]) && std::isnan(right[i]);
        const bool same =
            std::bit_cast<std::uint32_t>(left[i]) == std::bit_cast<std::uint32_t>(right[i]);
        if (!both_nan && !same) {
            return ::testing::AssertionFailure()
                   << "at " << i << ": " << left[i] << " and " << right[i];
        }
    }
    return ::testing::AssertionSuccess();
}

/// A test per level; levels that this CPU or build lacks are skipped in sight.
class EachLevel : public ::testing::TestWithParam<Level> {
  protected:
    void SetUp() override {
        if (!available(GetParam())) {
            GTEST_SKIP() << "this CPU or build has no level " << name_of(GetParam());
        }
    }
    static const Kernels& kernels() { return kernels_for(GetParam()); }
};

inline std::string level_of(const ::testing::TestParamInfo<Level>& info) {
    return std::string(name_of(info.param));
}

inline const Kernels& reference_kernels() {
    return kernels_for(Level::reference);
}

} // namespace headroom::kernels
