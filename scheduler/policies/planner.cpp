// See planner.hpp. The plan without memory limits is a cheapest path over the device that holds x
// between layers, with the groups spread for each pair of holder and proj.
#include "scheduler/policies/planner.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scheduler/policies/formula_spread.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostPlanned = 32; // devices that may hold x in the unlimited plan

/// A placement filled in by layers and ends.
class Builder {
  public:
    explicit Builder(const Problem& problem)
        : blocks_(*problem.blocks), ends_(blocks_.shape().ends),
          placement_(blocks_.size(), problem.source) {}

    void put(
        std::int32_t layer,
        std::size_t proj,
        std::size_t ffn,
        const std::vector<std::int32_t>& groups
    ) {
        std::int32_t next = 0;
        for (std::size_t d = 0; d < groups.size(); ++d) {
            for (std::int32_t k = 0; k < groups[d]; ++k) {
                placement_[blocks_.group(layer, next++).index()] = DeviceId(d);
            }
        }
        placement_[blocks_.proj(layer).index()] = DeviceId(proj);
        placement_[blocks_.ffn(layer).index()] = DeviceId(ffn);
    }

    void put_ends(std::size_t embed, std::size_t lm_head) {
        if (ends_) {
            placement_[blocks_.embed().index()] = DeviceId(embed);
            placement_[blocks_.lm_head().index()] = DeviceId(lm_head);
        }
    }

    [[nodiscard]] Placement take() { return std::move(placement_); }

  private:
    const Blocks& blocks_;
    bool ends_;
    Placement placement_;
};

/// The best device for lm_head when x ends on `holder`, memory ignored.
std::size_t best_lm_head(const StepDelay& step, std::size_t holder) {
    std::size_t best = 0;
    for (std::size_t d = 1; d < step.devices(); ++d) {
        if (step.finish(holder, d) < step.finish(holder, best)) {
            best = d;
        }
    }
    return best;
}

/// For every pair (holder of x, proj's device): the groups spread, and when proj has computed.
struct Gathered {
    std::vector<std::vector<std::int32_t>> groups;
    std::vector<Nanoseconds> ready;
};

/// Later than any path, yet a sum of a few does not overflow.
constexpr Nanoseconds kImpossible = kStall * 1000;

/// In a large fleet only some devices are tried for proj and ffn: the source and the fastest.
std::vector<bool> hosts(const StepDelay& step) {
    std::vector<bool> chosen(step.devices(), step.devices() <= kMostPlanned);
    chosen[step.source()] = true;
    const std::vector<std::size_t> order = by_speed(step);
    for (std::size_t i = 0; i < std::min(order.size(), kMostPlanned); ++i) {
        chosen[order[i]] = true;
    }
    return chosen;
}

Gathered gather_table(const Problem& problem, const StepDelay& step, std::size_t layer) {
    const std::size_t n = step.devices();
    const std::vector<std::int32_t> caps(n, problem.blocks->groups());
    const std::vector<bool> host = hosts(step);
    Gathered table{
        std::vector<std::vector<std::int32_t>>(n * n),
        std::vector<Nanoseconds>(n * n, kImpossible)};
    for (std::size_t h = 0; h < n; ++h) {
        for (std::size_t p = 0; p < n; ++p) {
            if (!host[h] || !host[p]) {
                continue;
            }
            // The formula knows no holder of x: the first one's spread serves for all.
            const std::size_t first =
                static_cast<std::size_t>(std::find(host.begin(), host.end(), true) - host.begin());
            std::vector<std::int32_t> counts =
                step.by_formula() && h != first
                    ? table.groups[first * n + p]
                    : spread_groups(step, layer, h, p, caps, problem.blocks->groups());
            table.ready[h * n + p] = step.until_proj(layer, h, {counts.data(), p, p});
            table.groups[h * n + p] = std::move(counts);
        }
    }
    return table;
}

/// How x reaches each device by the end of a layer: the path's last step and its time.
struct Stage {
    std::vector<Nanoseconds> time;
    std::vector<std::size_t> holder; ///< before the layer
    std::vector<std::size_t> proj;
    std::vector<std::vector<std::int32_t>> groups;
};

