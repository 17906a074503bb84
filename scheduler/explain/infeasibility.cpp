#include "scheduler/explain/infeasibility.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

Bytes total_memory(const Problem& problem) {
    Bytes total = 0;
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        const bool overflows = device.memory > std::numeric_limits<Bytes>::max() - total;
        total = overflows ? std::numeric_limits<Bytes>::max() : total + device.memory;
    }
    return total;
}

/// The compute of a layer and of the devices within T_budget. All layers need the same compute.
struct Compute {
    BlockId largest; ///< the block of a layer that needs most
    Flops largest_flops = 0;
    Flops layer = 0; ///< FLOP of all blocks of a layer
    DeviceId fastest{0};
    Flops fastest_limit = 0;
    double all_limits = 0; ///< sum over all devices; a double, because one may be unlimited

    [[nodiscard]] bool block_too_large() const { return largest_flops > fastest_limit; }
    [[nodiscard]] bool layer_too_large() const { return static_cast<double>(layer) > all_limits; }
};

Compute compute_of(const Problem& problem) {
    Compute result;
    for (std::size_t i = 0; i < problem.blocks->size(); ++i) {
        const BlockId b(i);
        if (problem.blocks->name(b).layer != 0) {
            continue;
        }
        const Flops flops = cost_of(problem, b).compute;
        result.layer += flops;
        if (flops > result.largest_flops) {
            result.largest_flops = flops;
            result.largest = b;
        }
    }
    for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
        const Flops limit = compute_limit(problem, problem.snapshot.devices[d]);
        result.all_limits += static_cast<double>(limit);
        if (limit > result.fastest_limit) {
            result.fastest_limit = limit;
            result.fastest = DeviceId(d);
        }
    }
    return result;
}

std::string flop_text(double count) {
    constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};
    std::size_t i = 0;
    while (count >= 1000.0 && i + 1 < std::size(kPrefixes)) {
        count /= 1000.0;
        ++i;
    }
    return fmt::format("{:.3g} {}FLOP", count, kPrefixes[i]);
}

/// The texts of two different amounts. They differ even if the amounts are nearly equal.
struct AmountTexts {
    std::string more;
    std::string less;
};

AmountTexts flop_texts(Flops more, Flops less) {
    AmountTexts texts{flop_text(static_cast<double>(more)), flop_text(static_cast<double>(less))};
    return texts.more != texts.less
               ? texts
               : AmountTexts{fmt::format("{} FLOP", more), fmt::format("{} FLOP", less)};
}

std::string min_budget_text(const Problem& problem, Flops flops, double limit) {
    const double seconds = static_cast<double>(flops) / limit * problem.t_budget_s;
    return limit > 0 ? fmt::format("; it needs a t_budget of at least {:.3g} s", seconds * 1.006)
                     : "";
}

/// Returns why no placement satisfies Σ c_i ≤ C_j·T_budget, or "" if that is not proven.
std::string compute_reason(const Problem& problem) {
    if (problem.cost_profile == CostProfile::physical) {
        return "";
    }
    const Compute compute = compute_of(problem);
    if (compute.block_too_large()) {
        const AmountTexts texts = flop_texts(compute.largest_flops, compute.fastest_limit);
        return fmt::format(
            "no device can compute {} within t_budget = {} s: it needs {} at context {}, and the "
            "fastest, device {}, does {}{}",
            name_of(problem.blocks->name(compute.largest).kind),
            problem.t_budget_s,
            texts.more,
            problem.horizon(),
            compute.fastest.value,
            texts.less,
            min_budget_text(
                problem, compute.largest_flops, static_cast<double>(compute.fastest_limit)
            )
        );
    }
    if (compute.layer_too_large()) {
        const AmountTexts texts = flop_texts(compute.layer, static_cast<Flops>(compute.all_limits));
        return fmt::format(
            "the devices cannot compute a layer within t_budget = {} s: it needs {} at context "
            "{}, all of them together do {}",
            problem.t_budget_s,
            texts.more,
            problem.horizon(),
            texts.less
        );
    }
    return "";
}

/// Returns a text such as "device 1 lacks 4 KiB (needs 12 KiB, has 8 KiB)", or "". The text is
/// different for a device that has enough memory, but not enough memory that is safe to use.
std::string lacking_memory(const Problem& problem, const Ledger& ledger, DeviceId d) {
    const Bytes needs = ledger.used(d);
    const Bytes usable = ledger.budget(d);
    const Bytes has = actual_memory(problem, d);
    if (needs <= usable) {
        return "";
    }
    if (needs > has) {
        return fmt::format(
            "device {} lacks {} (needs {}, has {})",
            d.value,
            format_bytes(needs - has),
            format_bytes(needs),
            format_bytes(has)
        );
    }
    return fmt::format(
        "device {} lacks {} of safe memory (needs {}, has {}, of which memory_window and "
        "memory_reserve leave {})",
        d.value,
        format_bytes(needs - usable),
        format_bytes(needs),
        format_bytes(has),
        format_bytes(usable)
    );
}

