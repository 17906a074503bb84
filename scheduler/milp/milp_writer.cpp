#include "scheduler/milp/milp_writer.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::milp {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kNsPerMs = 1e6;

double ms(double ns) {
    return ns / kNsPerMs;
}

} // namespace

MilpWriter::MilpWriter(const Tables& tables, std::vector<std::string> names)
    : tables_(tables), step_(tables.step()), names_(std::move(names)),
      steps_(static_cast<double>(tables.problem().steps())),
      one_(programme_.variable("one", VariableKind::continuous)), memory_(tables.devices()),
      lanes_(tables.lanes()) {
    programme_.row("one_is_1", {{one_, 1}}, Sense::equal, 1);
}

std::string MilpWriter::named(const std::string& what, std::size_t layer, std::size_t d) const {
    return fmt::format("{}_L{}_{}", what, layer, names_[d]);
}

void MilpWriter::hold(const Item& item, std::size_t d, std::size_t variable, double count) {
    memory_[d].push_back({variable, count * static_cast<double>(item.weight) / kMiB});
}

/// Charges the moves of an item to device d: the published costs, or the times on lanes.
void MilpWriter::move(const Item& item, std::size_t d, std::size_t variable, std::int64_t most) {
    if (item.origin == kNowhere || item.origin == d) {
        return;
    }
    programme_.cost(variable, ms(item.charge[d]));
    tables_.visit_lanes(item, d, [&](std::size_t lane, double time) {
        lanes_[lane].busy.push_back({variable, ms(time)});
        lanes_[lane].moves.push_back({{{variable, 1}}, most});
    });
}

/// Adds a block that is on exactly one of the usable devices.
MilpWriter::Host MilpWriter::place_host(const Item& item, const std::string& name) {
    Host host;
    host.at.assign(tables_.devices(), kNone);
    Terms all;
    for (std::size_t d = 0; d < tables_.devices(); ++d) {
        if (usable(d)) {
            host.at[d] =
                programme_.variable(fmt::format("{}_{}", name, names_[d]), VariableKind::binary);
            all.push_back({host.at[d], 1});
            hold(item, d, host.at[d], 1);
            move(item, d, host.at[d], 1);
        }
    }
    programme_.row("one_" + name, std::move(all), Sense::equal, 1);
    return host;
}

MilpWriter::UnitVariables MilpWriter::place_units(
    std::size_t pool_index, const std::string& letter
) {
    const Pool& pool = tables_.pools()[pool_index];
    UnitVariables units;
    units.units = pool.units;
    std::vector<Terms> sums(tables_.devices());
    units.count.assign(tables_.devices(), kNone);
    const std::string layer = fmt::format("L{}", pool.layer);
    for (std::size_t i = 0; i < pool.items; ++i) {
        const Item& item = tables_.items()[pool.first_item + i];
        const auto size = static_cast<std::int64_t>(item.blocks.size());
        const std::string of = pool.items == 1 ? ""
                               : item.origin != kNowhere
                                   ? fmt::format("_{}from_{}", i, names_[item.origin])
                                   : fmt::format("_{}", i);
        Terms all;
        for (std::size_t d = 0; d < tables_.devices(); ++d) {
            if (!usable(d)) {
                continue;
            }
            const std::size_t v = programme_.variable(
                fmt::format("{}{}_{}_{}", letter, of, layer, names_[d]), VariableKind::integer, size
            );
            all.push_back({v, 1});
            sums[d].push_back({v, 1});
            units.count[d] = v;
            hold(item, d, v, 1);
            move(item, d, v, size);
        }
        programme_.row(
            fmt::format("all_{}{}_{}", letter, of, layer),
            std::move(all),
            Sense::equal,
            static_cast<double>(size)
        );
    }
    for (std::size_t d = 0; d < tables_.devices() && pool.items > 1; ++d) {
        if (usable(d)) {
            units.count[d] =
                programme_.variable(named(letter, pool.layer, d), VariableKind::continuous);
            sums[d].push_back({units.count[d], -1});
            programme_.row(named("sum_" + letter, pool.layer, d), sums[d], Sense::equal, 0);
        }
    }
    return units;
}

