// Lowering, layer by layer. Instructions are appended in one global order in which every send
// stands before its receive; each device's program is its part of that order, so the programs
// cannot deadlock and messages between two devices are received in the order they were sent.
#include "scheduler/timing/program.hpp"

#include "base/check.hpp"
#include "scheduler/timing/lowering_emitter.hpp"
#include "scheduler/timing/ring_lowering.hpp"

namespace headroom::scheduler {

namespace {

class Lowering {
  public:
    explicit Lowering(Emitter& emitter)
        : out_(emitter), blocks_(emitter.blocks()), units_on_(emitter.devices()) {}

    void layer(std::int32_t layer, DeviceId holder) {
        if (blocks_.sliced()) {
            sliced_layer(layer, holder);
            return;
        }
        const DeviceId proj = out_.on(blocks_.proj(layer));
        const DeviceId ffn = out_.on(blocks_.ffn(layer));
        spread(groups_of(layer), holder, proj);
        out_.compute(blocks_.proj(layer));
        out_.move(proj, ffn, {Payload::residual, layer, out_.x_bytes(), false});
        out_.compute(blocks_.ffn(layer));
    }

  private:
    /// Equal blocks of one layer that work side by side on the same input.
    struct Units {
        std::int32_t layer = -1;
        BlockId first;
        std::int32_t count = 0;
        Payload input = Payload::normed_x;
        Payload output = Payload::head_outputs;
    };

    [[nodiscard]] Units groups_of(std::int32_t layer) const {
        const Payload output =
            blocks_.sliced() ? Payload::attention_partial : Payload::head_outputs;
        return {layer, blocks_.group(layer, 0), blocks_.groups(), Payload::normed_x, output};
    }

    void sliced_layer(std::int32_t layer, DeviceId holder) {
        const BlockId hub = blocks_.hub(layer);
        spread(groups_of(layer), holder, out_.on(hub));
        out_.compute(hub, 0);
        const Units slices{
            layer,
            blocks_.slice(layer, 0),
            blocks_.slices(),
            Payload::normed_residual,
            Payload::ffn_partial,
        };
        spread(slices, out_.on(hub), out_.on(hub));
        out_.compute(hub, 1);
    }

    /// The holder of x hands their input to all units of a layer, and x to `target` unless it is
    /// there; they compute; `target` collects x and what they made.
    void spread(const Units& units, DeviceId holder, DeviceId target) {
        count(units);
        hand_out(units, holder, target);
        work(units, holder);
        gather(units, holder, target);
    }

    void count(const Units& units) {
        units_on_.assign(units_on_.size(), 0);
        for (std::int32_t unit = 0; unit < units.count; ++unit) {
            ++units_on_[out_.on(BlockId(units.first.value + unit)).index()];
        }
    }

    [[nodiscard]] bool has_units(DeviceId d) const { return units_on_[d.index()] > 0; }

    /// What a device with n of them sends on: head outputs side by side, or one partial sum, whose
    /// numbers are twice as wide once it has several terms.
    [[nodiscard]] Bytes output_bytes(std::int32_t n) const {
        const ModelShape& shape = blocks_.shape();
        if (blocks_.sliced()) {
            return shape.width * (n == 1 ? kFloatBytes : kSumBytes);
        }
        return n * shape.heads_per_group() * shape.head_width() * kFloatBytes;
    }

    /// Target by target: their input to where units are, then x to where it is added.
    void hand_out(const Units& units, DeviceId holder, DeviceId target) {
        for (std::size_t device = 0; device < out_.devices(); ++device) {
            const DeviceId to(device);
            if (to != holder && has_units(to)) {
                out_.send(holder, to, {units.input, units.layer, out_.x_bytes(), false});
            }
            if (to != holder && to == target) {
                out_.send(holder, to, {Payload::x, units.layer, out_.x_bytes(), false});
            }
        }
    }

    /// Every device with units computes its own, in block order.
    void work(const Units& units, DeviceId holder) {
        for (std::size_t device = 0; device < out_.devices(); ++device) {
            const DeviceId d(device);
            if (has_units(d) && d != holder) {
                out_.receive(holder, d, {units.input, units.layer, out_.x_bytes(), false});
            }
        }
        for (std::int32_t unit = 0; unit < units.count; ++unit) {
            out_.compute(BlockId(units.first.value + unit));
        }
    }

