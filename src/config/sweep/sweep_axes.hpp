// The axes of a sweep, and the cells that they span.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "config/sweep/sweep.hpp"

namespace headroom::config {

/// What one value of an axis stands for.
struct AxisValue {
    std::string shown;              ///< for people, and to tell values apart
    std::string word;               ///< within a cell's name; empty: from the setting
    std::filesystem::path scenario; ///< of the scenarios' axis
    std::vector<SweepSetting> settings;
};

struct Axis {
    std::string name;
    std::vector<AxisValue> values;
};

/// Every combination of the axes' values, the first axis varying slowest. Each has the fixed
/// settings first, and `scenario` unless an axis gives one. Precondition: no axis is empty.
[[nodiscard]] std::vector<SweepCell> cells_of(
    std::span<const Axis> axes,
    const std::vector<SweepSetting>& fixed,
    const std::filesystem::path& scenario
);

} // namespace headroom::config
