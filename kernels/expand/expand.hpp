// Expanders: functions that turn stored weights into floats. All kernel levels call the same ones,
// which are compiled for no special instruction set, so all levels multiply the same floats. Files
// compiled with AVX options may include this header, because it only declares functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/weight_type.hpp"

namespace headroom::kernels {

/// Whether kernels expand the weights of a type to floats and multiply these. The weights of the
/// other types are loaded into registers directly.
template <WeightType kType>
inline constexpr bool kExpanded =
    kFormatOf<kType>.elements > 1 && kType != WeightType::q8_0&& kType != WeightType::q4_0;

/// Expands a run of quantisation blocks with `columns` elements in all to `out`. The floats are
/// those of ggml's own expansion. Precondition: `columns` is a multiple of WeightFormat::elements.
void expand(WeightType type, const std::byte* blocks, std::int64_t columns, float* out);

/// Expands `count` quantisation blocks of one type, which follow each other, to `out`.
using Expander = void(const std::byte* blocks, std::int64_t count, float* out);
Expander expand_q4_1;
Expander expand_q5_0;
Expander expand_q5_1;
Expander expand_q2_k;
Expander expand_q3_k;
Expander expand_q4_k;
Expander expand_q5_k;
Expander expand_q6_k;
Expander expand_iq4_nl;
Expander expand_iq4_xs;
Expander expand_mxfp4;

} // namespace headroom::kernels
