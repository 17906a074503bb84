// A sweep file: many runs as a grid over scenario keys. Reading is all or nothing, as of scenarios;
// docs/reference/scenario.md#sweeps describes the format for users.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/scenario/scenario.hpp"

namespace headroom::config {

enum class SweepCommand : std::uint8_t { simulate, run };
enum class SweepTransport : std::uint8_t { inprocess, mpi };

[[nodiscard]] std::string_view name_of(SweepCommand command);
[[nodiscard]] std::string_view name_of(SweepTransport transport);

/// One change of a scenario.
struct SweepSetting {
    std::string key;   ///< as of --set
    std::string value; ///< TOML on one line
    std::string place; ///< "sweep.toml:9:3"
    bool operator==(const SweepSetting&) const = default;
};

struct SweepCell {
    std::string name;                   ///< its values; unique, and fit for a file's name
    std::filesystem::path scenario;     ///< as seen from the working directory
    std::vector<SweepSetting> settings; ///< in the order in which they are made
    std::vector<std::string> values;    ///< one text per axis
};

struct Sweep {
    std::filesystem::path path;
    std::string name; ///< file stem
    SweepCommand command = SweepCommand::simulate;
    SweepTransport transport = SweepTransport::inprocess;
    bool trace_ops = false;
    std::filesystem::path folder;   ///< of the traces, from the working directory
    std::vector<std::string> axes;  ///< names, the slowest first
    std::vector<SweepCell> cells;   ///< every combination; the index is the cell's number
    std::filesystem::path models{}; ///< as Overrides::models, for all cells
};

inline constexpr std::size_t kMaxSweepCells = 10'000;

/// Reads a sweep file; the cells' scenarios are not looked at. Throws InputError with all problems.
[[nodiscard]] Sweep load_sweep(const std::filesystem::path& path);

/// The same for a text; scenarios in it start from the folder of `as_if_from`.
[[nodiscard]] Sweep parse_sweep(std::string_view text, const std::filesystem::path& as_if_from);

/// The changes as those of a command line.
[[nodiscard]] Overrides overrides_of(const SweepCell& cell);

/// Throws InputError; problems of a value that the sweep gives name its place there.
[[nodiscard]] Scenario cell_scenario(const Sweep& sweep, const SweepCell& cell);

/// All cells' scenarios. Returns their warnings; throws InputError with their problems: each once,
/// with the cells that have it.
[[nodiscard]] std::vector<std::string> check_cells(const Sweep& sweep);

} // namespace headroom::config
