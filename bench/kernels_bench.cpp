// How fast the levels read weights: bytes of the matrix per second, one pass per iteration, beside
// a probe that only reads. 256 × 256 stays in L2, 4096 × 4096 in a large L3 or not at all,
// 65536 × 4096 F32 (1 GiB) in memory. OpenBLAS: set OPENBLAS_CORETYPE yourself (kernels.hpp).
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/random.hpp"
#include "kernels/kernels.hpp"

namespace headroom::kernels {
namespace {

struct Shape {
    std::int64_t rows;
    std::int64_t columns;
};

std::vector<float> some_floats(std::size_t n) {
    Random random(stream_seed(1, "bench"));
    std::vector<float> values(n);
    for (float& value : values) {
        value = static_cast<float>(random.unit() - 0.5);
    }
    return values;
}

/// Bytes on a 64-byte boundary, as the program keeps its weights: off it, every load of the avx512
/// level touches two cache lines.
class AlignedBytes {
  public:
    explicit AlignedBytes(std::size_t bytes)
        : storage_(bytes + kLine),
          offset_((kLine - reinterpret_cast<std::uintptr_t>(storage_.data()) % kLine) % kLine) {}
    [[nodiscard]] std::byte* data() { return storage_.data() + offset_; }
    [[nodiscard]] std::size_t size() const { return storage_.size() - kLine; }

  private:
    static constexpr std::size_t kLine = 64;
    std::vector<std::byte> storage_;
    std::size_t offset_;
};

/// Weights whose values do not matter for speed, but are no NaN and no subnormals.
AlignedBytes some_weights(WeightType type, Shape shape) {
    const auto bytes = static_cast<std::size_t>(row_bytes(type, shape.columns) * shape.rows);
    AlignedBytes aligned(bytes);
    std::byte* data = aligned.data();
    const auto unit = static_cast<std::size_t>(block_bytes(type));
    const float weight = 0.5F;
    for (std::size_t at = 0; at < bytes; at += unit) {
        if (type == WeightType::f32) {
            std::memcpy(&data[at], &weight, sizeof weight);
        } else {
            std::memset(&data[at], static_cast<int>(at % 97), unit);
            data[at] = std::byte{0};
            data[at + 1] = std::byte{0x3C}; // a scale of 1
        }
    }
    return aligned;
}

void multiply(benchmark::State& state, Level level, WeightType type, Shape shape, std::int64_t n) {
    AlignedBytes data = some_weights(type, shape);
    const Matrix w{type, data.data(), shape.rows, shape.columns};
    const auto x = some_floats(static_cast<std::size_t>(n * shape.columns));
    std::vector<float> y(static_cast<std::size_t>(n * shape.rows));
    const Kernels& kernels = kernels_for(level);
    for (auto _ : state) {
        kernels.multiply(w, x.data(), shape.columns, n, y.data(), shape.rows);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(data.size()));
}

/// Reads and adds 64-bit words in four streams of 16 KiB, as four rows are read: about as fast as
/// one core reads without doing anything else.
void read_only(benchmark::State& state, std::int64_t bytes) {
    constexpr std::size_t kRow = 2048;
    const std::vector<std::uint64_t> data(static_cast<std::size_t>(bytes) / 8, 1);
    for (auto _ : state) {
        std::uint64_t sums[8] = {};
        for (std::size_t at = 0; at < data.size(); at += 4 * kRow) {
            for (std::size_t i = 0; i < kRow; i += 2) {
                for (std::size_t row = 0; row < 4; ++row) {
                    sums[2 * row] += data[at + row * kRow + i];
                    sums[2 * row + 1] += data[at + row * kRow + i + 1];
                }
            }
        }
        benchmark::DoNotOptimize(sums);
    }
    state.SetBytesProcessed(state.iterations() * bytes);
}

void soft(benchmark::State& state, Level level) {
    auto x = some_floats(4096);
    for (auto _ : state) {
        kernels_for(level).softmax(x.data(), static_cast<std::int64_t>(x.size()));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(x.size()));
}

/// 8 query heads of width 128 over 1024 rows: bytes of keys and values per second.
void attend(benchmark::State& state, Level level) {
    const std::int64_t d = 128;
    const std::int64_t context = 1024;
    const auto cache = some_floats(static_cast<std::size_t>(2 * context * d));
    std::vector<const float*> pages;
    for (std::int64_t page = 0; page < context / kPageRows; ++page) {
        pages.push_back(cache.data() + page * 2 * kPageRows * d);
    }
    const auto queries = some_floats(static_cast<std::size_t>(8 * d));
    std::vector<float> scores(static_cast<std::size_t>(context));
    std::vector<float> out(queries.size());
    for (auto _ : state) {
        kernels_for(level).attention(
            {queries.data(), pages.data(), scores.data(), out.data(), 8, d, context}
        );
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * 8 * 2 * context * d * 4);
}

void register_multiply(Level level) {
    const std::string prefix = "multiply/" + std::string(name_of(level)) + "/";
    for (const WeightType type : {WeightType::f32, WeightType::q8_0}) {
        if (level == Level::openblas && type != WeightType::f32) {
            continue; // the same code as the best own level
        }
        for (const Shape shape : {Shape{256, 256}, Shape{4096, 4096}, Shape{65536, 4096}}) {
            for (const std::int64_t n : {1, 4, 32}) {
                const std::string name = prefix + std::string(name_of(type)) + "/" +
                                         std::to_string(shape.rows) + "x" +
                                         std::to_string(shape.columns) + "/n" + std::to_string(n);
                benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
                    multiply(state, level, type, shape, n);
                });
            }
        }
    }
}

const bool kRegistered = [] {
    for (const std::int64_t bytes : {256 * 1024, 64 << 20, 1 << 30}) {
        const std::string name = "read_only/" + std::to_string(bytes >> 10) + "KiB";
        benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
            read_only(state, bytes);
        });
    }
    for (const Level level : {Level::openblas, Level::avx2, Level::avx512}) {
        if (!available(level)) {
            continue;
        }
        register_multiply(level);
        const std::string name(name_of(level));
        benchmark::RegisterBenchmark(("softmax/" + name).c_str(), [=](benchmark::State& state) {
            soft(state, level);
        });
        benchmark::RegisterBenchmark(("attention/" + name).c_str(), [=](benchmark::State& state) {
            attend(state, level);
        });
    }
    return true;
}();

} // namespace
} // namespace headroom::kernels
