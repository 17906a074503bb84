// Lowering, layer by layer. Instructions are appended in one global order in which every send
// stands before its receive; each device's program is its part of that order, so the programs
// cannot deadlock and messages between two devices are received in the order they were sent.
#include "scheduler/program.hpp"

#include "base/check.hpp"

namespace headroom::scheduler {

namespace {

constexpr Bytes kFloatBytes = 4;
constexpr Bytes kIdBytes = 4;

/// What travels once.
struct Parcel {
    Payload payload = Payload::token;
    std::int32_t layer = -1;
    Bytes bytes_per_token = 0;
    bool per_turn = false;
};

class Lowering {
  public:
    Lowering(const Blocks& blocks, const Placement& placement, std::size_t devices)
        : blocks_(blocks), placement_(placement), programs_(devices), units_on_(devices) {
        const auto layers = static_cast<std::size_t>(blocks.shape().layers);
        for (Program& program : programs_) {
            program.reserve(8 * layers + 4 * blocks.size() / devices);
        }
    }

    void layer(std::int32_t layer, DeviceId holder) {
        if (blocks_.sliced()) {
            sliced_layer(layer, holder);
            return;
        }
        const DeviceId proj = on(blocks_.proj(layer));
        const DeviceId ffn = on(blocks_.ffn(layer));
        spread(groups_of(layer), holder, proj);
        compute(blocks_.proj(layer));
        move(proj, ffn, {Payload::residual, layer, x_bytes(), false});
        compute(blocks_.ffn(layer));
    }

    /// A message with its receive right behind it; nothing if it stays where it is.
    void move(DeviceId from, DeviceId to, const Parcel& parcel) {
        if (from != to) {
            send(from, to, parcel);
            receive(from, to, parcel);
        }
    }

    void compute(BlockId b, std::int32_t part = 0) {
        program(on(b)).push_back({.code = OpCode::compute, .block = b, .part = part});
    }

    [[nodiscard]] DeviceId on(BlockId b) const { return placement_[b.index()]; }
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * kFloatBytes; }
    [[nodiscard]] std::vector<Program> take() { return std::move(programs_); }

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
        spread(groups_of(layer), holder, on(hub));
        compute(hub, 0);
        const Units slices{
            layer,
            blocks_.slice(layer, 0),
            blocks_.slices(),
            Payload::normed_residual,
            Payload::ffn_partial,
        };
        spread(slices, on(hub), on(hub));
        compute(hub, 1);
    }

    /// The holder of x hands their input to all units of a layer, and x to `target` unless it is
    /// there; they compute; `target` collects x and what they made.
    void spread(const Units& units, DeviceId holder, DeviceId target) {
        count(units);
        hand_out(units, holder, target);
        work(units, holder);
        gather(units, holder, target);
    }

    Program& program(DeviceId d) { return programs_[d.index()]; }

    void send(DeviceId from, DeviceId to, const Parcel& parcel) {
        program(from).push_back(instruction(OpCode::send, to, parcel));
    }

    void receive(DeviceId from, DeviceId to, const Parcel& parcel) {
        program(to).push_back(instruction(OpCode::receive, from, parcel));
    }

    static Instruction instruction(OpCode code, DeviceId peer, const Parcel& parcel) {
        return {
            .code = code,
            .payload = parcel.payload,
            .layer = parcel.layer,
            .peer = peer,
            .bytes_per_token = parcel.bytes_per_token,
            .per_turn = parcel.per_turn,
        };
    }

    void count(const Units& units) {
        units_on_.assign(units_on_.size(), 0);
        for (std::int32_t unit = 0; unit < units.count; ++unit) {
            ++units_on_[on(BlockId(units.first.value + unit)).index()];
        }
    }

    [[nodiscard]] bool has_units(DeviceId d) const { return units_on_[d.index()] > 0; }

    /// What a device with n of them sends on: head outputs side by side, or one partial sum, whose
    /// numbers are twice as wide once it has several terms.
    [[nodiscard]] Bytes output_bytes(std::int32_t n) const {
        const ModelShape& shape = blocks_.shape();
        if (blocks_.sliced()) {
            return n == 1 ? x_bytes() : 2 * x_bytes();
        }
        return n * shape.heads_per_group() * shape.head_width() * kFloatBytes;
    }

    /// Target by target: their input to where units are, then x to where it is added.
    void hand_out(const Units& units, DeviceId holder, DeviceId target) {
        for (std::size_t device = 0; device < programs_.size(); ++device) {
            const DeviceId to(device);
            if (to != holder && has_units(to)) {
                send(holder, to, {units.input, units.layer, x_bytes(), false});
            }
            if (to != holder && to == target) {
                send(holder, to, {Payload::x, units.layer, x_bytes(), false});
            }
        }
    }

    /// Every device with units computes its own, in block order.
    void work(const Units& units, DeviceId holder) {
        for (std::size_t device = 0; device < programs_.size(); ++device) {
            const DeviceId d(device);
            if (has_units(d) && d != holder) {
                receive(holder, d, {units.input, units.layer, x_bytes(), false});
            }
        }
        for (std::int32_t unit = 0; unit < units.count; ++unit) {
            compute(BlockId(units.first.value + unit));
        }
    }

    /// The target collects x and the outputs, by increasing sender.
    void gather(const Units& units, DeviceId holder, DeviceId target) {
        for (std::size_t sender = 0; sender < programs_.size(); ++sender) {
            const DeviceId from(sender);
            if (from != target && from == holder) {
                receive(from, target, {Payload::x, units.layer, x_bytes(), false});
            }
            if (from != target && has_units(from)) {
                const Bytes bytes = output_bytes(units_on_[sender]);
                move(from, target, {units.output, units.layer, bytes, false});
            }
        }
    }

    const Blocks& blocks_;
    const Placement& placement_;
    std::vector<Program> programs_;
    std::vector<std::int32_t> units_on_; ///< per device, in the present stage
};

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
    const bool ends = blocks.shape().ends;
    const std::int32_t layers = blocks.shape().layers;
    Lowering lowering(blocks, placement, devices);
    DeviceId holder = source;
    if (ends) {
        holder = lowering.on(blocks.embed());
        lowering.move(source, holder, {Payload::token, -1, kIdBytes, false});
        lowering.compute(blocks.embed());
    }
    for (std::int32_t layer = 0; layer < layers; ++layer) {
        lowering.layer(layer, holder);
        holder = lowering.on(blocks.holder(layer));
    }
    const DeviceId sampler = ends ? lowering.on(blocks.lm_head()) : source;
    lowering.move(holder, sampler, {Payload::last_x, layers - 1, lowering.x_bytes(), true});
    if (ends) {
        lowering.compute(blocks.lm_head());
        lowering.move(sampler, source, {Payload::sampled, -1, kIdBytes, true});
    }
    return lowering.take();
}

} // namespace headroom::scheduler
