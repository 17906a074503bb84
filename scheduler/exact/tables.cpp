#include "scheduler/exact/tables.hpp"

#include <algorithm>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/message_cost.hpp"

namespace headroom::scheduler::exact {
namespace {

/// Returns work / rate in nanoseconds, as in the published formulas, without rounding.
double formula_ns(std::int64_t work, PerSecond rate) {
    return seconds(work, rate) * kNsPerSecond;
}

/// The most times that an objective adds up for a block: those of its
/// input, computation, output and move. Each of them is less than kStall if it ends.
constexpr std::size_t kTimesOfBlock = 4;
/// The operation overhead, and the message overheads of input, output and move at both ends.
constexpr std::size_t kOverheadsOfBlock = 7;

std::size_t times_of_block(const Snapshot& snapshot) {
    std::size_t times = kTimesOfBlock;
    for (const Snapshot::Device& device : snapshot.devices) {
        const bool overhead = device.operation_overhead > 0 || device.message_overhead > 0;
        const std::size_t more = device.rates.size() + (overhead ? kOverheadsOfBlock : 0);
        times = std::max(times, kTimesOfBlock + more);
    }
    return times;
}

void order(Ladder& ladder) {
    std::ranges::stable_sort(ladder, {}, &Event::cost);
}

} // namespace

bool covers(const Problem& problem) {
    return problem.snapshot.size() <= kMaxDevices && problem.blocks->cut().reduce != Reduce::ring;
}

Tables::Tables(const Problem& problem, const StepDelay& step, Aim aim)
    : problem_(&problem), step_(&step), aim_(aim), devices_(step.devices()),
      layers_(static_cast<std::size_t>(problem.blocks->shape().layers)),
      steps_(aim == Aim::objective ? static_cast<double>(problem.steps()) : 0),
      moves_(problem.previous.has_value() && aim == Aim::objective),
      tied_(
          problem.blocks->shape().has_ends && problem.blocks->shape().tied &&
          problem.cost_profile == CostProfile::physical
      ) {
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        const Bytes buffers = step.uses_paper_formulas() ? 0 : problem.buffers;
        capacity_.push_back(device.memory - buffers);
    }
    tabulate_lanes();
    tabulate_blocks();
    tabulate_steps();
    find_alike();
}

double Tables::weighed(Nanoseconds t) const {
    if (aim_ == Aim::feasibility) {
        return 0;
    }
    return t >= kStall ? kInfinite : steps_ * static_cast<double>(t);
}

void Tables::tabulate_lanes() {
    for (std::size_t pair = 0; pair < devices_ * devices_; ++pair) {
        const Snapshot& snapshot = problem_->snapshot;
        const Nanoseconds latency = snapshot.link_at(pair).latency;
        const Nanoseconds delay =
            latency +
            (by_formula() ? 0 : handling_time(snapshot, pair / devices_, pair % devices_));
        latency_.push_back(
            latency >= kStall || delay >= kStall ? kInfinite : static_cast<double>(delay)
        );
    }
    latency_.resize(lanes(), 0);
}

/// Returns the ladders of one pair of hosts. If the device of proj has groups, the link from the
/// holder carries one message more. So there are two ladders: without such groups, and with them.
std::vector<Ladder> Tables::ladders_of(std::size_t layer, std::size_t holder, std::size_t proj)
    const {
    const std::int32_t units = problem_->blocks->groups();
    // Then the devices of proj and j are timed together, with the sums that they exchange.
    const bool together = order_matters(problem_->snapshot) || problem_->blocks->splits_groups();
    std::vector<std::int32_t> counts(devices_, 0);
    const std::size_t forms = holder == proj ? 1 : 2;
    std::vector<Ladder> ladders(forms);
    for (std::size_t form = 0; form < forms; ++form) {
        const bool beside = form == 1 || holder == proj;
        for (std::size_t j = 0; j < devices_; ++j) {
            if (!beside && j == proj) {
                continue;
            }
            double most = 0;
            for (std::int32_t n = 1; n <= units; ++n) {
                Nanoseconds time = 0;
                if (together) {
                    std::fill(counts.begin(), counts.end(), 0);
                    counts[proj] = form == 1 ? 1 : 0;
                    counts[j] = n;
                    time = step_->until_proj(layer, holder, {counts.data(), proj, proj, nullptr});
                } else {
                    time = step_->until_proj_of(layer, holder, proj, j, n, beside);
                }
                most = std::max(most, weighed(time));
                if (most >= kInfinite) {
                    break;
                }
                ladders[form].push_back({most, j});
            }
        }
        order(ladders[form]);
    }
    return ladders;
}

void Tables::tabulate_steps() {
    for (std::size_t l = 0; l < layers_; ++l) {
        const auto same = std::ranges::find_if(class_layer_, [&](auto other) {
            return by_formula() ||
                   problem_->blocks->alike(
                       static_cast<std::int32_t>(other), static_cast<std::int32_t>(l)
                   );
        });
        class_.push_back(static_cast<std::size_t>(same - class_layer_.begin()));
        if (same == class_layer_.end()) {
            class_layer_.push_back(l);
        }
    }
    per_unit_.assign(devices_ * devices_, 0);
    if (by_formula()) {
        start_.assign(devices_, 0);
        finish_.assign(devices_ * devices_, 0);
        tabulate_formula();
        return;
    }
    for (std::size_t a = 0; a < devices_; ++a) {
        start_.push_back(weighed(step_->start(a)));
        for (std::size_t b = 0; b < devices_; ++b) {
            finish_.push_back(weighed(step_->finish(a, b)));
        }
    }
    ladders_.resize(class_layer_.size() * devices_ * devices_);
    std::vector<std::int32_t> counts(devices_, 0);
    for (const std::size_t l : class_layer_) {
        for (std::size_t a = 0; a < devices_; ++a) {
            for (std::size_t b = 0; b < devices_; ++b) {
                const double one_hub = a == b ? 0 : kInfinite;
                from_proj_.push_back(sliced() ? one_hub : weighed(step_->from_proj(l, a, b)));
            }
        }
        for (std::size_t hub = 0; sliced() && hub < devices_; ++hub) {
            Ladder ladder;
            for (std::size_t j = 0; j < devices_; ++j) {
                for (std::int32_t n = 1; n <= problem_->blocks->slices(); ++n) {
                    counts[j] = n;
                    const double t = weighed(step_->through_slices(l, hub, counts.data()));
                    if (t < kInfinite) {
                        ladder.push_back({t, j});
                    }
                }
                counts[j] = 0;
            }
            order(ladder);
            slice_ladders_.push_back(std::move(ladder));
        }
    }
}

