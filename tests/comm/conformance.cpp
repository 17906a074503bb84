// The list of cases, and their common functions.
#include "conformance.hpp"

#include <algorithm>
#include <string>

#include "base/random.hpp"
#include "conformance_support.hpp"

namespace headroom::comm {

const std::vector<ConformanceCase>& conformance_cases() {
    static const std::vector<ConformanceCase> kCases = {
        {"fifo_per_peer_and_tag", cases::fifo_per_peer_and_tag},
        {"tags_are_independent", cases::tags_are_independent},
        {"zero_length", cases::zero_length},
        {"many_parts_and_one", cases::many_parts_and_one},
        {"large_messages", cases::large_messages},
        {"self_send", cases::self_send},
        {"many_pending", cases::many_pending},
        {"both_directions_at_once", cases::both_directions_at_once},
        {"ring_exchange", cases::ring_exchange},
        {"any_size", cases::any_size},
        {"copies_are_kept", cases::copies_are_kept},
        {"all_to_all_stress", cases::all_to_all_stress},
        {"ready_tells_what_is_there", cases::ready_tells_what_is_there},
        {"synchronous_send_waits_for_taker", cases::synchronous_send_waits_for_taker},
        {"barrier_waits_for_the_last", cases::barrier_waits_for_the_last},
        {"wrong_length_is_a_bug", cases::wrong_length_is_a_bug},
        {"idle_is_precise", cases::idle_is_precise},
        {"idle_burns_no_core", cases::idle_burns_no_core},
        {"idle_lets_transfers_go_on", cases::idle_lets_transfers_go_on},
        {"interrupt_ends_waits", cases::interrupt_ends_waits},
        {"wait_that_never_ends_names_both", cases::wait_that_never_ends_names_both},
    };
    return kCases;
}

const ConformanceCase& conformance_case(std::string_view name) {
    for (const ConformanceCase& one : conformance_cases()) {
        if (one.name == name) {
            return one;
        }
    }
    throw std::out_of_range("no conformance case " + std::string(name));
}

ByteVector pattern(std::size_t bytes, std::uint64_t stream) {
    ByteVector result(bytes);
    for (std::size_t i = 0; i < bytes; i += 8) {
        const std::uint64_t word = random_bits(stream, i);
        for (std::size_t k = i; k < std::min(i + 8, bytes); ++k) {
            result[k] = static_cast<std::byte>(word >> (8 * (k - i)));
        }
    }
    return result;
}

std::uint64_t stream_of(DeviceId from, DeviceId to, std::uint64_t serial) {
    return stream_seed(serial, "message", from.index(), to.index());
}

DeviceId next_device(const Transport& transport) {
    return DeviceId((transport.self().index() + 1) % transport.size());
}

DeviceId previous_device(const Transport& transport) {
    return DeviceId((transport.self().index() + transport.size() - 1) % transport.size());
}

std::vector<DeviceId> all_devices(const Transport& transport) {
    std::vector<DeviceId> devices;
    for (std::size_t i = 0; i < transport.size(); ++i) {
        devices.emplace_back(i);
    }
    return devices;
}

PendingSend start_one(Transport& transport, DeviceId to, Tag tag, ConstPart bytes) {
    return transport.start_send(to, tag, std::span(&bytes, 1));
}

void wait_all(Transport& transport, std::vector<PendingSend>& sends) {
    for (PendingSend& send : sends) {
        transport.wait(send, {.what = "its turn to be sent"});
    }
    sends.clear();
}

std::vector<Part> cut(Part bytes, std::size_t parts, std::uint64_t stream) {
    Random random(stream);
    std::vector<Part> result;
    for (std::size_t i = 0; i + 1 < parts; ++i) {
        // Every third part is empty; the others take up to a third of what is left.
        const std::size_t length =
            i % 3 == 1 ? 0 : static_cast<std::size_t>(random.below(bytes.size() / 3 + 1));
        result.push_back(bytes.first(length));
        bytes = bytes.subspan(length);
    }
    result.push_back(bytes);
    return result;
}

std::vector<ConstPart> const_parts(const std::vector<Part>& parts) {
    return {parts.begin(), parts.end()};
}

} // namespace headroom::comm
