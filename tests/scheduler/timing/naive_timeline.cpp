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

void NaiveTimeline::compute_stage(const std::vector<BlockId>& blocks, BlockPart part) {
    bool first = part != BlockPart::rest;
    for (const BlockId b : blocks) {
        const DeviceSpec& spec = fleet_.devices[placement_[b.index()].index()];
        compute(
            b, first || fault == CostFault::overhead_per_block ? spec.operation_overhead : 0, part
        );
        first = false;
    }
}

void NaiveTimeline::compute(BlockId b, Nanoseconds overhead, BlockPart part) {
    const DeviceId d = placement_[b.index()];
    if (blocks_.name(b).kind == BlockKind::lm_head &&
        std::ranges::none_of(batch_, &TurnWork::samples)) {
        return;
    }
    Nanoseconds start = clocks_[d.index()];
    start =
        slow_finish(fleet_.devices[d.index()].storage_bandwidth, start, over_[d.index()], tokens_);
    over_[d.index()] = 0;
    clocks_[d.index()] = operation_end(b, d, start + overhead, part);
    ops_[b].emplace_back(start, clocks_[d.index()]);
}

Nanoseconds NaiveTimeline::operation_end(BlockId b, DeviceId d, Nanoseconds start, BlockPart part)
    const {
    const DeviceSpec& spec = fleet_.devices[d.index()];
    const bool samples = blocks_.name(b).kind == BlockKind::lm_head;
    Flops flops = 0;
    std::int64_t vectors = 0;
    Bytes bytes = 0;
    for (const WeightWork& work : blocks_.weights(b, part)) {
        bytes += work.touched;
    }
    const Bytes all_weights = bytes;
    for (const TurnWork& turn : batch_) {
        if (turn.samples || !samples) {
            flops += blocks_.flops(b, turn.first, turn.tokens, part);
            bytes += blocks_.touched_bytes(b, turn.first, turn.tokens, part) - all_weights;
            vectors += samples ? 1 : turn.tokens;
        }
    }
    std::vector<std::pair<const TypeRates<Profile>*, WeightWork>> pieces;
    for (const WeightWork& work : blocks_.weights(b, part)) {
        for (const TypeRates<Profile>& rates : spec.rates) {
            if (rates.type == work.type && fault != CostFault::joint_pieces) {
                pieces.emplace_back(&rates, work);
                flops -= vectors * work.flops;
                bytes -= work.touched;
            }
        }
    }
    Nanoseconds now = std::max(
        slow_finish(spec.compute, start, flops, tokens_),
        slow_finish(spec.memory_bandwidth, start, bytes, tokens_)
    );
    for (const auto& [rates, work] : pieces) {
        now = typed_end(*rates, work, now, vectors);
    }
    return now;
}

Nanoseconds NaiveTimeline::typed_end(
    const TypeRates<Profile>& rates, const WeightWork& work, Nanoseconds start, std::int64_t n
) const {
    const Nanoseconds one = slow_finish(rates.compute, start, work.flops, tokens_);
    Nanoseconds all = slow_finish(rates.compute, start, n * work.flops, tokens_);
    if (n > 1 && fault != CostFault::dear_prefill) {
        const Nanoseconds many = slow_finish(rates.prefill_compute, start, n * work.flops, tokens_);
        all = std::clamp(many, one, all);
    }
    return std::max(all, slow_finish(rates.memory_bandwidth, start, work.touched, tokens_));
}

/// Each end of each link of the phase on a medium is one share of it.
Nanoseconds NaiveTimeline::pass_media(
    const Link& link, Nanoseconds begin, Bytes bytes, const Links& phase
) const {
    Nanoseconds end = begin;
    for (std::size_t m = 0; m < fleet_.media.size(); ++m) {
        const auto on_medium = [&](DeviceId d) {
            return fleet_.devices[d.index()].medium == static_cast<std::int32_t>(m);
        };
        if (!on_medium(link.first) && !on_medium(link.second)) {
            continue;
        }
        Bytes ends = 0;
        for (const auto& [from, to] : phase) {
            ends += (on_medium(from) ? 1 : 0) + (on_medium(to) ? 1 : 0);
        }
        ends = fault == CostFault::private_media ? 1 : ends;
        end = std::max(end, slow_finish(fleet_.media[m], begin, ends * bytes, tokens_));
    }
    return end;
}

NaiveTimeline::SentMessage NaiveTimeline::transmit(
    const Link& link, Nanoseconds begin, Bytes bytes, const Links& phase
) {
    const LinkSpec& spec = fleet_.network.link(link.first, link.second);
    const Profile& egress = fleet_.devices[link.first.index()].egress;
    SentMessage message{.begin = begin, .bytes = bytes};
    message.end = std::max(
        slow_finish(spec.bandwidth, begin, bytes, tokens_), pass_media(link, begin, bytes, phase)
    );
    if (egress.base != kUnlimited) {
        egress_free_[link.first.index()] = slow_finish(egress, begin, bytes, tokens_);
        message.end = std::max(message.end, egress_free_[link.first.index()]);
    }
    message.latency =
        spec.latency.at(begin, tokens_).value + spec.jitter.at(begin, tokens_).value + error;
    return message;
}

