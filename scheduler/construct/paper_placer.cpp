// See paper_placer.hpp.
#include "scheduler/construct/paper_placer.hpp"

#include <algorithm>
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
        std::stable_sort(order_.begin(), order_.end(), [this](BlockId a, BlockId b) {
            return scores_.size(a) > scores_.size(b);
        });
    }

    PaperPlacing place_all();

  private:
    /// What the device lacks to take a block.
    struct Lack {
        Amount missing;
        Bytes size = 0; ///< both parts in bytes, to compare devices
        DeviceId device;
    };
    [[nodiscard]] Lack lack(const PaperDraft& draft, BlockId b, DeviceId d) const;
    bool place(PaperDraft& draft, BlockId b);
    bool resolve(BlockId b);
    bool make_room(PaperDraft& draft, BlockId b, const Lack& lack, std::vector<BlockId>& evicted);

    const Problem* problem_;
    Scores scores_;
    PaperDraft draft_;
    std::vector<BlockId> order_; ///< largest first
    PaperPlacing result_;
};

Placer::Lack Placer::lack(const PaperDraft& draft, BlockId b, DeviceId d) const {
    const Ledger& ledger = draft.ledger();
    const Amount left = ledger.left(std::max(problem_->blocks->name(b).layer, 0), d);
    Lack lack{{std::max<Bytes>(0, ledger.bytes_on(b, d) - left.bytes), 0}, 0, d};
    if (left.flops != kUnlimited) {
        lack.missing.flops = std::max<Flops>(0, ledger.flops(b) - left.flops);
    }
    lack.size = lack.missing.bytes + ledger.as_bytes(lack.missing.flops);
    return lack;
}

bool Placer::place(PaperDraft& draft, BlockId b) {
    result_.evaluations += static_cast<std::int64_t>(draft.ledger().devices());
    const DeviceId d = scores_.best(draft, b);
    if (d.valid()) {
        draft.place(b, d);
    }
    return d.valid();
}

/// Evicts the device's largest blocks until 1.1 times what is missing is free. A block that frees
/// nothing of what is missing stays. False: not enough, or too many evictions.
bool Placer::make_room(
    PaperDraft& draft, BlockId b, const Lack& lack, std::vector<BlockId>& evicted
) {
    Amount freed;
    const auto wanting = [](std::int64_t got, std::int64_t missing) {
        return 10 * got < 11 * missing;
    };
    for (const BlockId other : order_) {
        const bool bytes = wanting(freed.bytes, lack.missing.bytes);
        const bool flops = wanting(freed.flops, lack.missing.flops);
        if (!bytes && !flops) {
            break;
        }
        if (draft.ledger().where(other) != lack.device) {
            continue;
        }
        const bool same = problem_->blocks->name(other).layer == problem_->blocks->name(b).layer;
        const Bytes bytes_there = draft.ledger().bytes_on(other, lack.device);
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
    return draft.ledger().fits(b, lack.device);
}

/// Device by device, the least shortage first: room made, the block placed, the evicted ones placed
/// again by score; the first device where that works.
bool Placer::resolve(BlockId b) {
    std::vector<Lack> lacks;
    for (std::size_t d = 0; d < draft_.ledger().devices(); ++d) {
        lacks.push_back(lack(draft_, b, DeviceId(d)));
    }
    std::stable_sort(lacks.begin(), lacks.end(), [](const Lack& a, const Lack& c) {
        return a.size < c.size;
    });
    for (const Lack& lack : lacks) {
        PaperDraft trial = draft_;
        std::vector<BlockId> evicted;
        if (!make_room(trial, b, lack, evicted)) {
            continue;
        }
        trial.place(b, lack.device);
        const bool settled = std::all_of(evicted.begin(), evicted.end(), [&](BlockId other) {
            return place(trial, other);
        });
        if (settled) {
            draft_ = std::move(trial);
            return true;
        }
    }
    return false;
}

PaperPlacing Placer::place_all() {
    if (draft_.ledger().shortage() > 0) {
        result_.stuck = problem_->blocks->embed(); // pinned to a source without room for it
    }
    for (const BlockId b : order_) {
        if (result_.stuck || (!place(draft_, b) && !resolve(b))) {
            result_.stuck = result_.stuck.value_or(b);
            // The rest as well as may be, so that there is an attempt to show.
            Lack least = lack(draft_, b, DeviceId(0));
            for (std::size_t d = 1; d < draft_.ledger().devices(); ++d) {
                const Lack other = lack(draft_, b, DeviceId(d));
                least = other.size < least.size ? other : least;
            }
            draft_.place(b, least.device);
        }
    }
    result_.placement = draft_.ledger().placement();
    settle_ends(*problem_, result_.placement);
    return std::move(result_);
}

} // namespace

PaperPlacing place_by_score(const Problem& problem) {
    return Placer(problem).place_all();
}

} // namespace headroom::scheduler
