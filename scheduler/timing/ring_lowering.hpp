// Lowering of Reduce::ring, as program.hpp describes it. Inside of lowering only.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/timing/lowering_emitter.hpp"

namespace headroom::scheduler {

class RingLowering {
  public:
    /// source: where x is before the first layer if the shape has no ends; in the ring then.
    RingLowering(Emitter& emitter, DeviceId source);

    /// x from `holder` to every other device of the ring.
    void broadcast(DeviceId holder);
    void layer(std::int32_t layer);

  private:
    /// One all-reduce's place: the layer, and 0 after its groups or 1 after its slices.
    struct Stage {
        std::int32_t layer = -1;
        std::int32_t number = 0;
    };
    void norm(const Stage& stage);
    /// In step s = 0 … N-2 the r-th device sends part (r + first - s) mod N to the next one.
    void rotate(const Stage& stage, Payload payload, std::int32_t first);
    void finish(const Stage& stage);
    void close(const Stage& stage);

    [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(ring_.size()); }
    [[nodiscard]] std::int32_t wrapped(std::int32_t part) const;
    [[nodiscard]] bool is_empty(std::int32_t part) const;
    [[nodiscard]] Parcel parcel(const Stage& stage, Payload payload, std::int32_t part) const;

    Emitter& out_;
    std::vector<DeviceId> ring_; ///< by increasing id
};

} // namespace headroom::scheduler
