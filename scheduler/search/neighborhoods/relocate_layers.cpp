// Moves blocks of a layer from one device to another: one unit, half or all of the units of a kind,
// a host, or everything that the device has of the layer. The busiest devices come first.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

/// Returns moves of all units of the stage on a device. Units whose previous device is the target
/// come first.
std::vector<Relocation> units_to(
    const SearchState& state, Unit unit, std::size_t layer, std::size_t from, DeviceId to
) {
    std::vector<Relocation> changes;
    for (std::int32_t i = 0; i < count_of(state.blocks(), unit); ++i) {
        const BlockId b = unit_of(state.blocks(), unit, layer, i);
        if (state.ledger().where(b).index() == from) {
            changes.push_back({b, to});
        }
    }
    std::stable_partition(changes.begin(), changes.end(), [&](const Relocation& change) {
        return state.incumbent().moves().previous_device(change.block) == to;
    });
    return changes;
}

/// Returns the lists of changes to try, the largest last.
std::vector<std::vector<Relocation>> parts_to(
    const SearchState& state, std::size_t layer, std::size_t from, DeviceId to
) {
    std::vector<std::vector<Relocation>> parts;
    std::vector<Relocation> all;
    const auto add = [&](std::vector<Relocation> part) {
        if (!part.empty()) {
            parts.push_back(std::move(part));
        }
    };
    for (const Unit unit : units_of(state.blocks())) {
        const std::vector<Relocation> whole = units_to(state, unit, layer, from, to);
        const std::size_t n = whole.size();
        const auto first = [&](std::size_t k) {
            return std::vector<Relocation>(
                whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(k)
            );
        };
        add(first(std::min<std::size_t>(n, 1)));
        add(first(n > 3 ? (n + 1) / 2 : 0));
        add(first(n > 1 ? n : 0));
        all.insert(all.end(), whole.begin(), whole.end());
    }
    const BlockId proj = proj_of(state, layer);
    const BlockId ffn = ffn_of(state, layer);
    for (const BlockId host : {proj, ffn}) {
        const bool again = host == ffn && proj == ffn && !all.empty() && all.back().block == proj;
        if (state.ledger().where(host).index() == from && !again) {
            add({{host, to}});
            all.push_back({host, to});
        }
    }
    if (all.size() > 1) {
        add(std::move(all));
    }
    return parts;
}

/// The best of the changes that were offered.
class BestChange {
  public:
    explicit BestChange(SearchState& state) : state_(state), least_(state.score()) {}

    void offer(std::vector<Relocation> changes) {
        if (state_.exhausted()) {
            return;
        }
        if (const std::optional<Score> score = state_.probe(changes, least_)) {
            least_ = *score;
            best_ = std::move(changes);
        }
    }
    void offer_parts(std::size_t layer, std::size_t from, std::size_t to) {
        if (from != to) {
            for (std::vector<Relocation>& part : parts_to(state_, layer, from, DeviceId(to))) {
                offer(std::move(part));
            }
        }
    }
    bool make() { return !best_.empty() && state_.consider(best_); }

  private:
    SearchState& state_;
    Score least_;
    std::vector<Relocation> best_;
};

/// Makes the best move of blocks away from a device.
bool relieve_device(SearchState& state, std::size_t from) {
    BestChange best(state);
    const Problem& problem = state.problem();
    const bool ends = problem.blocks->shape().has_ends && !problem.ends_at_source &&
                      state.incumbent().lm_head() == from;
    for (std::size_t to = 0; to < state.devices(); ++to) {
        for (std::size_t l = 0; l < state.layers(); ++l) {
            best.offer_parts(l, from, to);
        }
        if (ends && to != from) {
            best.offer({{problem.blocks->lm_head(), DeviceId(to)}});
        }
    }
    return best.make();
}

/// Makes the best move that removes a hop within a layer or between two layers.
bool remove_hop(SearchState& state) {
    BestChange best(state);
    const Incumbent& incumbent = state.incumbent();
    for (std::size_t l = 0; l < state.layers(); ++l) {
        const std::size_t next = l + 1 < state.layers() ? incumbent.proj(l + 1) : incumbent.ffn(l);
        for (std::size_t from = 0; from < state.devices(); ++from) {
            for (const std::size_t to :
                 {incumbent.activation_device(l), incumbent.proj(l), incumbent.ffn(l), next}) {
                best.offer_parts(l, from, to);
            }
        }
    }
    return best.make();
}

} // namespace

bool relocate_layers(SearchState& state) {
    const BusyDevices busy = state.model().busy_devices(state.incumbent());
    const auto relieve = [&](std::size_t d) {
        return !state.exhausted() && relieve_device(state, d);
    };
    const auto others = busy.devices.begin() + static_cast<std::ptrdiff_t>(busy.limiting);
    return std::any_of(busy.devices.begin(), others, relieve) || remove_hop(state) ||
           std::any_of(others, busy.devices.end(), relieve);
}

} // namespace headroom::scheduler
