// One class for each fault of a transport.
#include "broken_transports.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

namespace headroom::comm {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using SteadyTime = steady_clock::time_point;

std::vector<std::byte> joined(std::span<const ConstPart> parts) {
    std::vector<std::byte> bytes;
    for (const ConstPart& part : parts) {
        bytes.insert(bytes.end(), part.begin(), part.end());
    }
    return bytes;
}

class Reordering final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts) override {
        const auto key = std::pair(to, tag);
        if (const auto first = held_.find(key); first != held_.end()) {
            inner().send_copy(to, tag, joined(parts));
            inner().send_copy(to, tag, std::move(first->second));
            held_.erase(first);
        } else {
            held_.emplace(key, joined(parts));
        }
        return {};
    }

  private:
    std::map<std::pair<DeviceId, Tag>, std::vector<std::byte>> held_;
};

class Dropping final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts) override {
        return ++sends_ % 50 == 0 ? PendingSend{} : inner().start_send(to, tag, parts);
    }

  private:
    int sends_ = 0;
};

class SkippingEmpty final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts) override {
        return bytes_of(parts) == 0 ? PendingSend{} : inner().start_send(to, tag, parts);
    }
};

class Doubling final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts) override {
        inner().send_copy(to, tag, joined(parts));
        return inner().start_send(to, tag, parts);
    }
};

class Corrupting final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& w)
        override {
        inner().receive(from, tag, parts, w);
        spoil(parts);
    }
    std::vector<std::byte> receive_any_size(DeviceId from, Tag tag, const WaitReason& w) override {
        std::vector<std::byte> bytes = inner().receive_any_size(from, tag, w);
        const Part whole = bytes;
        spoil({&whole, 1});
        return bytes;
    }

  private:
    /// One bit of every long message, in its last part that has bytes.
    static void spoil(std::span<const Part> parts) {
        for (std::size_t i = parts.size(); bytes_of(parts) >= 1000 && i-- > 0;) {
            if (!parts[i].empty()) {
                parts[i].back() ^= std::byte{1};
                return;
            }
        }
    }
};

class TagBlind final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    PendingSend start_send(DeviceId to, Tag, std::span<const ConstPart> parts) override {
        return inner().start_send(to, Tag::data, parts);
    }
    void receive(DeviceId from, Tag, std::span<const Part> parts, const WaitReason& w) override {
        inner().receive(from, Tag::data, parts, w);
    }
};

class NeverSynchronous final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    PendingSend start_synchronous_send(DeviceId to, Tag tag, std::span<const ConstPart> parts)
        override {
        return inner().start_send(to, tag, parts);
    }
};

class NoBarrier final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    void barrier(const WaitReason&) override {}
};

class AlwaysReady final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    bool has_message(DeviceId, Tag) override { return true; }
};

class AnyLength final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& w)
        override {
        const std::vector<std::byte> bytes = inner().receive_any_size(from, tag, w);
        std::copy_n(bytes.begin(), std::min(bytes.size(), parts[0].size()), parts[0].begin());
    }
};

class BusyIdle final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;

    void idle_until(SteadyTime moment) override {
        while (steady_clock::now() < moment) {
        }
    }
};

class EarlyIdle final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    void idle_until(SteadyTime moment) override { inner().idle_until(moment - milliseconds(2)); }
};

class LateIdle final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    void idle_until(SteadyTime moment) override { inner().idle_until(moment + milliseconds(2)); }
};

class DeadIdle final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    void idle_until(SteadyTime moment) override { std::this_thread::sleep_until(moment); }
};

template <class Broken>
BrokenTransport twin(std::string_view name, std::string_view failing_case) {
    return {name, failing_case, [](Transport& inner) { return std::make_unique<Broken>(inner); }};
}

} // namespace

std::unique_ptr<Transport> make_reordering(Transport& inner) {
    return std::make_unique<Reordering>(inner);
}

const std::vector<BrokenTransport>& broken_transports() {
    static const std::vector<BrokenTransport> kTwins = {
        twin<ForwardingTransport>("faithful", ""),
        twin<Reordering>("reordering", "fifo_per_peer_and_tag"),
        twin<Dropping>("dropping", "fifo_per_peer_and_tag"),
        twin<Dropping>("dropping_copies", "copies_are_kept"),
        twin<Dropping>("dropping_when_many", "many_pending"),
        twin<SkippingEmpty>("skipping_empty", "zero_length"),
        twin<Doubling>("doubling", "ring_exchange"),
        twin<Corrupting>("corrupting_large", "large_messages"),
        twin<Corrupting>("corrupting_parts", "many_parts_and_one"),
        twin<Corrupting>("corrupting_self", "self_send"),
        twin<Corrupting>("corrupting_both", "both_directions_at_once"),
        twin<Corrupting>("corrupting_any", "any_size"),
        twin<Corrupting>("corrupting_stress", "all_to_all_stress"),
        twin<TagBlind>("tag_blind", "tags_are_independent"),
        twin<NeverSynchronous>("never_synchronous", "synchronous_send_waits_for_taker"),
        twin<NoBarrier>("no_barrier", "barrier_waits_for_the_last"),
        twin<AlwaysReady>("always_ready", "ready_tells_what_is_there"),
        twin<AnyLength>("any_length", "wrong_length_is_a_bug"),
        twin<BusyIdle>("busy_idle", "idle_burns_no_core"),
        twin<EarlyIdle>("early_idle", "idle_is_precise"),
        twin<LateIdle>("late_idle", "idle_is_precise"),
        twin<DeadIdle>("dead_idle", "idle_lets_transfers_go_on"),
        twin<ForwardingTransport>("deaf_to_interrupts", "interrupt_ends_waits"),
        twin<ForwardingTransport>("nameless", "wait_that_never_ends_names_both"),
    };
    return kTwins;
}

} // namespace headroom::comm
