// Lowers a placement layer by layer. Instructions are appended in one global order in which every
// send stands before its receive, and the program of a device is its part of that order. Therefore
// the programs cannot deadlock, and messages between two devices are received in the order of
// sending.
#include "scheduler/timing/program.hpp"

#include <iterator>
#include <map>
#include <tuple>

#include "base/check.hpp"
#include "scheduler/timing/group_lowering.hpp"
#include "scheduler/timing/lowering_emitter.hpp"
#include "scheduler/timing/ring_lowering.hpp"

namespace headroom::scheduler {

namespace {

class Lowering {
  public:
    explicit Lowering(Emitter& emitter)
        : out_(emitter), blocks_(emitter.blocks()), units_on_(emitter.devices()) {}

    void layer(std::int32_t layer, DeviceId activation_device) {
        if (blocks_.sliced()) {
            sliced_layer(layer, activation_device);
            return;
        }
        const DeviceId proj = out_.device_of(blocks_.proj(layer));
        const DeviceId ffn = out_.device_of(blocks_.ffn(layer));
        run_units(groups_of(layer), activation_device, proj);
        out_.compute(blocks_.proj(layer));
        out_.transfer(proj, ffn, {Payload::residual, layer, out_.x_bytes(), false});
        out_.compute(blocks_.ffn(layer));
    }

  private:
    /// The groups or the slices of a layer, which all need the same input.
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

    void sliced_layer(std::int32_t layer, DeviceId activation_device) {
        const BlockId hub = blocks_.hub(layer);
        run_units(groups_of(layer), activation_device, out_.device_of(hub));
        out_.compute(hub, 0);
        const Units slices{
            layer,
            blocks_.slice(layer, 0),
            blocks_.slices(),
            Payload::normed_residual,
            Payload::ffn_partial,
        };
        run_units(slices, out_.device_of(hub), out_.device_of(hub));
        out_.compute(hub, 1);
    }

    /// The activation device sends the units their input and sends x to `target`. The units
    /// compute. Then `target` receives x and the outputs.
    void run_units(const Units& units, DeviceId activation_device, DeviceId target) {
        count_units(units);
        send_inputs(units, activation_device, target);
        receive_inputs(units, activation_device);
        has_received_x_ = activation_device == target;
        if (units.first == blocks_.group(units.layer, 0)) {
            compute_groups(out_, units.layer, [&](DeviceId from, DeviceId to) {
                if (from == activation_device && to == target) {
                    receive_x(units, activation_device, target);
                }
            });
        } else {
            for (std::int32_t unit = 0; unit < units.count; ++unit) {
                out_.compute(BlockId(units.first.value + unit));
            }
        }
        collect_outputs(units, activation_device, target);
    }

    void receive_x(const Units& units, DeviceId activation_device, DeviceId target) {
        if (!has_received_x_) {
            out_.receive(
                activation_device, target, {Payload::x, units.layer, out_.x_bytes(), false}
            );
        }
        has_received_x_ = true;
    }

    void count_units(const Units& units) {
        units_on_.assign(units_on_.size(), 0);
        for (std::int32_t unit = 0; unit < units.count; ++unit) {
            ++units_on_[out_.device_of(BlockId(units.first.value + unit)).index()];
        }
    }

    [[nodiscard]] bool has_units(DeviceId d) const { return units_on_[d.index()] > 0; }

    /// Returns the bytes per token that a device with n units sends: its head outputs, or one
    /// partial sum, whose numbers have 8 bytes if it has several terms.
    [[nodiscard]] Bytes output_bytes(std::int32_t n) const {
        const ModelShape& shape = blocks_.shape();
        if (blocks_.sliced()) {
            return shape.width * (n == 1 ? kFloatBytes : kSumBytes);
        }
        return n * shape.heads_per_group() * shape.head_width() * kFloatBytes;
    }

    /// Appends the sends of the activation device, target by target: the input, then x.
    void send_inputs(const Units& units, DeviceId activation_device, DeviceId target) {
        for (std::size_t device = 0; device < out_.devices(); ++device) {
            const DeviceId to(device);
            if (to != activation_device && has_units(to)) {
                out_.send(activation_device, to, {units.input, units.layer, out_.x_bytes(), false});
            }
            if (to != activation_device && to == target) {
                out_.send(activation_device, to, {Payload::x, units.layer, out_.x_bytes(), false});
            }
        }
    }

    /// Every device with units receives its input.
    void receive_inputs(const Units& units, DeviceId activation_device) {
        for (std::size_t device = 0; device < out_.devices(); ++device) {
            const DeviceId d(device);
            if (has_units(d) && d != activation_device) {
                out_.receive(
                    activation_device, d, {units.input, units.layer, out_.x_bytes(), false}
                );
            }
        }
    }

