// A transport that forwards everything to another one. Tests derive from it to damage messages.
#pragma once

#include "comm/transport.hpp"

namespace headroom::support {

class ForwardingTransport : public comm::Transport {
  public:
    explicit ForwardingTransport(comm::Transport& inner) : inner_(inner) {
        set_options(inner.options());
    }
    [[nodiscard]] DeviceId self() const override { return inner_.self(); }
    [[nodiscard]] std::size_t size() const override { return inner_.size(); }
    [[nodiscard]] comm::PendingSend start_send(
        DeviceId to, comm::Tag tag, std::span<const comm::ConstPart> parts
    ) override {
        return inner_.start_send(to, tag, parts);
    }
    [[nodiscard]] comm::PendingSend start_synchronous_send(
        DeviceId to, comm::Tag tag, std::span<const comm::ConstPart> parts
    ) override {
        return inner_.start_synchronous_send(to, tag, parts);
    }
    void wait(comm::PendingSend& send, const comm::WaitReason& reason) override {
        inner_.wait(send, reason);
    }
    void receive(
        DeviceId from,
        comm::Tag tag,
        std::span<const comm::Part> parts,
        const comm::WaitReason& reason
    ) override {
        inner_.receive(from, tag, parts, reason);
    }
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, comm::Tag tag, const comm::WaitReason& reason
    ) override {
        return inner_.receive_any_size(from, tag, reason);
    }
    [[nodiscard]] bool has_message(DeviceId from, comm::Tag tag) override {
        return inner_.has_message(from, tag);
    }
    void barrier(const comm::WaitReason& reason) override { inner_.barrier(reason); }
    void idle_until(std::chrono::steady_clock::time_point moment) override {
        inner_.idle_until(moment);
    }

  private:
    comm::Transport& inner_;
};

} // namespace headroom::support
