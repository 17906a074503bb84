#include "tests/scheduler/instances/instances.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/check.hpp"
#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler::testing {
namespace {

constexpr double kBytesPerMbit = 125'000.0;

/// Returns low·(high/low)^u, where u has 24 bits, by square roots only: these are correctly rounded
/// on every machine, and pow is not.
double log_uniform(Random& random, double low, double high) {
    const std::uint64_t bits = random.below(1U << 24);
    double value = low;
    double root = high / low;
    for (int k = 23; k >= 0; --k) {
        root = std::sqrt(root);
        if (((bits >> k) & 1U) != 0) {
            value *= root;
        }
    }
    return value;
}

std::int64_t whole(double value) {
    return static_cast<std::int64_t>(std::floor(value));
}

template <class Range>
auto one_of(Random& random, const Range& values) {
    return values[random.below(std::size(values))];
}

/// Returns the device for a draw in [0, Σ weights).
DeviceId weighted(Random& random, const std::vector<double>& weights) {
    double left = random.unit() * std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t d = 0; d + 1 < weights.size(); ++d) {
        if (left < weights[d]) {
            return DeviceId(d);
        }
        left -= weights[d];
    }
    return DeviceId(weights.size() - 1);
}

Bytes bytes_of(const Problem& problem, BlockId b, const Placement& placement) {
    if (problem.cost_profile == CostProfile::paper) {
        return paper_memory(*problem.blocks, b, problem.paper_cost_length());
    }
    if (problem.sequences.empty()) {
        return problem.blocks->resident_bytes(b, problem.horizon(), placement);
    }
    Bytes bytes = problem.blocks->weight_bytes(b, placement);
    for (const InFlight& sequence : problem.sequences) {
        bytes += problem.blocks->cache_bytes(b, sequence.context + problem.interval);
    }
    return bytes;
}

std::vector<Bytes> held(const Problem& problem, const Placement& placement) {
    std::vector<Bytes> bytes(problem.snapshot.size(), 0);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        bytes[placement[b].index()] += bytes_of(problem, BlockId(b), placement);
    }
    return bytes;
}

/// Returns the seconds that the blocks of a layer take on each device by the published formulas:
/// [layer][device].
std::vector<double> computed(const Problem& problem, const Placement& placement) {
    const std::size_t n = problem.snapshot.size();
    const auto layers = static_cast<std::size_t>(problem.blocks->shape().layers);
    std::vector<Flops> flops(layers * n, 0);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const auto layer = static_cast<std::size_t>(problem.blocks->name(BlockId(b)).layer);
        flops[layer * n + placement[b].index()] +=
            paper_compute(*problem.blocks, BlockId(b), problem.paper_cost_length());
    }
    std::vector<double> seconds;
    for (std::size_t i = 0; i < flops.size(); ++i) {
        seconds.push_back(
            static_cast<double>(flops[i]) /
            static_cast<double>(problem.snapshot.devices[i % n].compute)
        );
    }
    return seconds;
}

/// The bytes, and in profile `paper` the FLOP per layer, that first fit has left on each device.
struct Left {
    std::vector<Bytes> bytes;
    std::vector<double> flops; ///< [layer][device]
};

Left all_of(const Problem& problem) {
    Left left;
    for (std::int32_t l = 0; l < problem.blocks->shape().layers; ++l) {
        for (const Snapshot::Device& device : problem.snapshot.devices) {
            left.flops.push_back(static_cast<double>(device.compute) * problem.t_budget_s);
        }
    }
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        left.bytes.push_back(device.memory);
    }
    return left;
}

/// Returns the placement by first fit from the lowest device on; empty if a block finds no room.
Placement first_fit_from_lowest(const Problem& problem) {
    const bool paper = problem.cost_profile == CostProfile::paper;
    const std::size_t n = problem.snapshot.size();
    Left left = all_of(problem);
    Placement placement(problem.blocks->size(), DeviceId(0));
    const Placement apart = placement; // no ends here, so weights do not depend on the placement
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const BlockId id(b);
        const Bytes bytes = bytes_of(problem, id, apart);
        const Flops flops =
            paper ? paper_compute(*problem.blocks, id, problem.paper_cost_length()) : 0;
        const std::size_t row = static_cast<std::size_t>(problem.blocks->name(id).layer) * n;
        std::size_t d = 0;
        while (d < n && (left.bytes[d] < bytes || left.flops[row + d] < static_cast<double>(flops))
        ) {
            ++d;
        }
        if (d == n) {
            return {};
        }
        left.bytes[d] -= bytes;
        left.flops[row + d] -= static_cast<double>(flops);
        placement[b] = DeviceId(d);
    }
    return placement;
}

