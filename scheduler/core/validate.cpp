// Of Blocks this file uses only the shape, the cut and the names; see validate.hpp.
#include "scheduler/core/validate.hpp"

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::scheduler {

namespace {

/// Returns the bytes of `count` columns from `first` on, rounded to whole quantisation blocks.
Bytes cut_columns(WeightType type, std::int64_t rows, std::int64_t first, std::int64_t count) {
    const std::int64_t each = format_of(type).elements;
    const std::int64_t blocks = (first + count - 1) / each - first / each + 1;
    return rows * blocks * format_of(type).bytes;
}

Bytes matrix(WeightType type, std::int64_t rows, std::int64_t columns) {
    return rows * (columns / format_of(type).elements * format_of(type).bytes);
}

/// Returns how many cache pages of 16 rows all sequences in flight need at T + λ in a layer with a
/// window of so many tokens (0: without a window). The last `window` − 1 tokens can begin anywhere
/// in a page.
std::int64_t pages_needed(const Problem& problem, std::int64_t window) {
    if (problem.caches) {
        return (window > 0 ? problem.caches->held.windowed : problem.caches->held.all) / 16;
    }
    const auto pages_at = [&](std::int64_t context) {
        std::int64_t pages = 0;
        while (16 * pages < context && (window == 0 || 16 * (pages - 1) < window - 1)) {
            ++pages;
        }
        return pages;
    };
    if (problem.sequences.empty()) {
        return pages_at(problem.context + problem.interval);
    }
    std::int64_t pages = 0;
    for (const InFlight& sequence : problem.sequences) {
        pages += pages_at(sequence.context + problem.interval);
    }
    return pages;
}

/// Returns the resident bytes of one block: weights, norms and `pages` pages of KV cache.
Bytes physical_bytes(
    const ModelShape& shape,
    std::int32_t slices,
    const BlockName& block,
    std::int64_t pages,
    bool shares_embed
) {
    const std::int64_t width = shape.width;
    const std::int64_t d = shape.head_width();
    const std::int64_t q = shape.heads / shape.kv_heads;
    const Bytes norm = shape.norms ? 4 * width : 0;
    const Bytes before = shape.norm_place == NormPlace::after ? 0 : norm;
    const Bytes after = shape.norm_place == NormPlace::before ? 0 : norm;
    if (block.kind == BlockKind::embed) {
        return matrix(shape.embed_type, shape.vocabulary, width) + before;
    }
    if (block.kind == BlockKind::lm_head) {
        return (shares_embed ? 0 : matrix(shape.lm_head_type, shape.vocabulary, width)) + norm;
    }
    const LayerTypes& types = shape.layer_types.at(static_cast<std::size_t>(block.layer));
    if (block.kind == BlockKind::group) {
        const Bytes own_columns =
            slices > 0 ? cut_columns(types.o, width, block.group * q * d, q * d) : 0;
        Bytes vectors = shape.qkv_bias ? 4 * (q + 2) * d : 0;
        if (shape.norms && shape.qk_norm != QkNorm::none) {
            vectors += 4 * (shape.qk_norm == QkNorm::head ? 2 * d : (q + 1) * d);
        }
        return matrix(types.q, q * d, width) + matrix(types.k, d, width) +
               matrix(types.v, d, width) + own_columns + vectors +
               2 * matrix(shape.kv_type, 16 * pages, d);
    }
    if (block.kind == BlockKind::proj) {
        return matrix(types.o, width, shape.heads * d) + after;
    }
    if (block.kind == BlockKind::slice) {
        const std::int64_t hidden = shape.ffn_width / slices;
        const Bytes gate = shape.gated ? matrix(types.gate, hidden, width) : 0;
        return gate + matrix(types.up, hidden, width) +
               cut_columns(types.down, width, block.group * hidden, hidden);
    }
    const bool last = block.layer == shape.layers - 1;
    if (block.kind == BlockKind::hub) {
        return (last ? before : 2 * before) + 2 * after;
    }
    const Bytes gate = shape.gated ? matrix(types.gate, shape.ffn_width, width) : 0;
    const Bytes network = gate + matrix(types.up, shape.ffn_width, width) +
                          matrix(types.down, width, shape.ffn_width);
    // Each of several experts is such a network. The router has an F32 number for each and each
    // element of its input.
    const std::int64_t networks = shape.experts > 0 ? shape.experts : 1;
    return networks * network + 4 * width * shape.experts + (last ? before : 2 * before) + after;
}

/// The paper's memory and compute of one block, where L₀ = prompt, n = generated, L = L₀ + n, b =
/// 4.
struct PaperCost {
    Bytes memory = 0;
    Flops compute = 0;
};

PaperCost paper_cost(const ModelShape& shape, const BlockName& block, const Problem& problem) {
    const std::int64_t generated =
        problem.horizon() > problem.prompt ? problem.horizon() - problem.prompt : 0;
    const std::int64_t length = problem.prompt + generated;
    const std::int64_t width = shape.width;
    const std::int64_t d = shape.head_width();
    const std::int64_t q = shape.heads / shape.kv_heads;
    switch (block.kind) {
    case BlockKind::group:
        return {
            q * (3 * length * d * 4 + 3 * width * d * 4 + generated * width * 4),
            q * (3 * length * width * d + length * length * d)};
    case BlockKind::proj:
        return {length * width * 4, length * width * width};
    case BlockKind::ffn:
        return {4 * length * width * 4, 8 * length * width * width};
    default:
        return {};
    }
}

/// Returns whether every block is on a device that exists, and reports those that are not.
bool check_devices(const Problem& problem, const Placement& placement, Verdict& verdict) {
    const Blocks& blocks = *problem.blocks;
    if (placement.size() != blocks.size()) {
        verdict.problems.push_back(
            fmt::format("{} blocks placed, the model has {}", placement.size(), blocks.size())
        );
        return false;
    }
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const std::int32_t device = placement[i].value;
        if (device < 0 || static_cast<std::size_t>(device) >= problem.snapshot.devices.size()) {
            verdict.problems.push_back(fmt::format(
                "{} is on device {}, which does not exist",
                to_string(blocks.name(BlockId(i))),
                device
            ));
        }
    }
    return verdict.ok();
}

void check_ends(const Problem& problem, const Placement& placement, Verdict& verdict) {
    for (std::size_t i = 0; i < placement.size() && problem.ends_at_source; ++i) {
        const BlockName& block = problem.blocks->name(BlockId(i));
        const bool end = block.kind == BlockKind::embed || block.kind == BlockKind::lm_head;
        if (end && placement[i] != problem.source) {
            verdict.problems.push_back(fmt::format(
                "{} is on device {}, but it is pinned to the source, device {}",
                to_string(block),
                placement[i].value,
                problem.source.value
            ));
        }
    }
}

/// Returns the bytes that each device needs at T + λ. Devices without blocks need no buffers, and
/// cost profile `paper` has none at all.
std::vector<Bytes> needs(const Problem& problem, const Placement& placement) {
    const ModelShape& shape = problem.blocks->shape();
    const std::int32_t slices = problem.blocks->cut().slices;
    const bool paper = problem.cost_profile == CostProfile::paper;
    const std::int64_t pages = pages_needed(problem, 0);
    const std::int64_t windowed = shape.window > 0 ? pages_needed(problem, shape.window) : 0;
    const bool shares_embed = shape.tied && placement.front() == placement.back();
    std::vector<Bytes> needed(problem.snapshot.devices.size(), 0);
    std::vector<bool> holds(needed.size(), false);
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const BlockName& block = problem.blocks->name(BlockId(i));
        const std::size_t device = placement[i].index();
        const bool windows = block.layer >= 0 && shape.window_of(block.layer) > 0;
        needed[device] +=
            paper ? paper_cost(shape, block, problem).memory
                  : physical_bytes(shape, slices, block, windows ? windowed : pages, shares_embed);
        if (!holds[device] && !paper) {
            needed[device] += problem.buffers;
        }
        holds[device] = true;
    }
    return needed;
}

