// From a sweep file to its cells.
#include "config/sweep/sweep.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
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

constexpr std::array kSweepCommands{
    Spelling<SweepCommand>{"simulate", SweepCommand::simulate},
    Spelling<SweepCommand>{"run", SweepCommand::run},
};
constexpr std::array kSweepTransports{
    Spelling<SweepTransport>{"inprocess", SweepTransport::inprocess},
    Spelling<SweepTransport>{"mpi", SweepTransport::mpi},
};

/// A key and its value as they stand in [set], [grid] or a [[case]].
struct AxisEntry {
    std::string key;
    const toml::node* value;
    toml::source_region place; ///< of the key
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
        sweep.command =
            root_.choice("command", kSweepCommands, kNonePlanned).value_or(SweepCommand::simulate);
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
    [[nodiscard]] std::string place_text(const toml::source_region& where) const {
        return fmt::format("{}:{}:{}", problems_.file(), where.begin.line, where.begin.column);
    }

    [[nodiscard]] AxisValue scenario_value(const std::string& written) const {
        const std::filesystem::path file = (path_.parent_path() / written).lexically_normal();
        return {written, file_word(file.stem().string()), file, {}};
    }

    void read_scenarios() {
        const std::optional<Site> site = root_.find("scenario");
        if (!site) {
            root_.missing("scenario", "give a scenario's file, from the sweep's folder");
            return;
        }
        const toml::array* const list = site->node->as_array();
        if (list == nullptr) {
            if (const auto one = read_text(*site, problems_)) {
                scenarios_ = {"scenario", {scenario_value(*one)}};
            }
            return;
        }
        Axis axis{"scenario", {}};
        for (std::size_t i = 0; i < list->size(); ++i) {
            const Site element{list->get(i), fmt::format("scenario.{}", i)};
            if (const auto written = read_text(element, problems_)) {
                add_value(axis, scenario_value(*written), element.node->source());
            }
        }
        refuse_empty(axis, *site);
        if (list->size() > 0) {
            axes_.push_back(std::move(axis));
        }
    }

