#include "cli/sweep/sweep_report.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/text_table.hpp"

namespace headroom::cli {

namespace {

nlohmann::json cell_json(const config::Sweep& sweep, std::size_t index) {
    const config::SweepCell& cell = sweep.cells[index];
    return {
        {"index", index},
        {"name", cell.name},
        {"scenario", cell.scenario.string()},
        {"settings", settings_json(cell)},
        {"trace", CellFiles(sweep.folder, cell.name).trace().string()},
    };
}

nlohmann::json sweep_json(const config::Sweep& sweep) {
    return {
        {"sweep", sweep.path.string()},
        {"command", config::name_of(sweep.command)},
        {"folder", sweep.folder.string()},
        {"axes", sweep.axes},
    };
}

std::string join_counts(const std::vector<std::pair<std::size_t, std::string>>& counts) {
    std::vector<std::string> parts;
    for (const auto& [count, what] : counts) {
        if (count > 0) {
            parts.push_back(fmt::format("{} {}", count, what));
        }
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::size_t count_of(const std::vector<CellResult>& results, CellEnd end) {
    return static_cast<std::size_t>(std::ranges::count(results, end, &CellResult::end));
}

std::string failures_text(const config::Sweep& sweep, const std::vector<CellResult>& results) {
    if (count_of(results, CellEnd::failed) == 0) {
        return "";
    }
    TextTable table({"failed cell", "index", "exit code"});
    std::vector<std::pair<std::string, std::size_t>> reasons; // each with its first cell
    for (const CellResult& result : results) {
        if (result.end != CellEnd::failed) {
            continue;
        }
        table.add(
            {sweep.cells[result.index].name,
             fmt::format("{}", result.index),
             fmt::format("{}", result.exit_code)}
        );
        const std::string reason = fmt::format("{}", fmt::join(result.error, "\n    "));
        const auto same = [&](const auto& other) { return other.first == reason; };
        if (std::none_of(reasons.begin(), reasons.end(), same)) {
            reasons.emplace_back(reason, result.index);
        }
    }
    constexpr std::size_t kShown = 4;
    std::string text = fmt::format("{}\n", table.text());
    for (std::size_t i = 0; i < std::min(reasons.size(), kShown); ++i) {
        text += fmt::format("  cell {}: {}\n", reasons[i].second, reasons[i].first);
    }
    if (reasons.size() > kShown) {
        text += fmt::format(
            "  and {} other reasons: headroom sweep {} --list\n",
            reasons.size() - kShown,
            sweep.path.string()
        );
    }
    return text + "\n";
}

} // namespace

std::string list_text(const config::Sweep& sweep, const std::vector<CellStatus>& statuses) {
    TextTable table({"cell", "index", "state"});
    std::map<CellState, std::size_t> counts;
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        ++counts[statuses[i].state];
        table.add(
            {sweep.cells[i].name, fmt::format("{}", i), std::string(name_of(statuses[i].state))}
        );
    }
    std::vector<std::pair<std::size_t, std::string>> parts;
    for (const auto& [state, count] : counts) {
        parts.emplace_back(count, name_of(state));
    }
    std::string text = fmt::format(
        "{}: {} of headroom {}, traces in {}\n\n{}\n{}: {}\n",
        sweep.path.string(),
        count_text(sweep.cells.size(), "cell"),
        config::name_of(sweep.command),
        sweep.folder.string(),
        table.text(),
        count_text(sweep.cells.size(), "cell"),
        join_counts(parts)
    );
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        if (!statuses[i].note.empty()) {
            text += fmt::format("  cell {}: {}\n", i, statuses[i].note);
        }
    }
    return text;
}

nlohmann::json list_json(const config::Sweep& sweep, const std::vector<CellStatus>& statuses) {
    nlohmann::json json = sweep_json(sweep);
    json["cells"] = nlohmann::json::array();
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        nlohmann::json cell = cell_json(sweep, i);
        cell["state"] = name_of(statuses[i].state);
        if (statuses[i].failure) {
            cell["exit_code"] = statuses[i].failure->exit_code;
            cell["error"] = statuses[i].failure->error;
        }
        json["cells"].push_back(std::move(cell));
    }
    return json;
}

int exit_code_of(const std::vector<CellResult>& results) {
    if (count_of(results, CellEnd::not_run) + count_of(results, CellEnd::interrupted) > 0 &&
        interrupted() != 0) {
        return interrupted();
    }
    for (const CellResult& result : results) {
        if (result.end == CellEnd::failed || result.end == CellEnd::interrupted) {
            return result.exit_code;
        }
    }
    return 0;
}

std::string results_text(
    const config::Sweep& sweep, const std::vector<CellResult>& results, bool one
) {
    std::string text = failures_text(sweep, results);
    if (one) {
        const CellResult& result = results.front();
        return text +
               fmt::format(
                   "cell {}, {}: {}{}\n",
                   result.index,
                   sweep.cells[result.index].name,
                   result.end == CellEnd::already_finished ? "finished already, nothing to do: "
                                                           : std::string(name_of(result.end)) + " ",
                   result.end == CellEnd::already_finished || result.end == CellEnd::finished
                       ? CellFiles(sweep.folder, sweep.cells[result.index].name).trace().string()
                       : fmt::format("with exit code {}", exit_code_of(results))
               );
    }
    text += fmt::format(
        "{}: {}; traces in {}\n",
        count_text(results.size(), "cell"),
        join_counts(
            {{count_of(results, CellEnd::finished), "finished now"},
             {count_of(results, CellEnd::already_finished), "finished before"},
             {count_of(results, CellEnd::failed), "failed"},
             {count_of(results, CellEnd::interrupted) + count_of(results, CellEnd::not_run),
              "not finished"}}
        ),
        sweep.folder.string()
    );
    return text +
           (interrupted() != 0
                ? "interrupted: the same command goes on where this one ended\n"
                : fmt::format("one table of them: headroom collect {}\n", sweep.folder.string()));
}

nlohmann::json results_json(const config::Sweep& sweep, const std::vector<CellResult>& results) {
    nlohmann::json json = sweep_json(sweep);
    json["exit_code"] = exit_code_of(results);
    json["cells"] = nlohmann::json::array();
    for (const CellResult& result : results) {
        nlohmann::json cell = cell_json(sweep, result.index);
        cell["end"] = name_of(result.end);
        if (result.end == CellEnd::failed) {
            cell["exit_code"] = result.exit_code;
            cell["error"] = result.error;
        }
        json["cells"].push_back(std::move(cell));
    }
    return json;
}

} // namespace headroom::cli
