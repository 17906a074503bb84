#include "runtime/device/turn.hpp"

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/memory/never.hpp"
#include "runtime/memory/overload.hpp"

namespace headroom::runtime {

using scheduler::OpCode;
using scheduler::Payload;

namespace {

bool is_small(Payload payload) {
    return payload == Payload::token || payload == Payload::sampled;
}

/// Returns whether the payload is a part of a ring all-reduce.
bool is_ring(Payload payload) {
    return payload == Payload::ring_sum || payload == Payload::ring_x;
}

/// Returns whether other parts of the buffer into which the payload is received may still be sent.
/// All devices with groups send each other sums of squares before they receive any; those of the
/// layer before have been received by then, because all outputs of that layer depend on them.
bool shares_buffer(Payload payload) {
    return is_ring(payload) || payload == Payload::norm_sums;
}

/// Returns whether the payload has a vector for each of the sender's groups and tokens.
bool is_by_group(Payload payload) {
    return payload == Payload::head_outputs || payload == Payload::norm_sums;
}

bool is_partial(Payload payload) {
    return payload == Payload::attention_partial || payload == Payload::ffn_partial;
}

} // namespace

TurnRunner::TurnRunner(
    const model::ExecutionContext& context,
    const TurnSettings& settings,
    DeviceMemory& memory,
    device::DeviceClock& clock,
    device::Pacer& pacer,
    comm::Transport& transport,
    TurnLog& log
)
    : context_(&context), settings_(&settings), memory_(&memory), clock_(&clock), pacer_(&pacer),
      transport_(&transport), log_(&log), states_(static_cast<std::size_t>(memory.slots())) {}

void TurnRunner::select(const Turn& turn) {
    current_ = &states_[static_cast<std::size_t>(turn.slot)];
    if (memory_->has_workspace()) {
        memory_->workspace().select(turn.slot);
    }
}

void TurnRunner::begin(const std::vector<Turn>& batch) {
    for (const Turn& turn : batch) {
        SlotState& state = states_[static_cast<std::size_t>(turn.slot)];
        wait_for_small_sends(state); // sends of the previous turn, which have all been received
        state = {};
        state.turn = turn;
        state.ids.resize(static_cast<std::size_t>(turn.tokens));
        state.last_x_row = turn.tokens - 1;
        state.recheck_row = turn.recheck.row;
        memory_->reserve_caches(turn.slot, turn.first + turn.tokens);
    }
}

void TurnRunner::set_input_ids(std::int32_t slot, std::span<const std::int32_t> ids) {
    SlotState& state = states_[static_cast<std::size_t>(slot)];
    HEADROOM_CHECK(
        ids.size() == state.ids.size(), "{} ids for {} tokens", ids.size(), state.ids.size()
    );
    state.ids.assign(ids.begin(), ids.end());
}

void TurnRunner::run(
    const scheduler::Program& program,
    const scheduler::ProgramSegment& segment,
    const std::vector<Turn>& batch
) {
    clock_->set_sampled_tokens(batch.front().sampled);
    for (std::size_t i = segment.begin; i < segment.end; ++i) {
        const Instruction& instruction = program[i];
        if (instruction.code == OpCode::compute) {
            compute(instruction, batch);
            continue;
        }
        const bool sampling = scheduler::is_sampling_only(instruction, memory_->blocks());
        for (const Turn& turn : batch) {
            if (turn.recheck.row >= 0 && sampling && instruction.payload == Payload::last_x) {
                select(turn);
                transfer_recheck_row(instruction);
            }
            if (turn.samples || !sampling) {
                select(turn);
                transfer(instruction);
            }
        }
    }
}

void TurnRunner::transfer(const Instruction& instruction) {
    switch (instruction.code) {
    case OpCode::send:
        return send(instruction);
    case OpCode::receive:
        return receive(instruction);
    case OpCode::norm:
        return norm(instruction);
    case OpCode::finish:
        return finish(instruction);
    case OpCode::compute:
        break;
    }
    HEADROOM_CHECK(false, "instruction {}", static_cast<int>(instruction.code));
}

void TurnRunner::wait_for_sends() {
    for (SlotState& state : states_) {
        wait_for_small_sends(state);
    }
    if (memory_->has_workspace()) {
        memory_->workspace().wait_for_sends(
            *transport_, {"the end of the turns under way", -1, -1, -1}
        );
    }
}

void TurnRunner::wait_for_small_sends(SlotState& state) {
    for (SendWithHeader& pending : state.small_sends) {
        transport_->wait(pending.send, {"the end of a turn", -1, -1, state.turn.number});
    }
    state.small_sends.clear();
}

comm::WaitReason TurnRunner::wait_reason(const Instruction& instruction) const {
    return {
        scheduler::name_of(instruction.payload),
        instruction.layer,
        current_->turn.epoch,
        current_->turn.number};
}

float* TurnRunner::writable(Buffer buffer) {
    return memory_->workspace().wait_until_free(
        buffer,
        *transport_,
        {"a buffer to be sent", -1, current_->turn.epoch, current_->turn.number}
    );
}

/// Reads the bytes held beyond the budget from storage, before a turn's first operation. Returns
/// the bytes held, from which the clock computes the same excess; 0 if they fit. Throws
/// InfeasibleError if the device may not page.
Bytes TurnRunner::page_excess() {
    const Bytes held = memory_->budget().held();
    const Bytes over = held - clock_->memory(clock_->now());
    if (over <= 0) {
        return 0;
    }
    if (!settings_->may_page) {
        throw over_budget_error(memory_->self(), settings_->device_name, held, over, clock_->now());
    }
    log_->overloads.push_back({clock_->now(), over});
    pager_.read(*memory_, over, settings_->device_name);
    log_->paged += over;
    return held;
}

/// Executes one operation for all turns of a batch. Adjacent slots share one pass over the weights.
void TurnRunner::compute(const Instruction& instruction, const std::vector<Turn>& batch) {
    const scheduler::Blocks& blocks = memory_->blocks();
    const BlockId b = instruction.block;
    if (batch.front().recheck.row >= 0 && scheduler::is_sampling_only(instruction, blocks)) {
        recheck(b, batch.front());
    }
    if (!batch.front().samples && scheduler::is_sampling_only(instruction, blocks)) {
        return; // a chunk of a prompt, which is alone in its batch
    }
    if (const int code = watch_.code_after_grace(transport_->options()); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code)); // a turn may take very long
    }
    const Bytes held = before_first_operation(batch);
    const auto most = static_cast<std::size_t>(memory_->max_joined());
    for (std::size_t first = 0, last = 1; first < batch.size(); first = last++) {
        while (last < batch.size() && last - first < most &&
               batch[last].slot == batch[last - 1].slot + 1) {
            ++last;
        }
        const Pass pass = Pass(batch).subspan(first, last - first);
        try {
            execute(instruction, pass);
        } catch (const model::CacheOverflow& error) {
            throw_overflow(instruction.block, error, pass);
        }
    }
    scheduler::OperationCost cost;
    for (const Turn& turn : batch) {
        cost.add(blocks, b, turn.first, turn.tokens, instruction.work);
    }
    const device::TimeSpan time = clock_->run_operation(cost, instruction.starts_stage, held);
    const scheduler::OpRecord record{
        memory_->self(), b, time.start, time.end, batch.front().number};
    if (time.end == kNever) {
        throw never_finishes(clock_->fleet(), record, blocks.name(b), clock_->sampled_tokens());
    }
    log_->busy += time.end - time.start;
    if (log_->detailed) {
        log_->ops.push_back(record);
    }
    pacer_->wait_until(time.end);
}

