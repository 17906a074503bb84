#include "tests/scheduler/exact/enumeration.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/random.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/enumeration_costs.hpp"

namespace headroom::scheduler::testing {
namespace {

/// Enumerates placements block by block, layer after layer.
class Enumerator {
  public:
    explicit Enumerator(const Problem& problem)
        : problem_(problem), costs_(problem), devices_(costs_.devices()),
          last_of_layer_(problem.blocks->blocks_per_layer() - 1),
          placement_(problem.blocks->size()), held_(devices_), busy_(devices_ * devices_),
          layers_(static_cast<std::size_t>(problem.blocks->shape().layers)) {
        for (Layer& layer : layers_) {
            layer.use.groups.resize(devices_);
            layer.use.slices.resize(devices_);
            layer.computed.resize(devices_);
        }
    }

    EnumerationResult all() {
        visit(0, problem_.source.index(), 0.0);
        return std::move(best_);
    }

    JudgedPlacement only(const Placement& placement) {
        only_ = &placement;
        const EnumerationResult one = all();
        return {one.feasible > 0, one.objective};
    }

  private:
    struct Layer {
        LayerUse use;
        std::vector<Flops> computed; ///< [device]
    };

    /// elapsed: from the source's x to x on `activation_device`, where the layer of block b starts.
    void visit(std::size_t b, std::size_t activation_device, double elapsed) {
        if (b == placement_.size()) {
            finish(elapsed + costs_.return_to_source(activation_device));
            return;
        }
        const std::size_t first = only_ == nullptr ? 0 : (*only_)[b].index();
        const std::size_t end = only_ == nullptr ? devices_ : first + 1;
        for (std::size_t d = first; d < end; ++d) {
            place(b, d, activation_device, elapsed);
        }
    }

    void place(std::size_t b, std::size_t d, std::size_t activation_device, double elapsed) {
        const BlockName& name = problem_.blocks->name(BlockId(b));
        Layer& layer = layers_[static_cast<std::size_t>(name.layer)];
        const std::size_t from = problem_.previous ? (*problem_.previous)[b].index() : d;
        double& link = busy_[from * devices_ + d];
        const double link_before = link;
        held_[d] += costs_.memory(name.kind);
        layer.computed[d] += costs_.compute(name.kind);
        link += costs_.move(name.kind, from, d);
        set(layer.use, name.kind, d, 1);
        placement_[b] = DeviceId(d);
        if (costs_.fits_memory(d, held_[d]) && costs_.fits_compute(d, layer.computed[d])) {
            if (static_cast<std::int32_t>(b) % (last_of_layer_ + 1) == last_of_layer_) {
                visit(
                    b + 1, d, elapsed + costs_.layer(activation_device, layer.use)
                ); // ffn or hub holds x
            } else {
                visit(b + 1, activation_device, elapsed);
            }
        }
        held_[d] -= costs_.memory(name.kind);
        layer.computed[d] -= costs_.compute(name.kind);
        link = link_before;
        set(layer.use, name.kind, d, -1);
    }

    static void set(LayerUse& use, BlockKind kind, std::size_t d, std::int32_t change) {
        switch (kind) {
        case BlockKind::group:
            use.groups[d] += change;
            break;
        case BlockKind::slice:
            use.slices[d] += change;
            break;
        case BlockKind::proj:
            use.proj = d;
            break;
        case BlockKind::ffn:
            use.ffn = d;
            break;
        default:
            use.hub = d;
        }
    }

    void finish(double step) {
        ++best_.feasible;
        const double migration =
            costs_.is_ordered() ? costs_.migration_in_order(moves()) : costs_.migration(busy_);
        const double objective = costs_.objective(migration, step);
        if (objective < best_.objective) {
            best_.objective = objective;
            best_.placement = placement_;
        }
    }

    [[nodiscard]] std::vector<EnumeratedMove> moves() const {
        std::vector<EnumeratedMove> moves;
        for (std::size_t b = 0; b < placement_.size() && problem_.previous; ++b) {
            const DeviceId from = (*problem_.previous)[b];
            if (from != placement_[b]) {
                const BlockKind kind = problem_.blocks->name(BlockId(b)).kind;
                moves.push_back({kind, from.index(), placement_[b].index()});
            }
        }
        return moves;
    }

