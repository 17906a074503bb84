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
        : blocks_(blocks), placement_(placement), programs_(devices), groups_on_(devices) {
        const auto layers = static_cast<std::size_t>(blocks.shape().layers);
        for (Program& program : programs_) {
            program.reserve(8 * layers + 4 * blocks.size() / devices);
        }
    }

    void layer(std::int32_t layer, DeviceId holder) {
        count_groups(layer);
        const DeviceId proj = on(blocks_.proj(layer));
        const DeviceId ffn = on(blocks_.ffn(layer));
        spread(layer, holder, proj);
        attend(layer, holder);
        gather(layer, holder, proj);
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

    void compute(BlockId b) { program(on(b)).push_back({.code = OpCode::compute, .block = b}); }

    [[nodiscard]] DeviceId on(BlockId b) const { return placement_[b.index()]; }
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * kFloatBytes; }
    [[nodiscard]] std::vector<Program> take() { return std::move(programs_); }

  private:
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

    void count_groups(std::int32_t layer) {
        groups_on_.assign(groups_on_.size(), 0);
        for (std::int32_t group = 0; group < blocks_.groups(); ++group) {
            ++groups_on_[on(blocks_.group(layer, group)).index()];
        }
    }

    [[nodiscard]] bool has_groups(DeviceId d) const { return groups_on_[d.index()] > 0; }

    /// The holder of x sends, target by target: normed x to where groups are, x to proj.
    void spread(std::int32_t layer, DeviceId holder, DeviceId proj) {
        for (std::size_t target = 0; target < programs_.size(); ++target) {
            const DeviceId to(target);
            if (to != holder && has_groups(to)) {
                send(holder, to, {Payload::normed_x, layer, x_bytes(), false});
            }
            if (to != holder && to == proj) {
                send(holder, to, {Payload::x, layer, x_bytes(), false});
            }
        }
    }

    /// Every device with groups computes its own, in block order.
    void attend(std::int32_t layer, DeviceId holder) {
        for (std::size_t device = 0; device < programs_.size(); ++device) {
            const DeviceId d(device);
            if (has_groups(d) && d != holder) {
                receive(holder, d, {Payload::normed_x, layer, x_bytes(), false});
            }
        }
        for (std::int32_t group = 0; group < blocks_.groups(); ++group) {
            compute(blocks_.group(layer, group));
        }
    }

    /// proj's device collects x and the head outputs, by increasing sender.
    void gather(std::int32_t layer, DeviceId holder, DeviceId proj) {
        const Bytes per_group =
            blocks_.shape().heads_per_group() * blocks_.shape().head_width() * kFloatBytes;
        for (std::size_t sender = 0; sender < programs_.size(); ++sender) {
            const DeviceId from(sender);
            if (from != proj && from == holder) {
                receive(from, proj, {Payload::x, layer, x_bytes(), false});
            }
            if (from != proj && has_groups(from)) {
                const Bytes bytes = groups_on_[sender] * per_group;
                move(from, proj, {Payload::head_outputs, layer, bytes, false});
            }
        }
    }

    const Blocks& blocks_;
    const Placement& placement_;
    std::vector<Program> programs_;
    std::vector<std::int32_t> groups_on_; ///< per device, in the present layer
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
        holder = lowering.on(blocks.ffn(layer));
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