    /// The target receives x, unless it has it already, and the outputs, by increasing sender.
    void collect_outputs(const Units& units, DeviceId activation_device, DeviceId target) {
        for (std::size_t sender = 0; sender < out_.devices(); ++sender) {
            const DeviceId from(sender);
            if (from == activation_device) {
                receive_x(units, activation_device, target);
            }
            if (from != target && has_units(from)) {
                const Bytes bytes = output_bytes(units_on_[sender]);
                out_.transfer(from, target, {units.output, units.layer, bytes, false});
            }
        }
    }

    Emitter& out_;
    const Blocks& blocks_;
    std::vector<std::int32_t> units_on_; ///< per device, in the present stage
    bool has_received_x_ = false;        ///< whether the target has x, in the present stage
};

/// Lowers the beginning of a step, from the ids on the source to x. Returns the device that has x.
DeviceId lower_start(Emitter& out, DeviceId source) {
    if (!out.blocks().shape().has_ends) {
        return source;
    }
    const BlockId embed = out.blocks().embed();
    out.transfer(source, out.device_of(embed), {Payload::token, -1, kTokenIdBytes, false});
    out.compute(embed);
    return out.device_of(embed);
}

/// Lowers all layers. Returns the device that has x after the last one.
DeviceId lower_layers(Emitter& out, DeviceId activation_device) {
    Lowering lowering(out);
    for (std::int32_t layer = 0; layer < out.blocks().shape().layers; ++layer) {
        lowering.layer(layer, activation_device);
        activation_device = out.device_of(out.blocks().activation_block(layer));
    }
    return activation_device;
}

/// Sends the last x to the device of lm_head or, without ends, to the source.
void send_last_x(Emitter& out, DeviceId activation_device, DeviceId source) {
    const ModelShape& shape = out.blocks().shape();
    const DeviceId sampler = shape.has_ends ? out.device_of(out.blocks().lm_head()) : source;
    out.transfer(
        activation_device, sampler, {Payload::last_x, shape.layers - 1, out.x_bytes(), true}
    );
}

/// Lowers the end of a step, from x on the device of lm_head to the sampled id on the source.
void lower_end(Emitter& out, DeviceId source) {
    if (out.blocks().shape().has_ends) {
        const BlockId lm_head = out.blocks().lm_head();
        out.compute(lm_head);
        out.transfer(out.device_of(lm_head), source, {Payload::sampled, -1, kTokenIdBytes, true});
    }
}

/// Sets the shares of all messages. In each step of a ring every device sends one part.
void share_media(std::vector<Program>& programs, const MediumOf& medium_of) {
    if (medium_of.empty()) {
        return;
    }
    using Phase = std::tuple<Payload, std::int32_t, std::int32_t>;
    std::map<Phase, PhaseShares> phases;
    const auto for_each_send = [&programs](const auto& visit) {
        for (std::size_t d = 0; d < programs.size(); ++d) {
            for (Instruction& instruction : programs[d]) {
                if (instruction.code == OpCode::send) {
                    const Phase phase{instruction.payload, instruction.layer, instruction.step};
                    visit(DeviceId(d), instruction, phase);
                }
            }
        }
    };
    for_each_send([&](DeviceId from, const Instruction& sent, const Phase& phase) {
        phases.try_emplace(phase, medium_of).first->second.add(from, sent.peer);
    });
    for_each_send([&](DeviceId from, Instruction& sent, const Phase& phase) {
        sent.shares = phases.at(phase).of(from, sent.peer);
    });
}

} // namespace

std::string_view name_of(Payload payload) {
    constexpr std::string_view kNames[] = {
        "token",
        "normed_x",
        "x",
        "head_outputs",
        "residual",
        "last_x",
        "sampled",
        "attention_partial",
        "normed_residual",
        "ffn_partial",
        "ring_sum",
        "ring_x",
        "norm_sums",
    };
    const auto i = static_cast<std::size_t>(payload);
    HEADROOM_CHECK(i < std::size(kNames), "payload {}", i);
    return kNames[i];
}

std::vector<Program> lower(
    const Blocks& blocks,
    const Placement& placement,
    DeviceId source,
    std::size_t devices,
    const MediumOf& medium_of
) {
    HEADROOM_CHECK(
        placement.size() == blocks.size(), "{} of {} blocks", placement.size(), blocks.size()
    );
    for (const DeviceId d : placement) {
        HEADROOM_CHECK(d.valid() && d.index() < devices, "device {} of {}", d.value, devices);
    }
    HEADROOM_CHECK(source.valid() && source.index() < devices, "source {}", source.value);
    Emitter out(blocks, placement, devices);
    const DeviceId activation_device = lower_start(out, source);
    if (blocks.cut().reduce == Reduce::ring) {
        RingLowering ring(out, source);
        ring.broadcast(activation_device);
        for (std::int32_t layer = 0; layer < blocks.shape().layers; ++layer) {
            ring.layer(layer);
        }
    } else {
        send_last_x(out, lower_layers(out, activation_device), source);
    }
    lower_end(out, source);
    std::vector<Program> programs = out.take_programs();
    share_media(programs, medium_of);
    return programs;
}

} // namespace headroom::scheduler