    void read_run_options(Sweep& sweep) {
        const auto transport = root_.choice("transport", kSweepTransports, kNonePlanned);
        sweep.transport = transport.value_or(SweepTransport::inprocess);
        if (transport && sweep.command != SweepCommand::run) {
            add_about(
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
            add_about(*root_.find("folder"), "is empty; give a folder, or leave it out", problems_);
        }
        return folder;
    }

    const toml::table* section(std::string_view key) {
        const std::optional<Site> site = root_.find(key);
        if (site && !site->node->is_table()) {
            add_mismatch(*site, fmt::format("a table, written [{}]", key), problems_);
        }
        return site ? site->node->as_table() : nullptr;
    }

    /// The entries of a table in the order of the file, with dotted keys made one.
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
            for (AxisEntry& entry : entries_of(*below, path)) {
                entries.push_back(std::move(entry));
            }
        }
        std::stable_sort(
            entries.begin(),
            entries.end(),
            [](const AxisEntry& a, const AxisEntry& b) {
                const toml::source_position& x = a.place.begin;
                const toml::source_position& y = b.place.begin;
                return x.line != y.line ? x.line < y.line : x.column < y.column;
            }
        );
        return entries;
    }

    /// Nothing, and a problem, for values that no scenario key has.
    std::optional<SweepSetting> setting(
        const std::string& key, const toml::node& value, const std::string& shown
    ) {
        const std::optional<std::string> text = toml_text(value);
        if (!text) {
            add_mismatch({&value, shown}, "a value that a scenario key can have", problems_);
            return std::nullopt;
        }
        return SweepSetting{key, *text, place_text(value.source())};
    }

    void read_fixed() {
        const toml::table* const table = section("set");
        if (table == nullptr) {
            return;
        }
        for (const AxisEntry& entry : entries_of(*table)) {
            if (auto one = setting(entry.key, *entry.value, "set." + entry.key)) {
                fixed_.push_back(std::move(*one));
                note_key(entry.key, "[set]", entry.place);
            }
        }
    }

    void read_cases() {
        Axis axis{"case", {}};
        std::set<std::string> keys;
        for (TableReader& reader : root_.tables("case", "[[case]]")) {
            const auto name = reader.text("name");
            const std::optional<Site> site = reader.find("name");
            if (!site) {
                problems_.add(
                    reader.place(),
                    fmt::format("{} is missing; give every case one", reader.key_path("name"))
                );
            }
            AxisValue value{name.value_or(""), file_word(name.value_or("")), {}, {}};
            for (const AxisEntry& entry : entries_of(reader.table())) {
                if (entry.key == "name") {
                    continue;
                }
                if (auto one = setting(entry.key, *entry.value, reader.key_path(entry.key))) {
                    value.settings.push_back(std::move(*one));
                }
                if (keys.insert(entry.key).second) {
                    note_key(entry.key, "[[case]]", entry.place);
                }
            }
            if (name) {
                add_value(axis, std::move(value), site->node->source());
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
        for (const AxisEntry& entry : entries_of(*table)) {
            const Site site{entry.value, "grid." + entry.key};
            const toml::array* const list = entry.value->as_array();
            note_key(entry.key, "[grid]", entry.place);
            if (list == nullptr) {
                add_mismatch(
                    site, "a list of values", problems_, "; what all cells share stands in [set]"
                );
                continue;
            }
            Axis axis{entry.key, {}};
            for (std::size_t i = 0; i < list->size(); ++i) {
                const toml::node& node = *list->get(i);
                if (auto one = setting(entry.key, node, fmt::format("{}.{}", site.key, i))) {
                    const std::string shown = one->value;
                    add_value(axis, {shown, "", {}, {std::move(*one)}}, node.source());
                }
            }
            refuse_empty(axis, site);
            if (list->size() > 0) {
                axes_.push_back(std::move(axis));
            }
        }
    }

    void add_value(Axis& axis, AxisValue value, const toml::source_region& where) {
        const auto same = [&](const AxisValue& other) { return other.shown == value.shown; };
        if (std::any_of(axis.values.begin(), axis.values.end(), same)) {
            problems_.add(
                where, fmt::format("{}: {} is there already; leave one out", axis.name, value.shown)
            );
        }
        axis.values.push_back(std::move(value));
    }

    void refuse_empty(const Axis& axis, const Site& site) {
        const toml::array* const list = site.node->as_array();
        if (axis.values.empty() && list->empty()) {
            add_about(
                site, "is empty, so there would be no cell; give at least one value", problems_
            );
        }
    }

    void note_key(
        const std::string& key, const std::string& where, const toml::source_region& place
    ) {
        keys_.push_back({key, where, place});
    }

    /// A key has one place: of two values it would be unclear which counts.
    void check_keys() {
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (keys_[i].key == keys_[j].key) {
                    problems_.add(
                        keys_[i].place,
                        fmt::format(
                            "{} stands in {} and in {}; leave one out",
                            keys_[i].key,
                            keys_[j].where,
                            keys_[i].where
                        )
                    );
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
                root_.place(),
                fmt::format(
                    "{} are more than {} cells; divide the sweep into several files",
                    fmt::join(sizes, " times "),
                    kMaxSweepCells
                )
            );
        }
    }

    struct Key {
        std::string key;
        std::string where;
        toml::source_region place;
    };

    TableReader root_;
    std::filesystem::path path_;
    Problems& problems_;
    Axis scenarios_; ///< the one scenario, if it is no list
    std::vector<SweepSetting> fixed_;
    std::vector<Axis> axes_;
    std::vector<Key> keys_;
};

/// What a scenario looks like that was taken for a sweep.
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

std::string read_sweep_file(const std::filesystem::path& path) {
    const Input input = read_input(path, "the sweep");
    if (input.failure == ENOENT || input.failure == ENOTDIR) {
        throw InputError(fmt::format("{}: there is no such sweep file", path.string()));
    }
    if (input.failure == EISDIR) {
        throw InputError(fmt::format("{}: a directory, not a sweep file", path.string()));
    }
    if (input.failure != 0) {
        throw InputError(fmt::format(
            "{}: the sweep file cannot be read: {}", input_name(path), std::strerror(input.failure)
        ));
    }
    return input.text;
}

} // namespace

std::string_view name_of(SweepCommand command) {
    return kSweepCommands.at(static_cast<std::size_t>(command)).name;
}

std::string_view name_of(SweepTransport transport) {
    return kSweepTransports.at(static_cast<std::size_t>(transport)).name;
}

Sweep parse_sweep(std::string_view text, const std::filesystem::path& as_if_from) {
    Problems problems(as_if_from.string());
    const toml::table document = parse_toml(text, problems);
    refuse_scenario(document, as_if_from.string());
    return SweepReader(document, as_if_from, problems).read();
}

Sweep load_sweep(const std::filesystem::path& path) {
    return parse_sweep(read_sweep_file(path), input_place(path));
}

} // namespace headroom::config
