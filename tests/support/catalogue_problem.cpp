#include "support/catalogue_problem.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/random.hpp"
#include "config/scenario/choices.hpp"
#include "runtime/control/controller.hpp"
#include "runtime/memory/memory_demand.hpp"
#include "runtime/memory/memory_window.hpp"
#include "runtime/setup/workload_description.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/policies/registry.hpp"
#include "support/catalogue_scenario.hpp"
#include "support/draws.hpp"

namespace headroom::support {

namespace {

using runtime::InFlightRequest;
using scheduler::Placement;
using scheduler::PolicyKind;
using scheduler::Problem;

constexpr int kMostTries = 20;
/// The number of earlier decisions, evenly spread, that the memory window has seen.
constexpr std::int64_t kEarlierDecisions = 8;

/// Returns the device for a block that needs `bytes`: often the last one, else any with room. If
/// none is found, returns the last one.
std::size_t draw_device(
    Random& random, const std::vector<Bytes>& free, Bytes bytes, std::size_t last, bool together
) {
    if (together && free[last] >= bytes && random.below(10) > 0) {
        return last;
    }
    for (std::size_t tries = 4 * free.size(); tries > 0; --tries) {
        const std::size_t device = random.below(free.size());
        if (free[device] >= bytes) {
            return device;
        }
    }
    return last;
}

/// Returns a random placement that fits. In half of them neighbours are often together.
std::optional<Placement> random_fit(const Problem& problem, Random& random) {
    for (int i = 0; i < kMostTries; ++i) {
        Placement placement(problem.blocks->size(), problem.source);
        std::vector<Bytes> free;
        for (const scheduler::Snapshot::Device& device : problem.snapshot.devices) {
            free.push_back(device.memory - problem.buffers);
        }
        const bool together = random.below(2) == 0;
        std::size_t last = problem.source.index();
        for (std::size_t b = 0; b < placement.size(); ++b) {
            const Bytes bytes =
                problem.blocks->resident_bytes(BlockId(b), problem.memory_rows(), placement);
            if (!problem.is_pinned(BlockId(b))) {
                last = draw_device(random, free, bytes, last, together);
                placement[b] = DeviceId(last);
            }
            free[placement[b].index()] -= bytes;
        }
        if (scheduler::validate(problem, placement).ok()) {
            return placement;
        }
    }
    return std::nullopt;
}

class Builder {
  public:
    explicit Builder(std::uint64_t seed) : random_(stream_seed(seed, "catalogue problem")) {
        made_.seed = seed;
        made_.text = catalogue_scenario_text(seed);
        made_.scenario = config::parse_scenario(made_.text, "catalogue.toml", {});
        workload_ = runtime::describe_workload(made_.scenario);
        made_.blocks =
            std::make_unique<scheduler::Blocks>(workload_.shape, made_.scenario.controller.cut());
        requests_ = runtime::requests_of(made_.scenario, workload_.prompts);
    }

    CatalogueProblem build() {
        made_.problem = first_problem();
        if (random_.below(3) > 0) {
            made_.problem.previous = draw_previous(made_.problem);
        }
        if (made_.problem.previous) {
            make_later(made_.problem);
        }
        return std::move(made_);
    }

  private:
    [[nodiscard]] Problem problem_for(const std::vector<InFlightRequest>& in_flight) const {
        return runtime::problem_of(made_.scenario, *made_.blocks, workload_.turn_sizes, in_flight);
    }

    [[nodiscard]] InFlightRequest request(std::size_t i, std::size_t in_flight) const {
        InFlightRequest request{
            static_cast<std::int64_t>(i), requests_[i].prompt_tokens(), requests_[i].limit};
        if (i + in_flight < requests_.size()) {
            request.next_prompt = requests_[i + in_flight].prompt_tokens();
            request.next_limit = requests_[i + in_flight].limit;
        }
        return request;
    }

    /// Returns the first decision, for as many sequences as the fleet as a whole has memory for.
    Problem first_problem() {
        for (auto count = static_cast<std::size_t>(made_.scenario.workload.slots());; --count) {
            in_flight_.clear();
            for (std::size_t i = 0; i < count; ++i) {
                in_flight_.push_back(request(i, count));
            }
            Problem problem = problem_for(in_flight_);
            problem.snapshot = scheduler::take_snapshot(made_.scenario.fleet, 0, 0);
            if (count == 1 || !runtime::exceeds_total_memory(problem)) {
                problem.safe_memory = window().safe_memory(problem.snapshot);
                return problem;
            }
        }
    }

