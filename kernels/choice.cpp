// argmax, which turns logits into an id, and expand_row, which turns an id into its embedding.
#include <cmath>

#include "kernels/kernels.hpp"
#include "kernels/quants.hpp"

namespace headroom::kernels {

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
    const std::byte* data = w.data + row * row_bytes(w.type, w.columns);
    visit_weight_type(w.type, [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
        constexpr WeightFormat kFormat = kFormatOf<kType>;
        for (std::int64_t k = 0; k < w.columns; ++k) {
            if constexpr (kFormat.elements == 1) {
                out[k] = Stored<kType>::at(data, k);
            } else {
                const std::byte* block = data + k / kFormat.elements * kFormat.bytes;
                const int quant = Stored<kType>::at(block, k % kFormat.elements);
                out[k] = half_at(block) * static_cast<float>(quant);
            }
        }
    });
}

} // namespace headroom::kernels