NaiveTimeline::SentMessage NaiveTimeline::send(
    const Link& link, const Sending& sending, const Links& phase
) {
    const auto [from, to] = link;
    const DeviceSpec& sender = fleet_.devices[from.index()];
    clocks_[from.index()] += sender.message_overhead;
    Nanoseconds begin = std::max(clocks_[from.index()], link_free_[link]);
    if (sender.egress.base != kUnlimited) {
        begin = std::max(begin, egress_free_[from.index()]);
    }
    const LinkVariation& variation = fleet_.network.link(from, to).variation;
    const Delivery drawn = draw_delivery(variation, from, to, sending.key);
    SentMessage message = transmit(link, begin, sending.bytes, phase);
    const SentMessage first = message;
    for (int failure = 0; failure < drawn.failures; ++failure) {
        const Nanoseconds pause =
            fault == CostFault::quick_repetition ? 0 : variation.retransmit_timeout;
        message = transmit(link, message.end + pause, sending.bytes, phase);
    }
    link_free_[link] = fault == CostFault::free_link ? first.end : message.end;
    message.latency = (fault == CostFault::early_latency ? first : message).latency + drawn.delay;
    return message;
}

void NaiveTimeline::receive(DeviceId to, const SentMessage& message) {
    Nanoseconds arrival = message.end + message.latency;
    const DeviceSpec& receiver = fleet_.devices[to.index()];
    if (receiver.ingress.base != kUnlimited) {
        const Nanoseconds from =
            std::max(message.begin + message.latency, ingress_free_[to.index()]);
        ingress_free_[to.index()] = slow_finish(receiver.ingress, from, message.bytes, tokens_);
        arrival = std::max(arrival, ingress_free_[to.index()]);
    }
    clocks_[to.index()] = std::max(clocks_[to.index()], arrival);
    if (fault != CostFault::silent_receiver) {
        clocks_[to.index()] += receiver.message_overhead;
    }
}

NaiveTimeline::SentMessages NaiveTimeline::send_all(
    DeviceId from, DeviceId to, const Phase& phase, Bytes per_token, std::int32_t part
) {
    const bool once = phase.payload == Payload::last_x || phase.payload == Payload::sampled;
    SentMessages messages;
    for (const TurnWork& turn : batch_) {
        if (turn.samples || !once) {
            const MessageKey key{
                turn.number, static_cast<std::int32_t>(phase.payload), phase.layer, part};
            const Bytes bytes = once ? per_token : per_token * turn.tokens;
            messages.push_back(send({from, to}, {bytes, key}, phase.links));
        }
    }
    return messages;
}

void NaiveTimeline::receive_all(DeviceId to, const SentMessages& messages) {
    for (const SentMessage& message : messages) {
        receive(to, message);
    }
}

