// The token limit of a whole workload, and the arrival times of its requests.
#include <cmath>

#include "base/random.hpp"
#include "config/scenario/scenario.hpp"
#include "config/toml/exact.hpp"

namespace headroom::config {

namespace {

/// Returns an exponential variate with mean 1, by von Neumann's comparison method: a descending run
/// of uniform numbers that starts with u has odd length with probability exp(−u). The method needs
/// no logarithm, so the result does not depend on the mathematical library.
double exponential(std::uint64_t stream) {
    Random random(stream);
    for (double whole = 0;; ++whole) {
        const double first = random.unit();
        double last = first;
        bool odd = true;
        for (double next = random.unit(); next < last; next = random.unit()) {
            last = next;
            odd = !odd;
        }
        if (odd) {
            return whole + first;
        }
    }
}

std::vector<Nanoseconds> poisson_times(
    double per_second, std::uint64_t seed, std::size_t requests
) {
    std::vector<Nanoseconds> times;
    times.reserve(requests);
    Nanoseconds now = 0;
    for (std::size_t i = 0; i < requests; ++i) {
        const double gap = exponential(stream_seed(seed, "arrivals", i)) *
                           static_cast<double>(kSecond) / per_second;
        const double latest = static_cast<double>(kMaxValue - now);
        now = gap < latest ? now + std::llround(gap) : kMaxValue;
        times.push_back(now);
    }
    return times;
}

} // namespace

std::int64_t WorkloadConfig::max_tokens_in_all() const {
    std::int64_t of_one_list = tokens * static_cast<std::int64_t>(distinct_prompts());
    if (!tokens_each.empty()) {
        of_one_list = 0;
        for (const std::int64_t limit : tokens_each) {
            of_one_list += limit;
        }
    }
    return of_one_list * repeat;
}

std::vector<Nanoseconds> arrival_times(const Scenario& scenario) {
    const ArrivalsConfig& arrivals = scenario.workload.arrivals;
    const std::size_t requests = scenario.workload.requests();
    switch (arrivals.kind) {
    case ArrivalsConfig::Kind::given:
        return arrivals.at;
    case ArrivalsConfig::Kind::poisson:
        return poisson_times(arrivals.per_second, arrivals.seed.value_or(scenario.seed), requests);
    case ArrivalsConfig::Kind::at_once:
        break;
    }
    return std::vector<Nanoseconds>(requests, 0);
}

} // namespace headroom::config
