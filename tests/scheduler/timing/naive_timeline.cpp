#include "tests/scheduler/timing/naive_timeline.hpp"

#include <algorithm>

#include "base/int128.hpp"

namespace headroom::scheduler::testing {

namespace {

/// Returns the integral of the rate over [from, to) in units · 10⁻⁹.
Int128 integral(const Profile& profile, Nanoseconds from, Nanoseconds to, std::int64_t tokens) {
    Int128 sum = 0;
    while (from < to) {
        const ProfilePiece segment = profile.at(from, tokens);
        const Nanoseconds end = std::min(to, segment.until);
        sum += Int128{segment.value} * (end - from);
        from = end;
    }
    return sum;
}

Nanoseconds slow_finish(
    const Profile& profile, Nanoseconds start, std::int64_t work, std::int64_t tokens
) {
    if (work == 0 || profile.base == kUnlimited) {
        return start;
    }
    const Int128 needed = Int128{work} * kSecond;
    Nanoseconds span = 1;
    while (integral(profile, start, start + span, tokens) < needed) {
        span *= 2;
    }
    Nanoseconds low = start; // too early
    Nanoseconds high = start + span;
    while (high - low > 1) {
        const Nanoseconds middle = low + (high - low) / 2;
        (integral(profile, start, middle, tokens) < needed ? low : high) = middle;
    }
    return high;
}

} // namespace

void NaiveTimeline::compute(BlockId b) {
    const DeviceId d = placement_[b.index()];
    const DeviceSpec& spec = fleet_.devices[d.index()];
    Nanoseconds start = clocks_[d.index()];
    start = slow_finish(spec.storage_bandwidth, start, over_[d.index()], tokens_);
    over_[d.index()] = 0;
    const Flops flops = blocks_.flops(b, work_.first, work_.tokens);
    const Bytes bytes = blocks_.touched_bytes(b, work_.first, work_.tokens);
    const Nanoseconds end = std::max(
        slow_finish(spec.compute, start, flops, tokens_),
        slow_finish(spec.memory_bandwidth, start, bytes, tokens_)
    );
    clocks_[d.index()] = end;
    ops_[b].emplace_back(start, end);
}

NaiveTimeline::SentMessage NaiveTimeline::send(DeviceId from, DeviceId to, Bytes bytes) {
    const LinkSpec& link = fleet_.network.link(from, to);
    const Profile& egress = fleet_.devices[from.index()].egress;
    SentMessage message{.bytes = bytes};
    message.begin = std::max(clocks_[from.index()], link_free_[{from, to}]);
    if (egress.base == kUnlimited) {
        message.end = slow_finish(link.bandwidth, message.begin, bytes, tokens_);
    } else {
        message.begin = std::max(message.begin, egress_free_[from.index()]);
        egress_free_[from.index()] = slow_finish(egress, message.begin, bytes, tokens_);
        message.end = std::max(
            slow_finish(link.bandwidth, message.begin, bytes, tokens_), egress_free_[from.index()]
        );
    }
    link_free_[{from, to}] = message.end;
    message.latency = link.latency.at(message.begin, tokens_).value + error;
    return message;
}

void NaiveTimeline::receive(DeviceId to, const SentMessage& message) {
    Nanoseconds arrival = message.end + message.latency;
    const Profile& ingress = fleet_.devices[to.index()].ingress;
    if (ingress.base != kUnlimited) {
        const Nanoseconds from =
            std::max(message.begin + message.latency, ingress_free_[to.index()]);
        ingress_free_[to.index()] = slow_finish(ingress, from, message.bytes, tokens_);
        arrival = std::max(arrival, ingress_free_[to.index()]);
    }
    clocks_[to.index()] = std::max(clocks_[to.index()], arrival);
}

void NaiveTimeline::transfer(DeviceId from, DeviceId to, Bytes bytes) {
    if (from != to) {
        receive(to, send(from, to, bytes));
    }
}

NaiveTimeline::BlocksByDevice NaiveTimeline::blocks_by_device(BlockId first, std::int32_t count)
    const {
    BlocksByDevice blocks_by_device;
    for (std::int32_t unit = 0; unit < count; ++unit) {
        const BlockId b(first.value + unit);
        blocks_by_device[placement_[b.index()]].push_back(b);
    }
    return blocks_by_device;
}

Bytes NaiveTimeline::output_bytes(std::size_t blocks) const {
    const ModelShape& shape = blocks_.shape();
    if (blocks_.sliced()) {
        return blocks == 1 || narrow_sums ? x_bytes() : 2 * x_bytes();
    }
    const Bytes head = shape.heads_per_group() * shape.head_width() * 4 * work_.tokens;
    return static_cast<Bytes>(blocks) * head;
}

void NaiveTimeline::run_units(
    const BlocksByDevice& blocks_by_device, DeviceId activation_device, DeviceId target
) {
    std::map<DeviceId, SentMessage> inputs;
    SentMessage x_to_target;
    for (std::size_t k = 0; k < fleet_.size(); ++k) {
        const DeviceId to(k);
        if (to != activation_device && blocks_by_device.contains(to)) {
            inputs[to] = send(activation_device, to, x_bytes());
        }
        if (to != activation_device && to == target) {
            x_to_target = send(activation_device, to, x_bytes());
        }
    }
    std::map<DeviceId, SentMessage> outputs;
    for (const auto& [device, blocks] : blocks_by_device) {
        if (device != activation_device) {
            receive(device, inputs[device]);
        }
        for (const BlockId b : blocks) {
            compute(b);
        }
        if (device != target) {
            outputs[device] = send(device, target, output_bytes(blocks.size()));
        }
    }
    for (std::size_t s = 0; s < fleet_.size(); ++s) {
        const DeviceId from(s);
        if (from == activation_device && activation_device != target) {
            receive(target, x_to_target);
        }
        if (outputs.contains(from)) {
            receive(target, outputs[from]);
        }
    }
}

void NaiveTimeline::paper_layer(std::int32_t layer, DeviceId activation_device) {
    const DeviceId proj = placement_[blocks_.proj(layer).index()];
    run_units(blocks_by_device(blocks_.group(layer, 0), blocks_.groups()), activation_device, proj);
    compute(blocks_.proj(layer));
    transfer(proj, placement_[blocks_.ffn(layer).index()], x_bytes());
    compute(blocks_.ffn(layer));
}

void NaiveTimeline::hub_layer(std::int32_t layer, DeviceId activation_device) {
    const DeviceId hub = placement_[blocks_.hub(layer).index()];
    run_units(blocks_by_device(blocks_.group(layer, 0), blocks_.groups()), activation_device, hub);
    compute(blocks_.hub(layer));
    run_units(blocks_by_device(blocks_.slice(layer, 0), blocks_.slices()), hub, hub);
    compute(blocks_.hub(layer));
}

std::vector<DeviceId> NaiveTimeline::ring() const {
    std::vector<DeviceId> ring = placement_;
    if (!blocks_.shape().has_ends) {
        ring.push_back(fleet_.source);
    }
    std::sort(ring.begin(), ring.end());
    ring.erase(std::unique(ring.begin(), ring.end()), ring.end());
    return ring;
}

void NaiveTimeline::ring_layer(std::int32_t layer, const std::vector<DeviceId>& ring) {
    for (std::int32_t g = 0; g < blocks_.groups(); ++g) {
        compute(blocks_.group(layer, g));
    }
    all_reduce(ring);
    compute(blocks_.hub(layer));
    for (std::int32_t s = 0; s < blocks_.slices(); ++s) {
        compute(blocks_.slice(layer, s));
    }
    all_reduce(ring);
    compute(blocks_.hub(layer));
}

/// Executes a ring all-reduce. Every device first sends its own part and then passes on the part
/// that it has just received. After N − 1 receives it has a complete part; the complete parts are
/// passed on in the same way.
void NaiveTimeline::all_reduce(const std::vector<DeviceId>& ring) {
    std::vector<std::size_t> parts;
    for (std::size_t r = 0; r < ring.size(); ++r) {
        parts.push_back(r);
    }
    for (const Bytes each : {narrow_sums ? 4 : 8, 4}) {
        for (std::size_t step = 1; step < ring.size(); ++step) {
            rotate_parts(ring, parts, each);
        }
    }
}

void NaiveTimeline::rotate_parts(
    const std::vector<DeviceId>& ring, std::vector<std::size_t>& parts, Bytes each
) {
    const std::size_t n = ring.size();
    const auto width = static_cast<std::size_t>(blocks_.shape().width);
    std::map<std::size_t, SentMessage> messages; // by receiver
    for (std::size_t r = 0; r < n; ++r) {
        const std::size_t elements = (parts[r] + 1) * width / n - parts[r] * width / n;
        if (elements > 0) {
            const Bytes bytes = each * static_cast<Bytes>(elements) * work_.tokens;
            messages[(r + 1) % n] = send(ring[r], ring[(r + 1) % n], bytes);
        }
    }
    for (const auto& [receiver, message] : messages) {
        receive(ring[receiver], message);
    }
    std::rotate(parts.begin(), parts.end() - 1, parts.end());
}

DeviceId NaiveTimeline::layers(DeviceId activation_device) {
    const std::int32_t layers = blocks_.shape().layers;
    if (blocks_.cut().reduce == Reduce::ring) {
        std::vector<std::pair<DeviceId, SentMessage>> copies;
        for (const DeviceId to : ring()) {
            if (to != activation_device) {
                copies.emplace_back(to, send(activation_device, to, x_bytes()));
            }
        }
        for (const auto& [to, copy] : copies) {
            receive(to, copy);
        }
        for (std::int32_t l = 0; l < layers; ++l) {
            ring_layer(l, ring());
        }
        return DeviceId{}; // everywhere
    }
    for (std::int32_t l = 0; l < layers; ++l) {
        blocks_.sliced() ? hub_layer(l, activation_device) : paper_layer(l, activation_device);
        activation_device = placement_[blocks_.activation_block(l).index()];
    }
    return activation_device;
}

void NaiveTimeline::turn(
    const Placement& placement,
    const TurnWork& work,
    std::int64_t tokens,
    const std::vector<Bytes>& over
) {
    placement_ = placement;
    work_ = work;
    tokens_ = tokens;
    over_ = over;
    ops_.clear();
    const ModelShape& shape = blocks_.shape();
    DeviceId activation_device = fleet_.source;
    if (shape.has_ends) {
        activation_device = placement[blocks_.embed().index()];
        transfer(fleet_.source, activation_device, 4 * work.tokens);
        compute(blocks_.embed());
    }
    const DeviceId sampler = shape.has_ends ? placement[blocks_.lm_head().index()] : fleet_.source;
    const DeviceId last = layers(activation_device);
    if (last.valid()) {
        transfer(last, sampler, 4 * shape.width);
    }
    if (shape.has_ends) {
        compute(blocks_.lm_head());
        transfer(sampler, fleet_.source, 4);
    }
}

Nanoseconds NaiveTimeline::loaded(const std::vector<Move>& moves, DeviceId d) const {
    const Profile& storage = fleet_.devices[d.index()].storage_bandwidth;
    const Nanoseconds start = clocks_[d.index()];
    Nanoseconds end = start;
    for (const Move& move : moves) {
        if (move.to == d && parallel_loads) {
            end = std::max(end, slow_finish(storage, start, move.loaded, tokens_));
        } else if (move.to == d) {
            end = slow_finish(storage, end, move.loaded, tokens_);
        }
    }
    return end;
}

Nanoseconds NaiveTimeline::migrate(
    const std::vector<Move>& moves, Nanoseconds t_switch, std::int64_t tokens
) {
    tokens_ = tokens;
    if (moves.empty()) {
        return t_switch;
    }
    for (Nanoseconds& clock : clocks_) {
        clock = std::max(clock, t_switch);
    }
    Nanoseconds resume = 0;
    for (std::size_t d = 0; d < clocks_.size(); ++d) {
        resume = std::max(resume, loaded(moves, DeviceId(d)));
    }
    std::vector<SentMessage> message; // all sends come first, because no arrival may delay a send
    for (const Move& move : moves) {
        message.push_back(move.bytes > 0 ? send(move.from, move.to, move.bytes) : SentMessage{});
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (moves[i].bytes > 0) {
            receive(moves[i].to, message[i]);
        }
    }
    resume = std::max(resume, *std::max_element(clocks_.begin(), clocks_.end()));
    clocks_.assign(clocks_.size(), resume);
    return resume;
}

} // namespace headroom::scheduler::testing
