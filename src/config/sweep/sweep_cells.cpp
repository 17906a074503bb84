// Reads and checks the scenarios of a sweep's cells.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "config/sweep/sweep.hpp"

namespace headroom::config {

namespace {

std::string set_text(const SweepSetting& setting) {
    return fmt::format("{}={}", setting.key, setting.value);
}

/// A problem of a cell's scenario. If a setting of the sweep causes it, it has the position of that
/// setting in the sweep file.
struct LocatedProblem {
    std::string position; ///< "sweep.toml:9:3: ", or empty if the text contains a position
    std::string key;      ///< key of the setting, or empty
    std::string text;
};

LocatedProblem located(const std::string& problem, const SweepCell& cell) {
    for (const SweepSetting& setting : cell.settings) {
        const std::string option = fmt::format("--set {}: ", set_text(setting));
        if (problem.starts_with(option)) {
            return {setting.position + ": ", setting.key, problem.substr(option.size())};
        }
    }
    return {"", "", problem};
}

Scenario read_cell(const Sweep& sweep, const SweepCell& cell) {
    Overrides overrides = overrides_of(cell);
    overrides.models = sweep.models;
    Scenario scenario = load_scenario(cell.scenario, overrides);
    if (sweep.command == SweepCommand::run && scenario.shape) {
        throw InputError(fmt::format(
            "{}: the model is a shape without weights, and {} has command = \"run\"; give "
            "model.file, or command = \"simulate\"",
            cell.scenario.string(),
            sweep.path.string()
        ));
    }
    return scenario;
}

/// Collects problems in the order in which they first occur, with the cells that have them. Equal
/// problems of several values of a key, such as a misspelt key, count as one.
class FoldedProblems {
  public:
    void add(const LocatedProblem& problem, std::size_t cell) {
        const auto [known, is_new] =
            indices_.try_emplace({problem.key, problem.text}, problems_.size());
        if (is_new) {
            problems_.push_back({problem.position + problem.text, {}});
        }
        problems_[known->second].cells.push_back(cell);
    }

    /// Returns one text per problem. all: the number of cells of the sweep.
    [[nodiscard]] std::vector<std::string> texts(std::size_t all) const {
        std::vector<std::string> texts;
        for (const Problem& problem : problems_) {
            const std::size_t count = problem.cells.size();
            texts.push_back(
                all == 1       ? problem.text
                : count == all ? fmt::format("{} (in all {} cells)", problem.text, all)
                : count == 1   ? fmt::format("{} (in cell {})", problem.text, problem.cells.front())
                               : fmt::format(
                                   "{} (in {} of {} cells, the first is {})",
                                   problem.text,
                                   count,
                                   all,
                                   problem.cells.front()
                               )
            );
        }
        return texts;
    }

  private:
    struct Problem {
        std::string text;
        std::vector<std::size_t> cells;
    };
    std::vector<Problem> problems_;
    std::map<std::pair<std::string, std::string>, std::size_t> indices_;
};

} // namespace

Overrides overrides_of(const SweepCell& cell) {
    Overrides overrides;
    overrides.model_must_exist = true;
    for (const SweepSetting& setting : cell.settings) {
        overrides.set.push_back(set_text(setting));
    }
    return overrides;
}

Scenario cell_scenario(const Sweep& sweep, const SweepCell& cell) {
    try {
        return read_cell(sweep, cell);
    } catch (const InputError& error) {
        std::vector<std::string> problems;
        for (const std::string& problem : error.problems()) {
            const LocatedProblem found = located(problem, cell);
            problems.push_back(found.position + found.text);
        }
        throw InputError(std::move(problems));
    }
}

std::vector<std::string> check_cells(const Sweep& sweep) {
    FoldedProblems problems;
    FoldedProblems warnings;
    for (std::size_t i = 0; i < sweep.cells.size(); ++i) {
        try {
            for (const std::string& warning : read_cell(sweep, sweep.cells[i]).warnings) {
                warnings.add({"", "", warning}, i);
            }
        } catch (const InputError& error) {
            for (const std::string& problem : error.problems()) {
                problems.add(located(problem, sweep.cells[i]), i);
            }
        }
    }
    if (std::vector<std::string> texts = problems.texts(sweep.cells.size()); !texts.empty()) {
        throw InputError(std::move(texts));
    }
    return warnings.texts(sweep.cells.size());
}

} // namespace headroom::config
