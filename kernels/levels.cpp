// The names of the levels, their availability on this CPU, and their function tables.
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

#if HEADROOM_HAVE_X86_SIMD
/// Uses the cpuid instruction, because __builtin_cpu_supports of clang 14 does not know F16C.
bool cpu_has_f16c() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

bool cpu_has_avx2() {
#if HEADROOM_HAVE_X86_SIMD
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && cpu_has_f16c();
#else
    return false;
#endif
}

bool cpu_has_avx512() {
#if HEADROOM_HAVE_X86_SIMD
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

} // namespace

std::string_view name_of(Level level) {
    switch (level) {
    case Level::reference:
        return "reference";
    case Level::openblas:
        return "openblas";
    case Level::avx2:
        return "avx2";
    case Level::avx512:
        return "avx512";
    }
    HEADROOM_CHECK(false, "kernel level {}", static_cast<int>(level));
}

std::optional<Level> level_named(std::string_view name) {
    for (const Level level : {Level::reference, Level::openblas, Level::avx2, Level::avx512}) {
        if (name == name_of(level)) {
            return level;
        }
    }
    return std::nullopt;
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
