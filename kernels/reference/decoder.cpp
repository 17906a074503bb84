// Norm, rope, attention and addition of the reference level, and its table.
#include <cmath>

#include "kernels/reference/reference.hpp"

namespace headroom::kernels::reference {

void rms_norm(const float* x, const float* weight, float epsilon, std::int64_t width, float* y) {
    const float mean = dot(x, x, width) / static_cast<float>(width);
    const float inverse = 1.0F / std::sqrt(mean + epsilon);
    for (std::int64_t i = 0; i < width; ++i) {
        y[i] = x[i] * inverse * weight[i];
    }
}

void rope(
    float* x, std::int64_t heads, std::int64_t head_width, const float* cosines, const float* sines
) {
    for (std::int64_t h = 0; h < heads; ++h) {
        float* head = x + h * head_width;
        for (std::int64_t i = 0; i < head_width / 2; ++i) {
            const float even = head[2 * i];
            const float odd = head[2 * i + 1];
            head[2 * i] = even * cosines[i] - odd * sines[i];
            head[2 * i + 1] = even * sines[i] + odd * cosines[i];
        }
    }
}

void attention(const Attention& attention) {
    const std::int64_t d = attention.head_width;
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    for (std::int64_t h = 0; h < attention.heads; ++h) {
        const float* query = attention.queries + h * d;
        float* out = attention.out + h * d;
        float* scores = attention.scores;
        for (std::int64_t t = 0; t < attention.context; ++t) {
            const float* key = attention.pages[t / kPageRows] + t % kPageRows * d;
            scores[t] = dot(query, key, d) * scale;
        }
        softmax(scores, attention.context);
        for (std::int64_t i = 0; i < d; ++i) {
            out[i] = 0.0F;
        }
        for (std::int64_t t = 0; t < attention.context; ++t) {
            const float* value = attention.pages[t / kPageRows] + (kPageRows + t % kPageRows) * d;
            for (std::int64_t i = 0; i < d; ++i) {
                out[i] = std::fma(scores[t], value[i], out[i]);
            }
        }
    }
}

void add(const float* a, const float* b, std::int64_t n, float* y) {
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] = a[i] + b[i];
    }
}

constexpr Kernels kKernels{
    .level = Level::reference,
    .multiply = multiply,
    .rms_norm = rms_norm,
    .rope = rope,
    .attention = attention,
    .silu_gate = silu_gate,
    .softmax = softmax,
    .add = add,
};

} // namespace headroom::kernels::reference
