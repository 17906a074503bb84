// Translates layers to programs if a ring all-reduce adds up their partial sums (Reduce::ring).
// program.hpp describes the ring. Only program.cpp uses this header.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/timing/lowering_emitter.hpp"

namespace headroom::scheduler {

class RingLowering {
  public:
    /// If the model has no embed, the first x is on `source` (the device where prompts come in),
    /// which is then in the ring.
    RingLowering(Emitter& emitter, DeviceId source);

    /// Sends x from `activation_device` to every other device of the ring.
    void broadcast(DeviceId activation_device);
    void layer(std::int32_t layer);

  private:
    /// One of the two stages of a layer: number 0 has the groups, number 1 the slices.
    struct Stage {
        std::int32_t layer = -1;
        std::int32_t number = 0;
    };
    void norm(const Stage& stage);
    /// Appends N-1 steps for a ring of N devices. In step s, counted from 0, the r-th device sends
    /// part (r + first - s) mod N to the next device. `first` is 0 for the reduce-scatter and 1 for
    /// the all-gather.
    void rotate_parts(const Stage& stage, Payload payload, std::int32_t first);
    void finish(const Stage& stage);
    void all_reduce(const Stage& stage);

    [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(ring_.size()); }
    [[nodiscard]] std::int32_t modulo_size(std::int32_t part) const;
    [[nodiscard]] bool is_empty(std::int32_t part) const;
    [[nodiscard]] MessageShape shape_of_message(
        const Stage& stage, Payload payload, std::int32_t part
    ) const;

    Emitter& out_;
    std::vector<DeviceId> ring_; ///< by increasing id
};

} // namespace headroom::scheduler
