// store_row, which writes rows of KV caches. It is compiled once, for every level.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/weight_type.hpp"
#include "kernels/definition.hpp"
#include "kernels/half.hpp"
#include "kernels/kernels.hpp"

namespace headroom::kernels {

namespace {

using Wrong = std::optional<std::int64_t>;

void put(std::byte* at, std::uint16_t bits) {
    at[0] = static_cast<std::byte>(bits & 0xFFU);
    at[1] = static_cast<std::byte>(bits >> 8);
}

/// Stores elements of 16 bits. `convert` returns the bits of a float. Stored bits are infinite or
/// NaN if all bits of the mask `exponent` are 1.
template <class Convert>
Wrong store_words(
    std::span<const float> x, std::uint32_t exponent, const Convert& convert, std::byte* out
) {
    Wrong wrong;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::uint16_t bits = convert(x[i]);
        put(out + 2 * i, bits);
        if ((bits & exponent) == exponent && !wrong) {
            wrong = static_cast<std::int64_t>(i);
        }
    }
    return wrong;
}

/// Returns the bits of the smallest binary16 that is not below x. x ≥ 0; NaN stays NaN.
std::uint16_t half_from(float x) {
    const std::uint16_t nearest = half_of(x);
    return static_cast<std::uint16_t>(half_to_float(nearest) < x ? nearest + 1 : nearest);
}

constexpr float kMostQuant = 127.0F;
constexpr float kMostHalf = 65504.0F;

/// Stores one quantisation block of Q8_0. Returns whether all of x is finite and its scale is.
bool store_block(std::span<const float> x, std::byte* out) {
    std::uint32_t magnitude = 0; // as integers, the bits of |x| have the order of the numbers
    for (const float value : x) {
        magnitude = std::max(magnitude, std::bit_cast<std::uint32_t>(value) & 0x7FFF'FFFFU);
    }
    const auto largest = std::bit_cast<float>(magnitude); // NaN is above infinity
    const float scale = half_to_float(half_from(largest / kMostQuant));
    if (!std::isfinite(scale)) {
        return false;
    }
    put(out, half_of(scale));
    for (std::size_t i = 0; i < x.size(); ++i) {
        const float quant = scale > 0.0F ? std::nearbyint(x[i] / scale) : 0.0F;
        out[static_cast<std::size_t>(kQuantsAt) + i] =
            static_cast<std::byte>(static_cast<std::int8_t>(quant));
    }
    return true;
}

Wrong store_blocks(std::span<const float> x, std::byte* out) {
    constexpr auto kBlock = static_cast<std::size_t>(kFormatOf<WeightType::q8_0>.elements);
    for (std::size_t i = 0; i < x.size(); i += kBlock) {
        const auto block = x.subspan(i, kBlock);
        if (!store_block(block, out)) {
            // The element that made the scale too large.
            const auto at = std::find_if(block.begin(), block.end(), [](float value) {
                return !(half_to_float(half_from(std::abs(value) / kMostQuant)) <= kMostHalf);
            });
            return static_cast<std::int64_t>(i) + (at - block.begin());
        }
        out += kFormatOf<WeightType::q8_0>.bytes;
    }
    return {};
}

} // namespace

Wrong store_row(WeightType type, std::span<const float> x, std::byte* out) {
    switch (type) {
    case WeightType::f16:
        return store_words(x, kFormatOf<WeightType::f16>.not_finite, half_of, out);
    case WeightType::bf16:
        return store_words(x, kFormatOf<WeightType::bf16>.not_finite, bfloat_of, out);
    case WeightType::q8_0:
        return store_blocks(x, out);
    default:
        std::memcpy(out, x.data(), x.size_bytes());
        return {};
    }
}

} // namespace headroom::kernels
