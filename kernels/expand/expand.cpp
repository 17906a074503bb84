// Chooses the expander of a type.
#include "kernels/expand/expand.hpp"

#include "kernels/half.hpp"
#include "kernels/quants.hpp"

namespace headroom::kernels {

namespace {

template <WeightType kType>
void expand_directly(const std::byte* data, std::int64_t columns, float* out) {
    constexpr WeightFormat kFormat = kFormatOf<kType>;
    for (std::int64_t k = 0; k < columns; ++k) {
        if constexpr (kFormat.elements == 1) {
            out[k] = Stored<kType>::at(data, k);
        } else {
            const std::byte* block = data + k / kFormat.elements * kFormat.bytes;
            const int quant = Stored<kType>::at(block, k % kFormat.elements);
            out[k] = half_at(block) * static_cast<float>(quant);
        }
    }
}

Expander* expander_of(WeightType type) {
    switch (type) {
    case WeightType::q4_1:
        return expand_q4_1;
    case WeightType::q5_0:
        return expand_q5_0;
    case WeightType::q5_1:
        return expand_q5_1;
    case WeightType::q2_k:
        return expand_q2_k;
    case WeightType::q3_k:
        return expand_q3_k;
    case WeightType::q4_k:
        return expand_q4_k;
    case WeightType::q5_k:
        return expand_q5_k;
    case WeightType::q6_k:
        return expand_q6_k;
    case WeightType::iq4_nl:
        return expand_iq4_nl;
    case WeightType::iq4_xs:
        return expand_iq4_xs;
    case WeightType::mxfp4:
        return expand_mxfp4;
    case WeightType::f32:
    case WeightType::f16:
    case WeightType::bf16:
    case WeightType::q8_0:
    case WeightType::q4_0:
        break;
    }
    return nullptr;
}

} // namespace

void expand(WeightType type, const std::byte* blocks, std::int64_t columns, float* out) {
    visit_weight_type(type, [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
        if constexpr (kExpanded<kType>) {
            expander_of(kType)(blocks, columns / kFormatOf<kType>.elements, out);
        } else {
            expand_directly<kType>(blocks, columns, out);
        }
    });
}

} // namespace headroom::kernels
