#include "runtime/setup/requests.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "scheduler/core/size_limits.hpp"

namespace headroom::runtime {

std::vector<Request> requests_of(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume
) {
    const config::WorkloadConfig& workload = scenario.workload;
    HEADROOM_CHECK(
        prompts.size() == workload.distinct_prompts(),
        "{} prompts instead of {}",
        prompts.size(),
        workload.distinct_prompts()
    );
    const std::vector<Nanoseconds> arrivals = config::arrival_times(scenario);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < workload.requests(); ++i) {
        requests.push_back({&prompts[i % prompts.size()], workload.max_tokens_of(i), arrivals[i]});
    }
    if (resume != nullptr) {
        for (const ResumePoint::Unfinished& open : resume->unfinished) {
            const auto number = static_cast<std::size_t>(open.sequence);
            if (open.sequence < 0 || number >= requests.size()) {
                throw InputError(fmt::format(
                    "damaged: a sequence {}, but the scenario has {} requests",
                    open.sequence,
                    requests.size()
                ));
            }
            Request& request = requests[number];
            request.begun_at = open.begin;
            request.last_logits = open.last_logits;
            request.history = *request.prompt;
            request.history.insert(request.history.end(), open.sampled.begin(), open.sampled.end());
        }
    }
    return requests;
}

std::vector<std::int64_t> queue_of(std::size_t requests, const ResumePoint* resume) {
    std::vector<std::int64_t> queue(requests);
    std::iota(queue.begin(), queue.end(), std::int64_t{0});
    if (resume != nullptr) {
        const std::set<std::int64_t> ended(resume->ended.begin(), resume->ended.end());
        std::erase_if(queue, [&](std::int64_t sequence) { return ended.contains(sequence); });
    }
    return queue;
}

scheduler::TurnSizes turn_sizes(
    const config::Scenario& scenario, const std::vector<std::vector<std::int32_t>>& prompts
) {
    scheduler::TurnSizes sizes;
    for (const std::vector<std::int32_t>& prompt : prompts) {
        sizes.tokens = std::max(sizes.tokens, static_cast<std::int64_t>(prompt.size()));
    }
    const std::int64_t chunk = scenario.workload.prefill_chunk;
    sizes.tokens = chunk > 0 ? std::min(sizes.tokens, chunk) : sizes.tokens;
    sizes.slots = scenario.workload.slots();
    const std::int64_t batch = scenario.controller.batch; // 0: each decision chooses it
    sizes.joined = std::min({batch > 0 ? batch : sizes.slots, sizes.slots, kMaxJoined});
    return sizes;
}

void check_cut(const config::Scenario& scenario, const ModelShape& shape) {
    const std::string problem = config::slices_problem(scenario.controller, shape);
    if (!problem.empty()) {
        throw InputError(problem);
    }
    std::vector<std::string> problems =
        config::given_problems(scenario.controller, shape, scenario.fleet.source);
    if (!problems.empty()) {
        throw InputError(std::move(problems));
    }
}

void check_sizes(
    const config::Scenario& scenario,
    const ModelShape& shape,
    const std::vector<std::vector<std::int32_t>>& prompts
) {
    std::int64_t longest = 0;
    for (const std::vector<std::int32_t>& prompt : prompts) {
        longest = std::max(longest, static_cast<std::int64_t>(prompt.size()));
    }
    // Decisions compute costs up to one interval beyond the last token.
    longest += scenario.workload.tokens + scenario.controller.interval;
    std::vector<std::string> problems =
        scheduler::size_problems(shape, turn_sizes(scenario, prompts), longest);
    if (!problems.empty()) {
        throw InputError(std::move(problems));
    }
}

} // namespace headroom::runtime
