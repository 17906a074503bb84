// Norm, rope, attention and addition of the reference level, and its table.
#include <algorithm>
#include <cmath>

#include "kernels/quants.hpp"
#include "kernels/reference/reference.hpp"

namespace headroom::kernels::reference {

void rms_norm(const float* x, const float* weight, float epsilon, std::int64_t width, float* y) {
    const float mean = dot(x, x, width) / static_cast<float>(width);
    const float inverse = 1.0F / std::sqrt(mean + epsilon);
    for (std::int64_t i = 0; i < width; ++i) {
        y[i] = x[i] * inverse * weight[i];
    }
}

namespace {

void rotate(float& a, float& b, float cosine, float sine) {
    const float first = a;
    const float second = b;
    a = first * cosine - second * sine;
    b = first * sine + second * cosine;
}

} // namespace

void rope(
    float* x,
    std::int64_t heads,
    std::int64_t head_width,
    std::int64_t rotated,
    const float* cosines,
    const float* sines
) {
    for (std::int64_t h = 0; h < heads; ++h) {
        float* head = x + h * head_width;
        for (std::int64_t i = 0; i < rotated / 2; ++i) {
            rotate(head[2 * i], head[2 * i + 1], cosines[i], sines[i]);
        }
    }
}

void rope_halves(
    float* x,
    std::int64_t heads,
    std::int64_t head_width,
    std::int64_t rotated,
    const float* cosines,
    const float* sines
) {
    const std::int64_t half = rotated / 2;
    for (std::int64_t h = 0; h < heads; ++h) {
        float* head = x + h * head_width;
        for (std::int64_t i = 0; i < half; ++i) {
            rotate(head[i], head[half + i], cosines[i], sines[i]);
        }
    }
}

namespace {

/// The key and the value of one row.
struct StoredRow {
    const std::byte* key;
    const std::byte* value;
};

StoredRow row_at(const Attention& attention, std::int64_t t) {
    const Bytes bytes = row_bytes(attention.type, attention.head_width);
    const ChunkRows& chunk = attention.chunk;
    if (chunk.keys != nullptr && t >= chunk.first) {
        const Bytes at = (t - chunk.first) * bytes;
        return {chunk.keys + at, chunk.values + at};
    }
    const std::int64_t page = t / kPageRows;
    const std::byte* const keys =
        attention.pages[attention.ring > 0 ? page % attention.ring : page];
    return {keys + t % kPageRows * bytes, keys + (kPageRows + t % kPageRows) * bytes};
}

/// Sets scores[t] = query · key[t] for all rows that are attended to.
void score(const Attention& attention, const float* query) {
    for (std::int64_t t = attention.first; t < attention.context; ++t) {
        const Matrix key{
            .type = attention.type,
            .data = row_at(attention, t).key,
            .rows = 1,
            .columns = attention.head_width,
        };
        multiply(key, query, attention.head_width, 1, attention.scores + t, 0);
    }
}

/// Returns element i of a stored row. The conversion is exact.
template <WeightType kType>
float element(const std::byte* row, std::int64_t i) {
    constexpr WeightFormat kFormat = kFormatOf<kType>;
    if constexpr (kFormat.elements == 1) {
        return Stored<kType>::at(row, i);
    } else {
        const std::byte* block = row + i / kFormat.elements * kFormat.bytes;
        return half_at(block) * static_cast<float>(Stored<kType>::at(block, i % kFormat.elements));
    }
}

/// Sets out = Σ_t scores[t] · value[t].
template <WeightType kType>
void weigh_values(const Attention& attention, float* out) {
    const std::int64_t d = attention.head_width;
    std::fill_n(out, d, 0.0F);
    for (std::int64_t t = attention.first; t < attention.context; ++t) {
        const std::byte* const value = row_at(attention, t).value;
        for (std::int64_t i = 0; i < d; ++i) {
            out[i] = std::fma(attention.scores[t], element<kType>(value, i), out[i]);
        }
    }
}

} // namespace

void attention(const Attention& attention) {
    const std::int64_t d = attention.head_width;
    const float scale =
        attention.scale != 0 ? attention.scale : 1.0F / std::sqrt(static_cast<float>(d));
    float* const scores = attention.scores + attention.first;
    const std::int64_t rows = attention.context - attention.first;
    for (std::int64_t h = 0; h < attention.heads; ++h) {
        score(attention, attention.queries + h * d);
        for (std::int64_t t = 0; t < rows; ++t) {
            scores[t] *= scale;
        }
        if (attention.softcap > 0) {
            softcap(scores, rows, attention.softcap);
        }
        softmax(scores, rows);
        float* out = attention.out + h * d;
        visit_weight_type(
            attention.type,
            [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
                if constexpr (kIsCacheType<kType>) {
                    weigh_values<kType>(attention, out);
                }
            }
        );
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
    .rope_halves = rope_halves,
    .attention = attention,
    .silu_gate = silu_gate,
    .gelu_gate = gelu_gate,
    .softcap = softcap,
    .softmax = softmax,
    .add = add,
};

} // namespace headroom::kernels::reference