    [[nodiscard]] runtime::MemoryWindow window() const {
        const config::ControllerConfig& controller = made_.scenario.controller;
        return runtime::MemoryWindow(controller.memory_window, controller.memory_reserve);
    }

    /// Draws the previous placement; nothing if no policy finds one.
    std::optional<Placement> draw_previous(const Problem& first) {
        constexpr std::optional<PolicyKind> kMakers[] = {
            PolicyKind::greedy,
            PolicyKind::dynamic_layer,
            PolicyKind::edgeshard,
            PolicyKind::resource_aware,
            std::nullopt};
        const std::optional<PolicyKind> maker = kMakers[random_.below(std::size(kMakers))];
        made_.previous_by = "random";
        if (!maker) {
            if (auto placement = random_fit(first, random_)) {
                return placement;
            }
        }
        const PolicyKind kind = maker.value_or(PolicyKind::greedy);
        scheduler::Decision decision = scheduler::make_policy(kind)->decide(first);
        made_.previous_by = decision.feasible ? scheduler::name_of(kind) : "";
        return decision.feasible ? std::optional(std::move(decision.placement)) : std::nullopt;
    }

    /// Turns the first decision into a later one: some tokens have been sampled, a few sequences
    /// are still in their prefill, and loads and events have changed the fleet.
    void make_later(Problem& problem) {
        for (InFlightRequest& request : in_flight_) {
            const bool in_prefill = request.sequence > 0 && random_.below(5) == 0;
            request.admitted = true;
            request.sampled = in_prefill ? 0 : between(random_, 1, request.limit);
            request.rows = in_prefill ? between(random_, 0, request.prompt - 1)
                                      : request.prompt + request.sampled - 1;
        }
        const Placement previous = *problem.previous;
        const Nanoseconds clock = between(random_, 1, 100) * kSecond;
        const std::int64_t tokens = in_flight_.front().sampled - 1;
        problem = problem_for(in_flight_);
        problem.previous = previous;
        runtime::MemoryWindow memory = window();
        for (std::int64_t i = 0; i < kEarlierDecisions; ++i) {
            (void)memory.safe_memory(scheduler::take_snapshot(
                made_.scenario.fleet, clock * i / kEarlierDecisions, tokens * i / kEarlierDecisions
            ));
        }
        problem.snapshot = scheduler::take_snapshot(made_.scenario.fleet, clock, tokens);
        problem.safe_memory = memory.safe_memory(problem.snapshot);
    }

    Random random_;
    CatalogueProblem made_;
    runtime::WorkloadDescription workload_;
    std::vector<runtime::Request> requests_;
    std::vector<InFlightRequest> in_flight_;
};

/// Returns the lowest and the highest bandwidth of a link, in Mbit/s, and the longest latency.
std::string links_text(const scheduler::Snapshot& snapshot) {
    PerSecond slowest = kUnlimited;
    PerSecond fastest = 0;
    Nanoseconds latency = 0;
    for (std::size_t pair = 0; pair < snapshot.size() * snapshot.size(); ++pair) {
        if (pair / snapshot.size() != pair % snapshot.size()) {
            const scheduler::Snapshot::Link& link = snapshot.link_at(pair);
            slowest = std::min(slowest, link.bandwidth);
            fastest = std::max(fastest, link.bandwidth);
            latency = std::max(latency, link.latency);
        }
    }
    return fmt::format(
        "links {:.3g} to {:.3g} Mbit/s, up to {:.3g} ms",
        static_cast<double>(slowest) / 125e3,
        static_cast<double>(fastest) / 125e3,
        static_cast<double>(latency) / 1e6
    );
}

} // namespace

CatalogueProblem catalogue_problem(std::uint64_t seed) {
    return Builder(seed).build();
}

std::string description(const CatalogueProblem& made) {
    const Problem& problem = made.problem;
    return fmt::format(
        "seed {}: {}, {} layers x {} groups, {} devices, {}; {}, {}, {} in flight, λ {}{}; {}{}",
        made.seed,
        made.scenario.preset,
        problem.blocks->shape().layers,
        problem.blocks->groups(),
        problem.snapshot.size(),
        links_text(problem.snapshot),
        config::name_of(problem.blocks->cut().granularity),
        config::name_of(problem.aim),
        problem.in_flight(),
        problem.interval,
        problem.look_ahead > 0 ? fmt::format(" (look-ahead {})", problem.look_ahead) : "",
        problem.previous ? fmt::format("previous by {}", made.previous_by) : "first decision",
        problem.safe_memory.empty() ? "" : ", with safe memory"
    );
}

} // namespace headroom::support