bool lacks_total_memory(const Problem& problem) {
    return min_total_bytes(problem) > total_memory(problem);
}

/// Returns why the source has no room for embed and lm_head, or "" if it has.
std::string ends_reason(const Problem& problem) {
    const Ledger ledger(problem);
    if (ledger.shortage() == 0) {
        return "";
    }
    return fmt::format(
        "embed and lm_head are pinned to the source, device {}, which has not even room for them: "
        "they need {} with buffers, it has {}; controller.ends = \"anywhere\" lets them go "
        "elsewhere",
        problem.source.value,
        format_bytes(ledger.used(problem.source)),
        format_bytes(ledger.budget(problem.source))
    );
}

std::string memory_sums(const Problem& problem) {
    const Bytes need = min_total_bytes(problem);
    const Bytes total = total_memory(problem);
    std::string needs = format_bytes(need);
    std::string has = format_bytes(total);
    if (needs == has) { // the difference is too small to show in rounded numbers
        needs = fmt::format("{} B", need);
        has = fmt::format("{} B", total);
    }
    return fmt::format(
        "{} the blocks need {} in all, the devices have {} together",
        contexts_text(problem),
        needs,
        has
    );
}

/// Returns a text such as "device 1 lacks 2.1 GFLOP in layer 0 (…)" with the worst layer of the
/// device and the number of other layers that lack compute, or "".
std::string lacking_compute(const Problem& problem, const Ledger& ledger, DeviceId d) {
    std::int32_t worst = -1;
    int others = -1;
    for (std::int32_t l = 0; l < problem.blocks->shape().layers; ++l) {
        if (ledger.load(l, d) > ledger.limit(d)) {
            ++others;
            worst = worst < 0 || ledger.load(l, d) > ledger.load(worst, d) ? l : worst;
        }
    }
    if (worst < 0) {
        return "";
    }
    const AmountTexts texts = flop_texts(ledger.load(worst, d), ledger.limit(d));
    return fmt::format(
        "device {} lacks {} in layer {}{} (needs {}, does {} within t_budget = {} s)",
        d.value,
        flop_text(static_cast<double>(ledger.load(worst, d) - ledger.limit(d))),
        worst,
        others > 0 ? fmt::format(" and less in {} more", others) : "",
        texts.more,
        texts.less,
        problem.t_budget_s
    );
}

} // namespace

bool is_provably_infeasible(const Problem& problem) {
    return lacks_total_memory(problem) || !ends_reason(problem).empty() ||
           !compute_reason(problem).empty();
}

std::string contexts_text(const Problem& problem) {
    return problem.in_flight() == 1
               ? fmt::format("at context {}", problem.horizon())
               : fmt::format(
                     "at contexts up to {} of {} sequences", problem.horizon(), problem.in_flight()
                 );
}

std::string shortages_text(const Problem& problem, const Placement& placement) {
    const Ledger ledger(problem, placement);
    std::string text;
    const auto add = [&](const std::string& sentence) {
        text += sentence.empty() || text.empty() ? sentence : ", " + sentence;
    };
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (problem.is_pinned(BlockId(i)) && placement[i] != problem.source) {
            add(fmt::format(
                "the source, device {}, lacks {}, which is pinned to it",
                problem.source.value,
                to_string(problem.blocks->name(BlockId(i)))
            ));
        }
    }
    for (std::size_t i = 0; i < ledger.devices(); ++i) {
        const DeviceId d(i);
        add(lacking_memory(problem, ledger, d));
        if (ledger.has_compute_limit()) {
            add(lacking_compute(problem, ledger, d));
        }
    }
    return text;
}

std::string infeasibility_reason(const Problem& problem, const Placement& attempt) {
    const std::string lacking = shortages_text(problem, attempt);
    const std::string compute = compute_reason(problem);
    if (!compute.empty()) {
        return fmt::format("{}: in the best attempt {}", compute, lacking);
    }
    const std::string ends = ends_reason(problem);
    if (!ends.empty()) {
        return ends;
    }
    const std::string sums = memory_sums(problem);
    return lacks_total_memory(problem)
               ? fmt::format("{}: in the best attempt {}", sums, lacking)
               : fmt::format("no placement found: {}, but {}", sums, lacking);
}

Decision infeasible_decision(const Problem& problem, const Placement& attempt) {
    Decision decision;
    decision.feasible = false;
    decision.reason = infeasibility_reason(problem, attempt);
    return decision;
}

} // namespace headroom::scheduler