void NaiveTimeline::transfer(DeviceId from, DeviceId to, const Phase& phase, Bytes per_token) {
    if (from != to) {
        Phase alone = phase;
        alone.links = {{from, to}};
        receive_all(to, send_all(from, to, alone, per_token));
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

/// Returns the bytes per token.
Bytes NaiveTimeline::output_bytes(std::size_t blocks) const {
    const ModelShape& shape = blocks_.shape();
    if (blocks_.sliced()) {
        return blocks == 1 || narrow_sums ? x_bytes() : 2 * x_bytes();
    }
    const Bytes head = shape.heads_per_group() * shape.head_width() * 4;
    return static_cast<Bytes>(blocks) * head;
}

void NaiveTimeline::run_units(const Units& units, DeviceId activation_device, DeviceId target) {
    Phase input{units.input, units.layer, {}};
    Phase output{units.output, units.layer, {}};
    for (const auto& [device, blocks] : units.blocks) {
        if (device != activation_device) {
            input.links.emplace_back(activation_device, device);
        }
        if (device != target) {
            output.links.emplace_back(device, target);
        }
    }
    const Phase x{Payload::x, units.layer, {{activation_device, target}}};
    std::map<DeviceId, SentMessages> inputs;
    SentMessages x_to_target;
    for (std::size_t k = 0; k < fleet_.size(); ++k) {
        const DeviceId to(k);
        if (to != activation_device && units.blocks.contains(to)) {
            inputs[to] = send_all(activation_device, to, input, x_bytes());
        }
        if (to != activation_device && to == target) {
            x_to_target = send_all(activation_device, to, x, x_bytes());
        }
    }
    for (const auto& [device, blocks] : units.blocks) {
        if (device != activation_device) {
            receive_all(device, inputs[device]);
        }
    }
    bool has_x = activation_device == target;
    if (units.input == Payload::normed_x) {
        const bool received =
            compute_groups(units.layer, units.blocks, {activation_device, target}, x_to_target);
        has_x = has_x || received;
    } else {
        for (const auto& [device, blocks] : units.blocks) {
            compute_stage(blocks);
        }
    }
    std::map<DeviceId, SentMessages> outputs;
    for (const auto& [device, blocks] : units.blocks) {
        if (device != target) {
            outputs[device] = send_all(device, target, output, output_bytes(blocks.size()));
        }
    }
    for (std::size_t s = 0; s < fleet_.size(); ++s) {
        const DeviceId from(s);
        if (from == activation_device && !has_x) {
            receive_all(target, x_to_target);
        }
        if (outputs.contains(from)) {
            receive_all(target, outputs[from]);
        }
    }
}

bool NaiveTimeline::compute_groups(
    std::int32_t layer, const BlocksByDevice& groups, const Link& way_of_x, const SentMessages& x
) {
    const bool parts = blocks_.shape().qk_norm == QkNorm::width && fault != CostFault::joint_parts;
    for (const auto& [device, blocks] : groups) {
        compute_stage(blocks, parts ? BlockPart::products : BlockPart::whole);
    }
    const bool received = parts && exchange_sums(layer, groups, way_of_x, x);
    for (const auto& [device, blocks] : groups) {
        if (parts) {
            compute_stage(blocks, BlockPart::rest);
        }
    }
    return received;
}

/// Every device sends its sums to all others, then it receives theirs.
bool NaiveTimeline::exchange_sums(
    std::int32_t layer, const BlocksByDevice& groups, const Link& way_of_x, const SentMessages& x
) {
    Phase phase{Payload::norm_sums, layer, {}};
    for (const auto& [from, blocks] : groups) {
        for (const auto& [to, others] : groups) {
            if (from != to) {
                phase.links.emplace_back(from, to);
            }
        }
    }
    std::map<Link, SentMessages> sums;
    for (const auto& [from, to] : phase.links) {
        const auto own = static_cast<Bytes>(groups.at(from).size());
        sums[{from, to}] = send_all(from, to, phase, 16 * own);
    }
    bool received_x = false;
    for (const auto& [from, to] : phase.links) { // by increasing sender for each receiver
        if (Link(from, to) == way_of_x) {
            receive_all(to, x);
            received_x = true;
        }
        if (fault != CostFault::no_exchange) {
            receive_all(to, sums[{from, to}]);
        }
    }
    return received_x;
}

void NaiveTimeline::paper_layer(std::int32_t layer, DeviceId activation_device) {
    const DeviceId proj = placement_[blocks_.proj(layer).index()];
    const Units groups{
        layer,
        blocks_by_device(blocks_.group(layer, 0), blocks_.groups()),
        Payload::normed_x,
        Payload::head_outputs};
    run_units(groups, activation_device, proj);
    compute_stage({blocks_.proj(layer)});
    const DeviceId ffn = placement_[blocks_.ffn(layer).index()];
    transfer(proj, ffn, {Payload::residual, layer, {}}, x_bytes());
    compute_stage({blocks_.ffn(layer)});
}

void NaiveTimeline::hub_layer(std::int32_t layer, DeviceId activation_device) {
    const DeviceId hub = placement_[blocks_.hub(layer).index()];
    const Units groups{
        layer,
        blocks_by_device(blocks_.group(layer, 0), blocks_.groups()),
        Payload::normed_x,
        Payload::attention_partial};
    run_units(groups, activation_device, hub);
    compute_stage({blocks_.hub(layer)});
    const Units slices{
        layer,
        blocks_by_device(blocks_.slice(layer, 0), blocks_.slices()),
        Payload::normed_residual,
        Payload::ffn_partial};
    run_units(slices, hub, hub);
    compute_stage({blocks_.hub(layer)});
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

/// The hub of a ring takes no time.
void NaiveTimeline::ring_layer(std::int32_t layer, const std::vector<DeviceId>& ring) {
    const BlocksByDevice groups = blocks_by_device(blocks_.group(layer, 0), blocks_.groups());
    (void)compute_groups(layer, groups, Link(), {});
    all_reduce(layer, 0, ring);
    compute(blocks_.hub(layer), 0);
    for (const auto& [device, blocks] :
         blocks_by_device(blocks_.slice(layer, 0), blocks_.slices())) {
        compute_stage(blocks);
    }
    all_reduce(layer, 1, ring);
    compute(blocks_.hub(layer), 0);
}

/// Executes a ring all-reduce. Every device first sends its own part and then passes on the part
/// that it has just received. After N − 1 receives it has a complete part; the complete parts are
/// passed on in the same way.
void NaiveTimeline::all_reduce(
    std::int32_t layer, std::int32_t stage, const std::vector<DeviceId>& ring
) {
    std::vector<std::size_t> parts;
    for (std::size_t r = 0; r < ring.size(); ++r) {
        parts.push_back(r);
    }
    const auto steps = static_cast<std::int32_t>(ring.size()) - 1;
    for (const Payload payload : {Payload::ring_sum, Payload::ring_x}) {
        for (std::int32_t step = 0; step < steps; ++step) {
            rotate_parts({payload, layer, {}}, stage * steps + step, ring, parts);
        }
    }
}

void NaiveTimeline::rotate_parts(
    const Phase& phase,
    std::int32_t step,
    const std::vector<DeviceId>& ring,
    std::vector<std::size_t>& parts
) {
    const std::size_t n = ring.size();
    const auto width = static_cast<std::size_t>(blocks_.shape().width);
    const auto elements = [&](std::size_t part) {
        return static_cast<Bytes>((part + 1) * width / n - part * width / n);
    };
    Phase with_links = phase;
    for (std::size_t r = 0; r < n; ++r) {
        if (elements(parts[r]) > 0) {
            with_links.links.emplace_back(ring[r], ring[(r + 1) % n]);
        }
    }
    const Bytes each = phase.payload == Payload::ring_sum && !narrow_sums ? 8 : 4;
    std::map<std::size_t, SentMessages> messages; // by receiver
    for (std::size_t r = 0; r < n; ++r) {
        if (elements(parts[r]) > 0) {
            const auto part = static_cast<std::int32_t>(parts[r]);
            messages[(r + 1) % n] = send_all(
                ring[r],
                ring[(r + 1) % n],
                with_links,
                each * elements(parts[r]),
                part + step * static_cast<std::int32_t>(n)
            );
        }
    }
    for (const auto& [receiver, sent] : messages) {
        receive_all(ring[receiver], sent);
    }
    std::rotate(parts.begin(), parts.end() - 1, parts.end());
}

DeviceId NaiveTimeline::layers(DeviceId activation_device) {
    const std::int32_t layers = blocks_.shape().layers;
    if (blocks_.cut().reduce == Reduce::ring) {
        Phase x{Payload::x, 0, {}};
        for (const DeviceId to : ring()) {
            if (to != activation_device) {
                x.links.emplace_back(activation_device, to);
            }
        }
        std::vector<std::pair<DeviceId, SentMessages>> copies;
        for (const auto& [from, to] : x.links) {
            copies.emplace_back(to, send_all(from, to, x, x_bytes()));
        }
        for (const auto& [to, copy] : copies) {
            receive_all(to, copy);
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

void NaiveTimeline::turns(
    const Placement& placement,
    const std::vector<TurnWork>& batch,
    std::int64_t tokens,
    const std::vector<Bytes>& over
) {
    placement_ = placement;
    batch_ = batch;
    tokens_ = tokens;
    over_ = over;
    ops_.clear();
    const ModelShape& shape = blocks_.shape();
    DeviceId activation_device = fleet_.source;
    if (shape.has_ends) {
        activation_device = placement[blocks_.embed().index()];
        transfer(fleet_.source, activation_device, {Payload::token, -1, {}}, 4);
        compute_stage({blocks_.embed()});
    }
    const DeviceId sampler = shape.has_ends ? placement[blocks_.lm_head().index()] : fleet_.source;
    const DeviceId last = layers(activation_device);
    if (last.valid()) {
        transfer(last, sampler, {Payload::last_x, shape.layers - 1, {}}, x_bytes());
    }
    if (shape.has_ends) {
        compute_stage({blocks_.lm_head()});
        transfer(sampler, fleet_.source, {Payload::sampled, -1, {}}, 4);
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
    const std::vector<Move>& moves, Nanoseconds t_switch, std::int64_t tokens, std::int64_t epoch
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
    std::map<Link, bool> links;
    for (const Move& move : moves) {
        if (move.bytes > 0) {
            links[{move.from, move.to}] = true;
        }
    }
    Links phase;
    for (const auto& [link, used] : links) {
        phase.push_back(link);
    }
    std::vector<SentMessage> messages; // all sends come first, because no arrival may delay a send
    for (const Move& move : moves) {
        const MessageKey key{epoch, -1, move.block.value, 0};
        messages.push_back(
            move.bytes > 0 ? send({move.from, move.to}, {move.bytes, key}, phase) : SentMessage{}
        );
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (moves[i].bytes > 0) {
            receive(moves[i].to, messages[i]);
        }
    }
    resume = std::max(resume, *std::max_element(clocks_.begin(), clocks_.end()));
    clocks_.assign(clocks_.size(), resume);
    return resume;
}

} // namespace headroom::scheduler::testing
