#include "config/sections/names.hpp"

#include "base/check.hpp"

namespace headroom::config {

namespace {

template <class Table, class Enum>
std::string_view spelled(const Table& table, Enum value) {
    for (const auto& spelling : table) {
        if (spelling.value == value) {
            return spelling.name;
        }
    }
    HEADROOM_CHECK(false, "an enumerator without a spelling: {}", static_cast<int>(value));
    return "";
}

} // namespace

std::string_view name_of(ClockMode mode) {
    return spelled(kClockModes, mode);
}

std::string_view name_of(OverloadMode overload) {
    return spelled(kOverloads, overload);
}

std::string_view name_of(KvType type) {
    return spelled(kKvTypes, type);
}

std::string_view name_of(WeightsMode weights) {
    return spelled(kWeights, weights);
}

std::string_view name_of(EndsMode ends) {
    return spelled(kEnds, ends);
}

std::string_view name_of(scheduler::CostProfile profile) {
    return spelled(kCostProfiles, profile);
}

std::string_view name_of(scheduler::Aim aim) {
    return spelled(kAims, aim);
}

std::string_view name_of(scheduler::PaperGather gather) {
    return spelled(kPaperGathers, gather);
}

std::string_view name_of(scheduler::PaperScore score) {
    return spelled(kPaperScores, score);
}

std::string_view name_of(Origin origin) {
    return spelled(kOrigins, origin);
}

std::string_view name_of(EventKind kind) {
    return spelled(kEventKinds, kind);
}

} // namespace headroom::config