void check_memory(const Problem& problem, const Placement& placement, Verdict& verdict) {
    const std::vector<Bytes> needed = needs(problem, placement);
    for (std::size_t d = 0; d < needed.size(); ++d) {
        const Bytes budget = problem.snapshot.devices[d].memory;
        if (needed[d] <= budget) {
            continue;
        }
        verdict.shortages.push_back({DeviceId(d), needed[d], budget});
        std::string need = format_bytes(needed[d]);
        std::string have = format_bytes(budget);
        if (need == have) { // the shortage is too small to show in rounded numbers
            need = fmt::format("{} B", needed[d]);
            have = fmt::format("{} B", budget);
        }
        verdict.problems.push_back(fmt::format(
            "device {} needs {} for its blocks{} but has {} at T + lambda = {}{}",
            d,
            need,
            problem.cost_profile == CostProfile::paper ? "" : " and buffers",
            have,
            problem.horizon(),
            problem.sequences.size() > 1
                ? fmt::format(" with {} sequences in flight", problem.sequences.size())
                : ""
        ));
    }
}

/// Checks Σ c_i ≤ C_j·T_budget for each layer and device.
void check_compute(const Problem& problem, const Placement& placement, Verdict& verdict) {
    const ModelShape& shape = problem.blocks->shape();
    const std::size_t devices = problem.snapshot.devices.size();
    std::vector<Flops> work(static_cast<std::size_t>(shape.layers) * devices, 0);
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const BlockName& block = problem.blocks->name(BlockId(i));
        if (block.layer >= 0) {
            work[static_cast<std::size_t>(block.layer) * devices + placement[i].index()] +=
                paper_cost(shape, block, problem).compute;
        }
    }
    for (std::size_t i = 0; i < work.size(); ++i) {
        const PerSecond rate = problem.snapshot.devices[i % devices].compute;
        const double limit = static_cast<double>(rate) * problem.t_budget_s;
        if (rate != kUnlimited && static_cast<double>(work[i]) > limit) {
            verdict.problems.push_back(fmt::format(
                "device {} needs {} FLOP in layer {} but does {:.0f} within the {} s of t_budget",
                i % devices,
                work[i],
                i / devices,
                limit,
                problem.t_budget_s
            ));
        }
    }
}

} // namespace

Verdict validate(const Problem& problem, const Placement& placement) {
    HEADROOM_CHECK(problem.blocks != nullptr, "a problem without blocks");
    Verdict verdict;
    if (!check_devices(problem, placement, verdict)) {
        return verdict;
    }
    check_ends(problem, placement, verdict);
    check_memory(problem, placement, verdict);
    if (problem.cost_profile == CostProfile::paper) {
        check_compute(problem, placement, verdict);
    }
    return verdict;
}

} // namespace headroom::scheduler
