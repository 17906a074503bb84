#include "config/sweep/sweep_axes.hpp"

#include "config/sweep/sweep_names.hpp"

namespace headroom::config {

namespace {

/// Returns, for each axis, the parts of cell names that stand for its values.
std::vector<std::vector<std::string>> name_parts_of(std::span<const Axis> axes) {
    std::vector<std::string> keys;
    for (const Axis& axis : axes) {
        keys.push_back(axis.name);
    }
    const std::vector<std::string> short_names = short_keys(keys);
    std::vector<std::vector<std::string>> parts(axes.size());
    for (std::size_t a = 0; a < axes.size(); ++a) {
        for (const AxisValue& value : axes[a].values) {
            parts[a].push_back(
                value.name_part.empty()
                    ? value_name_part(short_names[a], value.settings.front().value)
                    : value.name_part
            );
        }
    }
    return parts;
}

} // namespace

std::vector<SweepCell> cells_of(
    std::span<const Axis> axes,
    const std::vector<SweepSetting>& fixed,
    const std::filesystem::path& scenario
) {
    const std::vector<std::vector<std::string>> value_parts = name_parts_of(axes);
    std::size_t count = 1;
    for (const Axis& axis : axes) {
        count *= axis.values.size();
    }
    std::vector<SweepCell> cells(count, SweepCell{"", scenario, fixed, {}});
    std::vector<std::vector<std::string>> name_parts(count);
    std::vector<std::vector<std::string>> exact(count);
    for (std::size_t i = 0; i < count; ++i) {
        SweepCell& cell = cells[i];
        std::size_t below = count;
        for (std::size_t a = 0; a < axes.size(); ++a) {
            below /= axes[a].values.size();
            const std::size_t v = i / below % axes[a].values.size();
            const AxisValue& value = axes[a].values[v];
            cell.values.push_back(value.display_text);
            name_parts[i].push_back(value_parts[a][v]);
            if (!value.scenario.empty()) {
                cell.scenario = value.scenario;
            }
            cell.settings.insert(cell.settings.end(), value.settings.begin(), value.settings.end());
        }
        exact[i] = cell.values;
        if (axes.empty()) {
            name_parts[i].push_back(file_name_part(scenario.stem().string()));
        }
    }
    const std::vector<std::string> names = cell_names(name_parts, exact);
    for (std::size_t i = 0; i < count; ++i) {
        cells[i].name = names[i];
    }
    return cells;
}

} // namespace headroom::config
