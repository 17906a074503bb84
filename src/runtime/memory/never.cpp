#include "runtime/memory/never.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headroom::runtime {

std::string never_ends_because(
    std::initializer_list<const scheduler::Profile*> rates, Nanoseconds start, std::int64_t tokens
) {
    const bool stays_0 = start < scheduler::kHorizon &&
                         std::any_of(rates.begin(), rates.end(), [&](const auto* rate) {
                             return scheduler::finish(*rate, start, 1, tokens) == kNever;
                         });
    if (stays_0) {
        return "stays 0, expected it to rise again";
    }
    constexpr Nanoseconds kDay = 24 * 3600 * kSecond;
    return fmt::format(
        "is too low for what a run may take: a year of virtual time ({} days) in all, and for one "
        "operation or message {} draws of a random load; expected a higher rate, or longer periods "
        "of its load",
        scheduler::kHorizon / kDay,
        scheduler::kMaxDraws
    );
}

} // namespace headroom::runtime
