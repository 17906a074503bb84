// Helpers of the conformance cases: requirements, recognisable bytes, neighbours.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "comm/transport.hpp"
#include "conformance.hpp"

namespace headroom::comm {

using ByteVector = std::vector<std::byte>;

/// Throws ConformanceFailure with the device and the text unless the condition holds.
template <class... Values>
void require(
    const Transport& transport,
    bool condition,
    fmt::format_string<Values...> text,
    Values&&... values
) {
    if (!condition) {
        throw ConformanceFailure(fmt::format(
            "device {}: {}",
            transport.self().value,
            fmt::format(text, std::forward<Values>(values)...)
        ));
    }
}

/// Returns bytes that depend on the stream and on their position in it.
[[nodiscard]] ByteVector pattern(std::size_t bytes, std::uint64_t stream);

/// Returns a stream for pattern() that depends on sender, receiver and a serial number.
[[nodiscard]] std::uint64_t stream_of(DeviceId from, DeviceId to, std::uint64_t serial = 0);

[[nodiscard]] DeviceId next_device(const Transport& transport);
[[nodiscard]] DeviceId previous_device(const Transport& transport);
[[nodiscard]] std::vector<DeviceId> all_devices(const Transport& transport);

[[nodiscard]] PendingSend start_one(Transport& transport, DeviceId to, Tag tag, ConstPart bytes);
void wait_all(Transport& transport, std::vector<PendingSend>& sends);

/// Cuts the bytes into parts of various lengths, some of them empty.
[[nodiscard]] std::vector<Part> cut(Part bytes, std::size_t parts, std::uint64_t stream);
[[nodiscard]] std::vector<ConstPart> const_parts(const std::vector<Part>& parts);

/// Changes the options of a transport until the end of the scope.
class OptionsForNow {
  public:
    explicit OptionsForNow(Transport& transport)
        : transport_(transport), before_(transport.options()) {}
    OptionsForNow(const OptionsForNow&) = delete;
    OptionsForNow& operator=(const OptionsForNow&) = delete;
    ~OptionsForNow() { transport_.set_options(std::move(before_)); }

  private:
    Transport& transport_;
    Transport::Options before_;
};

// Cases, by file.
namespace cases {
void fifo_per_peer_and_tag(Transport& transport);
void tags_are_independent(Transport& transport);
void zero_length(Transport& transport);
void many_parts_and_one(Transport& transport);
void large_messages(Transport& transport);
void self_send(Transport& transport);
void many_pending(Transport& transport);
void both_directions_at_once(Transport& transport);
void ring_exchange(Transport& transport);
void any_size(Transport& transport);
void copies_are_kept(Transport& transport);
void all_to_all_stress(Transport& transport);

void ready_tells_what_is_there(Transport& transport);
void synchronous_send_waits_for_taker(Transport& transport);
void barrier_waits_for_the_last(Transport& transport);
void wait_that_never_ends_names_both(Transport& transport);
void interrupt_ends_waits(Transport& transport);
void wrong_length_is_a_bug(Transport& transport);
void idle_is_precise(Transport& transport);
void idle_burns_no_core(Transport& transport);
void idle_lets_transfers_go_on(Transport& transport);
} // namespace cases

} // namespace headroom::comm
