// A sweep: many runs that differ in the values of some scenario keys (the axes). A cell is one run:
// one value for each axis. docs/reference/scenario.md#sweeps describes the file format.
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

template <>
inline constexpr auto kWords<SweepCommand> = words("simulate", "run");
template <>
inline constexpr auto kWords<SweepTransport> = words("inprocess", "mpi");

struct SweepSetting {
    std::string key;      ///< dotted key, as in --set
    std::string value;    ///< TOML on one line
    std::string position; ///< place in the sweep file: "sweep.toml:9:3"
    bool operator==(const SweepSetting&) const = default;
};

struct SweepCell {
    std::string name;                   ///< made of the values; unique, and valid as a file name
    std::filesystem::path scenario;     ///< path from the working directory
    std::vector<SweepSetting> settings; ///< applied to the scenario in this order
    std::vector<std::string> values;    ///< the cell's value on each axis, as text
};

/// The policy of the cells whose policy is `custom`. The command line names it, not the sweep.
struct SweepPolicy {
    std::string file; ///< as the command line has it; empty if it has none
    int timeout_seconds = 0;
    std::string version; ///< Policy::version() of the policy in the file
};

struct Sweep {
    std::filesystem::path path;
    std::string name; ///< file name without extension
    SweepCommand command = SweepCommand::simulate;
    SweepTransport transport = SweepTransport::inprocess;
    bool trace_ops = false;
    std::filesystem::path folder;   ///< folder of the traces, from the working directory
    std::vector<std::string> axes;  ///< names of the axes; the first axis varies slowest
    std::vector<SweepCell> cells;   ///< all combinations; the index is the cell's number
    std::filesystem::path models{}; ///< folder of installed models (Overrides::models)
    std::string text{};             ///< contents of the file
    SweepPolicy own_policy{};
};

inline constexpr std::size_t kMaxSweepCells = 10'000;

/// Reads a sweep file, but not the scenarios of its cells. Throws InputError with all problems.
[[nodiscard]] Sweep load_sweep(const std::filesystem::path& path);

/// Reads the text of a sweep. The text counts as the contents of file `as_if_from`, which need not
/// exist: relative paths in the text start from the folder of that file. Throws InputError with all
/// problems.
[[nodiscard]] Sweep parse_sweep(std::string_view text, const std::filesystem::path& as_if_from);

/// Returns the settings of a cell as overrides. `model_must_exist` is set, because a cell whose
/// model file is missing must not run.
[[nodiscard]] Overrides overrides_of(const SweepCell& cell);

/// Returns the scenario of a cell. Throws InputError with all problems. If a setting of the sweep
/// causes a problem, the message names that setting's position in the sweep file.
[[nodiscard]] Scenario cell_scenario(const Sweep& sweep, const SweepCell& cell);

/// Reads the scenarios of all cells. Returns their warnings, or throws InputError with their
/// problems. A message that several cells have is listed once, with the number of these cells.
[[nodiscard]] std::vector<std::string> check_cells(const Sweep& sweep);

} // namespace headroom::config
