#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler::testing {

namespace {

constexpr DeviceId kA{0};
constexpr DeviceId kB{1};

std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

bool one_in(Random& random, std::uint64_t n) {
    return random.below(n) == 0;
}

Load random_load(Random& random) {
    const Nanoseconds period = between(random, 30'000, 2'000'000);
    switch (random.below(4)) {
    case 0:
        return Load::uniform(0, kWhole * 3 / 10, period, random.bits());
    case 1:
        return Load::walk(0, kWhole / 2, kWhole / 10, period, random.bits());
    case 2:
        return Load::steps({{period, kWhole / 3}, {2 * period, kWhole}, {3 * period, kWhole / 7}});
    default:
        return {};
    }
}

Profile random_profile(Random& random, std::int64_t low, std::int64_t high) {
    Profile profile{
        .base = between(random, low, high), .scale = {3, 7}, .load = random_load(random)};
    if (one_in(random, 3)) {
        profile.changes.push_back({.at = between(random, 0, 20'000'000), .factor = kWhole / 2});
    }
    if (one_in(random, 3)) {
        profile.changes.push_back({.at_token = between(random, 0, 3), .factor = kWhole * 3 / 2});
    }
    return profile;
}

std::vector<TypeRates<Profile>> random_rates(Random& random) {
    std::vector<TypeRates<Profile>> rates;
    for (const WeightType type : kWeightTypes) {
        if (one_in(random, 2)) {
            rates.push_back(
                {type,
                 random_profile(random, 50'000'000, 3'000'000'000),
                 random_profile(random, 500'000'000, 9'000'000'000),
                 random_profile(random, 50'000'000, 9'000'000'000)}
            );
        }
    }
    return rates;
}

/// Gives a link a latency that varies, by a draw per message or over time.
void add_jitter(LinkSpec& link, Random& random) {
    if (one_in(random, 2)) {
        link.variation.jitter_low = between(random, 0, 200'000);
        link.variation.jitter_high = link.variation.jitter_low + between(random, 0, 900'000);
        link.variation.jitter_mean = (link.variation.jitter_low + link.variation.jitter_high) / 2;
        return;
    }
    link.jitter.base = between(random, 1, 900'000);
    link.jitter.load =
        Load::walk(0, kWhole, kWhole / 4, between(random, 30'000, 2'000'000), random.bits());
    link.variation.jitter_mean = link.jitter.base / 2;
}

void add_variation(LinkSpec& link, const FleetCosts& costs, Random& random) {
    link.variation.stream = random.bits();
    if (costs.jitter) {
        add_jitter(link, random);
    }
    if (costs.loss) {
        link.variation.loss = between(random, 0, kWhole * 7 / 10);
        link.variation.retransmit_timeout = between(random, 0, 800'000);
    }
}

} // namespace

ModelShape example_shape() {
    ModelShape shape;
    shape.layers = 1;
    shape.heads = 2;
    shape.kv_heads = 2;
    shape.width = 64;
    shape.ffn_width = 128;
    shape.vocabulary = 100;
    shape.context = 64;
    shape.layer_types = {LayerTypes::all(WeightType::f32)};
    return shape;
}

Profile constant_profile(std::int64_t value) {
    return {.base = value};
}

Fleet equal_fleet(
    std::size_t devices, PerSecond compute, PerSecond bandwidth, Nanoseconds latency
) {
    Fleet fleet;
    fleet.devices.resize(devices);
    for (DeviceSpec& spec : fleet.devices) {
        spec.compute = constant_profile(compute);
        spec.memory = constant_profile(kUnlimited - 1);
    }
    fleet.network = Network({constant_profile(bandwidth), constant_profile(latency)});
    return fleet;
}

Fleet example_fleet() {
    Fleet fleet = equal_fleet(2, 1'000'000'000, 1'000'000, 1'000'000);
    fleet.devices[1].compute = constant_profile(2'000'000'000);
    return fleet;
}

Placement example_placement() {
    return {kA, kA, kB, kA, kB, kA};
}

ModelShape random_shape(Random& random) {
    ModelShape shape;
    shape.layers = static_cast<std::int32_t>(between(random, 1, 3));
    shape.kv_heads = static_cast<std::int32_t>(between(random, 1, 4));
    shape.heads = shape.kv_heads * static_cast<std::int32_t>(between(random, 1, 3));
    shape.width = shape.heads * 32;
    shape.ffn_width = 32 * between(random, 1, 6);
    shape.gated = !one_in(random, 3);
    shape.vocabulary = between(random, 10, 300);
    shape.context = 256;
    for (std::int32_t layer = 0; layer < shape.layers; ++layer) {
        const WeightType type = one_in(random, 2) ? WeightType::q8_0 : WeightType::f32;
        shape.layer_types.push_back(LayerTypes::all(type));
    }
    shape.kv_type = one_in(random, 2) ? WeightType::f16 : WeightType::f32;
    shape.has_ends = !one_in(random, 4);
    shape.tied = shape.has_ends && one_in(random, 2);
    shape.norms = !one_in(random, 4);
    Random copy = random; // so that the following draws stay as they are
    shape.qk_norm = copy.below(1000) < 350 ? QkNorm::width : QkNorm::none;
    if (shape.vocabulary % 3 == 0) { // not a draw of its own, so older draws stay what they were
        shape.window = 1 + shape.vocabulary % 67;
        shape.window_period = shape.vocabulary / 3 % 4;
    }
    return shape;
}

ModelShape fine_shape(Random& random) {
    ModelShape shape = random_shape(random);
    const std::int64_t block = one_in(random, 3) ? kMaxBlockElements : 32;
    shape.width = shape.heads * 8 * between(random, 1, 6);
    while (shape.width % block != 0) { // rows are whole quantisation blocks
        shape.width += shape.heads * 8;
    }
    shape.ffn_width = (shape.ffn_width + block - 1) / block * block;
    const auto type = [&] {
        WeightType drawn = kWeightTypes[random.below(kWeightTypes.size())];
        while (format_of(drawn).elements > block) {
            drawn = kWeightTypes[random.below(kWeightTypes.size())];
        }
        return drawn;
    };
    for (LayerTypes& types : shape.layer_types) {
        types = {type(), type(), type(), type(), type(), type(), type()};
    }
    return shape;
}

Cut random_cut(Random& random, const ModelShape& shape, Reduce reduce) {
    auto slices = static_cast<std::int32_t>(between(random, 1, 9));
    while (shape.ffn_width % slices != 0) {
        --slices;
    }
    return {Granularity::sliced, slices, reduce};
}

Fleet random_fleet(Random& random, std::size_t devices) {
    Fleet fleet;
    for (std::size_t d = 0; d < devices; ++d) {
        DeviceSpec spec;
        spec.compute = random_profile(random, 100'000'000, 3'000'000'000);
        spec.memory = random_profile(random, 100'000, 10'000'000);
        spec.storage_bandwidth = random_profile(random, 10'000'000, 1'000'000'000);
        spec.has_storage = true;
        if (one_in(random, 2)) {
            spec.memory_bandwidth = random_profile(random, 1'000'000'000, 9'000'000'000);
        }
        if (one_in(random, 2)) {
            spec.egress = random_profile(random, 500'000, 5'000'000);
        }
        if (one_in(random, 2)) {
            spec.ingress = random_profile(random, 500'000, 5'000'000);
        }
        fleet.devices.push_back(std::move(spec));
    }
    fleet.network = Network({constant_profile(2'000'000), constant_profile(300'000)});
    for (std::size_t from = 0; from < devices; ++from) {
        for (std::size_t to = 0; to < devices; ++to) {
            if (from != to && !one_in(random, 3)) {
                LinkSpec link{random_profile(random, 300'000, 9'000'000), constant_profile(0)};
                link.latency.base = between(random, 0, 2'000'000);
                link.latency.changes = {{.at = 5'000'000, .factor = kWhole * 2}};
                fleet.network.set(DeviceId(from), DeviceId(to), std::move(link));
            }
        }
    }
    fleet.source = DeviceId(static_cast<std::size_t>(random.below(devices)));
    return fleet;
}

void add_costs(Fleet& fleet, const FleetCosts& costs, Random& random) {
    const std::int64_t media = costs.media ? between(random, 1, 3) : 0;
    for (std::int64_t m = 0; m < media; ++m) {
        fleet.media.push_back(random_profile(random, 500'000, 20'000'000));
    }
    for (DeviceSpec& device : fleet.devices) {
        if (costs.rates && one_in(random, 2)) {
            device.rates = random_rates(random);
        }
        if (costs.overheads && !one_in(random, 4)) {
            device.operation_overhead = between(random, 0, 100'000);
            device.message_overhead = between(random, 0, 300'000);
        }
        if (costs.media && !one_in(random, 4)) {
            device.medium = static_cast<std::int32_t>(between(random, 0, media - 1));
        }
    }
    for (std::size_t from = 0; from < fleet.size(); ++from) {
        for (std::size_t to = 0; to < fleet.size(); ++to) {
            if (from != to) {
                LinkSpec link = fleet.network.link(DeviceId(from), DeviceId(to));
                add_variation(link, costs, random);
                fleet.network.set(DeviceId(from), DeviceId(to), std::move(link));
            }
        }
    }
}

Placement random_placement(Random& random, std::size_t blocks, std::size_t devices) {
    Placement placement;
    for (std::size_t b = 0; b < blocks; ++b) {
        placement.emplace_back(static_cast<std::size_t>(random.below(devices)));
    }
    return placement;
}

} // namespace headroom::scheduler::testing
