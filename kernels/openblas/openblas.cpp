// F32 matrix times vectors by OpenBLAS, made row- and batch-invariant. One sgemv per token (sgemm
// has other bits than sgemv); every row goes through sgemv's four-row kernel, in pieces of at most
// kPiece columns, whatever else is in the call.
#include "kernels/openblas/openblas.hpp"

#include <cstring>

#include <cblas.h>

#include "kernels/reference/reference.hpp"

namespace headroom::kernels {

std::string_view openblas_core() {
    return openblas_get_corename();
}

namespace openblas {
namespace {

constexpr std::int64_t kRows = 4;     ///< sgemv's kernel for blocks of four rows
constexpr std::int64_t kPiece = 4096; ///< columns per call: 64 KiB of scratch for four rows
/// Rows of up to 8 columns go through kernels of their own, chosen by stride and number of rows
/// (measured, core SkylakeX); twice that keeps clear of them.
constexpr std::int64_t kShortest = 16;

/// Columns of the next piece when `left` ≥ kShortest remain: no piece may be shorter than that.
std::int64_t piece_of(std::int64_t left) {
    if (left <= kPiece) {
        return left;
    }
    return left - kPiece >= kShortest ? kPiece : kPiece - kShortest;
}

/// y[m] (+)= Σ_k w[m, k] · x[k] over one piece; `rows` is a multiple of kRows.
void sgemv(
    const float* w,
    std::int64_t stride,
    std::int64_t rows,
    std::int64_t columns,
    const float* x,
    bool first,
    float* y
) {
    cblas_sgemv(
        CblasRowMajor,
        CblasNoTrans,
        static_cast<blasint>(rows),
        static_cast<blasint>(columns),
        1.0F,
        w,
        static_cast<blasint>(stride),
        x,
        1,
        first ? 0.0F : 1.0F,
        y,
        1
    );
}

void whole_blocks(
    const float* w, std::int64_t rows, std::int64_t columns, const float* x, float* y
) {
    for (std::int64_t k = 0; k < columns;) {
        const std::int64_t piece = piece_of(columns - k);
        sgemv(w + k, columns, rows, piece, x + k, k == 0, y);
        k += piece;
    }
}

/// Fewer than kRows rows: copied, piece by piece, into a block that zero rows fill up.
void rest_of_rows(
    const float* w, std::int64_t rows, std::int64_t columns, const float* x, float* y
) {
    alignas(64) float block[kRows * kPiece];
    float sums[kRows] = {};
    for (std::int64_t k = 0; k < columns;) {
        const std::int64_t piece = piece_of(columns - k);
        for (std::int64_t r = 0; r < kRows; ++r) {
            const std::size_t bytes = static_cast<std::size_t>(piece) * sizeof(float);
            float* to = block + r * piece;
            if (r < rows) {
                std::memcpy(to, w + r * columns + k, bytes);
            } else {
                std::memset(to, 0, bytes);
            }
        }
        sgemv(block, piece, kRows, piece, x + k, k == 0, sums);
        k += piece;
    }
    std::memcpy(y, sums, static_cast<std::size_t>(rows) * sizeof(float));
}

const Kernels& best_own() {
    for (const Level level : {Level::avx512, Level::avx2}) {
        if (available(level)) {
            return kernels_for(level);
        }
    }
    return reference::kKernels;
}

void multiply(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
) {
    if (w.type != WeightType::f32 || w.columns < kShortest) {
        best_own().multiply(w, x, x_stride, n, y, y_stride);
        return;
    }
    const auto* weights = reinterpret_cast<const float*>(w.data);
    const std::int64_t whole = w.rows / kRows * kRows;
    for (std::int64_t t = 0; t < n; ++t) {
        const float* token = x + t * x_stride;
        float* out = y + t * y_stride;
        if (whole > 0) {
            whole_blocks(weights, whole, w.columns, token, out);
        }
        if (whole < w.rows) {
            rest_of_rows(
                weights + whole * w.columns, w.rows - whole, w.columns, token, out + whole
            );
        }
    }
}

} // namespace

const Kernels& kernels() {
    static const Kernels table = [] {
        openblas_set_num_threads(1); // more would split a row's sum between them
        Kernels own = best_own();
        own.level = Level::openblas;
        own.multiply = multiply;
        return own;
    }();
    return table;
}

} // namespace openblas
} // namespace headroom::kernels
