#include "scheduler/core/cut.hpp"

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::scheduler {

std::string_view name_of(Granularity granularity) {
    switch (granularity) {
    case Granularity::paper:
        return "paper";
    case Granularity::sliced:
        return "sliced";
    }
    HEADROOM_CHECK(false, "granularity {}", static_cast<int>(granularity));
}

std::string_view name_of(Reduce reduce) {
    switch (reduce) {
    case Reduce::hub:
        return "hub";
    case Reduce::ring:
        return "ring";
    }
    HEADROOM_CHECK(false, "reduce {}", static_cast<int>(reduce));
}

std::vector<std::string> Cut::problems(const ModelShape& shape) const {
    std::vector<std::string> all;
    if (!sliced()) {
        if (slices != 0) {
            all.push_back(fmt::format("granularity paper has no slices, not {}", slices));
        }
        if (reduce == Reduce::ring) {
            all.emplace_back("granularity paper has no partial sums for a ring to add up");
        }
    } else if (slices < 1 || shape.ffn_width % slices != 0) {
        all.push_back(fmt::format(
            "an FFN {} wide cannot be cut into {} equal slices", shape.ffn_width, slices
        ));
    }
    if (sliced() && shape.experts > 0) {
        all.push_back(
            fmt::format("a mixture of {} experts cannot be cut into slices", shape.experts)
        );
    }
    if (sliced() && reduce == Reduce::ring && shape.norms_after()) {
        all.emplace_back("a ring adds sums to the residual stream in parts, but this model "
                         "normalises the whole output of attention and of the ffn first");
    }
    return all;
}

} // namespace headroom::scheduler
