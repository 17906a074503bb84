// See pipelines.hpp.
#include "scheduler/policies/pipelines.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "scheduler/policies/layer_chain.hpp"
#include "scheduler/policies/layer_costs.hpp"
#include "scheduler/policies/layer_placement.hpp"
#include "scheduler/policies/ledger.hpp"
#include "scheduler/policies/ring.hpp"
#include "scheduler/policies/step_delay.hpp"

namespace headroom::scheduler {
namespace {

constexpr int kHalvings = 12; // of the time that every device may compute, to a few tenths of a %

/// Orders of the devices that are worth a look, the source first.
std::vector<std::vector<DeviceId>> orders(const Problem& problem) {
    const std::vector<DeviceId> ring = ring_order(problem);
    std::vector<std::vector<DeviceId>> all = {ring};
    const auto add = [&all](std::vector<DeviceId> order) {
        if (std::find(all.begin(), all.end(), order) == all.end()) {
            all.push_back(std::move(order));
        }
    };
    const LayerCosts costs(problem, ring);
    std::vector<std::size_t> fastest;
    for (std::size_t j = 0; j < ring.size(); ++j) {
        fastest.push_back(j);
    }
    std::stable_sort(fastest.begin() + 1, fastest.end(), [&](std::size_t a, std::size_t b) {
        return costs.stay(0, costs.layers(), a) < costs.stay(0, costs.layers(), b);
    });
    std::vector<std::size_t> nearest = fastest;
    for (std::size_t i = 1; i < nearest.size(); ++i) {
        const auto rest = nearest.begin() + static_cast<std::ptrdiff_t>(i);
        const std::size_t here = nearest[i - 1];
        const auto next = std::min_element(rest, nearest.end(), [&](std::size_t a, std::size_t b) {
            return costs.enter(0, here, a) - costs.stay(0, 1, a) <
                   costs.enter(0, here, b) - costs.stay(0, 1, b);
        });
        std::rotate(rest, next, next + 1);
    }
    for (const std::vector<std::size_t>& order : {fastest, nearest}) {
        std::vector<DeviceId> devices;
        for (const std::size_t j : order) {
            devices.push_back(ring[j]);
        }
        add(std::move(devices));
    }
    return all;
}

/// What the blocks of a problem take on each device, and how they are dealt out.
class Dealer {
  public:
    explicit Dealer(const Problem& problem)
        : problem_(problem), step_(problem, 1), begin_(problem.blocks->group(0, 0).index()) {
        const bool ends = problem.blocks->shape().ends;
        end_ = problem.blocks->size() - (ends ? 1 : 0);
    }

    /// The evenest deal in that order that the halvings find; empty if there is none.
    Placement deal(const std::vector<DeviceId>& order) {
        double most = 0;
        double least = 0;
        for (std::size_t b = begin_; b < end_; ++b) {
            double slowest = 0;
            for (const DeviceId d : order) {
                slowest = std::max(slowest, time(BlockId(b), d));
            }
            most += slowest;
        }
        most += lm_head();
        std::optional<Placement> best;
        for (int i = 0; i < kHalvings; ++i) {
            const double middle = (least + most) / 2;
            std::optional<Placement> dealt = within(order, middle);
            if (dealt) {
                best = std::move(dealt);
                most = middle;
            } else {
                least = middle;
            }
        }
        return best.value_or(Placement());
    }

  private:
    [[nodiscard]] double time(BlockId b, DeviceId d) const {
        const BlockName& name = problem_.blocks->name(b);
        const auto layer = static_cast<std::size_t>(name.layer);
        switch (name.kind) {
        case BlockKind::group:
            return static_cast<double>(step_.group_time(layer, d.index()));
        case BlockKind::proj:
            return static_cast<double>(step_.proj_time(layer, d.index()));
        case BlockKind::hub:
            return 0;
        default:
            return static_cast<double>(step_.ffn_time(layer, d.index()));
        }
    }
    [[nodiscard]] double lm_head() const {
        return problem_.blocks->shape().ends
                   ? static_cast<double>(step_.lm_head_time(problem_.source.index()))
                   : 0;
    }

    [[nodiscard]] std::optional<Placement> within(const std::vector<DeviceId>& order, double most)
        const {
        Ledger ledger(problem_);
        if (problem_.blocks->shape().ends) {
            ledger.place(problem_.blocks->embed(), problem_.source);
            ledger.place(problem_.blocks->lm_head(), problem_.source);
        }
        std::size_t at = 0;
        double busy = lm_head(); // of the source, which stands first
        for (std::size_t b = begin_; b < end_; ++b) {
            const BlockId id(b);
            while (busy + time(id, order[at]) > most || !ledger.fits(id, order[at])) {
                busy = 0;
                if (++at == order.size()) {
                    return std::nullopt;
                }
            }
            ledger.place(id, order[at]);
            busy += time(id, order[at]);
        }
        return ledger.shortage() == 0 ? std::optional<Placement>(ledger.placement()) : std::nullopt;
    }

    const Problem& problem_;
    StepDelay step_;
    std::size_t begin_;
    std::size_t end_ = 0;
};

void add_new(std::vector<Placement>& all, Placement placement) {
    if (!placement.empty() && std::find(all.begin(), all.end(), placement) == all.end()) {
        all.push_back(std::move(placement));
    }
}

} // namespace

std::vector<Placement> layer_pipelines(const Problem& problem) {
    std::vector<Placement> all;
    for (const std::vector<DeviceId>& order : orders(problem)) {
        const LayerCosts costs(problem, order);
        const Chain chain = evenest_chain(costs, ChainOrder::given);
        if (!chain.shards.empty()) {
            add_new(all, place_chain(problem, costs, chain));
        }
    }
    return all;
}

std::vector<Placement> block_pipelines(const Problem& problem) {
    Dealer dealer(problem);
    std::vector<Placement> all;
    for (const std::vector<DeviceId>& order : orders(problem)) {
        add_new(all, dealer.deal(order));
    }
    return all;
}

} // namespace headroom::scheduler
