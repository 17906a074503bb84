#include "scheduler/core/paper_costs.hpp"

#include <algorithm>
#include <limits>

namespace headroom::scheduler {

namespace {

constexpr Bytes kElementBytes = 4; // b

/// The published costs of a block. L = tokens, n = length.generated.
struct Costs {
    Bytes memory = 0; ///< with the cache
    Bytes cache = 0;
    Flops compute = 0;
    Bytes output = 0;
};

Costs costs_of(const Blocks& blocks, BlockId b, PaperLength length) {
    const ModelShape& shape = blocks.shape();
    const std::int64_t tokens = length.prompt + length.generated;
    const std::int64_t width = shape.width;
    const std::int64_t d = shape.head_width();
    const std::int64_t q = shape.heads_per_group();
    const Bytes wide = tokens * width * kElementBytes;
    switch (blocks.name(b).kind) {
    case BlockKind::group: {
        const Bytes cache = q * length.generated * width * kElementBytes;
        return {
            .memory = q * 3 * (tokens + width) * d * kElementBytes + cache,
            .cache = cache,
            .compute = q * (3 * tokens * width + tokens * tokens) * d,
            .output = q * tokens * d * kElementBytes};
    }
    case BlockKind::proj:
        return {.memory = wide, .compute = tokens * width * width, .output = wide};
    case BlockKind::ffn:
        return {.memory = 4 * wide, .compute = 8 * tokens * width * width};
    default:
        return {};
    }
}

/// Bandwidths are in bytes/s; the paper has bits/s and therefore a factor of 8.
double transfer_s(Bytes bytes, const Snapshot& snapshot, DeviceId from, DeviceId to) {
    return from == to ? 0.0 : seconds(bytes, snapshot.link(from, to).bandwidth);
}

/// Compute time and bytes of output of the heads of one layer, per device.
struct Heads {
    std::vector<double> compute_s;
    std::vector<Bytes> output;
};

Heads heads_of(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    PaperLength length,
    std::int32_t layer
) {
    Heads heads{std::vector<double>(snapshot.size()), std::vector<Bytes>(snapshot.size())};
    for (std::int32_t group = 0; group < blocks.groups(); ++group) {
        const BlockId b = blocks.group(layer, group);
        const DeviceId d = placement[b.index()];
        heads.compute_s[d.index()] +=
            seconds(paper_compute(blocks, b, length), snapshot.device(d).compute);
        heads.output[d.index()] += paper_output(blocks, b, length);
    }
    return heads;
}

double layer_delay_s(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    PaperLength length,
    PaperGather gather,
    std::int32_t layer
) {
    const BlockId proj = blocks.proj(layer);
    const BlockId ffn = blocks.ffn(layer);
    const DeviceId p = placement[proj.index()];
    const DeviceId f = placement[ffn.index()];
    const Heads heads = heads_of(blocks, placement, snapshot, length, layer);
    double gathered = 0;
    for (std::size_t j = 0; j < snapshot.size(); ++j) {
        const double sent = transfer_s(heads.output[j], snapshot, DeviceId(j), p);
        gathered = gather == PaperGather::sum ? gathered + sent : std::max(gathered, sent);
    }
    return *std::max_element(heads.compute_s.begin(), heads.compute_s.end()) + gathered +
           seconds(paper_compute(blocks, proj, length), snapshot.device(p).compute) +
           transfer_s(paper_output(blocks, proj, length), snapshot, p, f) +
           seconds(paper_compute(blocks, ffn, length), snapshot.device(f).compute);
}

} // namespace

double seconds(std::int64_t work, PerSecond rate) {
    if (work == 0 || rate == kUnlimited) {
        return 0.0;
    }
    return rate == 0 ? std::numeric_limits<double>::infinity()
                     : static_cast<double>(work) / static_cast<double>(rate);
}

Bytes paper_memory(const Blocks& blocks, BlockId b, PaperLength length) {
    return costs_of(blocks, b, length).memory;
}

Bytes paper_cache(const Blocks& blocks, BlockId b, PaperLength length) {
    return costs_of(blocks, b, length).cache;
}

Flops paper_compute(const Blocks& blocks, BlockId b, PaperLength length) {
    return costs_of(blocks, b, length).compute;
}

Bytes paper_output(const Blocks& blocks, BlockId b, PaperLength length) {
    return costs_of(blocks, b, length).output;
}

double paper_delay_s(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    PaperLength length,
    PaperGather gather
) {
    if (blocks.sliced()) {
        return std::numeric_limits<double>::infinity();
    }
    double total = 0;
    for (std::int32_t layer = 0; layer < blocks.shape().layers; ++layer) {
        total += layer_delay_s(blocks, placement, snapshot, length, gather, layer);
    }
    return total;
}

Bytes paper_moved_bytes(
    const Blocks& blocks, BlockId b, PaperLength length, bool weights_everywhere
) {
    return weights_everywhere ? paper_cache(blocks, b, length) : paper_memory(blocks, b, length);
}

double paper_migration_s(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    PaperLength length,
    bool weights_everywhere
) {
    if (blocks.sliced()) {
        return 0;
    }
    double total = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const Bytes bytes = paper_moved_bytes(blocks, BlockId(i), length, weights_everywhere);
        total += transfer_s(bytes, snapshot, from[i], to[i]);
    }
    return total;
}

} // namespace headroom::scheduler