/// Returns the ladder of D_T of a layer: max_j n·c + Σ (or max) over j ≠ p of n·r + the rest. The
/// sum becomes a cost per unit (per_unit_). With the maximum, max_j n·(c + r) is used, which is a
/// lower bound of the two maxima together.
std::vector<Ladder> Tables::formula_ladders(std::size_t ffn_host, std::size_t proj_host) const {
    const Blocks& blocks = *problem_->blocks;
    const BlockCost group = cost_of(*problem_, blocks.group(0, 0));
    const BlockCost proj = cost_of(*problem_, blocks.proj(0));
    const BlockCost ffn = cost_of(*problem_, blocks.ffn(0));
    const Snapshot& snapshot = problem_->snapshot;
    const auto times = [this](double t) { return aim_ == Aim::feasibility ? 0 : steps_ * t; };
    Ladder ladder;
    const double base = times(formula_ns(proj.compute, snapshot.devices[proj_host].compute));
    for (std::size_t j = 0; j < devices_; ++j) {
        const Snapshot::Device& device = snapshot.devices[j];
        const Flops hosted =
            (j == proj_host ? proj.compute : 0) + (j == ffn_host ? ffn.compute : 0);
        const Flops limit = compute_limit(*problem_, device);
        const double sent =
            j == proj_host
                ? 0
                : formula_ns(group.output, snapshot.link_at(link(j, proj_host)).bandwidth);
        const double each =
            formula_ns(group.compute, device.compute) + (step_->gathers_max() ? sent : 0);
        if (hosted > limit) {
            return {{}};
        }
        if (times(base + sent) >= kInfinite) {
            continue;
        }
        for (std::int32_t n = 1; n <= blocks.groups(); ++n) {
            const double t = base + times(n * each);
            if (t < kInfinite && hosted + n * group.compute <= limit) {
                ladder.push_back({t, j});
            }
        }
    }
    order(ladder);
    return {std::move(ladder)};
}

void Tables::tabulate_formula() {
    const BlockCost group = cost_of(*problem_, problem_->blocks->group(0, 0));
    const BlockCost proj = cost_of(*problem_, problem_->blocks->proj(0));
    const BlockCost ffn = cost_of(*problem_, problem_->blocks->ffn(0));
    const Snapshot& snapshot = problem_->snapshot;
    const auto times = [this](double t) { return aim_ == Aim::feasibility ? 0 : steps_ * t; };
    ladders_.resize(devices_ * devices_);
    for (std::size_t a = 0; a < devices_; ++a) {
        for (std::size_t b = 0; b < devices_; ++b) {
            const PerSecond bandwidth =
                a == b ? kUnlimited : snapshot.link_at(link(a, b)).bandwidth;
            if (!step_->gathers_max()) {
                per_unit_[link(a, b)] = times(formula_ns(group.output, bandwidth));
            }
            from_proj_.push_back(times(
                formula_ns(proj.output, bandwidth) +
                formula_ns(ffn.compute, snapshot.devices[b].compute)
            ));
        }
    }
}

double Tables::worst() const {
    constexpr double kFeasible = 1e6; // all objectives are 0
    constexpr double kLongest = 1e30; // ns; formulas know no time that is too long
    if (aim_ == Aim::feasibility) {
        return kFeasible;
    }
    const auto times =
        static_cast<double>(times_of_block(problem_->snapshot) * (problem_->blocks->size() + 2));
    return by_formula() ? kLongest : (steps_ + 1) * times * static_cast<double>(kStall);
}

bool Tables::same_rates(std::size_t a, std::size_t b) const {
    const Snapshot& s = problem_->snapshot;
    if (s.devices[a] != s.devices[b]) {
        return false;
    }
    for (std::size_t c = 0; c < devices_; ++c) {
        const bool other = c != a && c != b;
        if (other && (s.link_at(link(a, c)) != s.link_at(link(b, c)) ||
                      s.link_at(link(c, a)) != s.link_at(link(c, b)))) {
            return false;
        }
    }
    return s.link_at(link(a, b)) == s.link_at(link(b, a));
}

/// Where the order of messages matters, devices are never identical, because programs send in the
/// order of ids.
void Tables::find_alike() {
    alike_.assign(devices_ * devices_, false);
    std::vector<bool> plain(devices_, !order_matters(problem_->snapshot));
    plain[step_->source()] = false;
    if (moves_) {
        for (const DeviceId d : *problem_->previous) {
            plain[d.index()] = false;
        }
    }
    for (std::size_t a = 0; a < devices_; ++a) {
        for (std::size_t b = 0; b < devices_; ++b) {
            alike_[link(a, b)] = a != b && plain[a] && plain[b] && same_rates(a, b);
        }
    }
}

} // namespace headroom::scheduler::exact
