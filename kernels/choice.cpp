// argmax, which turns logits into an id, and expand_row, which turns an id into its embedding.
#include <cmath>

#include "kernels/expand/expand.hpp"
#include "kernels/kernels.hpp"

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
    expand(w.type, w.data + row * row_bytes(w.type, w.columns), w.columns, out);
}

} // namespace headroom::kernels
