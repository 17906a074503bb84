// How fast the levels read weights, beside a probe that only reads the same bytes: a pass of the
// one, a pass of the other, in turn, so that a machine that slows down slows both. OpenBLAS: set
// OPENBLAS_CORETYPE yourself (kernels.hpp).
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
constexpr std::int64_t kCached = 256 << 10; ///< bytes of weights that stay in L2
constexpr std::int64_t kLarge = 512 << 20;  ///< bytes of weights, many times any cache
constexpr std::int64_t kPerIteration = 16 << 20;

std::vector<float> some_floats(std::size_t n) {
    Random random(stream_seed(1, "bench"));
    std::vector<float> values(n);
    for (float& value : values) {
        value = static_cast<float>(random.unit() - 0.5);
    }
    return values;
}

/// kLarge bytes on a 64-byte boundary, as the program keeps its weights. Every byte is 0x3C: in
/// every type a number between 0.01 and 64, no NaN and no subnormal.
const std::byte* weights() {
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    static const std::vector<Line> lines = [] {
        std::vector<Line> filled(static_cast<std::size_t>(kLarge) / sizeof(Line));
        std::memset(filled.data()->bytes, 0x3C, static_cast<std::size_t>(kLarge));
        return filled;
    }();
    return lines.data()->bytes;
}

/// Reads and adds, a line to each of eight sums in turn, in one stream that the hardware follows:
/// the fastest of ten readers tried, about what one core gets from its memory.
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

/// Seconds of CPU time of this thread: what others take of a shared core is not counted.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// An iteration multiplies until kPerIteration bytes of weights have passed, then reads as many;
/// its time is the multiplying. Counters: bytes of weights per second, the probe's, their ratio,
/// and weights per second.
void multiply(
    benchmark::State& state, Level level, WeightType type, std::int64_t bytes, std::int64_t n
) {
    const std::int64_t rows = bytes / row_bytes(type, kColumns);
    const std::int64_t used = rows * row_bytes(type, kColumns);
    const std::int64_t passes = std::max<std::int64_t>(1, kPerIteration / used);
    const Matrix w{type, weights(), rows, kColumns};
    const auto x = some_floats(static_cast<std::size_t>(n * kColumns));
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

void register_multiply(Level level, WeightType type) {
    for (const std::int64_t bytes : {kCached, kLarge}) {
        for (const std::int64_t n : {1, 4}) {
            const std::string name = "multiply/" + std::string(name_of(level)) + "/" +
                                     std::string(name_of(type)) + "/" +
                                     std::to_string(bytes >> 10) + "KiB/n" + std::to_string(n);
            benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
                multiply(state, level, type, bytes, n);
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
            if (level != Level::openblas || type == WeightType::f32) { // else the best own level's
                register_multiply(level, type);
            }
        }
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
