#include "model/decoder/slicing.hpp"

#include "base/check.hpp"

namespace headroom::model {

namespace {

Columns covered(WeightType type, std::int64_t first, std::int64_t count) {
    const std::int64_t each = format_of(type).elements;
    const std::int64_t begin = first / each * each;
    const std::int64_t end = (first + count + each - 1) / each * each;
    return {first, count, begin, end - begin};
}

} // namespace

Columns columns_of(const Hyperparameters& model, const BlockName& name, const Slicing& slicing) {
    HEADROOM_CHECK(
        slicing.sliced() && model.ffn_width % slicing.slices == 0,
        "{} slices of an FFN {} wide",
        slicing.slices,
        model.ffn_width
    );
    const LayerTypes& types = model.layer_types.at(static_cast<std::size_t>(name.layer));
    if (name.kind == BlockKind::group) {
        const std::int64_t count = model.heads_per_group() * model.head_width();
        return covered(types.o, name.group * count, count);
    }
    HEADROOM_CHECK(name.kind == BlockKind::slice, "{} has no columns", to_string(name));
    const std::int64_t count = model.ffn_width / slicing.slices;
    return covered(types.down, name.group * count, count);
}

} // namespace headroom::model