/// Adds binary variables for "the device has n units", because times are rounded for each n.
void MilpWriter::count_units(UnitVariables& units, const std::string& letter, std::size_t layer) {
    units.is.assign(tables_.devices(), {});
    for (std::size_t d = 0; d < tables_.devices(); ++d) {
        if (!usable(d)) {
            continue;
        }
        Terms one;
        Terms count = {{units.count[d], -1}};
        for (std::int32_t n = 0; n <= units.units; ++n) {
            const std::size_t v = programme_.variable(
                fmt::format("is_{}__{}", named(letter, layer, d), n), VariableKind::binary
            );
            units.is[d].push_back(v);
            one.push_back({v, 1});
            count.push_back({v, static_cast<double>(n)});
        }
        programme_.row(named("one_is_" + letter, layer, d), std::move(one), Sense::equal, 1);
        programme_.row(named("is_" + letter, layer, d), std::move(count), Sense::equal, 0);
    }
}

std::vector<MilpWriter::OnDevice> MilpWriter::pairs(
    const Host& first, const Host& second, const std::string& name
) {
    const std::size_t n = tables_.devices();
    std::vector<OnDevice> both(n, OnDevice(n, kNone));
    if (first.fixed != kNone) {
        both[first.fixed] = second.at;
        return both;
    }
    std::vector<Terms> to(n);
    for (std::size_t a = 0; a < n; ++a) {
        Terms from;
        for (std::size_t b = 0; b < n && first.at[a] != kNone; ++b) {
            if (second.at[b] != kNone) {
                both[a][b] = programme_.variable(
                    fmt::format("{}_{}__{}", name, names_[a], names_[b]), VariableKind::continuous
                );
                from.push_back({both[a][b], 1});
                to[b].push_back({both[a][b], 1});
            }
        }
        if (first.at[a] != kNone) {
            from.push_back({first.at[a], -1});
            programme_.row(
                fmt::format("{}_from_{}", name, names_[a]), std::move(from), Sense::equal, 0
            );
        }
    }
    for (std::size_t b = 0; b < n; ++b) {
        if (second.at[b] != kNone) {
            to[b].push_back({second.at[b], -1});
            programme_.row(fmt::format("{}_to_{}", name, names_[b]), to[b], Sense::equal, 0);
        }
    }
    return both;
}

/// Adds embed and lm_head, or the source in their place.
void MilpWriter::place_ends() {
    const std::size_t last = tables_.chain_length() - 1;
    const auto place = [&](std::size_t position, const char* name) {
        const std::uint64_t mask = tables_.chain_mask(position);
        if (std::has_single_bit(mask)) {
            Host host;
            host.fixed = static_cast<std::size_t>(std::countr_zero(mask));
            if (const Item* const item = tables_.chain_item(position, true)) {
                hold(*item, host.fixed, one_, 1);
                move(*item, host.fixed, one_, 1);
            }
            return host;
        }
        return place_host(*tables_.chain_item(position), name);
    };
    embed_ = place(0, "place_embed");
    lm_head_ = place(last, "place_lm_head");
    for (std::size_t d = 0; d < tables_.devices() && !tables_.by_formula(); ++d) {
        const double cost = steps_ * ms(static_cast<double>(step_.start(d)));
        if (embed_.fixed == d) {
            programme_.cost(one_, cost);
        } else if (embed_.fixed == kNone && embed_.at[d] != kNone) {
            programme_.cost(embed_.at[d], cost);
        }
    }
    holder_ = embed_;
    if (tables_.tied() && embed_.fixed == kNone) {
        share_tied_matrix();
    }
}

