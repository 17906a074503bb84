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
struct CellProblem {
    InputProblem what;
    std::string key; ///< key of the setting, or empty
};

std::vector<CellProblem> problems_of(const InputError& error, const SweepCell& cell) {
    std::vector<CellProblem> found;
    for (const InputProblem& problem : error.located()) {
        const auto setting =
            std::find_if(cell.settings.begin(), cell.settings.end(), [&](const SweepSetting& s) {
                return problem.where == "--set " + set_text(s);
            });
        found.push_back(
            setting == cell.settings.end()
                ? CellProblem{problem, ""}
                : CellProblem{{setting->position, problem.text}, setting->key}
        );
    }
    return found;
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
    void add(const CellProblem& problem, std::size_t cell) {
        const std::string line = line_of(problem.what);
        const std::string& same = problem.key.empty() ? line : problem.what.text;
        const auto [known, is_new] = indices_.try_emplace({problem.key, same}, problems_.size());
        if (is_new) {
            problems_.push_back({line, {}});
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
        std::vector<InputProblem> problems;
        for (CellProblem& problem : problems_of(error, cell)) {
            problems.push_back(std::move(problem.what));
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
                warnings.add({{"", warning}, ""}, i);
            }
        } catch (const InputError& error) {
            for (const CellProblem& problem : problems_of(error, sweep.cells[i])) {
                problems.add(problem, i);
            }
        }
    }
    if (std::vector<std::string> texts = problems.texts(sweep.cells.size()); !texts.empty()) {
        throw InputError(std::move(texts));
    }
    return warnings.texts(sweep.cells.size());
}

} // namespace headroom::config
