// A transport in front of another one, for tests that spoil something on the way.
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
    [[nodiscard]] std::string_view name() const override { return inner_.name(); }
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
    void wait(comm::PendingSend& send, const comm::Waiting& waiting) override {
        inner_.wait(send, waiting);
    }
    void receive(
        DeviceId from,
        comm::Tag tag,
        std::span<const comm::Part> parts,
        const comm::Waiting& waiting
    ) override {
        inner_.receive(from, tag, parts, waiting);
    }
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, comm::Tag tag, const comm::Waiting& waiting
    ) override {
        return inner_.receive_any_size(from, tag, waiting);
    }
    [[nodiscard]] bool ready(DeviceId from, comm::Tag tag) override {
        return inner_.ready(from, tag);
    }
    void barrier(const comm::Waiting& waiting) override { inner_.barrier(waiting); }
    void idle_until(std::chrono::steady_clock::time_point moment) override {
        inner_.idle_until(moment);
    }

  private:
    comm::Transport& inner_;
};

} // namespace headroom::support
