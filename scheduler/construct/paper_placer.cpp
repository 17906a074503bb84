#include "scheduler/construct/paper_placer.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "scheduler/construct/paper_score.hpp"
#include "scheduler/cost/block_cost.hpp"

namespace headroom::scheduler {
namespace {

class Placer {
  public:
    explicit Placer(const Problem& problem)
        : problem_(&problem), scores_(problem), draft_(problem) {
        for (std::size_t b = 0; b < problem.blocks->size(); ++b) {
            if (problem.is_pinned(BlockId(b))) {
                draft_.place(BlockId(b), problem.source);
            } else {
                order_.emplace_back(b);
            }
        }
        std::ranges::stable_sort(order_, std::ranges::greater{}, [this](BlockId a) {
            return scores_.size(a);
        });
    }

    PaperPlacing place_all() {
        if (draft_.ledger().shortage() > 0) {
            result_.stuck =
                problem_->blocks->embed(); // the source has no room for its pinned blocks
        }
        for (const BlockId b : order_) {
            if (result_.stuck || (!place(draft_, b) && !resolve(b))) {
                result_.stuck = result_.stuck.value_or(b);
                // The remaining blocks go where least is missing, because the error shows an
                // attempt.
                Shortage least = shortage_of(draft_, b, DeviceId(0));
                for (std::size_t d = 1; d < draft_.ledger().devices(); ++d) {
                    const Shortage other = shortage_of(draft_, b, DeviceId(d));
                    least = other.size < least.size ? other : least;
                }
                draft_.place(b, least.device);
            }
        }
        result_.placement = draft_.ledger().placement();
        settle_ends(*problem_, result_.placement);
        return std::move(result_);
    }

  private:
    /// What a device lacks to take a block.
    struct Shortage {
        Amount missing;
        Bytes size = 0; ///< both parts in bytes, to compare devices
        DeviceId device;
    };
    [[nodiscard]] Shortage shortage_of(const PaperDraft& draft, BlockId b, DeviceId d) const {
        const Ledger& ledger = draft.ledger();
        const Amount left = ledger.left(std::max(problem_->blocks->name(b).layer, 0), d);
        Shortage shortage{{std::max<Bytes>(0, ledger.bytes_on(b, d) - left.bytes), 0}, 0, d};
        if (left.flops != kUnlimited) {
            shortage.missing.flops = std::max<Flops>(0, ledger.flops(b) - left.flops);
        }
        shortage.size = shortage.missing.bytes + ledger.as_bytes(shortage.missing.flops);
        return shortage;
    }

    bool place(PaperDraft& draft, BlockId b) {
        result_.evaluations += static_cast<std::int64_t>(draft.ledger().devices());
        const DeviceId d = scores_.best(draft, b);
        if (d.valid()) {
            draft.place(b, d);
        }
        return d.valid();
    }

    /// Evicts blocks of the device, the largest first, until 1.1 times what is missing is free.
    /// Blocks that would free nothing of it stay. Returns false if b still does not fit, or if the
    /// number of evictions reached its limit.
    bool make_room(
        PaperDraft& draft, BlockId b, const Shortage& shortage, std::vector<BlockId>& evicted
    ) {
        Amount freed;
        const auto is_insufficient = [](std::int64_t got, std::int64_t missing) {
            return 10 * got < 11 * missing;
        };
        for (const BlockId other : order_) {
            const bool bytes = is_insufficient(freed.bytes, shortage.missing.bytes);
            const bool flops = is_insufficient(freed.flops, shortage.missing.flops);
            if (!bytes && !flops) {
                break;
            }
            if (draft.ledger().where(other) != shortage.device) {
                continue;
            }
            const bool same =
                problem_->blocks->name(other).layer == problem_->blocks->name(b).layer;
            const Bytes bytes_there = draft.ledger().bytes_on(other, shortage.device);
            const Flops flops_there = same ? draft.ledger().flops(other) : 0;
            if (!(bytes && bytes_there > 0) && !(flops && flops_there > 0)) {
                continue;
            }
            if (result_.evictions == problem_->paper.backtracks) {
                return false;
            }
            ++result_.evictions;
            draft.lift(other);
            evicted.push_back(other);
            freed.bytes += bytes_there;
            freed.flops += flops_there;
        }
        return draft.ledger().fits(b, shortage.device);
    }

    /// Tries the devices by increasing shortage: evicts blocks, places b, and places the evicted
    /// blocks again by score. Keeps the first attempt in which all of them find a device.
    bool resolve(BlockId b) {
        std::vector<Shortage> shortages;
        for (std::size_t d = 0; d < draft_.ledger().devices(); ++d) {
            shortages.push_back(shortage_of(draft_, b, DeviceId(d)));
        }
        std::ranges::stable_sort(shortages, {}, &Shortage::size);
        for (const Shortage& shortage : shortages) {
            PaperDraft trial = draft_;
            std::vector<BlockId> evicted;
            if (!make_room(trial, b, shortage, evicted)) {
                continue;
            }
            trial.place(b, shortage.device);
            const bool all_placed =
                std::ranges::all_of(evicted, [&](BlockId other) { return place(trial, other); });
            if (all_placed) {
                draft_ = std::move(trial);
                return true;
            }
        }
        return false;
    }

    const Problem* problem_;
    Scores scores_;
    PaperDraft draft_;
    std::vector<BlockId> order_; ///< largest first
    PaperPlacing result_;
};

} // namespace

PaperPlacing place_by_score(const Problem& problem) {
    return Placer(problem).place_all();
}

} // namespace headroom::scheduler
