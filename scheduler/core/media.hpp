// Shared media: a Wi-Fi cell or a hub, whose members share one capacity. A medium is shared
// statically, so that nobody has to ask anybody: a message gets capacity / n, where n follows from
// the programs alone. A *phase* is all messages of one payload, layer and step of a turn, or all
// messages of one migration. n is the number of ends that the distinct links of the phase have on
// the medium. A link between two members counts twice, because its messages go through the access
// point. Turns of other sequences do not count. See docs/explanation/time.md#shared-media.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::scheduler {

/// The medium of each device: an index, or kNoMedium. Empty if no device shares a medium.
using MediumOf = std::vector<std::int32_t>;

[[nodiscard]] MediumOf medium_of(const Fleet& fleet);
[[nodiscard]] MediumOf medium_of(const Snapshot& snapshot);

/// Counts the ends that the links of a phase have on each medium. The caller adds each link once.
class MediumEnds {
  public:
    /// Begins with no links on this number of media.
    void reset(std::size_t media) { ends_.assign(media, 0); }
    /// Adds a link between two devices with these media.
    void add(std::int32_t sender, std::int32_t receiver) {
        count(sender);
        count(receiver);
    }
    /// Returns the shares of a message between two devices with these media.
    [[nodiscard]] MediaShares of(std::int32_t sender, std::int32_t receiver) const {
        return {ends(sender), sender == receiver ? 0 : ends(receiver)};
    }

  private:
    void count(std::int32_t medium) {
        if (medium != kNoMedium) {
            ++ends_[static_cast<std::size_t>(medium)];
        }
    }
    [[nodiscard]] std::int32_t ends(std::int32_t medium) const {
        return medium == kNoMedium ? 0 : ends_[static_cast<std::size_t>(medium)];
    }

    std::vector<std::int32_t> ends_; ///< [medium]
};

/// Counts the ends of links on media for one phase whose links may be added several times.
class PhaseShares {
  public:
    explicit PhaseShares(const MediumOf& medium_of);
    /// Adds a link of the phase, which may have been added before.
    void add(DeviceId from, DeviceId to);
    /// Returns the shares of a message of this phase.
    [[nodiscard]] MediaShares of(DeviceId from, DeviceId to) const;

  private:
    [[nodiscard]] std::int32_t medium(DeviceId d) const {
        return medium_of_->empty() ? kNoMedium : (*medium_of_)[d.index()];
    }

    const MediumOf* medium_of_;
    std::vector<std::pair<DeviceId, DeviceId>> links_; ///< sorted
    MediumEnds ends_;
};

} // namespace headroom::scheduler