ModelShape generated_model(const InstanceShape& cell) {
    ModelShape shape;
    shape.layers = cell.layers;
    shape.heads = cell.heads;
    shape.kv_heads = cell.heads;
    shape.width = std::int64_t{64} * cell.heads;
    shape.ffn_width = 4 * shape.width;
    shape.gated = true;
    shape.vocabulary = 1;
    shape.context = 2048;
    shape.layer_types.assign(
        static_cast<std::size_t>(cell.layers), LayerTypes::all(WeightType::f32)
    );
    shape.has_ends = false;
    shape.norms = false;
    shape.qk_norm = cell.qk_norm;
    return shape;
}

void draw_links(Snapshot& snapshot, Random& random) {
    const double slowest = one_of(random, std::vector<double>{10.0, 100.0, 1000.0});
    const std::size_t n = snapshot.size();
    snapshot.links.resize(n * n);
    for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = a + 1; b < n; ++b) {
            const double mbit = log_uniform(random, slowest, 10 * slowest);
            const double latency_ms = log_uniform(random, 0.2, 5.0);
            snapshot.links[a * n + b] = {whole(mbit * kBytesPerMbit), whole(latency_ms * 1e6)};
            snapshot.links[b * n + a] = snapshot.links[a * n + b];
        }
    }
}

/// Draws a device for each block: layer by layer for its groups, proj and ffn from `random`. With
/// granularity `sliced` the hub is on the device of proj, and slices are drawn from another stream,
/// so that `random` is in the same state for both granularities.
Placement plant(
    const Blocks& blocks, const std::vector<double>& weights, Random& random, std::uint64_t seed
) {
    Random slices(stream_seed(seed, "planted slices"));
    Placement placement;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        for (std::int32_t g = 0; g < blocks.groups(); ++g) {
            placement.push_back(weighted(random, weights));
        }
        const DeviceId proj = weighted(random, weights);
        const DeviceId ffn = weighted(random, weights);
        for (std::int32_t s = 0; s < blocks.slices(); ++s) {
            placement.push_back(weighted(slices, weights));
        }
        placement.push_back(proj);
        if (!blocks.sliced()) {
            placement.push_back(ffn);
        }
    }
    return placement;
}

Cut cut_of(const InstanceShape& cell) {
    return cell.granularity == Granularity::sliced ? Cut{cell.granularity, cell.slices} : Cut{};
}

} // namespace

Instance planted_instance(const InstanceShape& shape, std::uint64_t seed, CostProfile profile) {
    HEADROOM_CHECK(
        profile == CostProfile::physical || shape.granularity == Granularity::paper,
        "the paper's costs know no slices"
    );
    Random random(stream_seed(seed, "planted instance"));
    Instance instance;
    instance.blocks = std::make_unique<Blocks>(generated_model(shape), cut_of(shape));
    Problem& problem = instance.problem;
    problem.blocks = instance.blocks.get();
    problem.prompt = 16;
    problem.context = 16 + static_cast<std::int64_t>(random.below(1024 - 16 + 1));
    problem.rows = problem.context;
    problem.interval = one_of(random, std::vector<std::int64_t>{1, 16, 256});
    problem.seed = seed;
    problem.cost_profile = profile;
    std::vector<double> weights;
    for (std::int32_t d = 0; d < shape.devices; ++d) {
        Snapshot::Device device;
        device.compute = whole(log_uniform(random, 5e9, 50e9));
        problem.snapshot.devices.push_back(device);
        weights.push_back(log_uniform(random, 1.0, 4.0));
    }
    draw_links(problem.snapshot, random);
    instance.planted = plant(*instance.blocks, weights, random, seed);
    const std::vector<Bytes> planted = held(problem, instance.planted);
    const Bytes need = std::accumulate(planted.begin(), planted.end(), Bytes{0});
    for (std::size_t d = 0; d < planted.size(); ++d) {
        const double floor = static_cast<double>(need) / (4.0 * shape.devices);
        problem.snapshot.devices[d].memory =
            whole(shape.memory_factor * std::max(static_cast<double>(planted[d]), floor));
    }
    if (profile == CostProfile::paper) {
        const std::vector<double> seconds = computed(problem, instance.planted);
        problem.t_budget_s = std::max(1.0, 1.2 * *std::max_element(seconds.begin(), seconds.end()));
    }
    const std::uint64_t previous = random.below(3);
    if (previous > 0) {
        const Placement greedy = first_fit_from_lowest(problem);
        problem.previous = previous == 1 && !greedy.empty() ? greedy : instance.planted;
    }
    return instance;
}

