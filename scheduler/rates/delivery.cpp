#include "scheduler/rates/delivery.hpp"

#include "base/int128.hpp"
#include "base/random.hpp"

namespace headroom::scheduler {
namespace {

/// Returns the stream of random numbers of one message.
std::uint64_t stream_of(
    const LinkVariation& variation, DeviceId from, DeviceId to, const MessageKey& key
) {
    std::uint64_t state = variation.stream;
    for (const std::int64_t part :
         {static_cast<std::int64_t>(from.value),
          static_cast<std::int64_t>(to.value),
          key.turn,
          static_cast<std::int64_t>(key.payload),
          static_cast<std::int64_t>(key.layer),
          static_cast<std::int64_t>(key.part)}) {
        state = mix_bits(state ^ static_cast<std::uint64_t>(part));
    }
    return state;
}

/// Returns the mean number of failures of a message in parts per billion: the sum of loss^k for k
/// from 1 to kMaxFailures.
std::int64_t mean_failures(Ppb loss) {
    std::int64_t sum = 0;
    Ppb power = kWhole;
    for (int k = 0; k < kMaxFailures; ++k) {
        power = power * loss / kWhole; // both are at most 1e9
        sum += power;
    }
    return sum;
}

} // namespace

Delivery draw_delivery(
    const LinkVariation& variation, DeviceId from, DeviceId to, const MessageKey& key
) {
    Delivery drawn;
    if (variation.loss == 0 && variation.jitter_high == 0) {
        return drawn;
    }
    const std::uint64_t stream = stream_of(variation, from, to, key);
    const auto choices =
        static_cast<std::uint64_t>(variation.jitter_high - variation.jitter_low + 1);
    drawn.delay = variation.jitter_low + static_cast<Nanoseconds>(random_below(stream, 0, choices));
    const auto loss = static_cast<std::uint64_t>(variation.loss);
    while (drawn.failures < kMaxFailures &&
           random_below(
               stream, static_cast<std::uint64_t>(drawn.failures) + 1, std::uint64_t{kWhole}
           ) < loss) {
        ++drawn.failures;
    }
    return drawn;
}

PerSecond mean_bandwidth(const LinkVariation& variation, PerSecond bandwidth) {
    if (variation.loss == 0 || bandwidth == kUnlimited) {
        return bandwidth;
    }
    const auto transmissions = static_cast<std::uint64_t>(kWhole + mean_failures(variation.loss));
    const UInt128 scaled =
        UInt128{static_cast<std::uint64_t>(bandwidth)} * static_cast<std::uint64_t>(kWhole);
    return static_cast<PerSecond>(scaled / transmissions);
}

Nanoseconds mean_latency(const LinkVariation& variation, Nanoseconds latency) {
    const UInt128 timeouts = UInt128{static_cast<std::uint64_t>(variation.retransmit_timeout)} *
                             static_cast<std::uint64_t>(mean_failures(variation.loss)) /
                             static_cast<std::uint64_t>(kWhole);
    return after(after(latency, variation.jitter_mean), static_cast<Nanoseconds>(timeouts));
}

} // namespace headroom::scheduler
