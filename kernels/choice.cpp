// argmax, which turns logits into an id, and expand_row, which turns an id into its embedding.
#include <cmath>
#include <cstring>

#include "kernels/definition.hpp"
#include "kernels/kernels.hpp"
#include "kernels/quants.hpp"

namespace headroom::kernels {

namespace {

/// Expands a row of quantisation blocks: each has a binary16 scale and 32 elements.
template <std::int64_t kBytes, class Quant>
void expand_blocks(const std::byte* block, std::int64_t columns, const Quant& quant, float* out) {
    constexpr std::int64_t kElements = 32;
    for (std::int64_t k = 0; k < columns; k += kElements, block += kBytes) {
        const float scale = half_at(block);
        for (std::int64_t i = 0; i < kElements; ++i) {
            out[k + i] = scale * static_cast<float>(quant(block, i));
        }
    }
}

} // namespace

std::int64_t argmax(std::span<const float> x) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {
        // NaN loses against everything that is not NaN; among equals the first stays.
        if (x[i] > x[best] || (std::isnan(x[best]) && !std::isnan(x[i]))) {
            best = i;
        }
    }
    return static_cast<std::int64_t>(best);
}

void expand_row(const Matrix& w, std::int64_t row, float* out) {
    const std::byte* data = w.data + row * stored_row_bytes(w.type, w.columns);
    switch (w.type) {
    case WeightType::f32:
        std::memcpy(out, data, static_cast<std::size_t>(w.columns) * sizeof(float));
        return;
    case WeightType::f16:
        for (std::int64_t k = 0; k < w.columns; ++k) {
            out[k] = half_at(data + 2 * k);
        }
        return;
    case WeightType::bf16:
        for (std::int64_t k = 0; k < w.columns; ++k) {
            out[k] = bfloat_at(data + 2 * k);
        }
        return;
    case WeightType::q8_0:
        expand_blocks<kQ8Bytes>(data, w.columns, q8_0_at, out);
        return;
    case WeightType::q4_0:
        expand_blocks<kQ4Bytes>(data, w.columns, q4_0_at, out);
        return;
    }
}

} // namespace headroom::kernels
