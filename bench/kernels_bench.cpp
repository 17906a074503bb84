// Measures how fast each kernel level reads weights, compared with a probe that only reads the same
// bytes. Kernel and probe alternate, so a computer that becomes slower slows both down. For
// OpenBLAS set the variable OPENBLAS_CORETYPE (see openblas_core_wanted in kernels.hpp).
#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/random.hpp"
#include "kernels/kernels.hpp"

namespace headroom::kernels {
namespace {

constexpr std::int64_t kColumns = 4096;
constexpr std::int64_t kCachedBytes = 256 << 10; ///< bytes of weights that stay in L2
constexpr std::int64_t kLargeBytes = 512 << 20;  ///< bytes of weights that no cache can hold
constexpr std::int64_t kBytesPerIteration = 16 << 20;

std::vector<float> random_floats(std::size_t n) {
    Random random(stream_seed(1, "bench"));
    std::vector<float> values(n);
    for (float& value : values) {
        value = static_cast<float>(random.unit() - 0.5);
    }
    return values;
}

/// Returns kLargeBytes of weights, aligned to 64 bytes like those of the program. Every byte is
/// 0x3C, so in every type each weight is a number between 0.01 and 64.
const std::byte* weights() {
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    static const std::vector<Line> lines = [] {
        std::vector<Line> filled(static_cast<std::size_t>(kLargeBytes) / sizeof(Line));
        std::memset(filled.data()->bytes, 0x3C, static_cast<std::size_t>(kLargeBytes));
        return filled;
    }();
    return lines.data()->bytes;
}

/// Reads all bytes in order and returns their sum, formed as eight partial sums. It was the fastest
/// of ten variants and reads about as fast as one core can.
std::uint64_t read_only(const std::byte* from, std::int64_t bytes) {
    using Words [[gnu::vector_size(16)]] = std::uint64_t;
    constexpr std::int64_t kLine = 64;
    constexpr std::int64_t kSums = 8;
    Words sums[kSums] = {};
    for (std::int64_t at = 0; at + kSums * kLine <= bytes; at += kSums * kLine) {
        for (std::int64_t i = 0; i < kLine; i += 16) {
            for (std::int64_t sum = 0; sum < kSums; ++sum) {
                Words words;
                std::memcpy(&words, from + at + sum * kLine + i, sizeof words);
                sums[sum] += words;
            }
        }
    }
    std::uint64_t total = 0;
    for (const Words& sum : sums) {
        total += sum[0] + sum[1];
    }
    return total;
}

/// Returns the CPU time of this thread in seconds. Time that other processes take is not part of
/// it.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Each iteration multiplies with kBytesPerIteration bytes of weights and then reads as many with
/// the probe; only the multiplication is timed. The counters are the bytes of weights per second of
/// the kernel and of the probe, their ratio, and the kernel's weights per second.
void multiply_bench(
    benchmark::State& state, Level level, WeightType type, std::int64_t bytes, std::int64_t n
) {
    const std::int64_t rows = bytes / row_bytes(type, kColumns);
    const std::int64_t used = rows * row_bytes(type, kColumns);
    const std::int64_t passes = std::max<std::int64_t>(1, kBytesPerIteration / used);
    const Matrix w{type, weights(), rows, kColumns};
    const auto x = random_floats(static_cast<std::size_t>(n * kColumns));
    std::vector<float> y(static_cast<std::size_t>(n * rows));
    const Kernels& kernels = kernels_for(level);
    double multiplying = 0.0;
    double reading = 0.0;
    for (auto _ : state) {
        const double start = cpu_seconds();
        for (std::int64_t pass = 0; pass < passes; ++pass) {
            kernels.multiply(w, x.data(), kColumns, n, y.data(), rows);
            benchmark::ClobberMemory();
        }
        const double between = cpu_seconds();
        for (std::int64_t pass = 0; pass < passes; ++pass) {
            benchmark::DoNotOptimize(read_only(weights(), used));
            benchmark::ClobberMemory();
        }
        state.SetIterationTime(between - start);
        multiplying += between - start;
        reading += cpu_seconds() - between;
    }
    const auto total = static_cast<double>(used * passes * state.iterations());
    state.counters["bytes/s"] = total / multiplying;
    state.counters["probe"] = total / reading;
    state.counters["of_probe"] = reading / multiplying;
    const auto row = static_cast<double>(row_bytes(type, kColumns));
    state.counters["weights/s"] = total / multiplying / row * static_cast<double>(kColumns);
}

void softmax_bench(benchmark::State& state, Level level) {
    auto x = random_floats(4096);
    for (auto _ : state) {
        kernels_for(level).softmax(x.data(), static_cast<std::int64_t>(x.size()));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(x.size()));
}

/// Measures the attention of 8 query heads of width 128 over 1024 cache rows. The counter is the
/// stored bytes of keys and values per second.
void attention_bench(benchmark::State& state, Level level, WeightType type) {
    const std::int64_t d = 128;
    const std::int64_t context = 1024;
    const Bytes bytes = row_bytes(type, d);
    const auto floats = random_floats(static_cast<std::size_t>(2 * context * d));
    std::vector<std::byte> cache(static_cast<std::size_t>(2 * context * bytes));
    for (std::int64_t row = 0; row < 2 * context; ++row) {
        const std::span<const float> own(floats.data() + row * d, static_cast<std::size_t>(d));
        (void)store_row(type, own, cache.data() + row * bytes);
    }
    std::vector<const std::byte*> pages;
    for (std::int64_t page = 0; page < context / kPageRows; ++page) {
        pages.push_back(cache.data() + page * 2 * kPageRows * bytes);
    }
    const auto queries = random_floats(static_cast<std::size_t>(8 * d));
    std::vector<float> scores(static_cast<std::size_t>(context));
    std::vector<float> out(queries.size());
    for (auto _ : state) {
        kernels_for(level).attention(
            {.queries = queries.data(),
             .pages = pages.data(),
             .type = type,
             .scores = scores.data(),
             .out = out.data(),
             .heads = 8,
             .head_width = d,
             .context = context}
        );
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * 8 * 2 * context * bytes);
}

void register_multiply(Level level, WeightType type) {
    for (const std::int64_t bytes : {kCachedBytes, kLargeBytes}) {
        for (const std::int64_t n : {1, 4}) {
            const std::string name = "multiply/" + std::string(name_of(level)) + "/" +
                                     std::string(name_of(type)) + "/" +
                                     std::to_string(bytes >> 10) + "KiB/n" + std::to_string(n);
            benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
                multiply_bench(state, level, type, bytes, n);
            })->UseManualTime();
        }
    }
}

const bool kRegistered = [] {
    for (const Level level : {Level::openblas, Level::avx2, Level::avx512}) {
        if (!available(level)) {
            continue;
        }
        for (const WeightType type : kWeightTypes) {
            if (level != Level::openblas ||
                type == WeightType::f32) { // other types use another level
                register_multiply(level, type);
            }
        }
        const std::string name(name_of(level));
        benchmark::RegisterBenchmark(("softmax/" + name).c_str(), [=](benchmark::State& state) {
            softmax_bench(state, level);
        });
        for (const WeightType type : kCacheTypes) {
            const std::string own = "attention/" + name + "/" + std::string(name_of(type));
            benchmark::RegisterBenchmark(own.c_str(), [=](benchmark::State& state) {
                attention_bench(state, level, type);
            });
        }
    }
    return true;
}();

} // namespace
} // namespace headroom::kernels
