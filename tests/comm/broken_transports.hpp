// Twins of the conformance suite: transports with one fault each, with which one case must fail.
// They are built on a transport that forwards everything except its options.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "comm/transport.hpp"

namespace headroom::comm {

class ForwardingTransport : public Transport {
  public:
    explicit ForwardingTransport(Transport& inner) : inner_(inner) {}
    [[nodiscard]] DeviceId self() const override { return inner_.self(); }
    [[nodiscard]] std::size_t size() const override { return inner_.size(); }
    [[nodiscard]] PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts)
        override {
        return inner_.start_send(to, tag, parts);
    }
    [[nodiscard]] PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) override {
        return inner_.start_synchronous_send(to, tag, parts);
    }
    void wait(PendingSend& send, const WaitReason& reason) override { inner_.wait(send, reason); }
    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& reason)
        override {
        inner_.receive(from, tag, parts, reason);
    }
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const WaitReason& reason
    ) override {
        return inner_.receive_any_size(from, tag, reason);
    }
    [[nodiscard]] bool has_message(DeviceId from, Tag tag) override {
        return inner_.has_message(from, tag);
    }
    void barrier(const WaitReason& reason) override { inner_.barrier(reason); }
    void idle_until(std::chrono::steady_clock::time_point moment) override {
        inner_.idle_until(moment);
    }

  protected:
    [[nodiscard]] Transport& inner() { return inner_; }

  private:
    Transport& inner_;
};

struct BrokenTransport {
    std::string_view name;
    std::string_view failing_case; ///< the case that must fail; empty if none
    std::function<std::unique_ptr<Transport>(Transport&)> make;
};

/// All broken transports. The first has no fault, and its failing_case is empty.
[[nodiscard]] const std::vector<BrokenTransport>& broken_transports();

/// Swaps each pair of messages of a receiver and tag.
[[nodiscard]] std::unique_ptr<Transport> make_reordering(Transport& inner);

} // namespace headroom::comm
