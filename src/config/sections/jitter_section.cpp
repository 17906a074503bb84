// [network.jitter]: how the latency of messages varies.
#include <array>

#include <fmt/format.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::array<std::string_view, 2> kJitterKinds{"uniform", "walk"};

void check_range(TableReader& table, const JitterConfig& jitter) {
    const bool walk = jitter.kind == LoadKind::walk;
    if (!table.find("low") || !table.find("high")) {
        return;
    }
    if (jitter.low > jitter.high) {
        add_problem(*table.find("low"), "must not be above high", table.problems());
    } else if (walk && jitter.low == jitter.high) {
        add_problem(*table.find("low"), "must be less than high for a walk", table.problems());
    }
    const auto step = table.find("step");
    if (walk && step && jitter.low < jitter.high &&
        (jitter.step == 0 || jitter.step > jitter.high - jitter.low)) {
        const std::string_view text = "must be above 0 and at most high − low";
        add_problem(*step, text, table.problems());
    }
}

/// Reads the keys that only a walk has.
void read_walk(TableReader& table, JitterConfig& jitter, std::size_t devices) {
    table.require("step", "give a duration such as \"1 ms\"");
    jitter.period = read_period(table);
    if (devices > kMaxWalkingDevices) {
        const auto text = fmt::format(
            "= \"walk\" works with at most {} devices, since every link direction varies by "
            "itself; there are {}",
            kMaxWalkingDevices,
            devices
        );
        add_problem(*table.find("kind"), text, table.problems());
    }
}

} // namespace

JitterConfig read_jitter(TableReader& network, const ScaleConfig& scales, std::size_t devices) {
    JitterConfig jitter;
    auto table = network.table("jitter", "[network.jitter]");
    if (!table) {
        return jitter;
    }
    table->require("kind", R"(give "uniform" or "walk")");
    const auto kind = table->word("kind", kJitterKinds, {});
    const std::size_t problems = table->problems().size();
    read_keys(*table, kJitterKeys, jitter, {scales, ""});
    const bool valid = table->problems().size() == problems;
    for (const std::string_view key : {"low", "high"}) {
        table->require(key, "give a duration such as \"5 ms\"");
    }
    if (kind) {
        jitter.kind = *kind == 0 ? LoadKind::uniform : LoadKind::walk;
        if (valid) {
            check_range(*table, jitter);
        }
    }
    if (jitter.kind == LoadKind::walk) {
        read_walk(*table, jitter, devices);
    } else if (kind) {
        for (const std::string_view key : {"step", "period"}) {
            if (const auto entry = table->find(key)) {
                add_problem(*entry, "is only for kind = \"walk\"", table->problems());
            }
        }
    }
    table->finish();
    return jitter;
}

} // namespace headroom::config
