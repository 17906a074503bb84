// D_mig of a placement, kept up to date block by block: what predict_migration finds, for searches.
// Without caps, moves over distinct links run in parallel and over one link one after the other,
// so D_mig is the largest of the links' sums plus that link's latency. With an egress or ingress
// cap the order over links matters too; then predict_migration itself is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

class MoveDelay {
  public:
    /// Starts at the given placement. Without a previous placement nothing ever moves.
    MoveDelay(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    [[nodiscard]] Nanoseconds total();
    /// Blocks that are not where they were.
    [[nodiscard]] std::int32_t moved() const { return moved_; }
    /// Where the block was before; invalid without a previous placement.
    [[nodiscard]] DeviceId home(BlockId b) const {
        return home_.empty() ? DeviceId() : home_[b.index()];
    }
    /// The link that takes longest: blocks from `from` to `to`; invalid ids if nothing moves.
    struct Link {
        DeviceId from;
        DeviceId to;
    };
    [[nodiscard]] Link slowest();

  private:
    struct Load {
        Nanoseconds busy = 0;
        std::int32_t messages = 0;
    };
    void charge(BlockId b, std::int32_t sign);
    [[nodiscard]] std::size_t size_class(Bytes bytes);
    void find_slowest();
    [[nodiscard]] Nanoseconds completion(std::size_t link) const;

    const Problem* problem_;
    std::size_t devices_;
    bool capped_;
    bool tied_;
    Placement home_;
    Placement now_;
    std::int32_t moved_ = 0;
    std::vector<Bytes> sizes_;          ///< distinct block sizes
    std::vector<std::size_t> class_of_; ///< per block, apart from embed
    std::size_t shared_class_ = 0;      ///< a tied lm_head that lands beside embed
    std::vector<Nanoseconds> time_;     ///< [size class][from][to]
    std::vector<Load> loads_;           ///< [from][to]
    std::size_t slowest_ = 0;
    bool stale_ = true; ///< slowest_ must be looked for
};

} // namespace headroom::scheduler
