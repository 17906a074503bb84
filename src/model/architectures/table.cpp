#include <algorithm>

#include "model/architectures/list.hpp"

namespace headroom::model {

std::span<const Architecture* const> architectures() {
    return kArchitectures;
}

const Architecture* find_architecture(std::string_view name) {
    const auto found = std::ranges::find(kArchitectures, name, &Architecture::name);
    return found == kArchitectures.end() ? nullptr : *found;
}

} // namespace headroom::model
