#include "runtime/memory/workspace.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::runtime {

namespace {

constexpr std::size_t kAlignment = 64;

} // namespace

Workspace::Workspace(
    const scheduler::ModelShape& shape,
    const scheduler::Cut& cut,
    const scheduler::TurnSizes& sizes,
    std::pmr::memory_resource* resource
)
    : resource_(resource), slots_(static_cast<std::size_t>(sizes.slots)), sliced_(cut.sliced()),
      pending_(slots_) {
    const std::int64_t n = sizes.tokens;
    const std::int64_t rows = std::max(n, sizes.joined);
    for (const Buffer buffer : {Buffer::x, Buffer::normed, Buffer::residual}) {
        bytes_[at(buffer)] = 4 * n * shape.width;
    }
    if (cut.sliced()) {
        size_sliced(shape, cut, n, rows);
    } else {
        size_paper(shape, n, rows);
    }
    bytes_[at(Buffer::angles)] = 4 * n * shape.head_width();
    bytes_[at(Buffer::projected)] = 4 * rows * (shape.heads_per_group() + 2) * shape.head_width();
    bytes_[at(Buffer::scores)] = 4 * shape.context;
    bytes_[at(Buffer::logits)] = 4 * sizes.joined * shape.vocabulary;
    bytes_[at(Buffer::staging)] = scheduler::staging_bytes(shape);
    Bytes sum = 0;
    for (std::size_t i = 0; i < kBuffers; ++i) {
        const auto buffer = static_cast<Buffer>(i);
        sum += all_bytes(buffer);
        allocate(buffer);
    }
    HEADROOM_CHECK(
        sum == scheduler::buffer_bytes(shape, sizes, cut),
        "workspace {} B, closed form {} B",
        sum,
        scheduler::buffer_bytes(shape, sizes, cut)
    );
}

void Workspace::size_paper(const scheduler::ModelShape& shape, std::int64_t n, std::int64_t rows) {
    bytes_[at(Buffer::heads)] = 4 * n * shape.width;
    bytes_[at(Buffer::scratch)] = 4 * rows * shape.width;
    bytes_[at(Buffer::gate)] = bytes_[at(Buffer::up)] = 4 * rows * shape.ffn_width;
}

void Workspace::size_sliced(
    const scheduler::ModelShape& shape, const scheduler::Cut& cut, std::int64_t n, std::int64_t rows
) {
    bytes_[at(Buffer::scratch)] = 4 * n * shape.width;
    bytes_[at(Buffer::heads)] = 4 * rows * scheduler::most_head_columns(shape);
    bytes_[at(Buffer::gate)] = 4 * rows * scheduler::most_hidden_columns(shape, cut);
    bytes_[at(Buffer::up)] = 4 * rows * (shape.ffn_width / cut.slices);
    bytes_[at(Buffer::sums)] = bytes_[at(Buffer::received)] = 8 * n * shape.width;
    if (cut.reduce == scheduler::Reduce::ring) {
        bytes_[at(Buffer::norms)] = 4 * 2 * shape.layers * shape.width;
    }
}

Workspace::~Workspace() {
    for (std::size_t i = 0; i < kBuffers; ++i) {
        release(static_cast<Buffer>(i));
    }
}

bool Workspace::per_slot(Buffer buffer) const {
    switch (buffer) {
    case Buffer::x:
    case Buffer::normed:
    case Buffer::residual:
    case Buffer::angles:
        return true;
    case Buffer::heads:
        return !sliced_;
    case Buffer::scratch:
    case Buffer::sums:
        return sliced_;
    default:
        return false;
    }
}

void Workspace::select(std::int32_t slot) {
    HEADROOM_CHECK(
        slot >= 0 && static_cast<std::size_t>(slot) < slots_, "slot {} of {}", slot, slots_
    );
    slot_ = static_cast<std::size_t>(slot);
}

Bytes Workspace::all_bytes(Buffer buffer) const {
    return bytes_[at(buffer)] * (per_slot(buffer) ? static_cast<Bytes>(slots_) : 1);
}

void Workspace::allocate(Buffer buffer) {
    const auto bytes = static_cast<std::size_t>(all_bytes(buffer));
    if (bytes > 0) {
        data_[at(buffer)] = static_cast<std::byte*>(resource_->allocate(bytes, kAlignment));
    }
}

void Workspace::release(Buffer buffer) {
    if (data_[at(buffer)] != nullptr) {
        const auto bytes = static_cast<std::size_t>(all_bytes(buffer));
        resource_->deallocate(data_[at(buffer)], bytes, kAlignment);
        data_[at(buffer)] = nullptr;
    }
}

void Workspace::release_staging() {
    release(Buffer::staging);
}

void Workspace::restore_staging() {
    if (data_[at(Buffer::staging)] == nullptr) {
        allocate(Buffer::staging);
    }
}

/// Of the selected slot.
std::byte* Workspace::place(Buffer buffer) const {
    const std::size_t before = per_slot(buffer) ? slot_ : 0;
    return data_[at(buffer)] + before * static_cast<std::size_t>(bytes_[at(buffer)]);
}

std::int64_t Workspace::slot_stride(Buffer buffer) const {
    HEADROOM_CHECK(per_slot(buffer), "one buffer {} for all slots", static_cast<int>(buffer));
    return bytes_[at(buffer)] / static_cast<Bytes>(sizeof(float));
}

float* Workspace::data(Buffer buffer) const {
    return reinterpret_cast<float*>(place(buffer));
}

std::int64_t* Workspace::fixed_point(Buffer buffer) const {
    HEADROOM_CHECK(
        buffer == Buffer::sums || buffer == Buffer::received,
        "buffer {} holds floats",
        static_cast<int>(buffer)
    );
    return reinterpret_cast<std::int64_t*>(place(buffer));
}

float* Workspace::overwrite(
    Buffer buffer, comm::Transport& transport, const comm::Waiting& waiting
) {
    std::vector<HeldSend>& sends = pending(buffer);
    for (HeldSend& held : sends) {
        transport.wait(held.send, waiting);
    }
    sends.clear();
    return data(buffer);
}

void Workspace::keep(Buffer buffer, HeldSend send) {
    pending(buffer).push_back(std::move(send));
}

std::vector<HeldSend>& Workspace::pending(Buffer buffer) {
    return pending_[per_slot(buffer) ? slot_ : 0][at(buffer)];
}

void Workspace::settle(comm::Transport& transport, const comm::Waiting& waiting) {
    const std::size_t selected = slot_;
    for (slot_ = 0; slot_ < slots_; ++slot_) {
        for (std::size_t i = 0; i < kBuffers; ++i) {
            (void)overwrite(static_cast<Buffer>(i), transport, waiting);
        }
    }
    slot_ = selected;
}

} // namespace headroom::runtime