/// Returns page_excess() if this is the first operation of the batch on this device, else 0.
Bytes TurnRunner::before_first_operation(const std::vector<Turn>& batch) {
    SlotState& first = states_[static_cast<std::size_t>(batch.front().slot)];
    if (first.has_computed) {
        return 0;
    }
    first.has_computed = true;
    if (first.turn.number == 2 && settings_->planted_wait > 0) {
        clock_->set_time(clock_->now() + settings_->planted_wait);
    }
    return page_excess();
}

/// Returns the buffer that a payload is sent from or received into.
Buffer TurnRunner::buffer_of(const Instruction& instruction) const {
    const bool incoming = instruction.code == OpCode::receive;
    switch (instruction.payload) {
    case Payload::normed_x:
    case Payload::normed_residual:
        return Buffer::normed;
    case Payload::head_outputs:
        return Buffer::heads;
    case Payload::residual:
        return Buffer::residual;
    case Payload::x:
    case Payload::last_x:
    case Payload::ring_x:
        return Buffer::x;
    case Payload::ring_sum:
        return incoming ? Buffer::received : Buffer::sums;
    case Payload::attention_partial:
    case Payload::ffn_partial:
        if (incoming) {
            return Buffer::received;
        }
        return has_one_term(instruction) ? Buffer::scratch : Buffer::sums;
    case Payload::norm_sums:
        return Buffer::squares;
    case Payload::token:
    case Payload::sampled:
        break;
    }
    HEADROOM_CHECK(false, "payload {} has no buffer", static_cast<int>(instruction.payload));
}

/// Returns the ring part of the vector of every token.
std::vector<std::span<std::byte>> TurnRunner::ring_spans(
    const Instruction& instruction, Buffer buffer
) {
    const std::int64_t width = memory_->blocks().shape().width;
    const auto [first, count] = scheduler::ring_part(width, instruction.part, instruction.parts);
    const std::int64_t element = instruction.bytes_per_token / count;
    std::byte* const base = reinterpret_cast<std::byte*>(memory_->workspace().data(buffer));
    std::vector<std::span<std::byte>> tokens;
    for (std::int64_t t = 0; t < current_->turn.tokens; ++t) {
        tokens.emplace_back(
            base + (t * width + first) * element, static_cast<std::size_t>(count * element)
        );
    }
    return tokens;
}

