// See naive_timeline.hpp.
#include "tests/scheduler/naive_timeline.hpp"

#include <algorithm>

namespace headroom::scheduler::testing {

namespace {

__extension__ using Wide = __int128;

/// ∫ rate over [from, to) in units · 10⁻⁹.
Wide integral(const Profile& profile, Nanoseconds from, Nanoseconds to, std::int64_t tokens) {
    Wide sum = 0;
    while (from < to) {
        const Segment segment = profile.at(from, tokens);
        const Nanoseconds end = std::min(to, segment.until);
        sum += Wide{segment.value} * (end - from);
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
    const Wide needed = Wide{work} * kSecond;
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

void NaiveTimeline::operate(BlockId b) {
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
    ops_[b] = {start, end};
}

NaiveTimeline::Flying NaiveTimeline::depart(DeviceId from, DeviceId to, Bytes bytes) {
    const LinkSpec& link = fleet_.network.link(from, to);
    const Profile& egress = fleet_.devices[from.index()].egress;
    Flying flying{.bytes = bytes};
    flying.begin = std::max(clocks_[from.index()], link_free_[{from, to}]);
    if (egress.base == kUnlimited) {
        flying.end = slow_finish(link.bandwidth, flying.begin, bytes, tokens_);
    } else {
        flying.begin = std::max(flying.begin, egress_free_[from.index()]);
        egress_free_[from.index()] = slow_finish(egress, flying.begin, bytes, tokens_);
        flying.end = std::max(
            slow_finish(link.bandwidth, flying.begin, bytes, tokens_), egress_free_[from.index()]
        );
    }
    link_free_[{from, to}] = flying.end;
    flying.latency = link.latency.at(flying.begin, tokens_).value + error;
    return flying;
}

void NaiveTimeline::arrive(DeviceId to, const Flying& flying) {
    Nanoseconds arrival = flying.end + flying.latency;
    const Profile& ingress = fleet_.devices[to.index()].ingress;
    if (ingress.base != kUnlimited) {
        const Nanoseconds from = std::max(flying.begin + flying.latency, ingress_free_[to.index()]);
        ingress_free_[to.index()] = slow_finish(ingress, from, flying.bytes, tokens_);
        arrival = std::max(arrival, ingress_free_[to.index()]);
    }
    clocks_[to.index()] = std::max(clocks_[to.index()], arrival);
}

void NaiveTimeline::carry(DeviceId from, DeviceId to, Bytes bytes) {
    if (from != to) {
        arrive(to, depart(from, to, bytes));
    }
}

void NaiveTimeline::layer(std::int32_t layer, DeviceId holder) {
    const ModelShape& shape = blocks_.shape();
    const Bytes x = shape.width * 4 * work_.tokens;
    const Bytes head = shape.heads_per_group() * shape.head_width() * 4 * work_.tokens;
    const DeviceId proj = placement_[blocks_.proj(layer).index()];
    const DeviceId ffn = placement_[blocks_.ffn(layer).index()];
    std::map<DeviceId, std::vector<BlockId>> groups;
    for (std::int32_t g = 0; g < blocks_.groups(); ++g) {
        groups[placement_[blocks_.group(layer, g).index()]].push_back(blocks_.group(layer, g));
    }
    std::map<DeviceId, Flying> normed;
    Flying x_to_proj;
    for (std::size_t k = 0; k < fleet_.size(); ++k) {
        const DeviceId to(k);
        if (to != holder && groups.contains(to)) {
            normed[to] = depart(holder, to, x);
        }
        if (to != holder && to == proj) {
            x_to_proj = depart(holder, to, x);
        }
    }
    std::map<DeviceId, Flying> outputs;
    for (const auto& [device, blocks] : groups) {
        if (device != holder) {
            arrive(device, normed[device]);
        }
        for (const BlockId b : blocks) {
            operate(b);
        }
        if (device != proj) {
            outputs[device] = depart(device, proj, static_cast<Bytes>(blocks.size()) * head);
        }
    }
    for (std::size_t s = 0; s < fleet_.size(); ++s) {
        const DeviceId from(s);
        if (from == holder && holder != proj) {
            arrive(proj, x_to_proj);
        }
        if (outputs.contains(from)) {
            arrive(proj, outputs[from]);
        }
    }
    operate(blocks_.proj(layer));
    carry(proj, ffn, x);
    operate(blocks_.ffn(layer));
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
    DeviceId holder = fleet_.source;
    if (shape.ends) {
        holder = placement[blocks_.embed().index()];
        carry(fleet_.source, holder, 4 * work.tokens);
        operate(blocks_.embed());
    }
    for (std::int32_t l = 0; l < shape.layers; ++l) {
        layer(l, holder);
        holder = placement[blocks_.ffn(l).index()];
    }
    if (!shape.ends) {
        carry(holder, fleet_.source, 4 * shape.width);
        return;
    }
    const DeviceId sampler = placement[blocks_.lm_head().index()];
    carry(holder, sampler, 4 * shape.width);
    operate(blocks_.lm_head());
    carry(sampler, fleet_.source, 4);
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
    std::vector<Flying> flying; // all departures first: no arrival may hold back a departure
    for (const Move& move : moves) {
        flying.push_back(move.bytes > 0 ? depart(move.from, move.to, move.bytes) : Flying{});
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (moves[i].bytes > 0) {
            arrive(moves[i].to, flying[i]);
        }
    }
    resume = std::max(resume, *std::max_element(clocks_.begin(), clocks_.end()));
    clocks_.assign(clocks_.size(), resume);
    return resume;
}

} // namespace headroom::scheduler::testing
