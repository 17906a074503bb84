#include "runtime/memory/workspace.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace headroom::runtime {

Workspace::Workspace(
    const ModelShape& shape,
    const scheduler::Cut& cut,
    const scheduler::TurnSizes& sizes,
    std::pmr::memory_resource* resource
)
    : resource_(resource), slots_(static_cast<std::size_t>(sizes.slots)), sliced_(cut.sliced()),
      parts_(shape.qk_norm == QkNorm::width), pending_(slots_) {
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
    bytes_[at(Buffer::angles)] = 4 * n * shape.angle_width();
    const std::int64_t products = (shape.heads_per_group() + 2) * shape.head_width();
    bytes_[at(Buffer::projected)] = 4 * (parts_ ? n * shape.kv_heads : rows) * products;
    if (parts_) {
        bytes_[at(Buffer::squares)] = scheduler::kNormSumBytes * n * shape.kv_heads;
        bytes_[at(Buffer::factors)] = 4 * rows * 2;
    }
    bytes_[at(Buffer::scores)] = 4 * shape.context;
    bytes_[at(Buffer::chunk_rows)] = scheduler::chunk_rows_bytes(shape, sizes);
    bytes_[at(Buffer::logits)] = 4 * sizes.joined * shape.vocabulary;
    bytes_[at(Buffer::staging)] = scheduler::staging_bytes(shape);
    Bytes sum = 0;
    for (std::size_t i = 0; i < kBuffers; ++i) {
        const auto buffer = static_cast<Buffer>(i);
        sum += total_bytes(buffer);
        allocate(buffer);
    }
    HEADROOM_CHECK(
        sum == scheduler::buffer_bytes(shape, sizes, cut),
        "workspace {} B, closed form {} B",
        sum,
        scheduler::buffer_bytes(shape, sizes, cut)
    );
}

void Workspace::size_paper(const ModelShape& shape, std::int64_t n, std::int64_t rows) {
    const std::int64_t heads = shape.attention_width();
    bytes_[at(Buffer::heads)] = 4 * n * heads;
    bytes_[at(Buffer::scratch)] = 4 * rows * std::max(shape.width, heads);
    bytes_[at(Buffer::gate)] = bytes_[at(Buffer::up)] = 4 * rows * shape.ffn_width;
}

void Workspace::size_sliced(
    const ModelShape& shape, const scheduler::Cut& cut, std::int64_t n, std::int64_t rows
) {
    bytes_[at(Buffer::scratch)] = 4 * n * shape.width;
    bytes_[at(Buffer::heads)] = 4 * rows * scheduler::max_head_columns(shape);
    bytes_[at(Buffer::gate)] = 4 * rows * scheduler::max_hidden_columns(shape, cut);
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

bool Workspace::is_per_slot(Buffer buffer) const {
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
    case Buffer::projected:
    case Buffer::squares:
        return parts_;
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

Bytes Workspace::total_bytes(Buffer buffer) const {
    return bytes_[at(buffer)] * (is_per_slot(buffer) ? static_cast<Bytes>(slots_) : 1);
}

void Workspace::allocate(Buffer buffer) {
    const auto bytes = static_cast<std::size_t>(total_bytes(buffer));
    if (bytes > 0) {
        data_[at(buffer)] = static_cast<std::byte*>(resource_->allocate(bytes, kAlignment));
    }
}

void Workspace::release(Buffer buffer) {
    if (data_[at(buffer)] != nullptr) {
        const auto bytes = static_cast<std::size_t>(total_bytes(buffer));
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

std::byte* Workspace::address_of(Buffer buffer) const {
    const std::size_t before = is_per_slot(buffer) ? slot_ : 0;
    return data_[at(buffer)] + before * static_cast<std::size_t>(bytes_[at(buffer)]);
}

std::int64_t Workspace::slot_stride(Buffer buffer) const {
    HEADROOM_CHECK(is_per_slot(buffer), "one buffer {} for all slots", static_cast<int>(buffer));
    return bytes_[at(buffer)] / static_cast<Bytes>(sizeof(float));
}

float* Workspace::data(Buffer buffer) const {
    return reinterpret_cast<float*>(address_of(buffer));
}

std::int64_t* Workspace::fixed_point(Buffer buffer) const {
    HEADROOM_CHECK(
        buffer == Buffer::sums || buffer == Buffer::received,
        "buffer {} holds floats",
        static_cast<int>(buffer)
    );
    return reinterpret_cast<std::int64_t*>(address_of(buffer));
}

float* Workspace::wait_until_free(
    Buffer buffer, comm::Transport& transport, const comm::WaitReason& reason
) {
    std::vector<SendWithHeader>& sends = pending_sends(buffer);
    for (SendWithHeader& held : sends) {
        transport.wait(held.send, reason);
    }
    sends.clear();
    return data(buffer);
}

void Workspace::hold_send(Buffer buffer, SendWithHeader send) {
    pending_sends(buffer).push_back(std::move(send));
}

std::vector<SendWithHeader>& Workspace::pending_sends(Buffer buffer) {
    return pending_[is_per_slot(buffer) ? slot_ : 0][at(buffer)];
}

void Workspace::wait_for_sends(comm::Transport& transport, const comm::WaitReason& reason) {
    const std::size_t selected = slot_;
    for (slot_ = 0; slot_ < slots_; ++slot_) {
        for (std::size_t i = 0; i < kBuffers; ++i) {
            (void)wait_until_free(static_cast<Buffer>(i), transport, reason);
        }
    }
    slot_ = selected;
}

} // namespace headroom::runtime
