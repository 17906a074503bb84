#include "cli/sweep/collect_rows.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "config/reader/settings.hpp"
#include "trace/analysis/run_figures.hpp"

namespace headroom::cli {

namespace {

using trace::Figure;
using trace::FigureColumn;
using Kind = trace::FigureColumn::Kind;

using Settings = std::map<std::string, Figure>;

/// If more keys of one list of tables (devices, links, events) differ, they get no columns, because
/// the scenarios have different fleets.
constexpr std::size_t kMaxKeysPerList = 12;

/// Keys that always have a column, named by their last part.
constexpr std::array<std::string_view, 3> kUsualKeys{
    "controller.policy", "controller.interval", "seed"};

bool is_among(const auto& keys, const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

Figure value_at(const Settings& settings, const std::string& key) {
    const auto found = settings.find(key);
    return found == settings.end() ? Figure() : found->second;
}

/// Returns the values of a run's scenario. Quantities that its sweep sets are spelled as there.
/// Adds the keys that its sweep sets to `sweep_keys`, in their order.
Settings settings_of(const CollectedRun& run, std::vector<std::string>& sweep_keys) {
    Settings settings;
    std::map<std::string, std::string> named_keys;
    for (const config::KeyValue& one : config::flat_settings(run.scenario)) {
        settings[one.key] = one.value;
        named_keys[one.key_with_indices] = one.key;
    }
    for (const config::SweepSetting& setting : run.settings) {
        for (const config::KeyValue& given : config::flat_settings("v = " + setting.value)) {
            const std::string as_written = setting.key + given.key.substr(1);
            const std::string key = named_keys.try_emplace(as_written, as_written).first->second;
            Figure& value = settings.try_emplace(key, given.value).first->second;
            if (config::is_same_quantity(
                    trace::plain_text(value), trace::plain_text(given.value)
                )) {
                value = given.value;
            }
            if (!is_among(sweep_keys, key)) {
                sweep_keys.push_back(key);
            }
        }
    }
    if (!run.own_policy.empty()) {
        settings["controller.policy"] = Figure(run.own_policy);
    }
    return settings;
}

std::string model_of(const Settings& settings) {
    const std::string file = trace::plain_text(value_at(settings, "model.file"));
    if (!file.empty()) {
        return std::filesystem::path(file).stem().string();
    }
    const std::string preset = trace::plain_text(value_at(settings, "model.from_preset"));
    return preset.empty() ? "shape" : preset;
}

std::int64_t devices_of(const Settings& settings) {
    return std::count_if(settings.begin(), settings.end(), [](const auto& setting) {
        const std::string& key = setting.first; // every device has a memory
        return key.starts_with("device.") && key.ends_with(".memory");
    });
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

/// Returns the keys whose values are not the same in all scenarios. Adds a note for each list of
/// tables whose keys are left out; those that a sweep sets are kept.
std::set<std::string> differing_keys(
    const std::vector<Settings>& all,
    const std::vector<std::string>& sweep_keys,
    std::vector<std::string>& notes
) {
    std::set<std::string> keys;
    for (const Settings& settings : all) {
        for (const auto& [key, value] : settings) {
            keys.insert(key);
        }
    }
    std::erase_if(keys, [&](const std::string& key) {
        const Figure first = value_at(all.front(), key);
        return std::all_of(all.begin(), all.end(), [&](const Settings& settings) {
            return value_at(settings, key) == first;
        });
    });
    std::map<std::string_view, std::size_t> counts;
    const auto is_counted = [&](const std::string& key) {
        return !list_of(key).empty() && !is_among(sweep_keys, key);
    };
    for (const std::string& key : keys) {
        counts[list_of(key)] += is_counted(key) ? 1U : 0U;
    }
    for (const auto& [list, count] : counts) {
        if (count > kMaxKeysPerList) {
            notes.push_back(fmt::format(
                "{} keys of [[{}]] differ and have no columns: column scenario tells fleets apart",
                count,
                list
            ));
        }
    }
    std::erase_if(keys, [&](const std::string& key) {
        return is_counted(key) && counts[list_of(key)] > kMaxKeysPerList;
    });
    return keys;
}

/// Returns the base unit of the values if all of them are quantities of one unit, such as "B" for
/// "4096 B". Returns "" otherwise.
std::string common_unit(const std::vector<Figure>& values) {
    std::set<std::string> units;
    for (const Figure& value : values) {
        const std::string text = trace::plain_text(value);
        const std::size_t space = text.find_first_not_of("0123456789");
        const bool has_unit = space != 0 && space != std::string::npos;
        const std::string unit = has_unit ? text.substr(space) : "";
        if (unit == " B" || unit == " B/s" || unit == " FLOP/s" || unit == " ns") {
            units.insert(unit.substr(1));
        } else if (!std::holds_alternative<std::monostate>(value)) {
            return "";
        }
    }
    return units.size() == 1 ? *units.begin() : "";
}

template <class T>
bool any_is(const std::vector<Figure>& values) {
    return std::any_of(values.begin(), values.end(), [](const Figure& value) {
        return std::holds_alternative<T>(value);
    });
}

/// Returns a column of the narrowest kind that can hold all values. Quantities become numbers in
/// their base unit, unless they are to be written as a sweep gives them.
FigureColumn column_of(const std::string& name, std::vector<Figure> values, bool as_given) {
    const std::string unit = as_given ? "" : common_unit(values);
    const bool is_text = unit.empty() && any_is<std::string>(values);
    const bool is_real = any_is<double>(values);
    for (Figure& value : values) {
        const auto* const integer = std::get_if<std::int64_t>(&value);
        if (std::holds_alternative<std::monostate>(value)) {
            continue;
        }
        if (is_text) {
            value = trace::plain_text(value);
        } else if (!unit.empty()) {
            value = std::int64_t{std::stoll(std::get<std::string>(value))};
        } else if (is_real && integer != nullptr) {
            value = static_cast<double>(*integer);
        }
    }
    return {
        name,
        is_text        ? "text"
        : unit.empty() ? "1"
                       : unit,
        is_text   ? Kind::text
        : is_real ? Kind::real
                  : Kind::integer,
        std::move(values)};
}

FigureColumn text_column(
    const char* name, const std::vector<CollectedRun>& runs, std::string CollectedRun::*member
) {
    FigureColumn column{name, "text", Kind::text, {}};
    for (const CollectedRun& run : runs) {
        column.values.emplace_back(run.*member);
    }
    return column;
}

void add_keys(const std::vector<CollectedRun>& runs, Collection& result) {
    std::vector<Settings> all;
    std::vector<std::string> sweep_keys;
    for (const CollectedRun& run : runs) {
        all.push_back(settings_of(run, sweep_keys));
    }
    std::vector<FigureColumn>& columns = result.table.columns;
    columns.push_back(text_column("file", runs, &CollectedRun::file));
    columns.push_back(text_column("scenario", runs, &CollectedRun::scenario_name));
    std::set<std::string> missing = differing_keys(all, sweep_keys, result.notes);
    missing.insert(kUsualKeys.begin(), kUsualKeys.end());
    const auto add = [&](const std::string& name, bool as_given, auto value) {
        std::vector<Figure> values;
        for (const Settings& settings : all) {
            values.emplace_back(value(settings));
        }
        columns.push_back(column_of(name, std::move(values), as_given));
    };
    const auto add_key = [&](const std::string& key, bool as_given) {
        if (missing.erase(key) > 0) {
            const bool is_usual = is_among(kUsualKeys, key);
            add(is_usual ? key.substr(key.rfind('.') + 1) : key,
                as_given,
                [&](const Settings& settings) { return value_at(settings, key); });
        }
    };
    for (const std::string& key : sweep_keys) {
        add_key(key, true);
    }
    for (const std::string_view key : kUsualKeys) {
        add_key(std::string(key), false);
    }
    add("devices", false, devices_of);
    add("model", false, model_of);
    for (const std::string& key : std::set(missing)) {
        add_key(key, false);
    }
    result.key_columns = columns.size();
}

void add_figures(const std::vector<CollectedRun>& runs, std::vector<FigureColumn>& columns) {
    columns.push_back(text_column("execution", runs, &CollectedRun::execution));
    columns.push_back(text_column("completion", runs, &CollectedRun::state));
    FigureColumn codes{"exit_code", "1", Kind::integer, {}};
    for (const CollectedRun& run : runs) {
        codes.values.push_back(run.exit_code ? Figure(std::int64_t{*run.exit_code}) : Figure());
    }
    columns.push_back(std::move(codes));
    columns.push_back(text_column("error", runs, &CollectedRun::error));
    for (const trace::RunFigure& figure : trace::kRunFigures) {
        if (figure.use == trace::RunFigure::Use::json) {
            continue;
        }
        FigureColumn column{std::string(figure.name), std::string(figure.unit), figure.kind(), {}};
        for (const CollectedRun& run : runs) {
            column.values.push_back(run.summary ? figure.of(*run.summary) : Figure());
        }
        columns.push_back(std::move(column));
    }
}

} // namespace

Collection collect_rows(const std::vector<CollectedRun>& runs) {
    Collection result;
    add_keys(runs, result);
    add_figures(runs, result.table.columns);
    return result;
}

} // namespace headroom::cli