/// A tied lm_head on the device of embed needs, sends and loads its norm only.
void MilpWriter::share_tied_matrix() {
    const Item& whole = *tables_.chain_item(tables_.chain_length() - 1, false);
    const Item& norm = *tables_.chain_item(tables_.chain_length() - 1, true);
    for (std::size_t d = 0; d < tables_.devices(); ++d) {
        if (!usable(d)) {
            continue;
        }
        const std::size_t shared =
            programme_.variable("shared_matrix_" + names_[d], VariableKind::continuous);
        for (const std::size_t host : {embed_.at[d], lm_head_.at[d]}) {
            programme_.row(
                fmt::format("shared_{}_{}", host == embed_.at[d] ? "embed" : "lm_head", names_[d]),
                {{shared, 1}, {host, -1}},
                Sense::at_most,
                0
            );
        }
        memory_[d].push_back({shared, static_cast<double>(norm.weight - whole.weight) / kMiB});
        if (whole.origin == kNowhere || whole.origin == d) {
            continue;
        }
        const auto save = [&](std::size_t lane, double all, double part) {
            lanes_[lane].busy.push_back({shared, ms(part - all)});
            for (LaneMove& moved : lanes_[lane].moves) {
                if (norm.message == 0 && moved.moves.front().variable == lm_head_.at[d]) {
                    moved.moves.push_back({shared, -1});
                }
            }
        };
        save(tables_.link(whole.origin, d), whole.sent[d], norm.sent[d]);
        save(tables_.storage(d), whole.loaded[d], norm.loaded[d]);
    }
}

void MilpWriter::finish_step(const Host& holder) {
    const auto cost = [&](std::size_t a, std::size_t b) {
        return steps_ * ms(static_cast<double>(step_.finish(a, b)));
    };
    std::vector<OnDevice> both;
    if (lm_head_.fixed == kNone) {
        both = pairs(holder, lm_head_, "last");
    }
    for (std::size_t a = 0; a < tables_.devices(); ++a) {
        for (std::size_t b = 0; b < both.size(); ++b) {
            if (both[a][b] != kNone) {
                programme_.cost(both[a][b], cost(a, b));
            }
        }
        if (both.empty() && holder.at[a] != kNone) {
            programme_.cost(holder.at[a], cost(a, lm_head_.fixed));
        }
    }
}

void MilpWriter::write_memory() {
    for (std::size_t d = 0; d < tables_.devices(); ++d) {
        if (!memory_[d].empty()) {
            programme_.row(
                "memory_" + names_[d],
                memory_[d],
                Sense::at_most,
                static_cast<double>(tables_.capacity(d)) / kMiB
            );
        }
    }
}

/// D_mig is at least the time of each lane: its transfers, and its latency if it is used.
void MilpWriter::write_migration() {
    if (!tables_.moves() || tables_.by_formula()) {
        return;
    }
    const std::size_t d_mig = programme_.variable("d_mig", VariableKind::continuous);
    programme_.cost(d_mig, 1);
    const std::size_t n = tables_.devices();
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
        if (lanes_[lane].busy.empty()) {
            continue;
        }
        const std::string name = lane < n * n
                                     ? fmt::format("{}__{}", names_[lane / n], names_[lane % n])
                                     : "storage_" + names_[lane - n * n];
        Terms terms = lanes_[lane].busy;
        terms.push_back({d_mig, -1});
        const double latency = tables_.lane_latency(lane);
        if (latency > 0) {
            const std::size_t used = programme_.variable("used_" + name, VariableKind::binary);
            terms.push_back({used, ms(latency)});
            int number = 0;
            for (LaneMove& moved : lanes_[lane].moves) {
                moved.moves.push_back({used, -static_cast<double>(moved.most)});
                programme_.row(
                    fmt::format("used_{}__{}", name, ++number), moved.moves, Sense::at_most, 0
                );
            }
        }
        programme_.row("lane_" + name, std::move(terms), Sense::at_most, 0);
    }
}

void MilpWriter::write() {
    place_ends();
    for (std::size_t l = 0; l < tables_.layers() && programme_.terms() <= kMostMilpTerms; ++l) {
        if (tables_.by_formula()) {
            write_paper_layer(l);
        } else {
            write_physical_layer(l);
        }
    }
    if (!tables_.by_formula()) {
        finish_step(holder_);
    }
    write_memory();
    write_migration();
}

} // namespace headroom::scheduler::milp