namespace {

constexpr std::int32_t kDevices[] = {3, 4, 5};
constexpr std::int32_t kLayers[] = {1, 2, 4};
constexpr std::int32_t kHeads[] = {8, 16, 32};
constexpr double kMemoryFactors[] = {1.15, 1.5, 3.0};

} // namespace

InstanceShape cell_at(std::uint64_t i) {
    InstanceShape cell;
    cell.devices = kDevices[i % 3];
    cell.layers = kLayers[i / 3 % 3];
    cell.heads = kHeads[i / 27 % 3];
    cell.memory_factor = kMemoryFactors[i / 9 % 3];
    return cell;
}

InstanceShape random_cell(std::uint64_t seed) {
    Random random(stream_seed(seed, "cell"));
    InstanceShape cell;
    cell.devices = one_of(random, kDevices);
    cell.layers = one_of(random, kLayers);
    cell.heads = one_of(random, kHeads);
    cell.memory_factor = one_of(random, kMemoryFactors);
    return cell;
}

namespace {

ModelShape wild_model(Random& random) {
    ModelShape shape;
    shape.layers = 1 + static_cast<std::int32_t>(random.below(4));
    shape.kv_heads = 1 + static_cast<std::int32_t>(random.below(5));
    shape.heads = shape.kv_heads * (1 + static_cast<std::int32_t>(random.below(3)));
    shape.width = std::int64_t{32} * shape.heads;
    shape.ffn_width = 32 * (1 + static_cast<std::int64_t>(random.below(8)));
    shape.gated = random.below(2) == 0;
    shape.vocabulary = 50 + static_cast<std::int64_t>(random.below(500));
    shape.context = 512;
    shape.kv_type = random.below(2) == 0 ? WeightType::f32 : WeightType::f16;
    shape.has_ends = random.below(3) > 0;
    shape.tied = shape.has_ends && random.below(2) == 0;
    shape.norms = random.below(2) == 0;
    const auto type = [&] { return random.below(2) == 0 ? WeightType::f32 : WeightType::q8_0; };
    shape.embed_type = type();
    shape.lm_head_type = shape.tied ? shape.embed_type : type();
    for (std::int32_t l = 0; l < shape.layers; ++l) {
        shape.layer_types.push_back({type(), type(), type(), type(), type(), type(), type()});
    }
    return shape;
}

/// Gives the layers of every third model windows, all of them or all but some.
void draw_windows(ModelShape& shape, std::uint64_t seed) {
    Random random(stream_seed(seed, "wild windows"));
    if (random.below(3) == 0) {
        shape.window = 1 + static_cast<std::int64_t>(random.below(200));
        shape.window_period = static_cast<std::int64_t>(random.below(4));
    }
}

/// Returns a cut with 1 to 12 slices, also odd numbers and edges within quantisation blocks.
Cut wild_cut(const ModelShape& shape, std::uint64_t seed) {
    Random random(stream_seed(seed, "wild slices"));
    auto slices = 1 + static_cast<std::int32_t>(random.below(12));
    while (shape.ffn_width % slices != 0) {
        --slices;
    }
    return {Granularity::sliced, slices};
}

Snapshot wild_snapshot(Random& random, const WildOptions& options, std::size_t n) {
    const auto rate = [&](double low, double high, std::uint64_t unlimited_in) {
        if (random.below(unlimited_in) == 0) {
            return kUnlimited;
        }
        const bool stalls = options.stalls && random.below(12) == 0;
        return stalls ? PerSecond{0} : whole(log_uniform(random, low, high));
    };
    Snapshot snapshot;
    for (std::size_t d = 0; d < n; ++d) {
        Snapshot::Device device;
        device.compute = rate(1e8, 1e10, 20);
        device.memory_bandwidth = rate(1e8, 1e10, 2);
        device.egress = options.caps ? rate(1e5, 1e7, 3) : kUnlimited;
        device.ingress = options.caps ? rate(1e5, 1e7, 3) : kUnlimited;
        snapshot.devices.push_back(device);
    }
    for (std::size_t i = 0; i < n * n; ++i) {
        const Nanoseconds latency = random.below(4) == 0 ? 0 : whole(log_uniform(random, 1e3, 1e7));
        snapshot.links.push_back({rate(1e5, 1e8, 10), latency});
    }
    return snapshot;
}

} // namespace

