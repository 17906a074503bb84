// In every step of the ring all sends stand before all receives, so this keeps the global order of
// program.cpp.
#include "scheduler/timing/ring_lowering.hpp"

#include "base/check.hpp"
#include "scheduler/timing/group_lowering.hpp"

namespace headroom::scheduler {

RingPart ring_part(std::int64_t width, std::int32_t part, std::int32_t parts) {
    HEADROOM_CHECK(part >= 0 && part < parts, "part {} of {}", part, parts);
    const std::int64_t first = part * width / parts;
    return {first, (part + 1) * width / parts - first};
}

RingLowering::RingLowering(Emitter& emitter, DeviceId source) : out_(emitter) {
    const Blocks& blocks = emitter.blocks();
    std::vector<bool> member(emitter.devices(), false);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        member[emitter.device_of(BlockId(b)).index()] = true;
    }
    if (!blocks.shape().has_ends) {
        member[source.index()] = true;
    }
    for (std::size_t d = 0; d < member.size(); ++d) {
        if (member[d]) {
            ring_.emplace_back(d);
        }
    }
}

void RingLowering::broadcast(DeviceId activation_device) {
    for (const DeviceId to : ring_) {
        out_.transfer(
            activation_device,
            to,
            {.payload = Payload::x, .layer = 0, .bytes_per_token = out_.x_bytes()}
        );
    }
}

void RingLowering::layer(std::int32_t layer) {
    const Blocks& blocks = out_.blocks();
    norm({layer, 0});
    compute_groups(out_, layer);
    all_reduce({layer, 0});
    norm({layer, 1});
    for (std::int32_t slice = 0; slice < blocks.slices(); ++slice) {
        out_.compute(blocks.slice(layer, slice));
    }
    all_reduce({layer, 1});
}

void RingLowering::norm(const Stage& stage) {
    for (const DeviceId d : ring_) {
        out_.append(d, {.code = OpCode::norm, .layer = stage.layer, .part = stage.number});
    }
}

/// Appends the all-reduce that ends a stage, then the operation of the hub.
void RingLowering::all_reduce(const Stage& stage) {
    rotate_parts(stage, Payload::ring_sum, 0);
    finish(stage);
    rotate_parts(stage, Payload::ring_x, 1);
    out_.mark(out_.blocks().hub(stage.layer), stage.number);
}

void RingLowering::rotate_parts(const Stage& stage, Payload payload, std::int32_t first) {
    for (std::int32_t step = 0; step + 1 < size(); ++step) {
        for (const OpCode code : {OpCode::send, OpCode::receive}) {
            for (std::int32_t r = 0; r < size(); ++r) {
                const std::int32_t part = modulo_size(r + first - step);
                if (is_empty(part)) {
                    continue;
                }
                const DeviceId from = ring_[static_cast<std::size_t>(r)];
                const DeviceId to = ring_[static_cast<std::size_t>(modulo_size(r + 1))];
                MessageShape message = shape_of_message(stage, payload, part);
                message.step = stage.number * (size() - 1) + step;
                if (code == OpCode::send) {
                    out_.send(from, to, message);
                } else {
                    out_.receive(from, to, message);
                }
            }
        }
    }
}

/// After the reduce-scatter the r-th device has part r + 1 complete.
void RingLowering::finish(const Stage& stage) {
    for (std::int32_t r = 0; r < size(); ++r) {
        const std::int32_t part = modulo_size(r + 1);
        if (!is_empty(part)) {
            out_.append(
                ring_[static_cast<std::size_t>(r)],
                {.code = OpCode::finish, .layer = stage.layer, .part = part, .parts = size()}
            );
        }
    }
}

std::int32_t RingLowering::modulo_size(std::int32_t part) const {
    return (part % size() + size()) % size();
}

bool RingLowering::is_empty(std::int32_t part) const {
    return ring_part(out_.blocks().shape().width, part, size()).count == 0;
}

MessageShape RingLowering::shape_of_message(const Stage& stage, Payload payload, std::int32_t part)
    const {
    const Bytes each = payload == Payload::ring_sum ? kSumBytes : kFloatBytes;
    const RingPart elements = ring_part(out_.blocks().shape().width, part, size());
    return {
        .payload = payload,
        .layer = stage.layer,
        .bytes_per_token = each * elements.count,
        .part = part,
        .parts = size(),
    };
}

} // namespace headroom::scheduler
