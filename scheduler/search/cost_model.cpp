#include "scheduler/search/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

namespace headroom::scheduler {

bool is_better(const Score& a, const Score& b) {
    return std::tie(a.shortage, a.objective, a.tie_break) <
           std::tie(b.shortage, b.objective, b.tie_break);
}

Score CostModel::score(const Incumbent& incumbent, const Score* /*rival*/) {
    return incumbent.score();
}

BusyDevices CostModel::busy_devices(const Incumbent& incumbent) {
    BusyDevices all{std::vector<std::size_t>(incumbent.devices())};
    std::iota(all.devices.begin(), all.devices.end(), std::size_t{0});
    return all;
}

Nanoseconds PhysicalCosts::finish(const Gathering& gathering, std::size_t d, std::int32_t n) const {
    const auto& [layer, holder, target, unit] = gathering;
    return step().partial(layer, holder, d, target, n, unit);
}

Nanoseconds PaperCosts::finish(const Gathering& gathering, std::size_t d, std::int32_t n) const {
    return n * step().unit_time(gathering.layer, d, gathering.unit);
}

Nanoseconds PaperCosts::added(const Gathering& gathering, std::size_t d, std::int32_t n) const {
    return step().outputs_time(d, gathering.target, n);
}

RoundCosts::RoundCosts(const Problem& problem, RoundModel& model, std::size_t max_simulated_steps)
    : PhysicalCosts(model.step()), problem_(&problem), model_(&model),
      max_simulated_steps_(max_simulated_steps) {}

Score RoundCosts::score(const Incumbent& incumbent, const Score* rival) {
    Score score = incumbent.score();
    const auto set_round = [&](double round) {
        score.objective =
            Int128{score.migration} +
            static_cast<Int128>(std::llround(static_cast<double>(problem_->steps()) * round));
    };
    const RoundModel::Estimate bound = model_->bound(incumbent);
    work_ += static_cast<std::int64_t>(incumbent.layers() * incumbent.devices());
    score.tie_break = std::llround(std::sqrt(bound.unevenness));
    set_round(bound.round);
    if (rival != nullptr && !is_better(score, *rival)) {
        // The bound is no score: as equal to the rival, it could be taken for the best placement.
        score.objective = std::max(score.objective, rival->objective + 1);
        return score;
    }
    const std::int64_t before = model_->work();
    set_round(model_->simulate_round(bound, max_simulated_steps_));
    work_ += model_->work() - before;
    return score;
}

std::int64_t RoundCosts::take_work() {
    return std::exchange(work_, 0);
}

BusyDevices RoundCosts::busy_devices(const Incumbent& incumbent) {
    const RoundModel::Estimate bound = model_->bound(incumbent);
    BusyDevices busy = CostModel::busy_devices(incumbent);
    const auto limits = [&](std::size_t d) {
        return bound.limit != RoundModel::Limit::step && (d == bound.device || d == bound.other);
    };
    std::ranges::stable_sort(busy.devices, {}, [&](std::size_t d) {
        return std::pair(!limits(d), -model_->busy(d));
    });
    busy.limiting = static_cast<std::size_t>(std::ranges::count_if(busy.devices, limits));
    return busy;
}

std::unique_ptr<CostModel> step_costs(const StepDelay& step) {
    if (step.uses_paper_formulas()) {
        return std::make_unique<PaperCosts>(step);
    }
    return std::make_unique<PhysicalCosts>(step);
}

} // namespace headroom::scheduler