Stage next_stage(
    const StepDelay& step,
    std::size_t layer,
    const Gathered& table,
    const std::vector<Nanoseconds>& so_far
) {
    const std::size_t n = step.devices();
    Stage stage{
        std::vector<Nanoseconds>(n, kNever),
        std::vector<std::size_t>(n, 0),
        std::vector<std::size_t>(n, 0),
        {}};
    for (std::size_t p = 0; p < n; ++p) {
        std::size_t h = 0;
        for (std::size_t k = 1; k < n; ++k) {
            const bool sooner =
                so_far[k] + table.ready[k * n + p] < so_far[h] + table.ready[h * n + p];
            h = sooner ? k : h;
        }
        const Nanoseconds ready = so_far[h] + table.ready[h * n + p];
        for (std::size_t f = 0; f < n; ++f) {
            const Nanoseconds time = ready + step.from_proj(layer, p, f);
            if (time < stage.time[f]) {
                stage.time[f] = time;
                stage.holder[f] = h;
                stage.proj[f] = p;
            }
        }
    }
    for (std::size_t f = 0; f < n; ++f) {
        stage.groups.push_back(table.groups[stage.holder[f] * n + stage.proj[f]]);
    }
    return stage;
}

} // namespace

/// The devices in order of what one layer takes on them, fastest first.
std::vector<std::size_t> by_speed(const StepDelay& step) {
    std::vector<std::size_t> order(step.devices());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return step.layer_alone(0, a) < step.layer_alone(0, b);
    });
    return order;
}

std::vector<std::int32_t> spread_groups(
    const StepDelay& step,
    std::size_t layer,
    std::size_t holder,
    std::size_t proj,
    const std::vector<std::int32_t>& caps,
    std::int32_t n
) {
    if (step.by_formula()) {
        return spread_by_formula(step, layer, proj, caps, n);
    }
    std::vector<std::int32_t> counts(caps.size(), 0);
    std::vector<Nanoseconds> next(caps.size());
    for (std::size_t j = 0; j < caps.size(); ++j) {
        next[j] = caps[j] > 0 ? step.partial(layer, holder, j, proj, 1) : kNever;
    }
    for (std::int32_t k = 0; k < n; ++k) {
        const auto least = std::min_element(next.begin(), next.end());
        if (*least == kNever) {
            return {};
        }
        const auto j = static_cast<std::size_t>(least - next.begin());
        ++counts[j];
        next[j] =
            counts[j] < caps[j] ? step.partial(layer, holder, j, proj, counts[j] + 1) : kNever;
    }
    return counts;
}

Placement unlimited_plan(const Problem& problem, const StepDelay& step) {
    const ModelShape& shape = problem.blocks->shape();
    const std::size_t n = step.devices();
    std::vector<Nanoseconds> so_far(n, kImpossible);
    for (std::size_t h = 0; h < n; ++h) {
        so_far[h] = shape.ends || h == step.source() ? step.start(h) : kImpossible;
    }
    std::vector<Stage> stages;
    Gathered table;
    for (std::size_t l = 0; l < shape.layer_types.size(); ++l) {
        if (l == 0 || shape.layer_types[l] != shape.layer_types[l - 1]) {
            table = gather_table(problem, step, l);
        }
        stages.push_back(next_stage(step, l, table, so_far));
        so_far = stages.back().time;
    }
    std::size_t last = 0;
    const auto total = [&](std::size_t f) {
        return so_far[f] + step.finish(f, best_lm_head(step, f));
    };
    for (std::size_t f = 1; f < n; ++f) {
        last = total(f) < total(last) ? f : last;
    }
    Builder builder(problem);
    const std::size_t lm_head = best_lm_head(step, last);
    for (std::size_t l = stages.size(); l-- > 0;) {
        Stage& stage = stages[l];
        builder.put(static_cast<std::int32_t>(l), stage.proj[last], last, stage.groups[last]);
        last = stage.holder[last];
    }
    builder.put_ends(last, lm_head);
    return builder.take();
}

} // namespace headroom::scheduler
