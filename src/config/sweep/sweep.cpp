#include "config/sweep/sweep.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/error.hpp"
#include "config/sections/table_reader.hpp"
#include "config/sweep/sweep_axes.hpp"
#include "config/sweep/sweep_names.hpp"
#include "config/toml/input.hpp"
#include "config/toml/toml_text.hpp"

namespace headroom::config {

namespace {

/// A key of [set], [grid] or a [[case]] with its value.
struct AxisEntry {
    std::string key;
    const toml::node* value;
    toml::source_region position; ///< position of the key
};

class SweepReader {
  public:
    SweepReader(const toml::table& document, std::filesystem::path path, Problems& problems)
        : root_(document, "", "a sweep file", problems), path_(std::move(path)),
          problems_(problems) {}

    Sweep read() {
        Sweep sweep;
        sweep.path = path_;
        sweep.name = path_.stem().string();
        read_scenarios();
        sweep.command = root_.choice<SweepCommand>("command").value_or(sweep.command);
        read_run_options(sweep);
        sweep.folder = read_folder().value_or(sweep.name);
        read_fixed();
        read_cases();
        read_grid();
        root_.finish();
        check_keys();
        check_count();
        problems_.throw_if_any();
        for (const Axis& axis : axes_) {
            sweep.axes.push_back(axis.name);
        }
        const bool one = !scenarios_.values.empty();
        sweep.cells = cells_of(axes_, fixed_, one ? scenarios_.values.front().scenario : "");
        return sweep;
    }

  private:
    [[nodiscard]] AxisValue scenario_value(const std::string& written) const {
        const std::filesystem::path file = (path_.parent_path() / written).lexically_normal();
        return {written, file_name_part(file.stem().string()), file, {}};
    }

    void read_scenarios() {
        const std::optional<TomlEntry> entry = root_.find("scenario");
        if (!entry) {
            root_.report_missing("scenario", "give a scenario's file, from the sweep's folder");
            return;
        }
        if (!entry->node->is_array()) {
            if (const auto one = read_text(*entry, problems_)) {
                scenarios_ = {"scenario", {scenario_value(*one)}};
            }
            return;
        }
        Axis axis{"scenario", {}};
        for (const TomlEntry& element : elements_of(*entry)) {
            if (const auto written = read_text(element, problems_)) {
                add_value(axis, scenario_value(*written), element.node->source());
            }
        }
        add_axis(std::move(axis), *entry);
    }

    void read_run_options(Sweep& sweep) {
        const auto transport = root_.choice<SweepTransport>("transport");
        sweep.transport = transport.value_or(sweep.transport);
        if (transport && sweep.command != SweepCommand::run) {
            add_problem(
                *root_.find("transport"),
                "is for command = \"run\": nothing is sent in a simulation; leave it out",
                problems_
            );
        }
        sweep.trace_ops = root_.flag("trace_ops").value_or(false);
    }

    std::optional<std::string> read_folder() {
        std::optional<std::string> folder = root_.text("folder");
        if (folder && folder->empty()) {
            add_problem(
                *root_.find("folder"), "is empty; give a folder, or leave it out", problems_
            );
        }
        return folder;
    }

    const toml::table* section(std::string_view key) {
        const std::optional<TomlEntry> entry = root_.find(key);
        if (entry && !entry->node->is_table()) {
            add_mismatch(*entry, fmt::format("a table, written [{}]", key), problems_);
        }
        return entry ? entry->node->as_table() : nullptr;
    }

    /// Returns the entries of a table and its subtables in the order of the file. Keys in subtables
    /// become dotted keys.
    static std::vector<AxisEntry> entries_of(
        const toml::table& table, const std::string& above = ""
    ) {
        std::vector<AxisEntry> entries;
        for (auto&& [key, value] : table) {
            const std::string path =
                above.empty() ? std::string(key.str()) : fmt::format("{}.{}", above, key.str());
            const toml::table* const below = value.as_table();
            if (below == nullptr || below->is_inline()) {
                entries.push_back({path, &value, key.source()});
                continue;
            }
            for (AxisEntry& axis_entry : entries_of(*below, path)) {
                entries.push_back(std::move(axis_entry));
            }
        }
        std::ranges::stable_sort(entries, {}, [](const AxisEntry& axis_entry) {
            const toml::source_position& at = axis_entry.position.begin;
            return std::pair(at.line, at.column);
        });
        return entries;
    }

    /// Returns a setting. Adds a problem and returns nothing if no scenario key has such a value.
    std::optional<SweepSetting> setting(
        const std::string& key, const toml::node& value, const std::string& shown
    ) {
        const std::optional<std::string> text = toml_text(value);
        if (!text) {
            return add_mismatch({&value, shown}, "a value that a scenario key can have", problems_);
        }
        const toml::source_position& at = value.source().begin;
        return SweepSetting{
            key, *text, fmt::format("{}:{}:{}", problems_.file(), at.line, at.column)};
    }

    void read_fixed() {
        const toml::table* const table = section("set");
        if (table == nullptr) {
            return;
        }
        for (const AxisEntry& axis_entry : entries_of(*table)) {
            if (auto one = setting(axis_entry.key, *axis_entry.value, "set." + axis_entry.key)) {
                fixed_.push_back(std::move(*one));
                keys_.push_back({axis_entry, "[set]"});
            }
        }
    }

