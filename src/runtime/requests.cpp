#include "runtime/requests.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace headroom::runtime {

std::vector<Request> requests_of(
    const config::Scenario& scenario, const std::vector<std::vector<std::int32_t>>& prompts
) {
    const config::WorkloadConfig& workload = scenario.workload;
    HEADROOM_CHECK(
        prompts.size() == workload.distinct(),
        "{} prompts instead of {}",
        prompts.size(),
        workload.distinct()
    );
    const std::vector<Nanoseconds> arrivals = config::arrival_times(scenario);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < workload.requests(); ++i) {
        requests.push_back({&prompts[i % prompts.size()], workload.tokens_of(i), arrivals[i]});
    }
    return requests;
}

std::int64_t tokens_per_turn(
    const config::Scenario& scenario, const std::vector<std::vector<std::int32_t>>& prompts
) {
    std::int64_t most = 1;
    for (const std::vector<std::int32_t>& prompt : prompts) {
        most = std::max(most, static_cast<std::int64_t>(prompt.size()));
    }
    const std::int64_t chunk = scenario.workload.prefill_chunk;
    return chunk > 0 ? std::min(most, chunk) : most;
}

} // namespace headroom::runtime
