// The names of the levels, their availability on this CPU, and their function tables.
#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "kernels/kernels.hpp"
#include "kernels/reference/reference.hpp"
#if HEADROOM_HAVE_X86_SIMD
#include <cpuid.h>

#include "kernels/simd/simd.hpp"
#endif
#if HEADROOM_HAVE_OPENBLAS
#include "kernels/openblas/openblas.hpp"
#endif

namespace headroom::kernels {
namespace {

/// In the order of the enumeration.
constexpr std::array<std::string_view, 4> kLevelNames{"reference", "openblas", "avx2", "avx512"};

#if HEADROOM_HAVE_X86_SIMD
/// Uses the cpuid instruction, because __builtin_cpu_supports of clang 14 does not know F16C.
bool cpu_has_f16c() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

bool cpu_has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && cpu_has_f16c();
}

bool cpu_has_avx512() {
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
}
#else
constexpr bool cpu_has_avx2() {
    return false;
}
constexpr bool cpu_has_avx512() {
    return false;
}
#endif

} // namespace

std::string_view name_of(Level level) {
    return kLevelNames.at(static_cast<std::size_t>(level));
}

std::optional<Level> level_named(std::string_view name) {
    const auto found = std::find(kLevelNames.begin(), kLevelNames.end(), name);
    return found == kLevelNames.end() ? std::nullopt
                                      : std::optional(Level(found - kLevelNames.begin()));
}

bool available(Level level) {
    switch (level) {
    case Level::reference:
        return true;
    case Level::openblas:
        return HEADROOM_HAVE_OPENBLAS;
    case Level::avx2:
        return cpu_has_avx2();
    case Level::avx512:
        return cpu_has_avx512();
    }
    return false;
}

Level best_level() {
    for (const Level level : {Level::avx512, Level::avx2, Level::openblas}) {
        if (available(level)) {
            return level;
        }
    }
    return Level::reference;
}

const Kernels& kernels_for(Level level) {
    HEADROOM_CHECK(available(level), "kernels of level {} on this CPU", name_of(level));
    switch (level) {
#if HEADROOM_HAVE_X86_SIMD
    case Level::avx2:
        return simd::kAvx2Kernels;
    case Level::avx512:
        return simd::kAvx512Kernels;
#endif
#if HEADROOM_HAVE_OPENBLAS
    case Level::openblas:
        return openblas::kernels();
#endif
    default:
        return reference::kKernels;
    }
}

std::string_view openblas_core_wanted() {
    if (!HEADROOM_HAVE_OPENBLAS) {
        return "";
    }
    if (cpu_has_avx512()) {
        return "SkylakeX";
    }
    return cpu_has_avx2() ? "Haswell" : "";
}

#if !HEADROOM_HAVE_OPENBLAS
std::string_view openblas_core() {
    return "";
}
#endif

} // namespace headroom::kernels