    const Problem& problem_;
    EnumerationCosts costs_;
    std::size_t devices_;
    std::int32_t last_of_layer_;
    Placement placement_;
    std::vector<Bytes> held_;
    std::vector<double> busy_; ///< [from][to]
    std::vector<Layer> layers_;
    const Placement* only_ = nullptr;
    EnumerationResult best_;
};

double tolerance(const Problem& problem) {
    // Physical objectives are whole nanoseconds; the formulas add doubles in another order.
    return problem.cost_profile == CostProfile::paper ? 1e-9 : 1e-12;
}

} // namespace

double placement_count(const Problem& problem) {
    return std::pow(
        static_cast<double>(problem.snapshot.size()), static_cast<double>(problem.blocks->size())
    );
}

JudgedPlacement judge(const Problem& problem, const Placement& placement) {
    return Enumerator(problem).only(placement);
}

EnumerationResult enumerate(const Problem& problem) {
    return Enumerator(problem).all();
}

Instance small_instance(const SmallInstanceSpec& kind, std::uint64_t seed) {
    Random random(stream_seed(seed, "small instance"));
    InstanceShape shape;
    double placements = 0;
    do {
        shape = random_cell(random.bits()); // for its memory factor
        shape.devices = 2 + static_cast<std::int32_t>(random.below(4));
        shape.layers = 1 + static_cast<std::int32_t>(random.below(3));
        shape.heads = 2 + static_cast<std::int32_t>(random.below(3));
        shape.granularity = kind.granularity;
        shape.slices = kind.granularity == Granularity::sliced ? 1 << random.below(3) : 0;
        const std::int32_t per_layer =
            shape.heads + (kind.granularity == Granularity::sliced ? shape.slices + 1 : 2);
        placements = std::pow(shape.devices, shape.layers * per_layer);
    } while (placements > kind.max_placements);
    shape.qk_norm = kind.qk_norm;
    Instance instance = planted_instance(shape, seed, kind.profile);
    if (random.below(8) == 0) {
        const double share = 0.5 + 0.5 * random.unit();
        for (Snapshot::Device& device : instance.problem.snapshot.devices) {
            device.memory = static_cast<Bytes>(share * static_cast<double>(device.memory));
        }
    }
    return instance;
}

double difference(
    const Problem& problem, const Decision& decision, const EnumerationResult& enumerated
) {
    if (!decision.feasible || enumerated.feasible == 0) {
        return decision.feasible == (enumerated.feasible > 0)
                   ? 0.0
                   : std::numeric_limits<double>::infinity();
    }
    const double said = judge(problem, decision.placement).objective;
    return std::abs(said - enumerated.objective) / enumerated.objective;
}

std::string complaint(
    const Problem& problem, const Decision& decision, const EnumerationResult& enumerated
) {
    if (decision.feasible != (enumerated.feasible > 0)) {
        return fmt::format(
            "says {}feasible, {} placements fit", decision.feasible ? "" : "in", enumerated.feasible
        );
    }
    if (!decision.feasible) {
        return "";
    }
    if (!judge(problem, decision.placement).fits) {
        return "its placement does not fit";
    }
    const double most = tolerance(problem) * enumerated.objective;
    const double cost = objective(problem, decision);
    if (!(std::abs(cost - enumerated.objective) <= most)) {
        return fmt::format("objective {:.12g} s, optimum {:.12g} s", cost, enumerated.objective);
    }
    if (difference(problem, decision, enumerated) > tolerance(problem)) {
        return "its placement does not cost what it says";
    }
    if (decision.bound && *decision.bound > enumerated.objective + most) {
        return fmt::format(
            "bound {:.12g} s, optimum {:.12g} s", *decision.bound, enumerated.objective
        );
    }
    return "";
}

} // namespace headroom::scheduler::testing
