// Loads: the fraction of a device's rate, of its memory or of link bandwidth that other programs
// use.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

template <class Read>
auto read_list(TableReader& table, std::string_view key, Read read) {
    std::vector<typename decltype(read(TomlEntry{}, table.problems()))::value_type> values;
    const auto entry = table.find(key);
    if (!entry) {
        table.report_missing(key, "kind = \"steps\" needs the lists at and value");
    } else if (!entry->node->is_array()) {
        add_mismatch(*entry, "an array", table.problems());
    } else {
        for (const TomlEntry& element : elements_of(*entry)) {
            if (const auto value = read(element, table.problems())) {
                values.push_back(*value);
            }
        }
    }
    return values;
}

void read_steps(TableReader& table, LoadConfig& load) {
    load.at = read_list(table, "at", [](const TomlEntry& entry, Problems& problems) {
        return read_quantity(entry, Quantity::duration, Zero::allowed, problems);
    });
    load.values = read_list(table, "value", read_fraction);
    const auto at = table.find("at");
    const auto value = table.find("value");
    if (at && value && at->node->is_array() && value->node->is_array()) {
        const std::size_t times = elements_of(*at).size();
        const std::size_t values = elements_of(*value).size();
        if (times != values || times == 0) {
            const auto text =
                fmt::format("has {} times for {} values; one each, at least one", times, values);
            add_problem(*at, text, table.problems());
        }
    }
    for (std::size_t i = 1; i < load.at.size(); ++i) {
        if (load.at[i] <= load.at[i - 1]) {
            add_problem(*table.find("at"), "must increase from step to step", table.problems());
            return;
        }
    }
}

std::optional<scheduler::Ppb> required_fraction(TableReader& table, std::string_view key) {
    table.require(key, "give a fraction from 0 to 1");
    return table.fraction(key);
}

void read_random(TableReader& table, LoadConfig& load) {
    const auto low = required_fraction(table, "low");
    const auto high = required_fraction(table, "high");
    load.low = low.value_or(0);
    load.high = high.value_or(scheduler::kWhole);
    if (low && high && *low >= *high) {
        add_problem(*table.find("low"), "must be less than high", table.problems());
    }
    if (load.kind == LoadKind::walk) {
        const auto step = required_fraction(table, "step");
        load.step = step.value_or(1);
        if (step && (*step == 0 || (low && high && *low<*high&& * step> * high - *low))) {
            const std::string_view text = "must be above 0 and at most high − low";
            add_problem(*table.find("step"), text, table.problems());
        }
    }
    load.period = read_period(table);
}

} // namespace

Nanoseconds read_period(TableReader& table) {
    const auto entry = table.find("period");
    if (!entry) {
        table.report_missing("period", "give a duration such as \"1 s\"");
        return kSecond;
    }
    const Nanoseconds period =
        table.quantity("period", Quantity::duration, Zero::allowed).value_or(kSecond);
    if (period < kShortestPeriod) {
        add_mismatch(*entry, "at least 1 us", table.problems());
    }
    return period;
}

LoadConfig read_load(TableReader& reader, std::string_view key) {
    LoadConfig load;
    const auto entry = reader.find(key);
    if (!entry) {
        return load;
    }
    if (!entry->node->is_table()) {
        if (entry->node->is_number()) {
            load.constant = reader.fraction(key).value_or(0);
        } else {
            const std::string_view expected =
                R"(a fraction from 0 to 1 or a table { kind = "steps", … })";
            add_mismatch(*entry, expected, reader.problems(), fraction_hint(*entry->node));
        }
        return load;
    }
    TableReader table = *reader.table(key, entry->key);
    const auto kind = table.choice<LoadKind>("kind");
    if (!kind) {
        table.require("kind", R"(give "steps", "uniform" or "walk")");
        for (const std::string_view other : {"at", "value", "low", "high", "step", "period"}) {
            (void)table.find(other); // any of these may be valid for the kind that was meant
        }
        table.finish();
        return load;
    }
    load.kind = *kind;
    if (load.kind == LoadKind::steps) {
        read_steps(table, load);
    } else {
        read_random(table, load);
    }
    table.finish();
    return load;
}

std::string durations_text(const std::vector<Nanoseconds>& times) {
    std::vector<std::string> texts;
    for (const Nanoseconds time : times) {
        texts.push_back(quantity_text(Quantity::duration, time));
    }
    return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string load_text(const LoadConfig& load) {
    if (load.kind == LoadKind::constant) {
        return ppb_text(load.constant);
    }
    if (load.kind == LoadKind::steps) {
        std::vector<std::string> values;
        for (const scheduler::Ppb value : load.values) {
            values.push_back(ppb_text(value));
        }
        return fmt::format(
            "{{ kind = \"steps\", at = {}, value = [{}] }}",
            durations_text(load.at),
            fmt::join(values, ", ")
        );
    }
    return fmt::format(
        "{{ kind = \"{}\", low = {}, high = {}, {}period = {} }}",
        name_of(load.kind),
        ppb_text(load.low),
        ppb_text(load.high),
        load.kind == LoadKind::walk ? fmt::format("step = {}, ", ppb_text(load.step)) : "",
        quantity_text(Quantity::duration, load.period)
    );
}

} // namespace headroom::config
