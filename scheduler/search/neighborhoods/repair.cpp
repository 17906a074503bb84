// Moves units and hosts away from a device that lacks memory, at most one of each stage at a time,
// in the order of their cost per byte, until the rest fits.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

struct Offer {
    double price = 0.0; ///< increase of the objective per byte, ns
    Relocation change;
};

class DeviceRepair {
  public:
    DeviceRepair(SearchState& state, DeviceId device) : state_(state), device_(device) {}

    bool improve() {
        for (std::size_t l = 0; l < state_.layers(); ++l) {
            for (const Unit unit : units_of(state_.blocks())) {
                offer_unit(unit, l);
            }
            offer_host(proj_of(state_, l), l);
            if (!state_.step().sliced()) {
                offer_host(ffn_of(state_, l), l);
            }
        }
        std::ranges::stable_sort(offers_, {}, &Offer::price);
        bool improved = false;
        for (const Offer& offer : offers_) {
            improved |= !state_.exhausted() && state_.ledger().shortage(device_) > 0 &&
                        state_.consider({offer.change});
        }
        return improved;
    }

  private:
    void offer_unit(Unit unit, std::size_t layer) {
        const Incumbent& incumbent = state_.incumbent();
        if (incumbent.units_on(unit, layer, device_.index()) == 0) {
            return;
        }
        state_.spend(1);
        list_units(state_, unit, layer, device_.index(), units_);
        const Gathering gathering = gathering_of(state_, unit, layer);
        offer_best(units_.front(), layer, [&](std::size_t d) {
            return state_.model().finish(gathering, d, incumbent.units_on(unit, layer, d) + 1) -
                   incumbent.stage_time(unit, layer);
        });
    }

    void offer_host(BlockId b, std::size_t layer) {
        const Incumbent& incumbent = state_.incumbent();
        if (state_.ledger().where(b) != device_) {
            return;
        }
        offer_best(b, layer, [&](std::size_t d) {
            StepDelay::LayerShape shape = incumbent.shape(layer);
            shape.proj = b == proj_of(state_, layer) ? d : shape.proj;
            shape.ffn = b == ffn_of(state_, layer) ? d : shape.ffn;
            state_.spend(1);
            return state_.step().layer(layer, incumbent.activation_device(layer), shape) -
                   incumbent.layer_time(layer);
        });
    }

    /// Offers the best move of a block. `longer` returns how much longer the layer takes with it.
    template <class Longer>
    void offer_best(BlockId b, std::size_t layer, const Longer& longer) {
        Offer best;
        for (std::size_t d = 0; d < state_.devices(); ++d) {
            if (DeviceId(d) == device_ || !fits(state_, b, layer, d)) {
                continue;
            }
            const Nanoseconds inference =
                state_.incumbent().inference() + std::max<Nanoseconds>(0, longer(d));
            const Nanoseconds moving = state_.incumbent().migration_bound_with(b, DeviceId(d));
            const Int128 more = state_.objective_of(inference, moving) - state_.objective_now();
            const double price =
                static_cast<double>(more) / static_cast<double>(state_.ledger().bytes(b));
            if (!best.change.block.valid() || price < best.price) {
                best = {price, {b, DeviceId(d)}};
            }
        }
        if (best.change.block.valid()) {
            offers_.push_back(best);
        }
    }

    SearchState& state_;
    DeviceId device_;
    std::vector<Offer> offers_;
    std::vector<BlockId> units_;
};

} // namespace

bool repair(SearchState& state) {
    bool improved = false;
    for (std::size_t i = 0; i < state.devices(); ++i) {
        const DeviceId d(i);
        while (!state.exhausted() && state.ledger().shortage(d) > 0 &&
               DeviceRepair(state, d).improve()) {
            improved = true;
        }
    }
    return improved;
}

} // namespace headroom::scheduler