    /// The target collects x and the outputs, by increasing sender.
    void gather(const Units& units, DeviceId holder, DeviceId target) {
        for (std::size_t sender = 0; sender < out_.devices(); ++sender) {
            const DeviceId from(sender);
            if (from != target && from == holder) {
                out_.receive(from, target, {Payload::x, units.layer, out_.x_bytes(), false});
            }
            if (from != target && has_units(from)) {
                const Bytes bytes = output_bytes(units_on_[sender]);
                out_.move(from, target, {units.output, units.layer, bytes, false});
            }
        }
    }

    Emitter& out_;
    const Blocks& blocks_;
    std::vector<std::int32_t> units_on_; ///< per device, in the present stage
};

/// From the ids on the source to x; returns its device.
DeviceId begin(Emitter& out, DeviceId source) {
    if (!out.blocks().shape().ends) {
        return source;
    }
    const BlockId embed = out.blocks().embed();
    out.move(source, out.on(embed), {Payload::token, -1, kTokenIdBytes, false});
    out.compute(embed);
    return out.on(embed);
}

/// Layer after layer; returns the device of the last x.
DeviceId through_layers(Emitter& out, DeviceId holder) {
    Lowering lowering(out);
    for (std::int32_t layer = 0; layer < out.blocks().shape().layers; ++layer) {
        lowering.layer(layer, holder);
        holder = out.on(out.blocks().holder(layer));
    }
    return holder;
}

/// The last x to where it is wanted.
void hand_over(Emitter& out, DeviceId holder, DeviceId source) {
    const ModelShape& shape = out.blocks().shape();
    const DeviceId sampler = shape.ends ? out.on(out.blocks().lm_head()) : source;
    out.move(holder, sampler, {Payload::last_x, shape.layers - 1, out.x_bytes(), true});
}

/// From x on lm_head's device to the sampled id on the source.
void end(Emitter& out, DeviceId source) {
    if (out.blocks().shape().ends) {
        const BlockId lm_head = out.blocks().lm_head();
        out.compute(lm_head);
        out.move(out.on(lm_head), source, {Payload::sampled, -1, kTokenIdBytes, true});
    }
}

} // namespace

std::string_view name_of(Payload payload) {
    switch (payload) {
    case Payload::token:
        return "token";
    case Payload::normed_x:
        return "normed_x";
    case Payload::x:
        return "x";
    case Payload::head_outputs:
        return "head_outputs";
    case Payload::residual:
        return "residual";
    case Payload::last_x:
        return "last_x";
    case Payload::sampled:
        return "sampled";
    case Payload::attention_partial:
        return "attention_partial";
    case Payload::normed_residual:
        return "normed_residual";
    case Payload::ffn_partial:
        return "ffn_partial";
    case Payload::ring_sum:
        return "ring_sum";
    case Payload::ring_x:
        return "ring_x";
    }
    HEADROOM_CHECK(false, "payload {}", static_cast<int>(payload));
}

std::vector<Program> lower(
    const Blocks& blocks, const Placement& placement, DeviceId source, std::size_t devices
) {
    HEADROOM_CHECK(
        placement.size() == blocks.size(), "{} of {} blocks", placement.size(), blocks.size()
    );
    for (const DeviceId d : placement) {
        HEADROOM_CHECK(d.valid() && d.index() < devices, "device {} of {}", d.value, devices);
    }
    HEADROOM_CHECK(source.valid() && source.index() < devices, "source {}", source.value);
    Emitter out(blocks, placement, devices);
    const DeviceId holder = begin(out, source);
    if (blocks.cut().reduce == Reduce::ring) {
        RingLowering ring(out, source);
        ring.broadcast(holder);
        for (std::int32_t layer = 0; layer < blocks.shape().layers; ++layer) {
            ring.layer(layer);
        }
    } else {
        hand_over(out, through_layers(out, holder), source);
    }
    end(out, source);
    return out.take();
}

} // namespace headroom::scheduler
