// From logits to a token id, and from an id to its embedding row.
#include <cmath>
#include <cstring>

#include "kernels/definition.hpp"
#include "kernels/half.hpp"
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

std::int64_t sample(
    const Kernels& kernels, std::span<float> logits, float temperature, double unit
) {
    const std::int64_t likeliest = argmax(logits);
    // The maximum goes first: dividing by a small temperature then overflows to -inf only, which
    // is a probability of 0, never to +inf.
    const float largest = logits[static_cast<std::size_t>(likeliest)];
    for (float& logit : logits) {
        logit = (logit - largest) / temperature;
    }
    kernels.softmax(logits.data(), static_cast<std::int64_t>(logits.size()));
    double total = 0.0;
    for (const float probability : logits) {
        total += static_cast<double>(probability);
    }
    // `total` is 1 only up to rounding; scaling by it keeps the last ids from gaining or losing.
    const double target = unit * total;
    double cumulative = 0.0;
    std::int64_t last_possible = likeliest;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > 0.0F) {
            cumulative += static_cast<double>(logits[i]);
            last_possible = static_cast<std::int64_t>(i);
            if (cumulative > target) {
                break;
            }
        }
    }
    return last_possible;
}

void expand_row(const Matrix& w, std::int64_t row, float* out) {
    if (w.type == WeightType::f32) {
        const std::int64_t bytes = w.columns * std::int64_t{sizeof(float)};
        std::memcpy(out, w.data + row * bytes, static_cast<std::size_t>(bytes));
        return;
    }
    const std::byte* block = w.data + row * (w.columns / kQ8Elements * kQ8Bytes);
    for (std::int64_t k = 0; k < w.columns; k += kQ8Elements, block += kQ8Bytes) {
        const float scale = half_at(block);
        for (std::int64_t i = 0; i < kQ8Elements; ++i) {
            out[k + i] =
                scale * static_cast<float>(static_cast<std::int8_t>(block[kQ8QuantsAt + i]));
        }
    }
}

} // namespace headroom::kernels
