#include "model/metadata/keys.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::model {

Keys::Keys(
    const GgufFile& file, const Architecture& architecture, std::vector<std::string>& problems
)
    : file_(&file), architecture_(&architecture), prefix_(fmt::format("{}.", architecture.name)),
      problems_(&problems) {}

bool Keys::has_meaning(std::string_view name) const {
    return std::ranges::find(architecture_->keys, name) != architecture_->keys.end();
}

void Keys::problem(const std::string& text) {
    problems_->push_back(fmt::format("{}: {}", file_->path().string(), text));
}

std::int64_t Keys::count(std::string_view name, std::int64_t max, std::int64_t fallback) {
    const auto count = value(name, &GgufFile::integer, fallback == 0);
    if (count && (*count < 1 || *count > max)) {
        problem(fmt::format("{}: expected 1 to {}, found {}", key(name), max, *count));
        return 0;
    }
    return count.value_or(fallback);
}

double Keys::positive(std::string_view name, double fallback) {
    const auto number = value(name, &GgufFile::number, fallback == 0);
    if (number && (!std::isfinite(*number) || *number <= 0)) {
        problem(fmt::format("{}: expected a positive number, found {}", key(name), *number));
    }
    return number.value_or(fallback);
}

void Keys::require_neutral(std::string_view name, double neutral, const char* feature) {
    const auto number = value(name, &GgufFile::number);
    if (number && *number != neutral) {
        problem(fmt::format(
            "{} is {}: {} not computed yet (only {} is)", key(name), *number, feature, neutral
        ));
    }
}

} // namespace headroom::model