std::vector<std::span<std::byte>> TurnRunner::payload_spans(
    const Instruction& instruction, DeviceId sender
) {
    const std::int64_t n = current_->turn.tokens;
    if (instruction.payload == Payload::token) {
        return {std::as_writable_bytes(std::span(current_->ids))};
    }
    if (instruction.payload == Payload::sampled) {
        return {std::as_writable_bytes(std::span(&current_->sampled.id, 1))};
    }
    const Buffer buffer = buffer_of(instruction);
    if (is_ring(instruction.payload)) {
        return ring_spans(instruction, buffer);
    }
    float* const base = memory_->workspace().data(buffer);
    if (instruction.payload == Payload::last_x) {
        const bool outgoing = sender == memory_->self();
        const std::int64_t width = memory_->blocks().shape().width;
        return {float_bytes(base + (outgoing ? (n - 1) * width : 0), width)};
    }
    if (is_by_group(instruction.payload)) {
        return group_spans(instruction, sender);
    }
    const auto floats = instruction.bytes(n) / static_cast<Bytes>(sizeof(float));
    return {float_bytes(base, floats)};
}

void TurnRunner::send(const Instruction& instruction) {
    const Bytes bytes = instruction.bytes(current_->turn.tokens);
    auto kept = std::make_unique<WireHeader>();
    WireHeader& header = *kept;
    header.epoch = current_->turn.epoch;
    header.turn = current_->turn.number;
    header.kind = static_cast<std::int32_t>(instruction.payload);
    header.index = instruction.layer;
    header.bytes = bytes;
    header.timing = clock_->send(
        {instruction.peer,
         bytes,
         instruction.shares,
         scheduler::key_of(instruction, current_->turn.number)}
    );
    header.checksum = current_->sampled.logits_checksum;
    if (header.timing.arrival == kNever) {
        const scheduler::MessageRecord record{
            memory_->self(),
            instruction.peer,
            instruction.payload,
            instruction.layer,
            bytes,
            header.timing.begin,
            kNever,
            current_->turn.number};
        throw never_arrives(clock_->fleet(), record, clock_->sampled_tokens());
    }
    log_->sent[instruction.peer.index()] += bytes;

    std::vector<comm::ConstPart> outgoing{std::as_bytes(std::span(&header, 1))};
    for (const auto part : payload_spans(instruction, memory_->self())) {
        outgoing.emplace_back(part);
    }
    SendWithHeader pending{
        std::move(kept),
        transport_->start_send(instruction.peer, comm::data_tag(current_->turn.slot), outgoing)};
    if (is_small(instruction.payload)) {
        current_->small_sends.push_back(std::move(pending));
    } else {
        memory_->workspace().hold_send(buffer_of(instruction), std::move(pending));
    }
    if (is_partial(instruction.payload)) {
        current_->sums_begun = false; // this device's part of the reduction is done
    }
}

void TurnRunner::receive(const Instruction& instruction) {
    const comm::WaitReason what = wait_reason(instruction);
    if (!is_small(instruction.payload) && !shares_buffer(instruction.payload)) {
        (void)writable(buffer_of(instruction));
    }
    WireHeader header;
    std::vector<comm::Part> incoming{std::as_writable_bytes(std::span(&header, 1))};
    for (const auto part : payload_spans(instruction, instruction.peer)) {
        incoming.push_back(part);
    }
    transport_->receive(instruction.peer, comm::data_tag(current_->turn.slot), incoming, what);
    const Bytes bytes = instruction.bytes(current_->turn.tokens);
    HEADROOM_CHECK(
        header.epoch == current_->turn.epoch && header.turn == current_->turn.number &&
            header.kind == static_cast<std::int32_t>(instruction.payload) &&
            header.index == instruction.layer && header.bytes == bytes,
        "device {} expected {} of layer {}, epoch {}, turn {}, {} B; got kind {} of layer {}, "
        "epoch {}, turn {}, {} B",
        memory_->self().value,
        what.what,
        what.layer,
        current_->turn.epoch,
        current_->turn.number,
        bytes,
        header.kind,
        header.index,
        header.epoch,
        header.turn,
        header.bytes
    );
    if (is_partial(instruction.payload) || instruction.payload == Payload::ring_sum) {
        add_received(instruction);
    }
    if (instruction.payload == Payload::last_x) {
        current_->last_x_row = 0;
    }
    if (instruction.payload == Payload::sampled) {
        current_->sampled.logits_checksum = header.checksum;
    }
    const Nanoseconds arrival = clock_->receive(header.timing, bytes);
    if (arrival == kNever) {
        throw StuckError(fmt::format(
            "{} of turn {} never gets into device {} ({}): its ingress {}; change the device's "
            "ingress in the scenario",
            what.what,
            current_->turn.number,
            memory_->self().value,
            settings_->device_name,
            never_ends_because(
                {&clock_->fleet().devices[memory_->self().index()].ingress},
                header.timing.first_byte,
                clock_->sampled_tokens()
            )
        ));
    }
    clock_->handle_arrival(arrival);
    if (log_->detailed) {
        log_->messages.push_back(
            {instruction.peer,
             memory_->self(),
             instruction.payload,
             instruction.layer,
             bytes,
             header.timing.begin,
             arrival,
             current_->turn.number}
        );
    }
    pacer_->wait_until(clock_->now());
}

} // namespace headroom::runtime