    void read_cases() {
        Axis axis{"case", {}};
        std::set<std::string> keys;
        for (TableReader& reader : root_.tables("case", "[[case]]")) {
            const auto name = reader.text("name");
            const std::optional<TomlEntry> entry = reader.find("name");
            if (!entry) {
                problems_.add(
                    reader.position(),
                    fmt::format("{} is missing; give every case one", reader.key_path("name"))
                );
            }
            AxisValue value{name.value_or(""), file_name_part(name.value_or("")), {}, {}};
            for (const AxisEntry& axis_entry : entries_of(reader.table())) {
                if (axis_entry.key == "name") {
                    continue;
                }
                if (auto one = setting(
                        axis_entry.key, *axis_entry.value, reader.key_path(axis_entry.key)
                    )) {
                    value.settings.push_back(std::move(*one));
                }
                if (keys.insert(axis_entry.key).second) {
                    keys_.push_back({axis_entry, "[[case]]"});
                }
            }
            if (name) {
                add_value(axis, std::move(value), entry->node->source());
            }
        }
        if (!axis.values.empty()) {
            axes_.push_back(std::move(axis));
        }
    }

    void read_grid() {
        const toml::table* const table = section("grid");
        if (table == nullptr) {
            return;
        }
        for (const AxisEntry& axis_entry : entries_of(*table)) {
            const TomlEntry entry{axis_entry.value, "grid." + axis_entry.key};
            keys_.push_back({axis_entry, "[grid]"});
            if (!entry.node->is_array()) {
                add_mismatch(
                    entry, "a list of values", problems_, "; what all cells share stands in [set]"
                );
                continue;
            }
            Axis axis{axis_entry.key, {}};
            for (const TomlEntry& element : elements_of(entry)) {
                if (auto one = setting(axis_entry.key, *element.node, element.key)) {
                    const std::string shown = one->value;
                    add_value(axis, {shown, "", {}, {std::move(*one)}}, element.node->source());
                }
            }
            add_axis(std::move(axis), entry);
        }
    }

    void add_value(Axis& axis, AxisValue value, const toml::source_region& where) {
        const auto same = [&](const AxisValue& other) {
            return other.display_text == value.display_text;
        };
        if (std::any_of(axis.values.begin(), axis.values.end(), same)) {
            problems_.add(
                where,
                fmt::format("{}: {} is there already; leave one out", axis.name, value.display_text)
            );
        }
        axis.values.push_back(std::move(value));
    }

    /// Adds the axis of a list. Adds a problem if the list is empty.
    void add_axis(Axis axis, const TomlEntry& list) {
        if (list.node->as_array()->empty()) {
            const auto text = "is empty, so there would be no cell; give at least one value";
            add_problem(list, text, problems_);
        } else {
            axes_.push_back(std::move(axis));
        }
    }

    /// Adds a problem for every key that occurs in two of [set], [[case]] and [grid].
    void check_keys() {
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (keys_[i].entry.key == keys_[j].entry.key) {
                    const auto text = fmt::format(
                        "{} stands in {} and in {}; leave one out",
                        keys_[i].entry.key,
                        keys_[j].where,
                        keys_[i].where
                    );
                    problems_.add(keys_[i].entry.position, text);
                    break;
                }
            }
        }
    }

    void check_count() {
        std::size_t count = 1;
        std::vector<std::string> sizes;
        for (const Axis& axis : axes_) {
            count = std::min(count, std::numeric_limits<std::size_t>::max() / kMaxSweepCells);
            count *= std::max<std::size_t>(1, std::min(axis.values.size(), kMaxSweepCells));
            sizes.push_back(fmt::format("{} of {}", axis.values.size(), axis.name));
        }
        if (count > kMaxSweepCells) {
            problems_.add(
                root_.position(),
                fmt::format(
                    "{} are more than {} cells; divide the sweep into several files",
                    fmt::join(sizes, " times "),
                    kMaxSweepCells
                )
            );
        }
    }

    struct Key {
        AxisEntry entry;
        std::string_view where;
    };

    TableReader root_;
    std::filesystem::path path_;
    Problems& problems_;
    Axis scenarios_; ///< the scenario if the key `scenario` is no list; else without values
    std::vector<SweepSetting> fixed_;
    std::vector<Axis> axes_;
    std::vector<Key> keys_;
};

void refuse_scenario(const toml::table& document, const std::string& path) {
    if (!document.contains("scenario") && document.contains("device")) {
        throw InputError(fmt::format(
            "{}: a scenario, not a sweep; expected a file with scenario = \"{}\" and a [grid]; one "
            "scenario runs with headroom run or headroom simulate",
            path,
            std::filesystem::path(path).filename().string()
        ));
    }
}

} // namespace

Sweep parse_sweep(std::string_view text, const std::filesystem::path& as_if_from) {
    Problems problems(as_if_from.string());
    const toml::table document = parse_toml(text, problems);
    refuse_scenario(document, as_if_from.string());
    Sweep sweep = SweepReader(document, as_if_from, problems).read();
    sweep.text = text;
    return sweep;
}

Sweep load_sweep(const std::filesystem::path& path) {
    return parse_sweep(read_document(path, "sweep"), input_base_path(path));
}

} // namespace headroom::config