Instance wild_instance(const WildOptions& options, std::uint64_t seed) {
    Random random(stream_seed(seed, "wild instance"));
    Instance instance;
    ModelShape shape = wild_model(random);
    Random norms(stream_seed(seed, "wild norms"));
    shape.qk_norm = norms.below(3) == 0 ? QkNorm::width : QkNorm::none;
    draw_windows(shape, seed);
    instance.blocks =
        std::make_unique<Blocks>(shape, options.sliced ? wild_cut(shape, seed) : Cut{});
    Problem& problem = instance.problem;
    problem.blocks = instance.blocks.get();
    problem.snapshot = wild_snapshot(random, options, 1 + random.below(6));
    problem.source = DeviceId(static_cast<std::size_t>(random.below(problem.snapshot.size())));
    problem.context = static_cast<std::int64_t>(random.below(400));
    problem.rows = problem.context;
    problem.interval = 1 + static_cast<std::int64_t>(random.below(40));
    problem.buffers = static_cast<Bytes>(random.below(100'000));
    problem.seed = seed;
    problem.ends_at_source = shape.has_ends && seed % 3 == 0;
    instance.planted = random_placement_for(instance, seed);
    const std::vector<Bytes> planted = held(problem, instance.planted);
    for (std::size_t d = 0; d < planted.size(); ++d) {
        problem.snapshot.devices[d].memory =
            planted[d] + problem.buffers + static_cast<Bytes>(random.below(50'000));
    }
    if (random.below(3) > 0) {
        problem.previous =
            random.below(2) == 0 ? instance.planted : random_placement_for(instance, ~seed);
    }
    if (problem.previous && problem.ends_at_source && seed % 4 == 0) {
        problem.previous->back() = DeviceId(0); // where lm_head may not stay
    }
    return instance;
}

void put_in_flight(Instance& instance, std::int64_t sequences, std::uint64_t seed) {
    Random random(stream_seed(seed, "sequences in flight"));
    Problem& problem = instance.problem;
    const std::vector<Bytes> before = held(problem, instance.planted);
    problem.sequences.clear();
    problem.rows = 0;
    for (std::int64_t i = 0; i < sequences; ++i) {
        InFlight sequence{problem.context, problem.context};
        if (i > 0) {
            sequence.context = static_cast<std::int64_t>(
                random.below(static_cast<std::uint64_t>(problem.context) + 1)
            );
            sequence.rows = random.below(4) == 0 ? 0 : sequence.context;
        }
        problem.rows += sequence.rows;
        problem.sequences.push_back(sequence);
    }
    const std::vector<Bytes> after = held(problem, instance.planted);
    for (std::size_t d = 0; d < after.size(); ++d) {
        problem.snapshot.devices[d].memory += after[d] - before[d];
    }
}

Placement random_placement_for(const Instance& instance, std::uint64_t seed) {
    Random random(stream_seed(seed, "placement"));
    Placement placement;
    for (std::size_t b = 0; b < instance.blocks->size(); ++b) {
        placement.emplace_back(
            static_cast<std::size_t>(random.below(instance.problem.snapshot.size()))
        );
    }
    if (instance.problem.ends_at_source) {
        placement.front() = placement.back() = instance.problem.source;
    }
    return placement;
}

double optimum(const Problem& problem) {
    const std::size_t n = problem.snapshot.size();
    Placement placement(problem.blocks->size(), DeviceId(0));
    double best = std::numeric_limits<double>::infinity();
    while (true) {
        if (validate(problem, placement).ok()) {
            best = std::min(best, objective(problem, placement));
        }
        std::size_t b = 0;
        while (b < placement.size() && placement[b].index() + 1 == n) {
            placement[b++] = DeviceId(0);
        }
        if (b == placement.size()) {
            return best;
        }
        placement[b] = DeviceId(placement[b].index() + 1);
    }
}

} // namespace headroom::scheduler::testing
