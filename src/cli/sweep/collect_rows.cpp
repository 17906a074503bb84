#include "cli/sweep/collect_rows.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "config/reader/settings.hpp"

namespace headroom::cli {

namespace {

using trace::Figure;
using trace::FigureColumn;
using Kind = trace::FigureColumn::Kind;

/// The values of one scenario by key.
using Settings = std::map<std::string, Figure>;

/// If more keys of one list of tables (devices, links, events) differ, they get no columns, because
/// the scenarios have different fleets.
constexpr std::size_t kMaxKeysPerList = 12;

/// Keys whose columns have shorter names.
constexpr std::array<std::string_view, 3> kRenamedKeys{
    "controller.policy", "controller.interval", "seed"};

Settings settings_of(const std::string& scenario) {
    Settings settings;
    for (const config::KeyValue& one : config::flat_settings(scenario)) {
        std::visit([&](const auto& value) { settings[one.key] = value; }, one.value);
    }
    return settings;
}

Figure value_at(const Settings& settings, const std::string& key) {
    const auto found = settings.find(key);
    return found == settings.end() ? Figure() : found->second;
}

std::string text_at(const Settings& settings, const std::string& key) {
    const auto found = settings.find(key);
    const auto* const text =
        found == settings.end() ? nullptr : std::get_if<std::string>(&found->second);
    return text == nullptr ? "" : *text;
}

std::string model_of(const Settings& settings) {
    const std::string file = text_at(settings, "model.file");
    if (!file.empty()) {
        return std::filesystem::path(file).stem().string();
    }
    const std::string preset = text_at(settings, "model.from_preset");
    return preset.empty() ? "shape" : preset;
}

std::int64_t devices_of(const Settings& settings) {
    std::set<std::string> names;
    for (auto at = settings.lower_bound("device."); at != settings.end(); ++at) {
        if (!at->first.starts_with("device.")) {
            break;
        }
        if (at->first.ends_with(".memory")) { // every device has this key; names may contain dots
            names.insert(at->first);
        }
    }
    return static_cast<std::int64_t>(names.size());
}

/// Returns the list of tables that a key belongs to, or "".
std::string_view list_of(std::string_view key) {
    for (const std::string_view list : {"device.", "event.", "network.link."}) {
        if (key.starts_with(list)) {
            return list.substr(0, list.size() - 1);
        }
    }
    return "";
}

/// Returns the keys whose values are not the same in all scenarios, sorted. Adds a note for each
/// list of tables whose keys are left out.
std::vector<std::string> differing_keys(
    const std::vector<Settings>& all, std::vector<std::string>& notes
) {
    std::set<std::string> keys;
    for (const Settings& settings : all) {
        for (const auto& [key, value] : settings) {
            keys.insert(key);
        }
    }
    std::erase_if(keys, [&](const std::string& key) {
        const Figure first = value_at(all.front(), key);
        return std::find(kRenamedKeys.begin(), kRenamedKeys.end(), key) != kRenamedKeys.end() ||
               std::all_of(all.begin(), all.end(), [&](const Settings& settings) {
                   return value_at(settings, key) == first;
               });
    });
    std::map<std::string_view, std::size_t> counts;
    for (const std::string& key : keys) {
        ++counts[list_of(key)];
    }
    for (const auto& [list, count] : counts) {
        if (!list.empty() && count > kMaxKeysPerList) {
            notes.push_back(fmt::format(
                "{} keys of [[{}]] differ and have no columns: column scenario tells fleets apart",
                count,
                list
            ));
        }
    }
    std::erase_if(keys, [&](const std::string& key) {
        const std::string_view list = list_of(key);
        return !list.empty() && counts[list] > kMaxKeysPerList;
    });
    return {keys.begin(), keys.end()};
}

/// Returns the base unit of the values if all of them are quantities of one unit, such as "B" for
/// "4096 B". Returns "" otherwise.
std::string common_unit(const std::vector<Figure>& values) {
    std::string unit;
    for (const Figure& value : values) {
        if (std::holds_alternative<std::monostate>(value)) {
            continue;
        }
        const auto* const text = std::get_if<std::string>(&value);
        const std::size_t space = text == nullptr ? std::string::npos : text->find(' ');
        if (space == std::string::npos || space == 0 ||
            text->find_first_not_of("0123456789") != space) {
            return "";
        }
        const std::string this_unit = text->substr(space + 1);
        const bool known =
            this_unit == "B" || this_unit == "B/s" || this_unit == "FLOP/s" || this_unit == "ns";
        if (!known || (!unit.empty() && unit != this_unit)) {
            return "";
        }
        unit = this_unit;
    }
    return unit;
}

/// Returns a column of the narrowest kind that can hold all values. Quantities become numbers in
/// their base unit.
FigureColumn column_of(const std::string& name, std::vector<Figure> values) {
    FigureColumn column{name, "1", Kind::integer, std::move(values)};
    if (const std::string unit = common_unit(column.values); !unit.empty()) {
        column.unit = unit;
        for (Figure& value : column.values) {
            if (const auto* const text = std::get_if<std::string>(&value)) {
                value = std::int64_t{std::stoll(*text)};
            }
        }
    }
    for (const Figure& value : column.values) {
        if (std::holds_alternative<std::string>(value)) {
            column.kind = Kind::text;
            column.unit = "text";
        } else if (std::holds_alternative<double>(value) && column.kind == Kind::integer) {
            column.kind = Kind::real;
        }
    }
    for (Figure& value : column.values) {
        const auto* const integer = std::get_if<std::int64_t>(&value);
        if (std::holds_alternative<std::monostate>(value)) {
            continue;
        }
        if (column.kind == Kind::text) {
            value = trace::plain_text(value);
        } else if (column.kind == Kind::real && integer != nullptr) {
            value = static_cast<double>(*integer);
        }
    }
    return column;
}

/// A figure that is read from the summary of a run.
struct SummaryFigure {
    const char* name;
    const char* unit;
    Kind kind;
    Figure (*get)(const trace::Summary&);
};

Figure time_or_missing(Nanoseconds time) {
    return time < 0 ? Figure() : Figure(time);
}

Figure largest_fullness(const trace::Summary& s) {
    double most = 0;
    for (const trace::DeviceSummary& device : s.devices) {
        most = std::max(most, device.fullness());
    }
    return most;
}

using S = trace::Summary;
constexpr std::array kFigures{
    SummaryFigure{
        "prompt_tokens", "1", Kind::integer, [](const S& s) -> Figure { return s.prompt_tokens; }},
    SummaryFigure{
        "sampled_tokens",
        "1",
        Kind::integer,
        [](const S& s) -> Figure { return s.sampled_tokens; }},
    SummaryFigure{
        "time_to_first_token_ns",
        "ns",
        Kind::integer,
        [](const S& s) -> Figure { return s.time_to_first_token; }},
    SummaryFigure{
        "time_to_first_token_p50_ns",
        "ns",
        Kind::integer,
        [](const S& s) { return time_or_missing(s.time_to_first_token_p50); }},
    SummaryFigure{
        "time_to_first_token_p95_ns",
        "ns",
        Kind::integer,
        [](const S& s) { return time_or_missing(s.time_to_first_token_p95); }},
    SummaryFigure{
        "time_per_output_token_ns",
        "ns",
        Kind::integer,
        [](const S& s) { return time_or_missing(s.time_per_output_token); }},
    SummaryFigure{
        "time_per_output_token_p50_ns",
        "ns",
        Kind::integer,
        [](const S& s) { return time_or_missing(s.time_per_output_token_p50); }},
    SummaryFigure{
        "time_per_output_token_p95_ns",
        "ns",
        Kind::integer,
        [](const S& s) { return time_or_missing(s.time_per_output_token_p95); }},
    SummaryFigure{
        "tokens_per_s", "1/s", Kind::real, [](const S& s) -> Figure { return s.tokens_per_s; }},
    SummaryFigure{
        "virtual_time_ns", "ns", Kind::integer, [](const S& s) -> Figure { return s.end; }},
    SummaryFigure{
        "decisions", "1", Kind::integer, [](const S& s) -> Figure { return s.decisions; }},
    SummaryFigure{
        "decisions_that_moved",
        "1",
        Kind::integer,
        [](const S& s) -> Figure { return s.decisions_that_moved; }},
    SummaryFigure{
        "decisions_infeasible",
        "1",
        Kind::integer,
        [](const S& s) -> Figure { return s.decisions_infeasible; }},
    SummaryFigure{
        "blocks_moved", "1", Kind::integer, [](const S& s) -> Figure { return s.blocks_moved; }},
    SummaryFigure{
        "bytes_migrated",
        "B",
        Kind::integer,
        [](const S& s) -> Figure { return s.bytes_migrated; }},
    SummaryFigure{
        "bytes_loaded", "B", Kind::integer, [](const S& s) -> Figure { return s.bytes_loaded; }},
    SummaryFigure{
        "time_migrating_ns",
        "ns",
        Kind::integer,
        [](const S& s) -> Figure { return s.time_migrating; }},
    SummaryFigure{
        "bytes_activations",
        "B",
        Kind::integer,
        [](const S& s) -> Figure { return s.bytes_messages; }},
    SummaryFigure{
        "memory_peak_fraction", "1", Kind::real, [](const S& s) { return largest_fullness(s); }},
    SummaryFigure{
        "resumptions", "1", Kind::integer, [](const S& s) -> Figure { return s.resumptions; }},
    SummaryFigure{
        "overloads", "1", Kind::integer, [](const S& s) -> Figure { return s.overloads; }},
    SummaryFigure{
        "bytes_paged", "B", Kind::integer, [](const S& s) -> Figure { return s.bytes_paged; }},
};

/// Returns a column of one text member of the runs.
FigureColumn text_column(
    const char* name, const std::vector<CollectedRun>& runs, std::string CollectedRun::*member
) {
    FigureColumn column{name, "text", Kind::text, {}};
    for (const CollectedRun& run : runs) {
        column.values.emplace_back(run.*member);
    }
    return column;
}

void add_keys(
    const std::vector<CollectedRun>& runs, const std::vector<Settings>& all, Collection& result
) {
    std::vector<FigureColumn>& columns = result.table.columns;
    columns.push_back(text_column("file", runs, &CollectedRun::file));
    columns.push_back(text_column("scenario", runs, &CollectedRun::scenario_name));
    const auto add = [&](const std::string& name, auto value) {
        std::vector<Figure> values;
        for (const Settings& settings : all) {
            values.push_back(value(settings));
        }
        columns.push_back(column_of(name, std::move(values)));
    };
    const auto at = [](const std::string& key) {
        return [key](const Settings& settings) { return value_at(settings, key); };
    };
    add("policy", at("controller.policy"));
    add("interval", at("controller.interval"));
    add("seed", at("seed"));
    add("devices", [](const Settings& settings) -> Figure { return devices_of(settings); });
    add("model", [](const Settings& settings) -> Figure { return model_of(settings); });
    for (const std::string& key : differing_keys(all, result.notes)) {
        add(key, at(key));
    }
    result.key_columns = columns.size();
}

void add_figures(const std::vector<CollectedRun>& runs, std::vector<FigureColumn>& columns) {
    columns.push_back(text_column("execution", runs, &CollectedRun::execution));
    columns.push_back(text_column("completion", runs, &CollectedRun::state));
    FigureColumn codes{"exit_code", "1", Kind::integer, {}};
    for (const CollectedRun& run : runs) {
        Figure& code = codes.values.emplace_back();
        if (run.exit_code) {
            code = static_cast<std::int64_t>(*run.exit_code);
        }
    }
    columns.push_back(std::move(codes));
    columns.push_back(text_column("error", runs, &CollectedRun::error));
    for (const SummaryFigure& figure : kFigures) {
        FigureColumn column{figure.name, figure.unit, figure.kind, {}};
        for (const CollectedRun& run : runs) {
            Figure& value = column.values.emplace_back();
            if (run.summary) {
                value = figure.get(*run.summary);
            }
        }
        columns.push_back(std::move(column));
    }
}

} // namespace

Collection collect_rows(const std::vector<CollectedRun>& runs) {
    Collection result;
    std::vector<Settings> all;
    for (const CollectedRun& run : runs) {
        all.push_back(settings_of(run.scenario));
    }
    add_keys(runs, all, result);
    add_figures(runs, result.table.columns);
    return result;
}

} // namespace headroom::cli
