// The axes of a sweep (the settings that take several values), and the cells (the runs that result
// from combining these values).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "config/sweep/sweep.hpp"

namespace headroom::config {

/// One value of an axis: a scenario file, or some settings.
struct AxisValue {
    std::string display_text; ///< text of the value, unique within its axis
    /// The part of a cell's name that stands for this value. If it is empty, cells_of makes that
    /// part from the value's only setting.
    std::string name_part;
    std::filesystem::path scenario; ///< the scenario file; empty if the value is settings
    std::vector<SweepSetting> settings;
};

struct Axis {
    std::string name;
    std::vector<AxisValue> values;
};

/// Returns all combinations of the axes' values. The first axis varies slowest. The settings of a
/// cell are `fixed`, followed by those of the cell's value on each axis. If the cell's value on one
/// of the axes is a scenario file, that file is the cell's scenario. Otherwise the cell's scenario
/// is `scenario`. Precondition: no axis is empty.
[[nodiscard]] std::vector<SweepCell> cells_of(
    std::span<const Axis> axes,
    const std::vector<SweepSetting>& fixed,
    const std::filesystem::path& scenario
);

} // namespace headroom::config
