#include "scheduler/construct/count_packing.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::int64_t kMostSteps = 400'000; // about ten milliseconds

/// Blocks of one size, ordered by id.
struct SizeClass {
    Bytes size = 0;
    std::vector<BlockId> blocks;
};

/// Returns the size classes, the largest size first. A tied lm_head counts as a part of embed,
/// because both together need the fewest bytes.
std::vector<SizeClass> classes_of(const Problem& problem, const Ledger& ledger) {
    const Blocks& blocks = *problem.blocks;
    const bool tied = blocks.shape().has_ends && blocks.shape().tied && !problem.ends_at_source;
    std::vector<std::pair<Bytes, BlockId>> sized;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockId id(b);
        if (tied && id == blocks.lm_head()) {
            continue;
        }
        const bool pair = tied && id == blocks.embed();
        sized.emplace_back(ledger.bytes(id) + (pair ? blocks.norm_bytes(blocks.lm_head()) : 0), id);
    }
    std::ranges::stable_sort(sized, std::ranges::greater{}, [](const auto& a) { return a.first; });
    std::vector<SizeClass> classes;
    for (const auto& [size, id] : sized) {
        if (classes.empty() || classes.back().size != size) {
            classes.push_back({size, {}});
        }
        classes.back().blocks.push_back(id);
    }
    return classes;
}

/// Searches depth-first for the number of blocks of each class on each device, and tries large
/// numbers first. In the last class it tries only the largest number, because no later class needs
/// the room.
class CountSearch {
  public:
    CountSearch(const std::vector<SizeClass>& classes, std::vector<Bytes> room)
        : classes_(&classes), room_(std::move(room)),
          counts_(classes.size(), std::vector<std::int64_t>(room_.size(), 0)),
          rest_(classes.size() + 1, 0) {
        for (std::size_t c = classes.size(); c-- > 0;) {
            rest_[c] =
                rest_[c + 1] + classes[c].size * static_cast<Bytes>(classes[c].blocks.size());
        }
        // Devices with little room come first: they have few choices, so dead ends show early.
        order_.resize(room_.size());
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::ranges::stable_sort(order_, {}, [this](std::size_t a) { return room_[a]; });
    }

    bool run() { return search_class(0); }
    [[nodiscard]] const std::vector<std::vector<std::int64_t>>& counts() const { return counts_; }

  private:
    [[nodiscard]] std::int64_t most(std::size_t c, std::size_t d) const {
        const Bytes size = (*classes_)[c].size;
        const auto all = static_cast<std::int64_t>((*classes_)[c].blocks.size());
        return size == 0 ? all : std::min<std::int64_t>(all, std::max<Bytes>(room_[d], 0) / size);
    }

    bool search_class(std::size_t c) {
        if (c == classes_->size()) {
            return true;
        }
        Bytes total = 0;
        for (const Bytes room : room_) {
            total += std::max<Bytes>(room, 0);
        }
        return total >= rest_[c] &&
               search_device(c, 0, static_cast<std::int64_t>((*classes_)[c].blocks.size()));
    }

    bool search_device(std::size_t c, std::size_t i, std::int64_t left) {
        if (left == 0) {
            return search_class(c + 1);
        }
        if (i == order_.size() || ++steps_ > kMostSteps || !enough(c, i, left)) {
            return false;
        }
        const std::size_t d = order_[i];
        const std::int64_t high = std::min(left, most(c, d));
        const std::int64_t low = c + 1 == classes_->size() ? high : 0;
        for (std::int64_t n = high; n >= low; --n) {
            room_[d] -= n * (*classes_)[c].size;
            counts_[c][d] = n;
            if (search_device(c, i + 1, left - n)) {
                return true;
            }
            room_[d] += n * (*classes_)[c].size;
            counts_[c][d] = 0;
        }
        return false;
    }

    [[nodiscard]] bool enough(std::size_t c, std::size_t i, std::int64_t left) const {
        for (; i < order_.size() && left > 0; ++i) {
            left -= most(c, order_[i]);
        }
        return left <= 0;
    }

    const std::vector<SizeClass>* classes_;
    std::vector<Bytes> room_;
    std::vector<std::vector<std::int64_t>> counts_; ///< [class][device]
    std::vector<Bytes> rest_;                       ///< [class]: its bytes and those of all later
    std::vector<std::size_t> order_;
    std::int64_t steps_ = 0;
};

/// Assigns the blocks of a class to the devices in rotation. Blocks on one device then come from
/// many layers, which helps because compute limits hold per layer.
void assign_in_rotation(
    const SizeClass& sized, std::vector<std::int64_t> counts, Placement& placement
) {
    std::size_t d = 0;
    for (const BlockId b : sized.blocks) {
        while (counts[d] == 0) {
            d = (d + 1) % counts.size();
        }
        --counts[d];
        placement[b.index()] = DeviceId(d);
        d = (d + 1) % counts.size();
    }
}

} // namespace

Placement pack_by_counts(const Problem& problem) {
    const Blocks& blocks = *problem.blocks;
    Ledger ledger(problem);
    std::vector<Bytes> room;
    for (std::size_t d = 0; d < ledger.devices(); ++d) {
        room.push_back(ledger.room(DeviceId(d)));
    }
    const std::vector<SizeClass> classes = classes_of(problem, ledger);
    CountSearch search(classes, std::move(room));
    if (!search.run()) {
        return {};
    }
    Placement placement(blocks.size());
    for (std::size_t c = 0; c < classes.size(); ++c) {
        assign_in_rotation(classes[c], search.counts()[c], placement);
    }
    if (blocks.shape().has_ends && blocks.shape().tied && !problem.ends_at_source) {
        placement[blocks.lm_head().index()] = placement[blocks.embed().index()];
    }
    return placement;
}

} // namespace headroom::scheduler
